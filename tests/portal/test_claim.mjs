// SPDX-License-Identifier: Apache-2.0
// From an unclaimed device to a validated one, in the page, without a reload; then a command and its result.
import {
	assert,
	close,
	go,
	isMarked,
	live,
	mark,
	open,
	openPage,
	signIn,
	stage,
	test,
	useBrowser,
} from "./browser.mjs";

useBrowser();

async function watchItGoLive(page, device) {
	await page.locator(".timeline [data-kind=claimed]").waitFor();
	const ended = await stage.finish({name: device});
	assert.equal(ended.status.cloud, "validated", JSON.stringify(ended));
	await page.locator(".title-line .badge", {hasText: "Validated"}).waitFor();
	await page.locator(".timeline [data-kind=validated]").waitFor();
}

test("a token that is pasted makes the device ours, and the page shows it become validated by itself", async () => {
	const {id} = await stage.device({name: "pasted"});
	const token = await stage.token({name: "pasted"});
	await stage.start({name: "pasted"});
	const page = await open({at: "#/claim"});
	await live(page);
	await mark(page);
	await page
		.getByLabel("Claim token")
		.fill(
			`----- BEGIN ATTESTATION TOKEN -----\n${token.slice(0, 60)}\n${token.slice(60)}\n----- END ATTESTATION TOKEN -----\n`
		);
	await page.getByRole("button", {name: "Claim the device"}).click();
	await page.getByRole("heading", {level: 1, name: id.slice(0, 8)}).waitFor();
	await watchItGoLive(page, "pasted");

	for (const kind of ["authenticated", "command-succeeded", "key-registered"])
		assert.ok(
			(await page.locator(`.timeline [data-kind=${kind}]`).count()) > 0,
			`no ${kind} in the timeline`
		);
	assert.match(
		await page.locator(".timeline [data-kind=command-succeeded]").first().textContent(),
		/Done: .* in \d/
	);

	await page.getByRole("button", {name: "Add a command"}).first().click();
	const dialog = page.getByRole("dialog", {name: "Add a command"});
	await dialog.getByLabel("What the device shall do").selectOption({label: "Generate a private key"});
	await dialog.getByLabel("Security tag").fill("17");
	await dialog.getByLabel("Description (optional)").fill("a second key");
	await dialog.getByRole("button", {name: "Add the command"}).click();
	await dialog.waitFor({state: "hidden"});
	const command = page.locator(".commands li", {hasText: "a second key"});
	await command.locator(".badge", {hasText: "Pending"}).waitFor();
	await stage.once({name: "pasted"});
	await command.locator(".badge", {hasText: "Succeeded"}).waitFor();
	await command.getByRole("button", {name: /Details/}).click();
	assert.match(await page.getByRole("dialog").locator("pre").nth(1).textContent(), /BEGIN PUBLIC KEY/);
	assert.ok(await isMarked(page), "the page was loaded again");
	await close(page);
});

test("the list shows a device become validated by itself", async () => {
	const {id} = await stage.device({name: "listed"});
	const page = await open();
	await live(page);
	await mark(page);
	await stage.claim({name: "listed", tags: ["nrf-cloud-onboarding"]});
	const row = page.locator("tr", {hasText: id});
	await row.locator(".badge", {hasText: "Waiting"}).waitFor();
	await stage.once({name: "listed"});
	await row.locator(".badge", {hasText: "Validated"}).waitFor();
	await page.locator(".announcer", {hasText: "validated"}).waitFor({state: "attached"});
	assert.ok(await isMarked(page), "the page was loaded again");
	await close(page);
});

test("what is not a token, and a token that nobody knows, are explained", async () => {
	await stage.device({name: "stranger", known: false});
	const page = await open({at: "#/claim"});
	await page.getByLabel("Claim token").fill("half.of a;token");
	await page.getByRole("button", {name: "Claim the device"}).click();
	await page.getByText("This is not a whole token").waitFor();
	await page.getByLabel("Claim token").fill("2dn3hQFQ".repeat(9) + "." + "oRDoQEm".repeat(14));
	await page.getByRole("button", {name: "Claim the device"}).click();
	const alert = page.locator(".notice.bad");
	await alert.waitFor();
	assert.match(await alert.textContent(), /token.*(Correct|again)/is);
	await close(page);
});

test("a wrong password is refused, the right one leads to the page that was asked for, and signing out ends it", async () => {
	const page = await openPage();
	await page.goto((await stage.info()).origin + "/portal/#/rules");
	await page.getByLabel("User", {exact: true}).fill("ada");
	await page.getByLabel("Password", {exact: true}).fill("not the password of ada");
	await page.getByRole("button", {name: "Sign in"}).click();
	await page.getByText("The user or the password is not right.").waitFor();
	await signIn(page, {at: "#/rules"});
	await page.getByRole("heading", {name: "Rules", level: 1}).waitFor();
	await page.reload();
	await page.getByRole("heading", {name: "Rules", level: 1}).waitFor();
	await page.getByRole("button", {name: "Sign out"}).click();
	await page.getByText("You are signed out.").waitFor();
	await page.reload();
	await page.getByLabel("Password", {exact: true}).waitFor();
	await close(page);
});

test("a viewer sees everything and is offered nothing that a viewer may not do", async () => {
	await stage.user({name: "vera", role: "viewer"});
	const page = await open({user: "vera"});
	await page.locator("td a").first().waitFor();
	assert.deepEqual(await page.locator("header nav a").allTextContents(), ["Devices", "Rules", "Tags"]);
	assert.equal(await page.getByRole("link", {name: "Claim a device"}).count(), 0);
	await page.locator("td a").first().click();
	await page.locator(".timeline li").first().waitFor();
	for (const name of [
		"Add a command",
		"Rename",
		"Unclaim…",
		"Block…",
		"Reset…",
		"Change tags",
		"Change desired",
	])
		assert.equal(await page.getByRole("button", {name}).count(), 0, name);
	await go(page, "#/team");
	await page.getByText("Only admins of the team see this page.").waitFor();
	await close(page);
});
