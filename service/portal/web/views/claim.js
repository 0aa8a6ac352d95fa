// SPDX-License-Identifier: Apache-2.0
// Claiming: three ways to bring a device's token here.
import {h} from "../lib/dom.js";
import {pageHead} from "../lib/parts.js";
import {scope} from "../lib/scope.js";
import {may} from "../lib/session.js";
import {claimByPaste} from "./claim_paste.js";
import {claimByScan} from "./claim_scan.js";
import {claimByList} from "./claim_list.js";

const WAYS = [
	["paste", "Paste", claimByPaste],
	["scan", "Scan", claimByScan],
	["list", "Upload a list", claimByList],
];

export function claimPage({how = "paste"}) {
	const life = scope();
	const way = WAYS.find(([name]) => name === how) ?? WAYS[0];
	const tabs = h(
		"nav",
		{class: "tabs", "aria-label": "Ways to claim"},
		WAYS.map(([name, title]) =>
			h("a", {href: `#/claim/${name}`, "aria-current": name === way[0] ? "page" : null}, title)
		)
	);
	return {
		title: `Claim: ${way[1].toLowerCase()}`,
		stop: life.end,
		element: h(
			"div",
			{class: "page narrow"},
			pageHead(
				"Claim devices",
				"A claim makes a device your team's. It is then set up by your rules when it next connects."
			),
			tabs,
			may("editor")
				? way[2](life)
				: h(
						"p",
						{class: "notice"},
						"Your role may look at devices but not claim them. Ask an admin of your team."
					)
		),
	};
}
