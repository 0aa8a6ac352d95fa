// SPDX-License-Identifier: Apache-2.0
// The REST API as the portal uses it: the cookie says who we are, the CSRF token that it is us. A
// request is a plain value {method, path, body?, csv?}, so that the same value is sent and shown as curl.
import {released} from "./press.js";
import {remedyFor} from "./remedy.js";

let csrfToken = null;
let onSignedOut = () => {};
let renewCsrfToken = async () => null;

export function setCsrfToken(token) {
	csrfToken = token;
}

export function setSignedOutHandler(handler) {
	onSignedOut = handler;
}

// What finds out the token anew: somebody signed in again in another tab.
export function setCsrfRenewer(renewer) {
	renewCsrfToken = renewer;
}

// What went wrong, as RFC 9457 says it, with what to do about it.
export class Problem extends Error {
	constructor(status, body, retryAfter) {
		super(body.detail || body.title || `the service answered ${status}`);
		this.status = status;
		this.title = body.title || (status ? `Error ${status}` : "No answer");
		this.retryAfter = retryAfter;
		this.remedy = remedyFor(status, retryAfter);
	}
}

const unreachable = () =>
	new Problem(
		0,
		{title: "The service does not answer", detail: "Nothing came back from the service."},
		null
	);

// What fetch() is told of a request, and the answer with its text.
async function send(request, signal) {
	const headers = {Accept: "application/json"};
	let body;
	if (request.csv !== undefined) {
		headers["Content-Type"] = "text/csv";
		body = request.csv;
	} else if (request.body !== undefined) {
		headers["Content-Type"] = "application/json";
		body = JSON.stringify(request.body);
	}
	if (request.method !== "GET" && csrfToken) headers["X-CSRF-Token"] = csrfToken;
	try {
		const answer = await fetch("/v1" + request.path, {
			method: request.method,
			headers,
			body,
			signal,
			credentials: "same-origin",
			cache: "no-store",
			redirect: "error",
		});
		return {answer, text: await answer.text()};
	} catch (error) {
		if (error.name === "AbortError") throw error;
		throw unreachable();
	}
}

// Whether a refusal may be one of our token, and there is another one now.
async function hasNewToken(request, status) {
	if (status !== 403 || request.method === "GET" || request.path === "/session") return false;
	const before = csrfToken;
	csrfToken = (await renewCsrfToken()) ?? csrfToken;
	return csrfToken !== before;
}

// Whatever is shown anew, an answer came before it: it waits here for who presses something.
export async function call(request, {signal} = {}) {
	let {answer, text} = await send(request, signal);
	if (await hasNewToken(request, answer.status)) ({answer, text} = await send(request, signal));
	await released();
	const value = parse(text);
	if (answer.ok) return value;
	if (answer.status === 401 && request.path !== "/session") onSignedOut();
	throw new Problem(answer.status, value ?? {}, Number(answer.headers.get("Retry-After")) || null);
}

function parse(text) {
	try {
		return text ? JSON.parse(text) : null;
	} catch {
		return null;
	}
}

export const get = (path, options) => call({method: "GET", path}, options);

// "/devices/…", each value as one segment.
export function path(strings, ...values) {
	return strings.reduce((all, s, i) => all + encodeURIComponent(values[i - 1]) + s);
}

// "?a=b" of what is not empty.
export function query(values) {
	const given = Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== "");
	return given.length ? "?" + new URLSearchParams(given) : "";
}
