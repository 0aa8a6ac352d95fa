// SPDX-License-Identifier: Apache-2.0
// A table that stays one for assistive technology when narrow screens show its rows as cards.
import {h} from "./dom.js";

// columns: [{title, class?}]; rows: arrays of cells, or elements made by tableRow().
export function table(caption, columns, rows = []) {
	const body = h(
		"tbody",
		{role: "rowgroup"},
		rows.map((r) => (r instanceof Node ? r : tableRow(columns, r)))
	);
	const element = h(
		"table",
		{role: "table"},
		h("caption", {class: "unseen"}, caption),
		h(
			"thead",
			{role: "rowgroup"},
			h(
				"tr",
				{role: "row"},
				columns.map((c) =>
					h(
						"th",
						{role: "columnheader", scope: "col", class: c.class},
						c.hidden ? h("span", {class: "unseen"}, c.title) : c.title
					)
				)
			)
		),
		body
	);
	return {element, body};
}

export function tableRow(columns, cells) {
	return h(
		"tr",
		{role: "row"},
		cells.map((cell, i) =>
			h(
				"td",
				{
					role: "cell",
					class: columns[i].class,
					"data-title": columns[i].hidden ? "" : columns[i].title,
				},
				cell
			)
		)
	);
}
