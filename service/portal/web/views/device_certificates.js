// SPDX-License-Identifier: Apache-2.0
// The certificates that the service issued for the device.
import {call, get, path} from "../lib/api.js";
import {curlButton} from "../lib/curl.js";
import {formDialog} from "../lib/dialog.js";
import {fill, h, refill} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {field, select} from "../lib/forms.js";
import {button, facts, loading, section} from "../lib/parts.js";
import {may} from "../lib/session.js";
import {badge} from "../lib/status.js";
import {timeElement} from "../lib/time.js";
import {toast} from "../lib/toast.js";

const REASONS = [
	["", "Not said"],
	["keyCompromise", "The key may be known to others"],
	["superseded", "Replaced by another"],
	["cessationOfOperation", "The device is out of service"],
];

export function certificatesPart(state) {
	const place = h("div", {}, loading());
	const element = section("Certificates", {}, place);

	async function load() {
		try {
			const items =
				(await get(path`/claimed-devices/${state.id}/certificates`, {signal: state.life.signal}))
					.items ?? [];
			refill(
				place,
				items.length
					? h(
							"ul",
							{class: "plain"},
							items.map((c) => entry(state, c, load))
						)
					: h("p", {class: "muted"}, "None issued. The command “Issue a certificate” asks for one.")
			);
		} catch (error) {
			// A service without certificates' resources.
			element.hidden = error.status === 404;
			if (!state.life.ended && error.status !== 404) fill(place, errorBox(error));
		}
	}
	return {element, load};
}

function entry(state, certificate, reload) {
	const revoked = certificate.revokedAt;
	return h(
		"li",
		{},
		revoked ? badge("bad", "Revoked") : badge("good", "Good"),
		facts([
			["Serial", h("span", {class: "mono break"}, certificate.serial)],
			["Tag", certificate.secTag ?? null],
			["Ends", timeElement(certificate.notAfter)],
			["Revoked", revoked ? timeElement(revoked) : null],
		]),
		!revoked && may("admin")
			? button("Revoke", () => revokeDialog(state, certificate, reload), "quiet", {
					"data-key": certificate.serial,
				})
			: null
	);
}

function revokeDialog(state, certificate, reload) {
	const reason = select(REASONS);
	const request = () => ({
		method: "POST",
		path: path`/claimed-devices/${state.id}/certificates/${certificate.serial}/revoke`,
		body: reason.value ? {reason: reason.value} : {},
	});
	formDialog({
		title: "Revoke the certificate",
		label: "Revoke it",
		danger: true,
		extra: [curlButton(request, "the revocation")],
		body: h(
			"div",
			{class: "stack"},
			h(
				"p",
				{},
				"It goes on the revocation list for good. Whoever checks the list refuses the device with it."
			),
			field("Reason", reason)
		),
		submit: async () => {
			await call(request());
			toast("Certificate revoked");
			reload();
		},
	});
}
