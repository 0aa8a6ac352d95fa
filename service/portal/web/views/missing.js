// SPDX-License-Identifier: Apache-2.0
import {h} from "../lib/dom.js";

export function missingPage() {
	return {
		title: "Not found",
		element: h(
			"div",
			{class: "page narrow stack"},
			h("h1", {}, "There is no such page"),
			h("p", {}, "The address may be mistyped, or from an older portal."),
			h("p", {}, h("a", {href: "#/devices"}, "Go to the devices"))
		),
	};
}
