// SPDX-License-Identifier: Apache-2.0
import {claim, claimRequest, ONBOARDING_TAG, tokenIn} from "../lib/claim.js";
import {curlButton} from "../lib/curl.js";
import {h} from "../lib/dom.js";
import {field, Invalid, submitting} from "../lib/forms.js";
import {tagsField} from "../lib/tags.js";

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
				submit: submitting({request, message, go, work: claim}),
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
