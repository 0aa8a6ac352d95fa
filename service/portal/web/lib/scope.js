// SPDX-License-Identifier: Apache-2.0
// What a page started and has to end: requests, listeners, cameras.

export function scope() {
	const controller = new AbortController();
	const ends = [];
	return {
		signal: controller.signal,
		get ended() {
			return controller.signal.aborted;
		},
		onEnd(f) {
			ends.push(f);
		},
		end() {
			controller.abort();
			for (const f of ends.splice(0)) f();
		},
	};
}
