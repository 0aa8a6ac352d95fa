// SPDX-License-Identifier: Apache-2.0
// The kinds of events as sentences of a timeline.
import {duration} from "./time.js";
import {titleOf} from "./requests.js";

const seconds = (ms) => (duration(ms) ? ` in ${duration(ms)}` : "");
const PLAIN = {
	claimed: ["good", "Claimed"],
	unclaimed: ["wait", "Unclaimed"],
	transferred: ["wait", "Transferred to another team"],
	renamed: ["wait", "Renamed"],
	tagged: ["wait", "Tags changed"],
	blocked: ["bad", "Blocked"],
	unblocked: ["good", "Unblocked"],
	reset: ["wait", "Reset: its rules are queued again"],
	authenticated: ["good", "Authenticated with its identity key"],
	"command-deleted": ["wait", "Command deleted"],
	"key-registered": ["good", "Cloud key registered"],
	validated: ["good", "Validated: cloud access proven"],
	"state-reported": ["wait", "Reported its state"],
	"state-desired": ["wait", "Desired state changed"],
};

// {tone, text, note}
export function sentenceOf(event) {
	const d = event.detail ?? {};
	switch (event.kind) {
		case "commands-handed":
			return {
				tone: "busy",
				text: `${d.ids?.length ?? "Some"} ${d.ids?.length === 1 ? "command" : "commands"} handed to the device`,
			};
		case "command-queued":
			return {tone: "wait", text: `Queued: ${titleOf(d.type)}`};
		case "command-succeeded":
			return {tone: "good", text: `Done: ${titleOf(d.type)}${seconds(d.durationMs)}`};
		case "command-failed":
			return {tone: "bad", text: `Failed: ${titleOf(d.type)}${seconds(d.durationMs)}`, note: d.error};
		case "certificate-issued":
			return {tone: "good", text: "Certificate issued", note: d.serial && `Serial ${d.serial}`};
		case "certificate-revoked":
			return {tone: "bad", text: "Certificate revoked", note: d.serial && `Serial ${d.serial}`};
		case "refused":
			return {tone: "bad", text: "Refused", note: d.why};
		default: {
			const [tone, text] = PLAIN[event.kind] ?? ["wait", String(event.kind)];
			return {tone, text, note: d.tags?.length ? `Tags: ${d.tags.join(", ")}` : d.name};
		}
	}
}
