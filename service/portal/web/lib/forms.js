// SPDX-License-Identifier: Apache-2.0
// Fields with their label, help and error tied together.
import {fill, h, uniqueId} from "./dom.js";
import {errorBox} from "./errors.js";

// control: an input, select or textarea. Returns the element; .problem(text) marks what is wrong.
export function field(label, control, help) {
	const id = control.id || uniqueId("field");
	control.id = id;
	const helpElement = help ? h("p", {class: "help", id: `${id}-help`}, help) : null;
	const errorElement = h("p", {class: "field-error", id: `${id}-error`, role: "alert"});
	if (helpElement) control.setAttribute("aria-describedby", `${id}-help`);
	const element = h(
		"div",
		{class: "field"},
		h("label", {for: id}, label),
		helpElement,
		control,
		errorElement
	);
	element.problem = (text) => {
		fill(errorElement, text);
		control.toggleAttribute("aria-invalid", Boolean(text));
		control.setAttribute(
			"aria-describedby",
			[helpElement && `${id}-help`, text && `${id}-error`].filter(Boolean).join(" ")
		);
		if (text) control.focus();
	};
	return element;
}

export const input = (props) =>
	h("input", {type: "text", autocomplete: "off", spellcheck: "false", ...props});

export function select(options, value, props = {}) {
	const element = h(
		"select",
		props,
		options.map(([v, text]) => h("option", {value: v}, text))
	);
	if (value !== undefined && value !== null) element.value = value;
	return element;
}

export function checkbox(label, checked, props = {}) {
	const control = h("input", {type: "checkbox", checked, ...props});
	const element = h("label", {class: "check"}, control, h("span", {}, label));
	return {element, control};
}

// What a person typed is not what it must be; isShown: beside its field.
export class Invalid extends Error {
	constructor(message, fieldElement) {
		super(message);
		this.title = "Something is missing";
		this.isShown = Boolean(fieldElement);
		fieldElement?.problem(message);
	}
}

export function need(fieldElement, control, what) {
	fieldElement.problem("");
	const value = control.value.trim();
	if (!value) throw new Invalid(`Enter ${what}.`, fieldElement);
	return value;
}

// What a form does once it is submitted: `work` with what `request` makes of its fields, while `go`
// is busy. What one of them throws is shown in `message`.
export const submitting =
	({request, message, go, work}) =>
	async (event) => {
		event.preventDefault();
		fill(message);
		try {
			const wanted = request();
			busy(go, true);
			await work(wanted);
		} catch (error) {
			if (!error.isShown) fill(message, errorBox(error));
		} finally {
			busy(go, false);
		}
	};

export function busy(button, isBusy) {
	button.disabled = isBusy;
	button.toggleAttribute("aria-busy", isBusy);
}
