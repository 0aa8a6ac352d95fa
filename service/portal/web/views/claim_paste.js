// SPDX-License-Identifier: Apache-2.0
import {call} from "../lib/api.js";
import {claimRequest, ONBOARDING_TAG, tokenIn} from "../lib/claim.js";
import {curlButton} from "../lib/curl.js";
import {fill, h} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {busy, field, Invalid} from "../lib/forms.js";
import {navigate} from "../lib/router.js";
import {tagsField} from "../lib/tags.js";
import {toast} from "../lib/toast.js";

export function claimByPaste() {
	const token = h("textarea", {
		rows: 5,
		class: "mono",
		spellcheck: "false",
		autocapitalize: "none",
		autocomplete: "off",
	});
	const tokenField = field(
		"Claim token",
		token,
		"What the device shows while it is unclaimed, or prints with: onboardctl token"
	);
	const tags = tagsField([ONBOARDING_TAG]);
	const message = h("div", {});
	const go = h("button", {type: "submit", class: "primary"}, "Claim the device");
	const request = () => claimRequest(readToken(tokenField, token), tags.read());

	return h(
		"form",
		{
			class: "card stack",
			novalidate: true,
			on: {
				submit: async (event) => {
					event.preventDefault();
					fill(message);
					try {
						const wanted = request();
						busy(go, true);
						const device = await call(wanted);
						toast("Device claimed");
						navigate(`#/devices/${encodeURIComponent(device.id)}`);
					} catch (error) {
						if (!error.isShown) fill(message, errorBox(error));
					} finally {
						busy(go, false);
					}
				},
			},
		},
		tokenField,
		tags,
		message,
		h("div", {class: "actions"}, go, curlButton(request, "the claim"))
	);
}

function readToken(tokenField, token) {
	tokenField.problem("");
	if (!token.value.trim()) throw new Invalid("Paste the claim token of the device.", tokenField);
	const found = tokenIn(token.value);
	if (!found)
		throw new Invalid(
			"This is not a whole token: it has two parts with a dot between them, of letters, digits, - and _.",
			tokenField
		);
	return found;
}
