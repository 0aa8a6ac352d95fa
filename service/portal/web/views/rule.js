// SPDX-License-Identifier: Apache-2.0
// One rule: made, looked at, changed, deleted.
import {call, get, path} from "../lib/api.js";
import {curlButton} from "../lib/curl.js";
import {formDialog} from "../lib/dialog.js";
import {fill, h} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {checkbox, field, input, Invalid, need, submitting} from "../lib/forms.js";
import {button, linkButton, loading, pageHead} from "../lib/parts.js";
import {requestForm} from "../lib/request_form.js";
import {navigate} from "../lib/router.js";
import {scope} from "../lib/scope.js";
import {may} from "../lib/session.js";
import {tagsField} from "../lib/tags.js";
import {toast} from "../lib/toast.js";

const MAX_COMMANDS = 20;
const FIRST = {cloudAccessKeyGeneration: {secTag: 16842753}};

export function rulePage({id}) {
	const life = scope();
	const place = h("div", {}, loading());
	const isNew = id === "new";

	async function load() {
		try {
			const rule = isNew
				? {name: "", description: "", active: true, tags: [], commands: [{request: FIRST}]}
				: await get(path`/provisioning-rules/${id}`, {signal: life.signal});
			fill(place, editor(rule, isNew));
		} catch (error) {
			if (!life.ended) fill(place, errorBox(error), linkButton("#/rules", "Go to the rules", ""));
		}
	}
	load();
	const title = isNew ? "Make a rule" : "Rule";
	return {
		title,
		stop: life.end,
		element: h(
			"div",
			{class: "page narrow"},
			h("p", {class: "crumb"}, h("a", {href: "#/rules"}, "Rules")),
			pageHead(
				title,
				"Devices that already have its commands do not get them again; reset a device for that."
			),
			place
		),
	};
}

function editor(rule, isNew) {
	const fixed = rule.builtIn || !may("editor");
	const name = input({value: rule.name ?? "", maxlength: 64});
	const nameField = field("Name", name);
	const description = input({value: rule.description ?? "", maxlength: 256});
	const active = checkbox("Active: devices get its commands", rule.active !== false);
	const tags = tagsField(
		rule.tags ?? [],
		"Tags",
		"Devices with one of these get the commands. Separated by spaces."
	);
	const commands = commandList(rule.commands ?? []);
	const message = h("div", {});
	const go = h("button", {type: "submit", class: "primary"}, isNew ? "Make the rule" : "Save");
	const request = () => ({
		method: isNew ? "POST" : "PUT",
		path: isNew ? "/provisioning-rules" : path`/provisioning-rules/${rule.id}`,
		body: {
			name: need(nameField, name, "a name for the rule"),
			description: description.value.trim(),
			active: active.control.checked,
			tags: needTags(tags),
			commands: commands.read(),
		},
	});

	const form = h(
		"form",
		{
			class: "card stack",
			novalidate: true,
			on: {
				submit: submitting({
					request,
					message,
					go,
					work: async (wanted) => {
						await call(wanted);
						toast(isNew ? "Rule made" : "Rule saved");
						navigate("#/rules");
					},
				}),
			},
		},
		rule.builtIn
			? h(
					"p",
					{class: "notice"},
					"This rule is built in and cannot be changed. An active rule of yours with its tag takes its place."
				)
			: null,
		nameField,
		field("Description (optional)", description),
		tags,
		active.element,
		commands.element,
		message,
		fixed
			? null
			: h(
					"div",
					{class: "actions"},
					go,
					curlButton(request, "this rule"),
					h("span", {class: "grow"}),
					isNew ? null : button("Delete…", () => deleteDialog(rule), "danger-quiet")
				)
	);
	if (fixed)
		for (const control of form.querySelectorAll("input, select, textarea, button"))
			control.disabled = true;
	return form;
}

function needTags(tags) {
	const list = tags.read();
	if (!list.length) throw new Invalid("Enter at least one tag: it chooses the devices.", tags);
	return list;
}

function commandList(initial) {
	const list = h("ol", {class: "command-forms"});
	const add = button("Add another command", () => {
		append({request: FIRST});
		list.lastElementChild.querySelector("select").focus();
	});
	let forms = [];

	function append(command) {
		const form = requestForm(command.request);
		const item = h("li", {class: "command-form"});
		const entry = {form, item, description: command.description};
		const remove = button(
			"Remove",
			() => {
				forms = forms.filter((f) => f !== entry);
				item.remove();
				refresh();
				add.focus();
			},
			"quiet"
		);
		fill(item, form.element, h("div", {class: "actions"}, remove));
		forms.push(entry);
		list.append(item);
		refresh();
	}
	function refresh() {
		add.disabled = forms.length >= MAX_COMMANDS;
		forms.forEach(({item}, i) => {
			item.setAttribute("aria-label", `Command ${i + 1}`);
			item.querySelector(".actions button").setAttribute("aria-label", `Remove command ${i + 1}`);
		});
	}
	initial.forEach(append);
	return {
		element: h(
			"div",
			{class: "stack"},
			h("h2", {}, "Commands, in this order"),
			list,
			h("div", {class: "actions"}, add)
		),
		read() {
			if (!forms.length) throw new Invalid("A rule has at least one command.", null);
			return forms.map(({form, description}) => ({
				description: description || undefined,
				request: form.read(),
			}));
		},
	};
}

function deleteDialog(rule) {
	const request = {method: "DELETE", path: path`/provisioning-rules/${rule.id}`};
	formDialog({
		title: `Delete ${rule.name || "the rule"}?`,
		label: "Delete the rule",
		danger: true,
		extra: [curlButton(() => request, "deleting the rule")],
		body: h(
			"p",
			{},
			"Commands that it already queued stay. Devices that connect from now on do not get them."
		),
		submit: async () => {
			await call(request);
			toast("Rule deleted");
			navigate("#/rules");
		},
	});
}
