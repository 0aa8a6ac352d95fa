// SPDX-License-Identifier: Apache-2.0
// Claiming with the camera. Nothing is sent until the person who scanned says so.
import {announce} from "../lib/announce.js";
import {claim, claimRequest, ONBOARDING_TAG, tokenIn} from "../lib/claim.js";
import {curlButton} from "../lib/curl.js";
import {fill, h} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {submitting} from "../lib/forms.js";
import {button, facts} from "../lib/parts.js";
import {startScan} from "../lib/scan.js";
import {tagsField} from "../lib/tags.js";

export function claimByScan(life) {
	const video = h("video", {
		muted: true,
		playsinline: true,
		"aria-label": "What the camera sees",
		hidden: true,
	});
	const message = h("div", {});
	const say = h("p", {class: "muted", role: "status"});
	const start = button("Start the camera", begin, "primary");
	const stop = button("Stop", end, "", {hidden: true});
	const found = h("div", {});
	let camera = null;

	function showRunning(isRunning) {
		video.hidden = !isRunning;
		start.hidden = isRunning;
		stop.hidden = !isRunning;
	}
	async function begin() {
		fill(message);
		fill(found);
		try {
			showRunning(true);
			fill(say, "Hold the device's QR code in front of the camera.");
			camera = await startScan(video, onText);
			if (life.ended) end();
		} catch (error) {
			end();
			fill(message, errorBox(error));
		}
	}
	function end() {
		camera?.stop();
		camera = null;
		fill(say);
		showRunning(false);
	}
	function onText(text) {
		const token = tokenIn(text);
		if (!token) {
			fill(say, "This QR code is not a claim token. Look for the one that the device shows.");
			return;
		}
		end();
		start.textContent = "Scan again";
		announce("Token found");
		fill(found, confirmation(token));
		found.querySelector("button")?.focus();
	}
	life.onEnd(end);
	return h(
		"div",
		{class: "card stack"},
		h("p", {}, "The picture stays in this browser; only the token is sent, once you confirm it."),
		video,
		say,
		message,
		h("div", {class: "actions"}, start, stop),
		found
	);
}

function confirmation(token) {
	const tags = tagsField([ONBOARDING_TAG]);
	const message = h("div", {});
	const go = h("button", {type: "submit", class: "primary"}, "Claim the device");
	const request = () => claimRequest(token, tags.read());
	return h(
		"form",
		{
			class: "stack found",
			novalidate: true,
			on: {
				submit: submitting({request, message, go, work: claim}),
			},
		},
		h("p", {class: "notice good", role: "status"}, "Token found."),
		facts([["Token", h("span", {class: "mono break"}, token)]]),
		tags,
		message,
		h("div", {class: "actions"}, go, curlButton(request, "the claim"))
	);
}
