// SPDX-License-Identifier: Apache-2.0
// What the device shall be (desired) and what it says it is (reported).
import {call, path} from "../lib/api.js";
import {curlButton} from "../lib/curl.js";
import {formDialog} from "../lib/dialog.js";
import {fill, h} from "../lib/dom.js";
import {field, Invalid} from "../lib/forms.js";
import {button, section} from "../lib/parts.js";
import {may} from "../lib/session.js";
import {toast} from "../lib/toast.js";

export function shadowPart(state) {
	const version = h("p", {class: "muted"});
	const desired = h("pre", {class: "json", tabindex: "0", role: "region", "aria-label": "Desired state"});
	const reported = h("pre", {class: "json", tabindex: "0", role: "region", "aria-label": "Reported state"});

	function load() {
		const shadow = state.cloud?.state ?? {};
		fill(
			version,
			shadow.version
				? `Version ${shadow.version}. The device reads what is desired and not reported.`
				: "The device has reported nothing yet."
		);
		show(desired, shadow.desired);
		show(reported, shadow.reported);
	}
	const edit = () => editDialog(state);
	return {
		load,
		element: section(
			"Shadow",
			{actions: may("editor") ? [button("Change desired", edit, "quiet")] : []},
			version,
			h(
				"div",
				{class: "pair"},
				h("div", {}, h("h3", {}, "Desired"), desired),
				h("div", {}, h("h3", {}, "Reported"), reported)
			)
		),
	};
}

function show(element, value) {
	const text = JSON.stringify(value ?? {}, null, 2);
	if (element.textContent !== text) element.textContent = text;
}

function editDialog(state) {
	const area = h("textarea", {rows: 10, class: "mono", spellcheck: "false"});
	area.value = JSON.stringify(state.cloud?.state?.desired ?? {}, null, 2);
	const areaField = field(
		"Changes as JSON",
		area,
		"Merged into what is desired: members that are not named stay, null deletes one."
	);
	const request = () => {
		areaField.problem("");
		let value;
		try {
			value = JSON.parse(area.value);
		} catch (error) {
			throw new Invalid(`This is not JSON: ${error.message}`, areaField);
		}
		if (typeof value !== "object" || value === null || Array.isArray(value))
			throw new Invalid("A state is an object: {…}.", areaField);
		return {method: "PATCH", path: path`/devices/${state.id}/state`, body: {desired: value}};
	};
	formDialog({
		title: "Change the desired state",
		label: "Change it",
		wide: true,
		body: areaField,
		extra: [curlButton(request, "this change")],
		submit: async () => {
			const changed = await call(request());
			state.cloud.state = changed.state;
			toast("Desired state changed");
		},
	});
}
