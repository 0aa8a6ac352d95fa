// SPDX-License-Identifier: Apache-2.0
// API keys. A key is shown once, when it is made; the service keeps only what recognises it.
import {call, get, path} from "../lib/api.js";
import {copy, curlButton} from "../lib/curl.js";
import {formDialog, openDialog} from "../lib/dialog.js";
import {fill, h} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {field, input, need, select} from "../lib/forms.js";
import {button, empty, loading, section} from "../lib/parts.js";
import {ROLES} from "../lib/roles.js";
import {table} from "../lib/table.js";
import {timeElement} from "../lib/time.js";
import {toast} from "../lib/toast.js";

const COLUMNS = [
	{title: "Name"},
	{title: "Role"},
	{title: "Made"},
	{title: "Actions", hidden: true, class: "end"},
];

export function keysPart(life) {
	const place = h("div", {}, loading());

	async function load() {
		try {
			const items = (await get("/api-keys", {signal: life.signal})).items ?? [];
			fill(
				place,
				items.length
					? table(
							"API keys",
							COLUMNS,
							items.map((k) => [
								h(
									"div",
									{class: "device-name"},
									h("strong", {}, k.name || "Unnamed"),
									h("span", {class: "muted mono small"}, k.id)
								),
								k.role,
								timeElement(k.createdAt, "unknown"),
								button("Delete…", () => deleteDialog(k, load), "quiet", {
									"aria-label": `Delete the key ${k.name || k.id}`,
								}),
							])
						).element
					: empty(
							"No API keys",
							"Programs that use the REST API need one.",
							button("Make a key", () => makeDialog(load), "primary")
						)
			);
		} catch (error) {
			if (!life.ended) fill(place, errorBox(error));
		}
	}
	load();
	return section(
		"API keys",
		{
			actions: [
				curlButton(() => ({method: "GET", path: "/api-keys"}), "this list"),
				button("Make a key", () => makeDialog(load), "primary"),
			],
		},
		place
	);
}

function makeDialog(reload) {
	const name = input({maxlength: 64});
	const nameField = field("Name", name, "What it is for, so that you know which one to delete.");
	const role = select(ROLES, "editor");
	const request = () => ({
		method: "POST",
		path: "/api-keys",
		body: {name: need(nameField, name, "a name"), role: role.value},
	});
	formDialog({
		title: "Make an API key",
		label: "Make the key",
		extra: [curlButton(request, "making a key")],
		body: h("div", {class: "stack"}, nameField, field("Role", role)),
		submit: async () => {
			const made = await call(request());
			reload();
			setTimeout(() => showKey(made));
		},
	});
}

function showKey(made) {
	const shown = input({
		value: made.key ?? "",
		readonly: true,
		class: "mono",
		"aria-label": "The key",
		autofocus: true,
	});
	const dialog = openDialog({
		title: `Key ${made.name ?? ""}`,
		wide: true,
		body: h(
			"div",
			{class: "stack"},
			h(
				"p",
				{class: "notice warn"},
				"This is the only time that the key is shown. Copy it to where the program reads it."
			),
			shown
		),
		actions: [
			button("Copy the key", () => copy(shown.value, "the key"), "primary"),
			button("I have it", () => dialog.close()),
		],
	});
	shown.select();
}

function deleteDialog(key, reload) {
	const request = {method: "DELETE", path: path`/api-keys/${key.id}`};
	formDialog({
		title: `Delete the key ${key.name || ""}?`,
		label: "Delete the key",
		danger: true,
		extra: [curlButton(() => request, "deleting the key")],
		body: h("p", {}, "Programs that use it are refused from now on."),
		submit: async () => {
			await call(request);
			toast("Key deleted");
			reload();
		},
	});
}
