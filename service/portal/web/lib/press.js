// SPDX-License-Identifier: Apache-2.0
// While a person presses something the page holds still: browsers make no click of a press that ends on another element than it
// began on, because that one was made anew or moved by what grew above it.

let pressedBy = null; // the kind of event that began it
let waiting = [];

function release() {
	pressedBy = null;
	// The click comes after the release, and finds its element.
	setTimeout(() => {
		if (pressedBy) return;
		const all = waiting;
		waiting = [];
		for (const goOn of all) goOn();
	});
}

export function watchPresses() {
	const begin = (event) => (pressedBy = event.type);
	addEventListener("pointerdown", (event) => event.button === 0 && begin(event), true);
	addEventListener("keydown", (event) => event.key === " " && begin(event), true);
	for (const over of ["pointerup", "pointercancel", "contextmenu", "keyup"]) addEventListener(over, release, true);
	// The list of a select takes the release for itself.
	addEventListener("pointermove", (event) => pressedBy === "pointerdown" && !event.buttons && release(), true);
	// Of the window: an element loses the focus to what is pressed.
	addEventListener("blur", release);
}

// At once, or when nothing is pressed any more.
export const released = () => (pressedBy ? new Promise((goOn) => waiting.push(goOn)) : Promise.resolve());
