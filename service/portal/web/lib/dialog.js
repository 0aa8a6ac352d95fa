// SPDX-License-Identifier: Apache-2.0
// Dialogs: the browser's own <dialog> holds the focus inside and gives it back to where it was.
import {frontmost, h, uniqueId} from "./dom.js";
import {errorBox} from "./errors.js";

export function openDialog({title, body, actions = [], wide = false, onClose}) {
	const id = uniqueId("dialog");
	const before = document.activeElement;
	const close = h("button", {type: "button", class: "icon-button", "aria-label": "Close"}, "×");
	const dialog = h(
		"dialog",
		{"aria-labelledby": id, class: wide ? "wide" : null},
		h("div", {class: "dialog-head"}, h("h2", {id}, title), close),
		h("div", {class: "dialog-body"}, body),
		actions.length ? h("div", {class: "dialog-actions"}, actions) : null,
		h("div", {class: "announcer unseen", "aria-live": "polite"}),
		h("div", {class: "toasts"})
	);
	close.addEventListener("click", () => dialog.close());
	dialog.addEventListener("close", () => {
		const said = [...dialog.querySelector(".toasts").children];
		dialog.remove();
		frontmost(".toasts").append(...said);
		onClose?.();
		(before?.isConnected ? before : again(before?.dataset.key))?.focus();
	});
	document.body.append(dialog);
	dialog.showModal();
	dialog
		.querySelector(
			"[autofocus], .dialog-body input, .dialog-body select, .dialog-body textarea, .dialog-actions button"
		)
		?.focus();
	return dialog;
}

// What opened the dialog may have been made anew meanwhile.
const again = (key) => key && [...document.querySelectorAll("[data-key]")].find((e) => e.dataset.key === key);

// A form in a dialog. `submit` does the work; what it throws is shown and the dialog stays.
export function formDialog({
	title,
	body,
	label,
	danger = false,
	extra = [],
	submit,
	wide,
	ready = () => true,
}) {
	const errors = h("div", {});
	const go = h("button", {type: "submit", class: danger ? "danger" : "primary", disabled: !ready()}, label);
	const cancel = h("button", {type: "button"}, "Cancel");
	const form = h(
		"form",
		{
			class: "stack",
			novalidate: true,
			on: {
				submit: async (event) => {
					event.preventDefault();
					if (go.disabled) return;
					errors.replaceChildren();
					go.disabled = true;
					try {
						await submit();
						dialog.close();
					} catch (error) {
						if (!error.isShown) errors.replaceChildren(errorBox(error));
					} finally {
						go.disabled = !ready();
					}
				},
				input: () => {
					go.disabled = !ready();
				},
			},
		},
		body,
		errors,
		h("div", {class: "dialog-actions"}, extra, h("span", {class: "grow"}), cancel, go)
	);
	const dialog = openDialog({title, body: form, wide});
	cancel.addEventListener("click", () => dialog.close());
	return dialog;
}

// A text to copy by hand.
export function showText(title, text) {
	const area = h("textarea", {
		readonly: true,
		rows: 8,
		class: "mono",
		"aria-label": title,
		autofocus: true,
	});
	area.value = text;
	openDialog({
		title,
		body: h("div", {class: "stack"}, h("p", {}, "Select all of it and copy."), area),
		wide: true,
	});
	area.select();
}
