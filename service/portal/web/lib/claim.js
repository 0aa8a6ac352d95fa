// SPDX-License-Identifier: Apache-2.0
// What the ways of claiming share.
import {call} from "./api.js";
import {navigate} from "./router.js";
import {toast} from "./toast.js";

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

export async function claim(wanted) {
	const device = await call(wanted);
	toast("Device claimed");
	navigate(`#/devices/${encodeURIComponent(device.id)}`);
}
