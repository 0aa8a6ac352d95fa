// SPDX-License-Identifier: Apache-2.0
// Which page is shown: the part of the address behind "#". A page is made by a function
// (params, query) → {title, element, stop?}; stop() ends what the page listens to.
import {announce} from "./announce.js";

const routes = [];
let outlet = null;
let current = null;
let afterShow = () => {};

// route("/devices/:id", page)
export function route(pattern, page) {
	const names = [];
	const source = pattern.replace(/:([a-zA-Z]+)/g, (_, name) => {
		names.push(name);
		return "([^/]+)";
	});
	routes.push({regex: new RegExp(`^${source}$`), names, page});
}

export function parseHash(hash) {
	const [path, search = ""] = hash.replace(/^#/, "").split("?", 2);
	return {path: path || "/", query: new URLSearchParams(search)};
}

function decode(segment) {
	try {
		return decodeURIComponent(segment);
	} catch {
		return segment;
	}
}

function find(path) {
	for (const {regex, names, page} of routes) {
		const match = regex.exec(path);
		if (match) return {page, params: Object.fromEntries(names.map((n, i) => [n, decode(match[i + 1])]))};
	}
	return null;
}

export function startRouter(element, fallback, handler) {
	outlet = element;
	afterShow = handler;
	routes.fallback = fallback;
	window.addEventListener("hashchange", onHashChange);
	show(false);
}

export function stopRouter() {
	window.removeEventListener("hashchange", onHashChange);
	leave();
	outlet = null;
}

function onHashChange() {
	show(true);
}

function leave() {
	current?.stop?.();
	current = null;
}

function show(moveFocus) {
	const {path, query} = parseHash(location.hash);
	const found = find(path);
	leave();
	current = (found?.page ?? routes.fallback)(found?.params ?? {}, query);
	outlet.replaceChildren(current.element);
	setTitle(current.title);
	afterShow(path);
	if (moveFocus) {
		window.scrollTo(0, 0);
		focusHeading();
		announce(current.title);
	}
}

export function setTitle(title) {
	document.title = `${title} · onboard`;
}

export function focusHeading() {
	const heading = outlet?.querySelector("h1") ?? document.querySelector("h1");
	if (heading) {
		heading.tabIndex = -1;
		heading.focus();
	}
}

export function navigate(hash) {
	if (location.hash === hash) show(true);
	else location.hash = hash;
}

// Changes the address without showing a page anew: filters.
export function replaceHash(hash) {
	history.replaceState(null, "", hash);
}
