// SPDX-License-Identifier: Apache-2.0
// The page goes on by itself after the service was away.
import {assert, close, isMarked, live, mark, open, rest, stage, test, useBrowser} from "./browser.mjs";

useBrowser();

test("a page that was open while the service restarted shows what happens afterwards", async () => {
	const {id} = await stage.device({name: "patient"});
	await stage.claim({name: "patient", tags: ["nrf-cloud-onboarding"]});
	const page = await open({at: `#/devices/${id}`});
	await live(page);
	await mark(page);
	await page.locator(".timeline [data-kind=claimed]").waitFor();
	await stage.stopService();
	await page.locator(".live", {hasText: "Reconnecting"}).waitFor();
	await page.getByText("The service does not answer.").waitFor();
	assert.ok(await page.locator(".timeline [data-kind=claimed]").isVisible(), "what was known is gone");
	await stage.startService();
	await live(page);
	assert.equal((await stage.once({name: "patient"})).status.cloud, "validated");
	await page.locator(".timeline [data-kind=validated]").waitFor();
	await page.locator(".title-line .badge", {hasText: "Validated"}).waitFor();
	await page.locator(".notice.bad").first().waitFor({state: "detached"});
	assert.ok(await isMarked(page), "the page was loaded again");
	await close(page);
});

test("what happens while a page has no live connection is shown by asking again", async () => {
	const {id} = await stage.device({name: "polled"});
	await stage.claim({name: "polled"});
	const page = await open({at: "#/tags"});
	await page.route("**/v1/events*", (route) => route.abort());
	await page.reload();
	await page.locator(".live", {hasText: "Reconnecting"}).waitFor();
	await page.goto((await stage.info()).origin + `/portal/#/devices/${id}`);
	await page.getByRole("heading", {level: 1, name: id.slice(0, 8)}).waitFor();
	await rest("POST", `/claimed-devices/${id}/block`);
	await page.locator(".title-line .badge", {hasText: "Blocked"}).waitFor();
	await close(page);
});

// While a button is pressed the page hears of a change and asks what it is.
async function pressDuring(page, id, change) {
	const asked = [`/v1/claimed-devices/${id}`, `/v1/devices/${id}`].map((path) =>
		page.waitForResponse((response) => new URL(response.url()).pathname === path)
	);
	// It takes the focus from another one.
	await page.getByRole("button", {name: "Rename"}).focus();
	await page.getByRole("button", {name: "Reset…"}).hover();
	await page.mouse.down();
	await change();
	await Promise.all(asked);
	await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
	await page.mouse.up();
	await page.getByRole("dialog").getByRole("button", {name: "Reset", exact: true}).waitFor();
	await page.keyboard.press("Escape");
}

test("a button that is pressed while the page changes still does what it says", async () => {
	const {id} = await stage.device({name: "pressed"});
	await stage.claim({name: "pressed"});
	const page = await open({at: `#/devices/${id}`});
	await live(page);
	// Made anew itself.
	await pressDuring(page, id, () => rest("POST", `/claimed-devices/${id}/block`));
	await page.getByRole("button", {name: "Unblock…"}).waitFor();
	// Moved by what is above it.
	const tags = Array.from({length: 16}, (_, i) => `a-tag-that-takes-its-room-${i}`);
	await pressDuring(page, id, () => rest("PATCH", `/claimed-devices/${id}`, {tags}));
	await page.locator(".facts .chip", {hasText: tags[15]}).waitFor();
	await close(page);
});

test("a release that the page is not told of, as over the list of a select, is noticed with the next movement", async () => {
	const {id} = await stage.device({name: "released"});
	await stage.claim({name: "released"});
	const page = await open({at: `#/devices/${id}`});
	await live(page);
	await page.evaluate(() => document.body.dispatchEvent(new PointerEvent("pointerdown", {button: 0, bubbles: true})));
	await rest("POST", `/claimed-devices/${id}/block`);
	await page.mouse.move(5, 5);
	await page.locator(".title-line .badge", {hasText: "Blocked"}).waitFor();
	await close(page);
});

test("a person who signed in again in another tab goes on in this one", async () => {
	const {id} = await stage.device({name: "tabs"});
	await stage.claim({name: "tabs"});
	const page = await open({at: `#/devices/${id}`, fresh: true});
	await page.getByRole("button", {name: "Rename"}).waitFor();
	const {user, password} = await stage.info();
	assert.equal(
		await page.evaluate(
			async (body) =>
				(
					await fetch("/v1/session", {
						method: "POST",
						headers: {"Content-Type": "application/json"},
						body: JSON.stringify(body),
					})
				).status,
			{user, password}
		),
		201
	);
	await page.getByRole("button", {name: "Rename"}).click();
	await page.getByRole("dialog").getByLabel("Name", {exact: true}).fill("Still here");
	await page.getByRole("dialog").getByRole("button", {name: "Rename", exact: true}).click();
	await page.getByRole("heading", {level: 1, name: "Still here"}).waitFor();
	await close(page);
});

test("a session that ends somewhere else leads to the sign-in page, and back to where the person was", async () => {
	const page = await open({at: "#/rules"});
	await page.context().clearCookies();
	await page.getByRole("link", {name: "Tags", exact: true}).click();
	await page.getByText("Your session has ended.").waitFor();
	const {user, password} = await stage.info();
	await page.getByLabel("User").fill(user);
	await page.getByLabel("Password").fill(password);
	await page.keyboard.press("Enter");
	await page.getByRole("heading", {level: 1, name: "Tags"}).waitFor();
	await close(page);
});
