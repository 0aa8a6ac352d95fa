// SPDX-License-Identifier: Apache-2.0
// Claiming by a CSV file. The file is read here, shown as a table, and sent when the person says so;
// then every row says what became of it.
import {call} from "../lib/api.js";
import {announce} from "../lib/announce.js";
import {claimRows, MAX_ROWS, parseCsv, toCsv} from "../lib/csv.js";
import {curlButton} from "../lib/curl.js";
import {fill, h} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {busy, field, Invalid} from "../lib/forms.js";
import {badge} from "../lib/status.js";
import {table} from "../lib/table.js";
import {chips, tagsField} from "../lib/tags.js";
import {ONBOARDING_TAG} from "../lib/claim.js";

const COLUMNS = [{title: "Row", class: "number"}, {title: "Token"}, {title: "Tags"}, {title: "Outcome"}];
const MAX_BYTES = 1024 * 1024;

export function claimByList() {
	const file = h("input", {type: "file", accept: ".csv,text/csv,text/plain"});
	const fileField = field(
		"CSV file",
		file,
		`One device a row: "token","tag|tag". Up to ${MAX_ROWS} rows; a first row with names is skipped.`
	);
	const tags = tagsField([ONBOARDING_TAG], "Tags for every row");
	const message = h("div", {});
	const place = h("div", {});
	const go = h("button", {type: "submit", class: "primary", disabled: true}, "Claim the devices");
	let parsed = [];

	const rows = () => claimRows(parsed, tags.read());
	const request = () => {
		if (!parsed.length) throw new Invalid("Choose a file first.", fileField);
		return {method: "POST", path: "/claimed-devices", csv: toCsv(rows())};
	};

	async function onFile() {
		fill(message);
		fill(place);
		parsed = [];
		go.disabled = true;
		go.textContent = "Claim the devices";
		const chosen = file.files[0];
		if (!chosen) return;
		try {
			parsed = await read(chosen);
			const list = rows();
			go.disabled = false;
			go.textContent = `Claim ${list.length} ${list.length === 1 ? "device" : "devices"}`;
			show(list, () => badge("wait", "Not sent"));
			announce(`${list.length} rows read`);
		} catch (error) {
			fill(message, errorBox(error));
		}
	}

	function show(list, outcome) {
		fill(
			place,
			h(
				"div",
				{class: "scroll", tabindex: "0", role: "region", "aria-label": "Rows of the file"},
				table(
					"Rows of the file",
					COLUMNS,
					list.map((r, i) => [
						String(i + 1),
						h("span", {class: "mono ellipsis", title: r.token}, r.token),
						chips(r.tags),
						outcome(i),
					])
				).element
			)
		);
	}

	function showAnswer(list, answer) {
		const failed = new Map((answer.failed ?? []).map((f) => [f.row, f]));
		show(list, (i) => {
			const f = failed.get(i + 1);
			return f
				? h(
						"div",
						{},
						badge("bad", "Not claimed"),
						h("p", {class: "small"}, f.detail ?? `Error ${f.status}`)
					)
				: badge("good", "Claimed");
		});
		const text =
			`${list.length - failed.size} of ${list.length} claimed` +
			(failed.size ? `, ${failed.size} not: see their rows.` : ".");
		fill(
			message,
			h(
				"div",
				{class: `notice ${failed.size ? "warn" : "good"}`, role: "status"},
				h("strong", {}, text),
				" ",
				h("a", {href: "#/devices"}, "Go to the devices")
			)
		);
	}

	file.addEventListener("change", onFile);
	return h(
		"form",
		{
			class: "card stack",
			novalidate: true,
			on: {
				submit: async (event) => {
					event.preventDefault();
					fill(message);
					try {
						const list = rows();
						busy(go, true);
						showAnswer(list, await call({...request(), csv: toCsv(list)}));
					} catch (error) {
						if (!error.isShown) fill(message, errorBox(error));
						busy(go, false);
					} finally {
						go.removeAttribute("aria-busy");
					}
				},
			},
		},
		fileField,
		tags,
		message,
		h("div", {class: "actions"}, go, curlButton(request, "the claims")),
		place
	);
}

async function read(file) {
	if (file.size > MAX_BYTES) throw new Invalid(`${file.name} is larger than 1 MiB: split it.`);
	const rows = parseCsv(await file.text());
	if (!rows.length) throw new Invalid(`${file.name} has no rows.`);
	if (rows.length > MAX_ROWS + 1)
		throw new Invalid(`${file.name} has ${rows.length} rows; ${MAX_ROWS} go in one list: split it.`);
	return rows;
}
