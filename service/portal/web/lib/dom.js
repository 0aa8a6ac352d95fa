// SPDX-License-Identifier: Apache-2.0
// Elements from values. Whatever a value says becomes text or a property, never markup, and a link
// leads to a page of the portal or to nothing: what devices and colleagues typed cannot become script.

const BOOLEANS = new Set([
	"hidden",
	"disabled",
	"required",
	"checked",
	"selected",
	"readonly",
	"open",
	"multiple",
	"autofocus",
	"novalidate",
	"muted",
	"playsinline",
]);

// h("p", {class: "note", on: {click: f}}, "text", child, [children], null)
export function h(tag, props = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
	element.append(...flat(children));
	return element;
}

function set(element, name, value) {
	if (value === undefined || value === null) return;
	if (name === "on") {
		for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
	} else if (name === "value") {
		element.value = value;
	} else if (BOOLEANS.has(name)) {
		element.toggleAttribute(name, Boolean(value));
	} else if (name === "href") {
		if (!/^(#\/|\/v1\/|blob:)/.test(value)) throw new TypeError("a link leads out of the portal");
		element.setAttribute("href", value);
	} else if (/^(on|src|style$|formaction)/.test(name)) {
		throw new TypeError(`${name} is not set from a value`);
	} else {
		element.setAttribute(name, value);
	}
}

function flat(children) {
	return children
		.flat(Infinity)
		.filter((c) => c !== null && c !== undefined && c !== false && c !== "")
		.map((c) => (c instanceof Node ? c : String(c)));
}

// Replaces what is in an element.
export function fill(element, ...children) {
	element.replaceChildren(...flat(children));
	return element;
}

// The same for what changes while somebody is in it: what had the focus has it again, known by its data-key.
export function refill(element, ...children) {
	const key = element.contains(document.activeElement) ? document.activeElement.dataset.key : null;
	fill(element, ...children);
	if (key) [...element.querySelectorAll("[data-key]")].find((e) => e.dataset.key === key)?.focus();
	return element;
}

// The place for messages that a person reaches now: of the open dialog, which makes all behind it inert, or of the page.
export const frontmost = (selector) =>
	[...document.querySelectorAll(`body > ${selector}, dialog[open] > ${selector}`)].at(-1);

let lastId = 0;
export function uniqueId(stem) {
	lastId += 1;
	return `${stem}-${lastId}`;
}

// A short form of a UUID that people can compare.
export const shortId = (id) => String(id).slice(0, 8);
