// SPDX-License-Identifier: Apache-2.0
import {get} from "../lib/api.js";
import {curlButton} from "../lib/curl.js";
import {fill, h} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {empty, linkButton, loading, pageHead} from "../lib/parts.js";
import {titleOf, typeOf} from "../lib/requests.js";
import {scope} from "../lib/scope.js";
import {may} from "../lib/session.js";
import {badge} from "../lib/status.js";
import {chips} from "../lib/tags.js";

export function rulesPage() {
	const life = scope();
	const place = h("div", {}, loading());

	async function load() {
		try {
			const items = (await get("/provisioning-rules", {signal: life.signal})).items ?? [];
			fill(
				place,
				items.length
					? h("ul", {class: "cards"}, items.map(card))
					: empty(
							"No rules",
							"A rule queues commands for every device that has one of its tags.",
							may("editor") ? linkButton("#/rules/new", "Make a rule") : null
						)
			);
		} catch (error) {
			if (!life.ended) fill(place, errorBox(error));
		}
	}
	load();
	return {
		title: "Rules",
		stop: life.end,
		element: h(
			"div",
			{class: "page"},
			pageHead(
				"Rules",
				"A rule becomes commands of every device that has one of its tags, once per claim, when the device connects.",
				may("editor") ? linkButton("#/rules/new", "Make a rule") : null
			),
			h(
				"div",
				{class: "count-line"},
				h("span", {class: "grow"}),
				curlButton(() => ({method: "GET", path: "/provisioning-rules"}), "this list")
			),
			place
		),
	};
}

function card(rule) {
	return h(
		"li",
		{class: "card rule"},
		h(
			"div",
			{class: "card-head"},
			h(
				"h2",
				{},
				h("a", {href: `#/rules/${encodeURIComponent(rule.id)}`}, rule.name || "Unnamed rule")
			),
			h(
				"span",
				{class: "chips"},
				rule.builtIn ? badge("wait", "Built in") : null,
				rule.active ? badge("good", "Active") : badge("wait", "Off")
			)
		),
		rule.description ? h("p", {class: "muted"}, rule.description) : null,
		h("p", {}, chips(rule.tags)),
		h(
			"ol",
			{class: "steps"},
			(rule.commands ?? []).map((c) => h("li", {}, titleOf(typeOf(c.request))))
		)
	);
}
