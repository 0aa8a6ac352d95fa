// SPDX-License-Identifier: Apache-2.0
// What a screen reader says of things that change by themselves: one line at a time, the latest wins.
import {frontmost} from "./dom.js";

const QUIET_MS = 400;
let timer = null;
let waiting = [];

export function announce(text) {
	waiting = [...waiting.slice(-2), text];
	if (timer === null) timer = setTimeout(speak, QUIET_MS);
}

function speak() {
	timer = null;
	frontmost(".announcer").textContent = waiting.join(". ");
	waiting = [];
}
