// SPDX-License-Identifier: Apache-2.0
// Times for people: how long ago, and the exact moment beside it.
import {h} from "./dom.js";

const relative = new Intl.RelativeTimeFormat("en", {numeric: "auto"});
const exact = new Intl.DateTimeFormat("en", {dateStyle: "medium", timeStyle: "medium"});
const clock = new Intl.DateTimeFormat("en", {
	hour: "2-digit",
	minute: "2-digit",
	second: "2-digit",
	hour12: false,
});
const STEPS = [
	["second", 60],
	["minute", 60],
	["hour", 24],
	["day", 30],
	["month", 12],
	["year", Infinity],
];

export function ago(date, now = new Date()) {
	let amount = (date - now) / 1000;
	if (Math.abs(amount) < 10) return "just now";
	for (const [unit, size] of STEPS) {
		if (Math.abs(amount) < size) return relative.format(Math.round(amount), unit);
		amount /= size;
	}
	return "";
}

function parse(text) {
	const date = text ? new Date(text) : null;
	return date && !Number.isNaN(date.getTime()) ? date : null;
}

// <time> that says how long ago; refreshed by keepTimes().
export function timeElement(text, never = "never") {
	const date = parse(text);
	if (!date) return h("span", {class: "muted"}, never);
	return h("time", {datetime: date.toISOString(), title: exact.format(date)}, ago(date));
}

export function clockElement(text) {
	const date = parse(text);
	return date
		? h(
				"time",
				{datetime: date.toISOString(), title: exact.format(date), class: "clock"},
				clock.format(date)
			)
		: h("span", {}, "–");
}

export function dayOf(text) {
	const date = parse(text);
	return date ? date.toLocaleDateString("en", {dateStyle: "medium"}) : "";
}

export function duration(ms) {
	if (typeof ms !== "number" || !Number.isFinite(ms) || ms < 0) return "";
	if (ms < 1000) return `${Math.round(ms)} ms`;
	if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
	const minutes = Math.floor(ms / 60000);
	return minutes < 60
		? `${minutes} min ${Math.round((ms % 60000) / 1000)} s`
		: `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// Keeps "3 minutes ago" true.
export function keepTimes() {
	setInterval(() => {
		for (const element of document.querySelectorAll("time[datetime]:not(.clock)"))
			element.textContent = ago(new Date(element.dateTime));
	}, 15000);
}
