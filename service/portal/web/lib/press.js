// SPDX-License-Identifier: Apache-2.0
// What a person is pressing stays where it is until the press is over: browsers make no click of one that began on an element
// which is gone when it ends.

let pressed = null;
const waiting = new Map();

function release() {
	pressed = null;
	// The click comes after the release, and finds its element.
	setTimeout(() => {
		if (pressed) return;
		const works = [...waiting.values()];
		waiting.clear();
		for (const work of works) work();
	});
}

export function watchPresses() {
	addEventListener("pointerdown", (event) => (pressed = event.target), true);
	addEventListener("keydown", (event) => event.key === " " && (pressed = event.target), true);
	for (const over of ["pointerup", "pointercancel", "keyup", "blur"]) addEventListener(over, release, true);
}

// Does it now, or after the press of something inside of the element; then only the latest work for an element counts.
export function whenReleased(element, work) {
	waiting.delete(element);
	if (pressed && element.contains(pressed)) waiting.set(element, work);
	else work();
}
