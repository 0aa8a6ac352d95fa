// SPDX-License-Identifier: Apache-2.0
// What happens to the team's devices, as it happens. Server-sent events when they come through;
// while they do not, pages are told to ask again every few seconds. Whoever listens hears of both.

const KINDS = [
	"claimed",
	"unclaimed",
	"transferred",
	"renamed",
	"tagged",
	"blocked",
	"unblocked",
	"reset",
	"authenticated",
	"commands-handed",
	"command-queued",
	"command-succeeded",
	"command-failed",
	"command-deleted",
	"key-registered",
	"certificate-issued",
	"certificate-revoked",
	"validated",
	"state-reported",
	"state-desired",
	"refused",
];
const POLL_MS = 5000;
const RETRY_MS = [1000, 2000, 5000, 10000, 30000];

let source = null;
let lastId = null;
let failures = 0;
let pollTimer = null;
let retryTimer = null;
let state = "off";
const listeners = new Set();
const stateListeners = new Set();

function setState(next) {
	if (next === state) return;
	state = next;
	for (const listener of stateListeners) listener(next);
}

function tell(event) {
	for (const listener of [...listeners]) listener(event);
}

function onEvent(message) {
	let event;
	try {
		event = JSON.parse(message.data);
	} catch {
		return;
	}
	if (message.lastEventId) lastId = message.lastEventId;
	tell({...event, kind: event.kind ?? message.type});
}

function connect() {
	const missed = failures > 0 || lastId !== null;
	source = new EventSource("/v1/events" + (lastId ? "?after=" + encodeURIComponent(lastId) : ""));
	source.onopen = () => {
		failures = 0;
		stopPolling();
		setState("live");
		// What happened while nothing came through, if the service no longer knows our place.
		if (missed) tell({kind: "resync"});
	};
	for (const kind of KINDS) source.addEventListener(kind, onEvent);
	source.onmessage = onEvent;
	source.onerror = () => {
		source.close();
		startPolling();
		const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
		failures += 1;
		clearTimeout(retryTimer);
		retryTimer = setTimeout(connect, wait);
	};
}

function startPolling() {
	setState("polling");
	pollTimer ??= setInterval(() => tell({kind: "poll"}), POLL_MS);
}

function stopPolling() {
	clearInterval(pollTimer);
	pollTimer = null;
}

export function startLive() {
	if (state === "off") {
		setState("connecting");
		connect();
	}
}

export function stopLive() {
	source?.close();
	clearTimeout(retryTimer);
	stopPolling();
	source = null;
	lastId = null;
	failures = 0;
	setState("off");
}

export function listen(listener) {
	listeners.add(listener);
	return () => listeners.delete(listener);
}

export function watchState(listener) {
	stateListeners.add(listener);
	listener(state);
	return () => stateListeners.delete(listener);
}

// One call for a burst of events, and never two at a time; the last event is always followed by a call.
export function coalesce(work, quietMs = 150) {
	let timer = null;
	let busy = false;
	let again = false;
	const run = async () => {
		timer = null;
		busy = true;
		again = false;
		try {
			await work();
		} finally {
			busy = false;
			if (again) ask();
		}
	};
	function ask() {
		if (busy) again = true;
		else timer ??= setTimeout(run, quietMs);
	}
	ask.cancel = () => clearTimeout(timer);
	return ask;
}
