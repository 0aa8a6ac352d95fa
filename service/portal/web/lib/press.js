// SPDX-License-Identifier: Apache-2.0
// While a person presses something the page holds still: browsers make no click of a press that ends on another element than it
// began on, because that one was made anew or moved by what grew above it.

let isPressed = false;
let waiting = [];

function release() {
	isPressed = false;
	// The click comes after the release, and finds its element.
	setTimeout(() => {
		if (isPressed) return;
		const all = waiting;
		waiting = [];
		for (const goOn of all) goOn();
	});
}

export function watchPresses() {
	addEventListener("pointerdown", (event) => event.button === 0 && (isPressed = true), true);
	addEventListener("keydown", (event) => event.key === " " && (isPressed = true), true);
	for (const over of ["pointerup", "pointercancel", "contextmenu", "keyup"]) addEventListener(over, release, true);
	// Of the window: an element loses the focus to what is pressed.
	addEventListener("blur", release);
}

// At once, or when nothing is pressed any more.
export const released = () => (isPressed ? new Promise((goOn) => waiting.push(goOn)) : Promise.resolve());
