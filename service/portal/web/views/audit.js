// SPDX-License-Identifier: Apache-2.0
// Who changed what, newest first.
import {get, query} from "../lib/api.js";
import {curlButton} from "../lib/curl.js";
import {fill, h, shortId} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {button, empty, loading, section} from "../lib/parts.js";
import {table, tableRow} from "../lib/table.js";
import {timeElement} from "../lib/time.js";

const COLUMNS = [{title: "When"}, {title: "Who"}, {title: "What"}, {title: "On"}, {title: "Details"}];
const PAGE = 100;

export function auditPart(life) {
	const place = h("div", {}, loading());
	const more = h("div", {class: "actions center"});
	let body = null;
	let names = null;

	async function load(token) {
		try {
			names ??= await actorNames(life);
			const page = await get("/audit" + query({pageLimit: PAGE, pageNextToken: token}), {
				signal: life.signal,
			});
			const rows = (page.items ?? []).map((entry) => row(entry, names));
			if (!body) {
				if (!rows.length)
					return fill(
						place,
						empty("Nothing yet", "Every change that somebody makes is written here.")
					);
				const t = table("Audit log", COLUMNS);
				body = t.body;
				fill(place, t.element);
			}
			body.append(...rows);
			fill(more, page.pageNextToken ? button("Show earlier", () => load(page.pageNextToken)) : null);
		} catch (error) {
			if (!life.ended) fill(body ? more : place, errorBox(error));
		}
	}
	load();
	return section(
		"Audit log",
		{actions: [curlButton(() => ({method: "GET", path: "/audit"}), "this list")]},
		place,
		more
	);
}

// "user:<id>" → what the team calls it, of those that still are.
async function actorNames(life) {
	const lists = await Promise.allSettled([
		get("/users", {signal: life.signal}),
		get("/api-keys", {signal: life.signal}),
	]);
	const [users, keys] = lists.map((l) => l.value?.items ?? []);
	return new Map([
		...users.map((u) => [`user:${u.id}`, u.name]),
		...keys.map((k) => [`key:${k.id}`, `key ${k.name || shortId(k.id)}`]),
	]);
}

// Who is gone, and who came by the command line, is shown as the log has it.
function actorOf(entry, names) {
	const [kind, id = ""] = String(entry.actor ?? "").split(":", 2);
	return names.get(entry.actor) ?? (id.length === 36 ? `${kind} ${shortId(id)}` : entry.actor);
}

function row(entry, names) {
	return tableRow(COLUMNS, [
		timeElement(entry.at),
		h(
			"div",
			{class: "device-name"},
			h("span", {class: "break", title: entry.actor}, actorOf(entry, names)),
			h("span", {class: "muted small"}, entry.address || "")
		),
		entry.action,
		h("span", {class: "mono small break"}, entry.object || "–"),
		entry.detail && Object.keys(entry.detail).length
			? h("code", {class: "small break"}, JSON.stringify(entry.detail))
			: h("span", {class: "muted"}, "–"),
	]);
}
