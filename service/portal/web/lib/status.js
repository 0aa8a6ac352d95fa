// SPDX-License-Identifier: Apache-2.0
// States as a word with a mark of its own shape, so that the colour is never the only sign.
import {h} from "./dom.js";

const DEVICE = {
	waiting: ["wait", "Waiting", "Claimed; the device has not come since"],
	connected: ["busy", "Connected", "The device authenticated; its cloud access is not proven yet"],
	validated: ["good", "Validated", "The device proved its cloud access"],
	blocked: ["bad", "Blocked", "The device is refused until it is unblocked"],
};
const COMMAND = {
	PENDING: ["wait", "Pending", "The device has not asked since"],
	IN_PROGRESS: ["busy", "In progress", "Handed to the device"],
	SUCCEEDED: ["good", "Succeeded", "Done"],
	FAILED: ["bad", "Failed", "See its error"],
};
const MARKS = {wait: "◌", busy: "◐", good: "✓", bad: "✕"};

export function badge(tone, text, title) {
	return h(
		"span",
		{class: `badge ${tone}`, title},
		h("span", {"aria-hidden": "true", class: "mark"}, MARKS[tone]),
		text
	);
}

function from(table, value) {
	const [tone, text, title] = table[value] ?? ["wait", String(value ?? "unknown"), ""];
	return badge(tone, text, title);
}

export const deviceBadge = (status) => from(DEVICE, status);
export const commandBadge = (status) => from(COMMAND, status);
export const statusWord = (status) => DEVICE[status]?.[1] ?? String(status ?? "unknown");

// Of a device of /claimed-devices, or of an older service that does not say it.
export function statusOf(device) {
	if (device.status) return device.status;
	if (device.cloudAccess?.lastLoginAt) return "validated";
	return device.lastSeenAt ? "connected" : "waiting";
}
