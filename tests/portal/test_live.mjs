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
