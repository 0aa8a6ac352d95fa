// SPDX-License-Identifier: Apache-2.0
// Tags as chips, and as a text field that takes several.
import {h} from "./dom.js";
import {field, input, Invalid} from "./forms.js";
import {get} from "./api.js";

const TAG = /^[A-Za-z0-9\-_.:]{1,64}$/;

export const chips = (tags, none = "none") => (tags?.length ? h("span", {class: "chips"}, tags.map((t) => h("span", {class: "chip"}, t)))
	: h("span", {class: "muted"}, none));

export function tagsField(value = [], label = "Tags", help = "Separated by spaces. Rules with one of these tags apply to the device.") {
	const listId = "known-tags";
	const control = input({value: value.join(" "), list: listId});
	const list = h("datalist", {id: listId});
	const element = field(label, control, help);
	element.append(list);
	knownTags().then((tags) => list.append(...tags.map((t) => h("option", {value: t}))));
	element.read = () => {
		element.problem("");
		const tags = [...new Set(control.value.split(/[\s,|]+/).filter(Boolean))];
		const bad = tags.find((t) => !TAG.test(t));
		if (bad)
			throw new Invalid(`"${bad}" is not a tag: letters, digits and - _ . : are, up to 64 of them.`, element);
		if (tags.length > 16)
			throw new Invalid("A device has at most 16 tags.", element);
		return tags;
	};
	element.control = control;
	return element;
}

// Those that somebody described and those that rules have.
export async function knownTags() {
	const lists = await Promise.allSettled([get("/provisioning/tags"), get("/provisioning-rules")]);
	const items = (i) => (lists[i].status === "fulfilled" ? lists[i].value?.items ?? [] : []);
	return [...new Set([...items(0).map((t) => t.tag), ...items(1).flatMap((r) => r.tags ?? [])])].sort();
}
