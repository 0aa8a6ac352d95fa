// SPDX-License-Identifier: Apache-2.0
// What changes the whole device: name and tags, reset, block, unclaim. What cannot be undone asks first.
import {call, path} from "../lib/api.js";
import {curlButton} from "../lib/curl.js";
import {formDialog} from "../lib/dialog.js";
import {h, refill, shortId} from "../lib/dom.js";
import {field, input} from "../lib/forms.js";
import {button, section} from "../lib/parts.js";
import {navigate} from "../lib/router.js";
import {may} from "../lib/session.js";
import {statusOf} from "../lib/status.js";
import {tagsField} from "../lib/tags.js";
import {toast} from "../lib/toast.js";
import {nameOf} from "../lib/names.js";

export function managePart(state, refresh) {
	if (!may("editor")) return h("div", {});
	const place = h("div", {class: "manage"});
	const element = section("Manage", {}, place);
	let shown = null;
	element.update = () => {
		const blocked = statusOf(state.claimed) === "blocked";
		if (blocked === shown) return;
		shown = blocked;
		refill(
			place,
			row(
				"Reset",
				"Its rules are queued again, as after a claim.",
				button("Reset…", () => resetDialog(state, refresh), "", {"data-key": "reset"})
			),
			blocked
				? row(
						"Unblock",
						"The device is let in again.",
						button("Unblock…", () => unblockDialog(state, refresh), "", {"data-key": "block"})
					)
				: row(
						"Block",
						"The device is refused until you unblock it.",
						button("Block…", () => blockDialog(state, refresh), "", {"data-key": "block"})
					),
			row(
				"Unclaim",
				"The device leaves your team.",
				button("Unclaim…", () => unclaimDialog(state), "danger-quiet", {"data-key": "unclaim"})
			)
		);
	};
	return element;
}

const row = (title, text, action) =>
	h(
		"div",
		{class: "manage-row"},
		h("div", {}, h("strong", {}, title), h("p", {class: "muted small"}, text)),
		action
	);

function simple(state, refresh, {verb, title, label, text, done, danger}) {
	const request = {method: "POST", path: path`/claimed-devices/${state.id}/` + verb};
	formDialog({
		title,
		label,
		danger,
		extra: [curlButton(() => request, verb)],
		body: h(
			"div",
			{class: "stack"},
			text.map((t) => h("p", {}, t))
		),
		submit: async () => {
			await call(request);
			toast(done);
			refresh();
		},
	});
}

const resetDialog = (state, refresh) =>
	simple(state, refresh, {
		verb: "reset",
		title: `Reset ${nameOf(state.claimed)}?`,
		label: "Reset",
		text: [
			"Every rule that applies becomes commands again when the device next connects: it makes new keys and proves its cloud access anew.",
			"Nothing is deleted; the keys that the device has stay good until it replaces them.",
		],
		done: "Reset: rules are queued again",
	});

const blockDialog = (state, refresh) =>
	simple(state, refresh, {
		verb: "block",
		title: `Block ${nameOf(state.claimed)}?`,
		label: "Block",
		danger: true,
		text: [
			"The service refuses the device from now on, for provisioning and for the cloud. Its queue and its history are kept.",
			"Unblocking lets it in again.",
		],
		done: "Device blocked",
	});

const unblockDialog = (state, refresh) =>
	simple(state, refresh, {
		verb: "unblock",
		title: `Unblock ${nameOf(state.claimed)}?`,
		label: "Unblock",
		text: ["The device is let in again when it next connects."],
		done: "Device unblocked",
	});

function unclaimDialog(state) {
	const word = shortId(state.id);
	const typed = input({autocapitalize: "none"});
	const request = {method: "DELETE", path: path`/claimed-devices/${state.id}`};
	formDialog({
		title: `Unclaim ${nameOf(state.claimed)}?`,
		label: "Unclaim the device",
		danger: true,
		ready: () => typed.value.trim().toLowerCase() === word,
		extra: [curlButton(() => request, "unclaiming")],
		body: h(
			"div",
			{class: "stack"},
			h(
				"div",
				{class: "notice bad"},
				h("strong", {}, "This is lost for good:"),
				h(
					"ul",
					{},
					[
						"its commands, open and done, with the device's answers",
						"its shadow, desired and reported",
						"its timeline",
						"its registered cloud key: the device can no longer log in to the cloud",
						"its certificates from this service: they are revoked",
						"its name and tags",
					].map((t) => h("li", {}, t))
				)
			),
			h(
				"p",
				{},
				"The device keeps the credentials that it has, but they open nothing here. Anybody who holds the device can claim it again."
			),
			field(`Type ${word} to confirm`, typed, "The first eight characters of its id.")
		),
		submit: async () => {
			await call(request);
			toast("Device unclaimed");
			navigate("#/devices");
		},
	});
}

export function renameDialog(state, refresh) {
	const name = input({value: state.claimed.name ?? "", maxlength: 64});
	const request = () => ({
		method: "PATCH",
		path: path`/claimed-devices/${state.id}`,
		body: {name: name.value.trim() || null},
	});
	formDialog({
		title: "Rename the device",
		label: "Rename",
		body: field("Name", name, "What your team calls it. Empty: its id."),
		extra: [curlButton(request, "renaming")],
		submit: async () => {
			await call(request());
			toast("Device renamed");
			refresh();
		},
	});
}

export function tagsDialog(state, refresh) {
	const tags = tagsField(state.claimed.tags ?? []);
	const request = () => ({
		method: "PATCH",
		path: path`/claimed-devices/${state.id}`,
		body: {tags: tags.read()},
	});
	formDialog({
		title: "Change the tags",
		label: "Change",
		body: tags,
		extra: [curlButton(request, "changing the tags")],
		submit: async () => {
			await call(request());
			toast("Tags changed");
			refresh();
		},
	});
}
