// SPDX-License-Identifier: Apache-2.0
// A short word that something worked. Said to screen readers too; it leaves by itself or by its button.
import {frontmost, h} from "./dom.js";
import {announce} from "./announce.js";

const SHOWN_MS = 6000;

export function toast(text) {
	const place = frontmost(".toasts");
	const close = h("button", {type: "button", class: "icon-button", "aria-label": "Dismiss"}, "×");
	const element = h("div", {class: "toast"}, h("span", {}, text), close);
	close.addEventListener("click", () => element.remove());
	place.append(element);
	while (place.children.length > 3) place.firstElementChild.remove();
	announce(text);
	setTimeout(() => element.remove(), SHOWN_MS);
}
