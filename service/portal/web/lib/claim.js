// SPDX-License-Identifier: Apache-2.0
// What the ways of claiming share.

export const ONBOARDING_TAG = "nrf-cloud-onboarding";

// People copy the lines around the token, too, and terminals break it.
export function tokenIn(text) {
	const joined = text.replace(/-----[^-\n]*-----/g, "").replace(/\s+/g, "");
	return /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(joined) ? joined : null;
}

export const claimRequest = (claimToken, tags) => ({
	method: "POST",
	path: "/claimed-devices",
	body: {claimToken, tags},
});
