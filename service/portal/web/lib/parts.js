// SPDX-License-Identifier: Apache-2.0
// Pieces that several pages have.
import {h} from "./dom.js";

export const pageHead = (title, lead, ...actions) =>
	h(
		"div",
		{class: "page-head"},
		h("div", {}, h("h1", {}, title), lead ? h("p", {class: "lead"}, lead) : null),
		actions.length ? h("div", {class: "actions"}, actions) : null
	);

export const linkButton = (href, text, kind = "primary") => h("a", {class: `button ${kind}`, href}, text);

export const empty = (title, text, ...actions) =>
	h(
		"div",
		{class: "empty"},
		h("p", {class: "empty-title"}, title),
		h("p", {class: "muted"}, text),
		actions.length ? h("div", {class: "actions center"}, actions) : null
	);

export const loading = () => h("p", {class: "muted loading"}, "Loading…");

export function section(title, {actions = [], lead, id} = {}, ...children) {
	return h(
		"section",
		{class: "card", "aria-label": title, id},
		h(
			"div",
			{class: "card-head"},
			h("h2", {}, title),
			actions.length ? h("div", {class: "actions"}, actions) : null
		),
		lead ? h("p", {class: "muted"}, lead) : null,
		children
	);
}

// A definition list of [term, value]; values that are null are left out.
export const facts = (pairs) =>
	h(
		"dl",
		{class: "facts"},
		pairs
			.filter(([, v]) => v !== null && v !== undefined)
			.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value)))
	);

export const button = (text, onClick, kind = "", props = {}) =>
	h("button", {type: "button", class: kind || null, ...props, on: {click: onClick}}, text);
