// SPDX-License-Identifier: Apache-2.0
// One Chromium for a file of tests, and pages in it that tell of everything that must not happen.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {after, before, test} from "node:test";
import {rest, stage} from "./stage.mjs";

const packages = process.env.PORTAL_PACKAGES;
const {chromium} = createRequire(packages + "/")("playwright-core");
const LIMIT_MS = 60000;
const DESKTOP = {width: 1440, height: 900};

let browser = null;
export let info = null;

// Starts the browser before the tests of the file, and ends it after them.
export function useBrowser(flags = []) {
	before(async () => {
		info = await stage.info();
		browser = await chromium.launch({
			executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
			headless: true,
			args: [
				"--no-sandbox",
				"--disable-gpu",
				"--disable-quic",
				"--disable-dev-shm-usage",
				"--no-first-run",
				"--disable-background-networking",
				"--disable-component-update",
				"--disable-sync",
				...flags,
			],
		});
	});
	after(() => browser?.close());
}

// A page of a fresh profile. page.problems: what no page of the portal may ever do.
export async function openPage({viewport = DESKTOP, colorScheme = "light", permissions = []} = {}) {
	const context = await browser.newContext({viewport, colorScheme, reducedMotion: "reduce"});
	if (permissions.length) await context.grantPermissions(permissions, {origin: info.origin});
	const page = await context.newPage();
	page.setDefaultTimeout(LIMIT_MS);
	page.problems = [];
	page.on("dialog", (dialog) => {
		page.problems.push(`dialog: ${dialog.message()}`);
		dialog.dismiss();
	});
	page.on("pageerror", (error) => page.problems.push(`error: ${error.stack}`));
	page.on("console", (message) => {
		// A refusal that the page shows to the person is also logged by the browser.
		if (["error", "warning"].includes(message.type()) && !/^Failed to load resource/.test(message.text()))
			page.problems.push(`console: ${message.text()}`);
	});
	page.on("request", (request) => {
		if (!request.url().startsWith(info.origin + "/") && !/^(data|blob):/.test(request.url()))
			page.problems.push(`request to ${request.url()}`);
	});
	await page.addInitScript(() =>
		document.addEventListener("securitypolicyviolation", (event) =>
			console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`)
		)
	);
	return page;
}

export async function signIn(page, {user = info.user, password = info.password, at = "#/devices"} = {}) {
	await page.goto(info.origin + "/portal/" + at);
	await page.getByLabel("User").fill(user);
	await page.getByLabel("Password").fill(password);
	await page.getByRole("button", {name: "Sign in"}).click();
	await page.getByRole("button", {name: "Sign out"}).waitFor();
}

// Hashing a password is slow on purpose: pages of one user share a session, unless a test needs one of its own.
const sessions = new Map();

export async function open({user = info.user, at = "#/devices", fresh = false, ...options} = {}) {
	const page = await openPage(options);
	if (fresh || !sessions.has(user)) {
		await signIn(page, {user, at});
		if (!fresh) sessions.set(user, await page.context().cookies());
		return page;
	}
	await page.context().addCookies(sessions.get(user));
	await page.goto(info.origin + "/portal/" + at);
	await page.getByRole("button", {name: "Sign out"}).waitFor();
	return page;
}

export async function close(page) {
	assert.deepEqual(page.problems, []);
	await page.context().close();
}

// Goes to a page of the portal as a link does, without loading the document again.
export async function go(page, hash) {
	await page.evaluate((h) => {
		location.hash = h;
	}, hash);
}

// Remembers that this document is still the same one.
export const mark = (page) =>
	page.evaluate(() => {
		window.markOfTheTest = true;
	});
export const isMarked = (page) => page.evaluate(() => window.markOfTheTest === true);

export const live = (page) => page.locator(".live", {hasText: "Live"}).waitFor();

// Clicks "Copy as curl" inside of something, and returns what is in the clipboard then.
export async function copiedCurl(page, within) {
	await page.evaluate(() => navigator.clipboard.writeText(""));
	await within
		.getByRole("button", {name: /^Copy as curl/})
		.first()
		.click();
	const text = await page.evaluate(async (limit) => {
		const end = performance.now() + limit;
		let text = "";
		while (!text && performance.now() < end) {
			await new Promise(requestAnimationFrame);
			text = await navigator.clipboard.readText();
		}
		return text;
	}, LIMIT_MS);
	assert.ok(text, "nothing was copied");
	return text;
}

// What axe-core finds that keeps people out.
export async function barriers(page) {
	const devtools = await page.context().newCDPSession(page);
	await devtools.send("Runtime.evaluate", {
		expression: readFileSync(packages + "/axe-core/axe.min.js", "utf8"),
	});
	const {result, exceptionDetails} = await devtools.send("Runtime.evaluate", {
		awaitPromise: true,
		returnByValue: true,
		expression: `
		axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.map((v) => ({id: v.id, impact: v.impact,
			where: v.nodes.slice(0, 3).map((n) => n.target.join(" ") + ": " + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? ""))})))`,
	});
	assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
	await devtools.detach();
	return result.value;
}

export {assert, rest, stage, test};
