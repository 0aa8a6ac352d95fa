// SPDX-License-Identifier: Apache-2.0
// One device: where it stands, what happened, what is queued, what it says of itself.
import {get, path} from "../lib/api.js";
import {announce} from "../lib/announce.js";
import {copy} from "../lib/curl.js";
import {fill, h, refill, shortId} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {sentenceOf} from "../lib/happened.js";
import {coalesce, listen} from "../lib/live.js";
import {nameOf} from "../lib/names.js";
import {button, facts, linkButton, loading, section} from "../lib/parts.js";
import {setTitle} from "../lib/router.js";
import {scope} from "../lib/scope.js";
import {may} from "../lib/session.js";
import {deviceBadge, statusOf} from "../lib/status.js";
import {chips} from "../lib/tags.js";
import {timeElement} from "../lib/time.js";
import {commandsPart} from "./device_commands.js";
import {certificatesPart} from "./device_certificates.js";
import {managePart, renameDialog, tagsDialog} from "./device_manage.js";
import {rulesPart} from "./device_rules.js";
import {shadowPart} from "./device_shadow.js";
import {timelinePart} from "./device_timeline.js";

export function devicePage({id}) {
	const life = scope();
	const state = {id, claimed: null, cloud: null, life};
	const head = h("div", {}, h("h1", {}, `Device ${shortId(id)}`));
	const about = h("div", {});
	const message = h("div", {});
	const parts = {
		timeline: timelinePart(state),
		commands: commandsPart(state),
		shadow: shadowPart(state),
		rules: rulesPart(state),
		certificates: certificatesPart(state),
	};
	const manage = h("div", {});
	const body = h(
		"div",
		{class: "columns"},
		h(
			"div",
			{class: "main-column"},
			parts.timeline.element,
			parts.commands.element,
			parts.shadow.element
		),
		h("div", {class: "side-column"}, about, parts.rules.element, parts.certificates.element, manage)
	);

	async function load() {
		try {
			[state.claimed, state.cloud] = await Promise.all([
				get(path`/claimed-devices/${id}`, {signal: life.signal}),
				get(path`/devices/${id}`, {signal: life.signal}),
			]);
			fill(message);
		} catch (error) {
			if (life.ended) return;
			fill(
				message,
				errorBox(error),
				error.status === 404 ? linkButton("#/devices", "Go to the devices", "") : null
			);
			body.hidden = error.status === 404;
			return;
		}
		if (life.ended) return;
		body.hidden = false;
		setTitle(nameOf(state.claimed));
		showHead();
		refill(about, details(state));
		if (!manage.firstChild) fill(manage, managePart(state, refresh));
		manage.firstChild.update?.();
		for (const part of Object.values(parts)) part.load();
	}

	let shownHead = "";
	function showHead() {
		const d = state.claimed;
		const is = JSON.stringify([nameOf(d), statusOf(d)]);
		if (is === shownHead) return;
		shownHead = is;
		const focused = head.contains(document.activeElement) && document.activeElement.tagName === "H1";
		const title = h("h1", {}, nameOf(d));
		refill(
			head,
			h("p", {class: "crumb"}, h("a", {href: "#/devices"}, "Devices")),
			h(
				"div",
				{class: "page-head"},
				h("div", {class: "title-line"}, title, deviceBadge(statusOf(d))),
				may("editor")
					? h(
							"div",
							{class: "actions"},
							button("Add a command", () => parts.commands.add(), "primary", {
								"data-key": "add",
							}),
							button("Rename", () => renameDialog(state, refresh), "", {"data-key": "rename"})
						)
					: null
			)
		);
		if (focused) {
			title.tabIndex = -1;
			title.focus();
		}
	}

	const refresh = coalesce(load, 150);
	life.onEnd(refresh.cancel);
	life.onEnd(
		listen((event) => {
			if (event.device && event.device !== id) return;
			if (event.device && event.kind !== "poll") announce(sentenceOf(event).text);
			refresh();
		})
	);
	fill(about, loading());
	load();
	return {
		title: `Device ${shortId(id)}`,
		stop: life.end,
		element: h("div", {class: "page"}, head, message, body),
	};

	function details({claimed: d, cloud}) {
		const key = cloud?.cloudAccess;
		return section(
			"Details",
			{
				actions: may("editor")
					? [button("Change tags", () => tagsDialog(state, refresh), "quiet", {"data-key": "tags"})]
					: [],
			},
			facts([
				[
					"Id",
					h(
						"span",
						{class: "id-line"},
						h("span", {class: "mono break"}, d.id),
						button("Copy", () => copy(d.id, "the id"), "quiet", {
							"aria-label": "Copy the id",
							"data-key": "copy",
						})
					),
				],
				["Tags", chips(d.tags)],
				["Type", d.deviceType ?? null],
				["Firmware", d.firmwareId ? h("span", {class: "mono break"}, d.firmwareId) : null],
				["Claimed", timeElement(d.claimedAt)],
				["Last seen", timeElement(d.lastSeenAt)],
				[
					"Cloud key",
					key
						? h(
								"span",
								{},
								`Tag ${key.secTag}, `,
								h("span", {class: "mono", title: key.keyId}, shortId(key.keyId)),
								", registered ",
								timeElement(key.registeredAt)
							)
						: "none yet",
				],
				["Last cloud login", timeElement(key?.lastLoginAt)],
			])
		);
	}
}
