// SPDX-License-Identifier: Apache-2.0
// The team's devices, found by text, tag and status, page by page, as they change.
import {get, query} from "../lib/api.js";
import {announce} from "../lib/announce.js";
import {curlButton} from "../lib/curl.js";
import {fill, h, refill} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {field, input, select} from "../lib/forms.js";
import {coalesce, listen} from "../lib/live.js";
import {nameOf} from "../lib/names.js";
import {button, empty, linkButton, loading, pageHead} from "../lib/parts.js";
import {replaceHash} from "../lib/router.js";
import {scope} from "../lib/scope.js";
import {may} from "../lib/session.js";
import {deviceBadge, statusOf, statusWord} from "../lib/status.js";
import {table, tableRow} from "../lib/table.js";
import {chips, knownTags} from "../lib/tags.js";
import {timeElement} from "../lib/time.js";

const PAGE = 50;
const COLUMNS = [
	{title: "Device"},
	{title: "Status"},
	{title: "Tags"},
	{title: "Last seen"},
	{title: "Claimed"},
];
const STATUSES = [
	["", "Any status"],
	["waiting", "Not validated yet"],
	["validated", "Validated"],
	["blocked", "Blocked"],
];

export function devicesPage(params, asked) {
	const life = scope();
	const wanted = {
		search: asked.get("search") ?? "",
		tag: asked.get("tag") ?? "",
		status: asked.get("status") ?? "",
	};
	const pages = [undefined]; // the tokens of the pages up to the one that is shown
	let known = new Map(); // id → status, of what is shown
	const search = input({type: "search", value: wanted.search, placeholder: "Name or id"});
	const status = select(STATUSES, wanted.status);
	const tag = select([["", "Any tag"], ...(wanted.tag ? [[wanted.tag, wanted.tag]] : [])], wanted.tag);
	const count = h("p", {class: "muted count", role: "status"});
	const message = h("div", {});
	const place = h("div", {}, loading());

	const request = () => ({
		method: "GET",
		path: "/claimed-devices" + query({pageLimit: PAGE, pageNextToken: pages.at(-1), ...wanted}),
	});

	async function load() {
		let list;
		try {
			list = await get(request().path, {signal: life.signal});
		} catch (error) {
			// What was there stays: the service may be back in a moment.
			if (!life.ended) fill(message, errorBox(error));
			if (!known.size && !life.ended) fill(place);
			return;
		}
		if (!life.ended) render(list);
	}

	function render(list) {
		fill(message);
		const items = list.items ?? [];
		const total = list.total ?? items.length;
		const filtered = wanted.search || wanted.tag || wanted.status;
		const first = (pages.length - 1) * PAGE;
		fill(
			count,
			total === 0
				? ""
				: items.length === total
					? `${total} ${total === 1 ? "device" : "devices"}`
					: `${first + 1} to ${first + items.length} of ${total} devices`
		);
		sayChanges(items);
		if (!items.length && pages.length === 1) return fill(place, filtered ? nothingFound() : noDevices());
		refill(place, table("Devices", COLUMNS, items.map(row)).element, pager(list));
	}

	function sayChanges(items) {
		for (const d of items) {
			const before = known.get(d.id);
			if (before && before !== statusOf(d))
				announce(`${nameOf(d)} is now ${statusWord(statusOf(d)).toLowerCase()}`);
		}
		known = new Map(items.map((d) => [d.id, statusOf(d)]));
	}

	function pager(list) {
		if (pages.length === 1 && !list.pageNextToken) return null;
		return h(
			"nav",
			{class: "pager", "aria-label": "Pages"},
			button(
				"Previous",
				() => {
					pages.pop();
					load();
				},
				"",
				{disabled: pages.length === 1, "data-key": "previous"}
			),
			h("span", {class: "muted"}, `Page ${pages.length}`),
			button(
				"Next",
				() => {
					pages.push(list.pageNextToken);
					load();
				},
				"",
				{disabled: !list.pageNextToken, "data-key": "next"}
			)
		);
	}

	function nothingFound() {
		return empty(
			"No device matches",
			"Nothing has this name, id, tag and status.",
			button("Show all devices", () => {
				search.value = status.value = tag.value = "";
				filter();
				search.focus();
			})
		);
	}

	function filter() {
		Object.assign(wanted, {search: search.value.trim(), tag: tag.value, status: status.value});
		pages.length = 1;
		known = new Map();
		replaceHash("#/devices" + query(wanted));
		load();
	}

	const later = coalesce(filter, 250);
	search.addEventListener("input", later);
	status.addEventListener("change", filter);
	tag.addEventListener("change", filter);
	knownTags().then((tags) =>
		tag.append(...tags.filter((t) => t !== wanted.tag).map((t) => h("option", {value: t}, t)))
	);
	const refresh = coalesce(load, 200);
	life.onEnd(listen(refresh));
	life.onEnd(refresh.cancel);
	life.onEnd(later.cancel);
	load();

	return {
		title: "Devices",
		stop: life.end,
		element: h(
			"div",
			{class: "page"},
			pageHead(
				"Devices",
				"What your team has claimed, and where each device stands.",
				may("editor") ? linkButton("#/claim", "Claim a device") : null
			),
			h(
				"form",
				{class: "filters", role: "search", on: {submit: (e) => e.preventDefault()}},
				field("Search", search),
				field("Status", status),
				field("Tag", tag)
			),
			h("div", {class: "count-line"}, count, curlButton(request, "this list")),
			message,
			place
		),
	};
}

function row(device) {
	const name = nameOf(device);
	return tableRow(COLUMNS, [
		h(
			"div",
			{class: "device-name"},
			h("a", {href: `#/devices/${encodeURIComponent(device.id)}`, "data-key": device.id}, name),
			h("span", {class: "muted mono small"}, device.id)
		),
		deviceBadge(statusOf(device)),
		chips(device.tags),
		timeElement(device.lastSeenAt),
		timeElement(device.claimedAt),
	]);
}

function noDevices() {
	if (!may("editor"))
		return empty("No devices yet", "Somebody with the role editor or admin claims the first one.");
	return empty(
		"No devices yet",
		"Power a device on. Until it is claimed it shows a claim token, as text and as a QR code: bring that here.",
		linkButton("#/claim", "Claim your first device")
	);
}
