// SPDX-License-Identifier: Apache-2.0
// An error with its cause and its remedy, said at once to who does not see it.
import {h} from "./dom.js";

export function errorBox(error) {
	return h(
		"div",
		{class: "notice bad", role: "alert"},
		h("strong", {}, sentence(error.title ?? "That did not work")),
		h("p", {}, sentence(error.message)),
		error.remedy ? h("p", {class: "muted"}, error.remedy) : null
	);
}

export function sentence(text) {
	const t = String(text ?? "").trim();
	return t ? t[0].toUpperCase() + t.slice(1) + (/[.!?…]$/.test(t) ? "" : ".") : "";
}
