// SPDX-License-Identifier: Apache-2.0
// The portal starts here: who is signed in decides between the sign-in page and the pages behind it.
import {setCsrfRenewer, setSignedOutHandler} from "./lib/api.js";
import {fill, h} from "./lib/dom.js";
import {errorBox} from "./lib/errors.js";
import {startLive, stopLive} from "./lib/live.js";
import {focusHeading, navigate, parseHash, route, startRouter, stopRouter} from "./lib/router.js";
import {forget, resume, signOut, user} from "./lib/session.js";
import {button} from "./lib/parts.js";
import {watchPresses} from "./lib/press.js";
import {keepTimes} from "./lib/time.js";
import {shell} from "./views/shell.js";
import {signInPage} from "./views/signin.js";
import {devicesPage} from "./views/devices.js";
import {claimPage} from "./views/claim.js";
import {devicePage} from "./views/device.js";
import {rulesPage} from "./views/rules.js";
import {rulePage} from "./views/rule.js";
import {tagsPage} from "./views/tags.js";
import {teamPage} from "./views/team.js";
import {missingPage} from "./views/missing.js";

route("/devices", devicesPage);
route("/devices/:id", devicePage);
route("/claim", claimPage);
route("/claim/:how", claimPage);
route("/rules", rulesPage);
route("/rules/:id", rulePage);
route("/tags", tagsPage);
route("/team", teamPage);
route("/team/:part", teamPage);

const app = document.getElementById("app");
let inside = false;

function enter() {
	inside = true;
	const frame = shell({onSignOut: leave});
	fill(app, frame.element);
	if (parseHash(location.hash).path === "/") history.replaceState(null, "", "#/devices");
	startRouter(frame.outlet, missingPage, frame.showPlace);
	startLive();
}

function outside(note) {
	if (inside) {
		inside = false;
		stopRouter();
		stopLive();
	}
	for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
	fill(
		app,
		signInPage({
			note,
			onSignedIn: () => {
				enter();
				focusHeading();
			},
		})
	);
	document.title = "Sign in · onboard";
	document.querySelector("#app input")?.focus();
}

async function leave() {
	try {
		await signOut();
	} catch {
		// Signed out here in any case; the session ends by itself.
	}
	outside("You are signed out.");
	navigate("#/");
}

// Signed in again in another tab: as the same person one goes on, as another one the page begins anew.
async function renewToken() {
	const before = user().id;
	const session = await resume();
	if (session && session.user.id !== before) location.reload();
	return session?.csrfToken;
}

async function start() {
	keepTimes();
watchPresses();
	setCsrfRenewer(renewToken);
	setSignedOutHandler(() => {
		if (!inside) return;
		forget();
		outside("Your session has ended. Sign in again to go on where you were.");
	});
	try {
		if (await resume()) enter();
		else outside(null);
	} catch (error) {
		fill(
			app,
			h(
				"main",
				{class: "signin"},
				h("h1", {}, "onboard"),
				errorBox(error),
				button("Try again", () => location.reload(), "primary")
			)
		);
	}
}

start();
