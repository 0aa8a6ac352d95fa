// SPDX-License-Identifier: Apache-2.0
// Tags as chips, and as a text field that takes several.
import {fill, h} from "./dom.js";
import {field, input, Invalid} from "./forms.js";
import {get} from "./api.js";

const TAG = /^[A-Za-z0-9\-_.:]{1,64}$/;
const TAGS_MAX = 16;
const SUGGESTED_MAX = 8;

export const chips = (tags, none = "none") =>
	tags?.length
		? h(
				"span",
				{class: "chips"},
				tags.map((t) => h("span", {class: "chip"}, t))
			)
		: h("span", {class: "muted"}, none);

export function tagsField(
	value = [],
	label = "Tags",
	help = "Separated by spaces. Rules with one of these tags apply to the device."
) {
	const control = input({value: value.join(" "), autocapitalize: "none"});
	const element = field(label, control, help);
	const words = () => [...new Set(control.value.split(/[\s,|]+/).filter(Boolean))];
	element.append(suggestions(control, words));
	element.read = () => {
		element.problem("");
		const tags = words();
		const bad = tags.find((t) => !TAG.test(t));
		if (bad)
			throw new Invalid(
				`"${bad}" is not a tag: letters, digits and - _ . : are, up to 64 of them.`,
				element
			);
		if (tags.length > TAGS_MAX) throw new Invalid(`At most ${TAGS_MAX} tags.`, element);
		return tags;
	};
	return element;
}

const addButton = (tag, onClick) =>
	h(
		"button",
		{type: "button", class: "chip", "aria-label": `Add the tag ${tag}`, on: {click: onClick}},
		`+ ${tag}`
	);

// Buttons that add a tag which the team has already.
function suggestions(control, words) {
	const place = h("div", {class: "chips", hidden: true});
	let known = [];
	const add = (tag) => {
		control.value = [...words(), tag].join(" ");
		control.focus();
		control.dispatchEvent(new Event("input", {bubbles: true}));
	};
	const show = () => {
		const others = known.filter((t) => !words().includes(t)).slice(0, SUGGESTED_MAX);
		place.hidden = !others.length;
		fill(
			place,
			others.map((t) => addButton(t, () => add(t)))
		);
	};
	// While typing, not on leaving: what moves under a pressed pointer is not clicked.
	control.addEventListener("input", show);
	knownTags().then((tags) => {
		known = tags;
		show();
	});
	return place;
}

// Those that somebody described and those that rules have.
export async function knownTags() {
	const lists = await Promise.allSettled([get("/provisioning/tags"), get("/provisioning-rules")]);
	const items = (i) => (lists[i].status === "fulfilled" ? (lists[i].value?.items ?? []) : []);
	return [...new Set([...items(0).map((t) => t.tag), ...items(1).flatMap((r) => r.tags ?? [])])].sort();
}
