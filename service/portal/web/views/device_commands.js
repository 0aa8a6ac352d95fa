// SPDX-License-Identifier: Apache-2.0
// The queue of a device, and what it answered.
import {call, get, path} from "../lib/api.js";
import {curlButton} from "../lib/curl.js";
import {fill, h, refill} from "../lib/dom.js";
import {formDialog, openDialog} from "../lib/dialog.js";
import {errorBox} from "../lib/errors.js";
import {field, input} from "../lib/forms.js";
import {button, empty, facts, loading, section} from "../lib/parts.js";
import {requestForm} from "../lib/request_form.js";
import {titleOf, typeOf} from "../lib/requests.js";
import {may} from "../lib/session.js";
import {commandBadge} from "../lib/status.js";
import {duration, timeElement} from "../lib/time.js";
import {toast} from "../lib/toast.js";

const OPEN_MAX = 20;
const isOpen = (c) => c.status === "PENDING" || c.status === "IN_PROGRESS";

export function commandsPart(state) {
	const place = h("div", {}, loading());
	const note = h("p", {class: "muted"});
	let shown = "";

	async function load() {
		let items;
		try {
			items =
				(await get(path`/claimed-devices/${state.id}/provisioning`, {signal: state.life.signal}))
					.items ?? [];
		} catch (error) {
			shown = "";
			if (!state.life.ended) fill(place, errorBox(error));
			return;
		}
		const is = JSON.stringify(items);
		if (is === shown || state.life.ended) return;
		shown = is;
		const open = items.filter(isOpen).length;
		fill(note, items.length ? `${open} of at most ${OPEN_MAX} open.` : "");
		if (!items.length)
			return fill(
				place,
				empty(
					"No commands",
					"Rules queue theirs when the device connects. Add one of your own at any time."
				)
			);
		refill(
			place,
			h(
				"ol",
				{class: "commands"},
				items.toReversed().map((c) => entry(state, c, load))
			)
		);
	}
	const add = () => addDialog(state, load);
	return {
		add,
		load,
		element: section(
			"Commands",
			{actions: may("editor") ? [button("Add a command", add, "quiet")] : []},
			note,
			place
		),
	};
}

function entry(state, command, reload) {
	const type = typeOf(command.request);
	return h(
		"li",
		{"data-status": command.status},
		h(
			"div",
			{class: "command-line"},
			commandBadge(command.status),
			h(
				"div",
				{class: "what"},
				h("strong", {}, titleOf(type)),
				command.description ? h("p", {class: "small break"}, command.description) : null,
				command.error ? h("p", {class: "small bad-text break"}, command.error) : null
			),
			h(
				"div",
				{class: "command-end"},
				h("span", {class: "muted small"}, took(command)),
				button("Details", () => detailsDialog(state, command, reload), "quiet", {
					"aria-label": `Details of ${titleOf(type)}`,
					"data-key": command.id,
				})
			)
		)
	);
}

function took(command) {
	if (isOpen(command)) return ["queued ", timeElement(command.createdAt)];
	return [
		timeElement(command.updatedAt),
		duration(command.durationMs) ? `, took ${duration(command.durationMs)}` : "",
	];
}

function detailsDialog(state, command, reload) {
	const remove = {method: "DELETE", path: path`/claimed-devices/${state.id}/provisioning/${command.id}`};
	const message = h("div", {});
	const text = (value) => h("pre", {class: "json"}, JSON.stringify(value, null, 2));
	const dialog = openDialog({
		title: titleOf(typeOf(command.request)),
		wide: true,
		body: h(
			"div",
			{class: "stack"},
			facts([
				["Status", commandBadge(command.status)],
				["Id", h("span", {class: "mono break"}, command.id)],
				["Description", command.description || null],
				["Error", command.error ?? null],
				["From", command.ruleId ? "a rule" : "an owner"],
				["Queued", timeElement(command.createdAt)],
				["Changed", timeElement(command.updatedAt)],
			]),
			h("h3", {}, "Request"),
			text(command.request),
			command.response ? [h("h3", {}, "Answer of the device"), text(command.response)] : null,
			message
		),
		actions: [
			curlButton(() => ({method: "GET", path: remove.path}), "reading this command"),
			may("editor") && command.status !== "IN_PROGRESS"
				? [
						curlButton(() => remove, "deleting this command"),
						button(
							"Delete the command",
							async () => {
								try {
									await call(remove);
									dialog.close();
									toast("Command deleted");
									reload();
								} catch (error) {
									fill(message, errorBox(error));
								}
							},
							"danger"
						),
					]
				: null,
		]
			.flat(2)
			.filter(Boolean),
	});
}

function addDialog(state, reload) {
	const form = requestForm({cloudAccessKeyGeneration: {secTag: 16842753}});
	const description = input({maxlength: 256});
	const request = () => ({
		method: "POST",
		path: path`/claimed-devices/${state.id}/provisioning`,
		body: {description: description.value.trim() || undefined, request: form.read()},
	});
	formDialog({
		title: "Add a command",
		label: "Add the command",
		wide: true,
		body: h(
			"div",
			{class: "stack"},
			form.element,
			field("Description (optional)", description, "Shown beside the command.")
		),
		extra: [curlButton(request, "adding this command")],
		submit: async () => {
			await call(request());
			toast("Command queued: the device gets it when it next connects");
			reload();
		},
	});
}
