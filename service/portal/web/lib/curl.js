// SPDX-License-Identifier: Apache-2.0
// Every action as the command that does the same from a shell. The key is named, never filled in.
import {h} from "./dom.js";
import {toast} from "./toast.js";
import {showText} from "./dialog.js";

// For any POSIX shell: nothing means anything inside of single quotes, except the quote itself.
export function shellQuote(text) {
	return "'" + String(text).replaceAll("'", "'\\''") + "'";
}

export function curlOf(request, origin = location.origin) {
	const words = ["curl --globoff --fail-with-body -sS"];
	if (request.method !== "GET") words.push("-X " + request.method);
	words.push(shellQuote(origin + "/v1" + request.path), '-H "Authorization: Bearer $API_KEY"');
	if (request.csv !== undefined)
		words.push("-H 'Content-Type: text/csv'", "--data-raw " + shellQuote(request.csv));
	else if (request.body !== undefined)
		words.push(
			"-H 'Content-Type: application/json'",
			"--data-raw " + shellQuote(JSON.stringify(request.body))
		);
	return words.join(" \\\n  ");
}

export async function copy(text, what) {
	try {
		await navigator.clipboard.writeText(text);
		toast(`Copied ${what}`);
	} catch {
		// No clipboard without a secure connection.
		showText(`Copy ${what}`, text);
	}
}

// `make` says what the action would send now; it may throw what the form says is missing.
export function curlButton(make, what = "this action") {
	return h(
		"button",
		{
			type: "button",
			class: "quiet curl",
			title: "Copy as a curl command; set API_KEY to a key of yours",
			"aria-label": `Copy as curl: ${what}`,
			on: {
				click: () => {
					let request;
					try {
						request = make();
					} catch (error) {
						toast(error.message);
						return;
					}
					copy(curlOf(request), "the curl command");
				},
			},
		},
		h("span", {"aria-hidden": "true", class: "curl-mark"}, "›_"),
		" Copy as curl"
	);
}
