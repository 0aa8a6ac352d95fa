// SPDX-License-Identifier: Apache-2.0
// For admins: keys of programs, people, and who did what.
import {h} from "../lib/dom.js";
import {pageHead} from "../lib/parts.js";
import {scope} from "../lib/scope.js";
import {may, team} from "../lib/session.js";
import {auditPart} from "./audit.js";
import {keysPart} from "./keys.js";
import {usersPart} from "./users.js";

const PARTS = [
	["keys", "API keys", keysPart],
	["users", "Users", usersPart],
	["audit", "Audit log", auditPart],
];

export function teamPage({part = "keys"}) {
	const life = scope();
	const chosen = PARTS.find(([name]) => name === part) ?? PARTS[0];
	const tabs = h(
		"nav",
		{class: "tabs", "aria-label": "Parts of the team"},
		PARTS.map(([name, title]) =>
			h("a", {href: `#/team/${name}`, "aria-current": name === chosen[0] ? "page" : null}, title)
		)
	);
	return {
		title: chosen[1],
		stop: life.end,
		element: h(
			"div",
			{class: "page"},
			pageHead(
				team().name ? `Team ${team().name}` : "Team",
				"Programs work with API keys, people with users. Both have a role."
			),
			tabs,
			may("admin")
				? chosen[2](life)
				: h("p", {class: "notice"}, "Only admins of the team see this page.")
		),
	};
}
