// SPDX-License-Identifier: Apache-2.0
// Tags that the team described, so that everybody means the same by them.
import {call, get, path} from "../lib/api.js";
import {curlButton} from "../lib/curl.js";
import {formDialog} from "../lib/dialog.js";
import {fill, h} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {field, input, need} from "../lib/forms.js";
import {button, empty, loading, pageHead} from "../lib/parts.js";
import {scope} from "../lib/scope.js";
import {may} from "../lib/session.js";
import {table} from "../lib/table.js";
import {toast} from "../lib/toast.js";

const COLUMNS = [{title: "Tag"}, {title: "Description"}, {title: "Actions", hidden: true, class: "end"}];

export function tagsPage() {
	const life = scope();
	const place = h("div", {}, loading());

	async function load() {
		try {
			const items = (await get("/provisioning/tags", {signal: life.signal})).items ?? [];
			fill(
				place,
				items.length
					? table(
							"Tags",
							COLUMNS,
							items.map((t) => [
								h(
									"a",
									{
										href: `#/devices?tag=${encodeURIComponent(t.tag)}`,
										title: "Devices with this tag",
									},
									t.tag
								),
								t.description || h("span", {class: "muted"}, "none"),
								may("editor")
									? h(
											"div",
											{class: "actions end"},
											button("Change", () => tagDialog(t, load), "quiet", {
												"aria-label": `Change the tag ${t.tag}`,
											}),
											button("Delete…", () => deleteDialog(t, load), "quiet", {
												"aria-label": `Delete the tag ${t.tag}`,
											})
										)
									: "",
							])
						).element
					: empty(
							"No tags described",
							"Devices and rules may have tags all the same; a description says what one is for.",
							may("editor")
								? button("Describe a tag", () => tagDialog(null, load), "primary")
								: null
						)
			);
		} catch (error) {
			if (!life.ended) fill(place, errorBox(error));
		}
	}
	load();
	return {
		title: "Tags",
		stop: life.end,
		element: h(
			"div",
			{class: "page"},
			pageHead(
				"Tags",
				"A tag joins devices with rules: give a device a tag, and the rules with that tag set it up.",
				may("editor") ? button("Describe a tag", () => tagDialog(null, load), "primary") : null
			),
			h(
				"div",
				{class: "count-line"},
				h("span", {class: "grow"}),
				curlButton(() => ({method: "GET", path: "/provisioning/tags"}), "this list")
			),
			place
		),
	};
}

function tagDialog(tag, reload) {
	const name = input({value: tag?.tag ?? "", maxlength: 64, readonly: Boolean(tag)});
	const nameField = field("Tag", name, "Letters, digits and - _ . :");
	const description = input({value: tag?.description ?? "", maxlength: 256});
	const request = () => ({
		method: "POST",
		path: "/provisioning/tags",
		body: {tag: need(nameField, name, "the tag"), description: description.value.trim()},
	});
	formDialog({
		title: tag ? `Describe ${tag.tag}` : "Describe a tag",
		label: "Save",
		extra: [curlButton(request, "this tag")],
		body: h("div", {class: "stack"}, nameField, field("Description", description)),
		submit: async () => {
			await call(request());
			toast("Tag saved");
			reload();
		},
	});
}

function deleteDialog(tag, reload) {
	const request = {method: "DELETE", path: path`/provisioning/tags/${tag.tag}`};
	formDialog({
		title: `Delete ${tag.tag}?`,
		label: "Delete the tag",
		danger: true,
		extra: [curlButton(() => request, "deleting the tag")],
		body: h("p", {}, "Its description goes. Devices and rules that have the tag keep it."),
		submit: async () => {
			await call(request);
			toast("Tag deleted");
			reload();
		},
	});
}
