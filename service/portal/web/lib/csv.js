// SPDX-License-Identifier: Apache-2.0
// A list of claims: "<token>","<tag>|<tag>" per row (RFC 4180). Rows are numbered as the service counts them.

export const MAX_ROWS = 1000;

// [[field, …]] of the rows that are not empty.
export function parseCsv(text) {
	const rows = [];
	let row = [],
		value = "",
		quoted = false;
	const endField = () => {
		row.push(value);
		value = "";
	};
	const endRow = () => {
		endField();
		if (row.some((f) => f.trim())) rows.push(row.map((f) => f.trim()));
		row = [];
	};
	const source = text.replace(/^\uFEFF/, "");
	for (let i = 0; i < source.length; i++) {
		const c = source[i];
		if (quoted && c === '"' && source[i + 1] === '"') {
			value += c;
			i += 1;
		} else if (c === '"') {
			quoted = !quoted;
		} else if (!quoted && c === ",") {
			endField();
		} else if (!quoted && (c === "\n" || c === "\r")) {
			endRow();
		} else {
			value += c;
		}
	}
	endRow();
	return rows;
}

const quote = (text) => `"${text.replaceAll('"', '""')}"`;

// What is sent: without a header row, every row with the tags that all get.
export function claimRows(rows, commonTags) {
	return rows
		.filter((r, i) => !(i === 0 && /^(claim)?-?_?token$/i.test(r[0])))
		.map(([token = "", tags = ""]) => ({
			token,
			tags: [...new Set([...tags.split("|"), ...commonTags].map((t) => t.trim()).filter(Boolean))],
		}));
}

export const toCsv = (rows) => rows.map((r) => `${quote(r.token)},${quote(r.tags.join("|"))}\n`).join("");
