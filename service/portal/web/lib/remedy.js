// SPDX-License-Identifier: Apache-2.0
// What a person can do about an answer of the service.

const REMEDIES = {
	0: "Check that the service runs and that this computer reaches it; then try again.",
	400: "Correct what was entered and try again.",
	401: "Sign in again.",
	403: "Your role does not allow this. An admin of your team can do it, or change your role.",
	404: "It may have been deleted or unclaimed meanwhile. Go back to the list.",
	409: "Look at the current state and decide again.",
	413: "Send less at once: split the file or shorten the text.",
	422: "Correct what was entered and try again.",
	500: "The log of the service says why. Tell the person who runs it.",
	503: "The service is busy. Try again in a moment.",
};

export function remedyFor(status, retryAfter) {
	if (retryAfter) return `Wait ${retryAfter} ${retryAfter === 1 ? "second" : "seconds"}, then try again.`;
	if (status === 429) return "Wait a minute, then try again.";
	return REMEDIES[status] ?? "Try again; if it stays, tell the person who runs the service.";
}
