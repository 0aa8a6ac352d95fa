// SPDX-License-Identifier: Apache-2.0
import {get, path, query} from "../lib/api.js";
import {fill, h, refill} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {sentenceOf} from "../lib/happened.js";
import {button, empty, loading, section} from "../lib/parts.js";
import {clockElement, dayOf} from "../lib/time.js";

const PAGE = 50;
const MARKS = {wait: "·", busy: "→", good: "✓", bad: "✕"};

export function timelinePart(state) {
	const place = h("div", {}, loading());
	let older = []; // pages behind the first, as they were asked for
	let token;

	async function load() {
		try {
			const page = await get(path`/claimed-devices/${state.id}/events` + query({pageLimit: PAGE}), {
				signal: state.life.signal,
			});
			if (!older.length) token = page.pageNextToken;
			render(page.items ?? []);
		} catch (error) {
			if (!state.life.ended) fill(place, errorBox(error));
		}
	}
	function render(first) {
		const seen = new Set();
		const events = [...first, ...older].filter((e) => !seen.has(e.id) && seen.add(e.id));
		if (!events.length)
			return fill(
				place,
				empty("Nothing happened yet", "What the device does appears here by itself, as it happens.")
			);
		const more = h(
			"div",
			{class: "actions center"},
			token ? button("Show earlier", () => showEarlier(first, more), "", {"data-key": "earlier"}) : null
		);
		refill(place, byDay(events), more);
	}
	async function showEarlier(first, more) {
		try {
			const page = await get(
				path`/claimed-devices/${state.id}/events` + query({pageLimit: PAGE, pageNextToken: token}),
				{signal: state.life.signal}
			);
			older = [...older, ...(page.items ?? [])];
			token = page.pageNextToken;
			render(first);
		} catch (error) {
			if (!state.life.ended) fill(more, errorBox(error));
		}
	}
	return {element: section("Timeline", {}, place), load};
}

function byDay(events) {
	const days = [];
	for (const event of events) {
		const day = dayOf(event.at);
		if (days.at(-1)?.day !== day) days.push({day, events: []});
		days.at(-1).events.push(event);
	}
	return days.map(({day, events: list}) =>
		h("div", {class: "day"}, h("h3", {}, day), h("ol", {class: "timeline"}, list.map(entry)))
	);
}

function entry(event) {
	const {tone, text, note} = sentenceOf(event);
	return h(
		"li",
		{class: tone, "data-kind": event.kind},
		h("span", {class: "mark", "aria-hidden": "true"}, MARKS[tone]),
		h("div", {class: "what"}, h("span", {}, text), note ? h("p", {class: "note"}, String(note)) : null),
		clockElement(event.at)
	);
}
