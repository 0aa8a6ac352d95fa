// SPDX-License-Identifier: Apache-2.0
// The frame around every page: navigation, whether the page is live, who is signed in.
import {h} from "../lib/dom.js";
import {watchState} from "../lib/live.js";
import {focusHeading} from "../lib/router.js";
import {may, team, user} from "../lib/session.js";

const PLACES = [
	["devices", "Devices"],
	["claim", "Claim", "editor"],
	["rules", "Rules"],
	["tags", "Tags"],
	["team", "Team", "admin"],
];
const LIVE = {
	off: ["wait", "Offline", "Not connected"],
	connecting: ["wait", "Connecting", "Connecting to the service"],
	live: ["good", "Live", "Changes are shown as they happen"],
	polling: ["busy", "Reconnecting", "Asks every few seconds until the live connection is back"],
};

export function shell({onSignOut}) {
	const links = PLACES.filter(([, , role]) => !role || may(role)).map(([place, title]) => ({
		place,
		element: h("a", {href: `#/${place}`}, title),
	}));
	const outlet = h("main", {id: "main"});
	const live = h("span", {class: "live", role: "status"});
	watchState((state) => {
		const [tone, text, title] = LIVE[state];
		live.className = `live ${tone}`;
		live.title = title;
		live.replaceChildren(h("span", {class: "live-dot", "aria-hidden": "true"}), text);
	});
	const skip = h("button", {type: "button", class: "skip", on: {click: focusHeading}}, "Skip to the page");
	const element = h(
		"div",
		{class: "frame"},
		skip,
		h(
			"header",
			{class: "top"},
			h(
				"a",
				{href: "#/devices", class: "brand"},
				h("span", {class: "brand-mark", "aria-hidden": "true"}),
				"onboard"
			),
			h(
				"nav",
				{"aria-label": "Main"},
				h(
					"ul",
					{},
					links.map((l) => h("li", {}, l.element))
				)
			),
			h(
				"div",
				{class: "top-end"},
				live,
				h(
					"div",
					{class: "who"},
					h("span", {class: "who-name"}, user().name ?? ""),
					h("span", {class: "muted small"}, [team().name, user().role].filter(Boolean).join(" · "))
				),
				h("button", {type: "button", class: "quiet", on: {click: onSignOut}}, "Sign out")
			)
		),
		outlet
	);
	return {
		element,
		outlet,
		showPlace(path) {
			for (const {place, element: link} of links) {
				const here = path === `/${place}` || path.startsWith(`/${place}/`);
				if (here) link.setAttribute("aria-current", "page");
				else link.removeAttribute("aria-current");
			}
		},
	};
}
