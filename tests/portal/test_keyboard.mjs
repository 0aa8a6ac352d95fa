// SPDX-License-Identifier: Apache-2.0
// Signing in and claiming without a mouse, with the focus seen and in the right place at every step.
import {assert, close, info, openPage, stage, test, useBrowser} from "./browser.mjs";

useBrowser();

const focused = (page) =>
	page.evaluate(() => {
		const e = document.activeElement;
		const style = getComputedStyle(e);
		return {
			name: e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent.trim(),
			tag: e.tagName,
			inDialog: Boolean(e.closest("dialog")),
			isSeen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
			isOnScreen: e.getBoundingClientRect().bottom > 0,
		};
	});

// Presses Tab until something of this name has the focus; everything on the way shows that it has it.
async function tabTo(page, name, key = "Tab") {
	const way = [];
	for (let i = 0; i < 60; i++) {
		await page.keyboard.press(key);
		const at = await focused(page);
		way.push(at.name);
		if (at.tag !== "BODY")
			assert.ok(at.isSeen && at.isOnScreen, `the focus is not seen on ${at.tag} ${at.name}`);
		if (at.tag !== "BODY" && at.name.startsWith(name)) return at;
	}
	throw new Error(`${name} is not reached by Tab: ${way.join(" | ")}`);
}

test("a person with a keyboard alone signs in, claims a device, and sees it validated", async () => {
	const {id} = await stage.device({name: "keys"});
	const token = await stage.token({name: "keys"});
	const page = await openPage();
	await page.goto(info.origin + "/portal/");
	await page.getByLabel("User").waitFor();
	assert.equal((await focused(page)).name, "User");
	await page.keyboard.type(info.user);
	await tabTo(page, "Password");
	await page.keyboard.type(info.password);
	await page.keyboard.press("Enter");
	await page.getByRole("heading", {level: 1, name: "Devices"}).waitFor();
	assert.equal((await focused(page)).tag, "H1");

	await page.getByText("No devices yet").waitFor();
	await tabTo(page, "Claim your first device");
	await page.keyboard.press("Enter");
	await page.getByRole("heading", {level: 1, name: "Claim devices"}).waitFor();
	assert.equal((await focused(page)).tag, "H1");
	await tabTo(page, "Claim token");
	await page.keyboard.insertText(token);
	await tabTo(page, "Claim the device");
	await page.keyboard.press("Enter");
	await page.getByRole("heading", {level: 1, name: id.slice(0, 8)}).waitFor();
	assert.equal((await stage.once({name: "keys"})).status.cloud, "validated");
	await page.locator(".title-line .badge", {hasText: "Validated"}).waitFor();
	assert.equal((await focused(page)).tag, "H1", "a change that came by itself took the focus away");

	await tabTo(page, "Block…");
	await page.keyboard.press("Enter");
	await page.getByRole("dialog").waitFor();
	for (let i = 0; i < 6; i++) {
		await page.keyboard.press("Tab");
		const at = await focused(page);
		assert.ok(at.inDialog || at.tag === "BODY", `the focus left the dialog: ${at.name}`);
	}
	await page.keyboard.press("Escape");
	assert.equal((await focused(page)).name, "Block…", "the focus is not back where the dialog was opened");
	await close(page);
});

test("the first Tab of a page offers to skip the navigation", async () => {
	const page = await openPage();
	await page.goto(info.origin + "/portal/");
	await page.getByLabel("User").fill(info.user);
	await page.getByLabel("Password").fill(info.password);
	await page.keyboard.press("Enter");
	await page.getByRole("button", {name: "Sign out"}).waitFor();
	await page.reload();
	await page.getByRole("heading", {level: 1, name: "Devices"}).waitFor();
	await tabTo(page, "Skip to the page");
	await page.keyboard.press("Enter");
	assert.equal((await focused(page)).tag, "H1");
	await close(page);
});

test("what is missing in a form has the focus, and says what it wants", async () => {
	const page = await openPage();
	await page.goto(info.origin + "/portal/");
	await page.getByLabel("User").waitFor();
	await page.keyboard.press("Enter");
	await page.getByText("Enter your user name.").waitFor();
	const at = await page.evaluate(() => {
		const e = document.activeElement;
		return {
			name: e.name,
			invalid: e.hasAttribute("aria-invalid"),
			says: document.getElementById(e.getAttribute("aria-describedby")).textContent,
		};
	});
	assert.deepEqual(at, {name: "user", invalid: true, says: "Enter your user name."});
	await close(page);
});
