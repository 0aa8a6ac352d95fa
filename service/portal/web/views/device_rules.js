// SPDX-License-Identifier: Apache-2.0
// Which rules apply to the device, by its tags.
import {get} from "../lib/api.js";
import {fill, h, refill} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {loading, section} from "../lib/parts.js";
import {titleOf, typeOf} from "../lib/requests.js";

export function rulesPart(state) {
	const place = h("div", {}, loading());

	async function load() {
		try {
			const rules = (await get("/provisioning-rules", {signal: state.life.signal})).items ?? [];
			const tags = new Set(state.claimed?.tags ?? []);
			// A rule of the team with the tag of the built-in one takes its place.
			const active = rules.filter((r) => r.active && r.tags?.some((t) => tags.has(t)));
			const own = new Set(active.filter((r) => !r.builtIn).flatMap((r) => r.tags));
			render(active.filter((r) => !r.builtIn || !r.tags.some((t) => own.has(t))));
		} catch (error) {
			if (!state.life.ended) fill(place, errorBox(error));
		}
	}
	function render(rules) {
		if (!rules.length)
			return fill(
				place,
				h(
					"p",
					{class: "muted"},
					"None: no active rule has one of its tags. ",
					h("a", {href: "#/rules"}, "See the rules")
				)
			);
		refill(
			place,
			h(
				"ul",
				{class: "plain"},
				rules.map((r) =>
					h(
						"li",
						{},
						h(
							"a",
							{href: `#/rules/${encodeURIComponent(r.id)}`, "data-key": r.id},
							r.name || "Unnamed rule"
						),
						h(
							"p",
							{class: "muted small"},
							(r.commands ?? []).map((c) => titleOf(typeOf(c.request))).join(", ")
						)
					)
				)
			)
		);
	}
	return {element: section("Rules that apply", {}, place), load};
}
