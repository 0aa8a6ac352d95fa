// SPDX-License-Identifier: Apache-2.0
// What changes a device, a rule, a team: each by its dialog, each seen in the service.
import {assert, close, go, live, open, rest, stage, test, useBrowser} from "./browser.mjs";

useBrowser();

const EXIT_IDENTITY = 6;

test("a device is renamed, tagged, blocked, unblocked, reset and unclaimed", async () => {
	const {id} = await stage.device({name: "managed"});
	await stage.claim({name: "managed", tags: ["nrf-cloud-onboarding"]});
	await stage.once({name: "managed"});
	const page = await open({at: `#/devices/${id}`});
	await live(page);
	const dialog = page.getByRole("dialog");
	const press = (name) => dialog.getByRole("button", {name, exact: true}).click();

	await page.getByRole("button", {name: "Rename"}).click();
	await dialog.getByLabel("Name", {exact: true}).fill("Gate 7");
	await press("Rename");
	await page.getByRole("heading", {level: 1, name: "Gate 7"}).waitFor();
	await page.locator(".timeline [data-kind=renamed]").waitFor();
	await page.waitForFunction(() => document.activeElement.textContent === "Rename");

	await page.getByRole("button", {name: "Change tags"}).click();
	await dialog.getByLabel("Tags", {exact: true}).fill("nrf-cloud-onboarding not/a/tag");
	await press("Change");
	await dialog.getByText("is not a tag").waitFor();
	await dialog.getByLabel("Tags", {exact: true}).fill("nrf-cloud-onboarding gates");
	await press("Change");
	await page.locator(".facts .chip", {hasText: "gates"}).waitFor();

	await page.getByRole("button", {name: "Block…"}).click();
	await press("Block");
	await page.locator(".title-line .badge", {hasText: "Blocked"}).waitFor();
	await stage.once({name: "managed", expect: EXIT_IDENTITY});
	await page.getByRole("button", {name: "Unblock…"}).click();
	await press("Unblock");
	await page.getByRole("button", {name: "Block…"}).waitFor();

	const before = await page.locator(".timeline [data-kind=validated]").count();
	await page.getByRole("button", {name: "Reset…"}).click();
	await press("Reset");
	await page.locator(".timeline [data-kind=reset]").waitFor();
	await stage.once({name: "managed"});
	await page.waitForFunction(
		(n) => document.querySelectorAll(".timeline [data-kind=validated]").length > n,
		before
	);

	await page.getByRole("button", {name: "Change desired"}).click();
	await dialog.getByLabel("Changes as JSON").fill('{"interval": 60}');
	await press("Change it");
	await page.locator("pre", {hasText: '"interval": 60'}).waitFor();

	await page.getByRole("button", {name: "Unclaim…"}).click();
	await dialog.getByText("This is lost for good:").waitFor();
	assert.match(await dialog.textContent(), /commands.*shadow.*timeline.*cloud key.*certificates/s);
	const confirm = dialog.getByRole("button", {name: "Unclaim the device"});
	assert.ok(await confirm.isDisabled());
	await dialog.getByLabel(/to confirm/).fill("wrong");
	assert.ok(await confirm.isDisabled());
	await dialog.getByLabel(/to confirm/).fill(id.slice(0, 8));
	await confirm.click();
	await page.getByRole("heading", {level: 1, name: "Devices"}).waitFor();
	assert.equal((await stage.rest({method: "GET", path: `/claimed-devices/${id}`})).status, 404);
	await go(page, `#/devices/${id}`);
	await page.getByText("Go back to the list.").waitFor();
	await close(page);
});

test("a queued command is deleted", async () => {
	const {id} = await stage.device({name: "queued"});
	await stage.claim({name: "queued"});
	await rest("POST", `/claimed-devices/${id}/provisioning`, {
		description: "not wanted",
		request: {finished: {}},
	});
	const page = await open({at: `#/devices/${id}`});
	await page.getByRole("button", {name: "Details of Finish the run"}).click();
	await page.getByRole("dialog").getByRole("button", {name: "Delete the command"}).click();
	await page.getByText("No commands", {exact: true}).waitFor();
	assert.equal((await rest("GET", `/claimed-devices/${id}/provisioning`)).items.length, 0);
	await close(page);
});

test("a certificate that the service issued is shown, and revoked for good", async () => {
	const {id} = await stage.device({name: "certified"});
	await stage.claim({name: "certified"});
	await rest("POST", `/claimed-devices/${id}/provisioning`, {
		request: {certificateSigningRequest: {secTag: 17, attributes: "O=Example", keyUsage: "101010000"}},
	});
	await rest("POST", `/claimed-devices/${id}/provisioning`, {
		request: {cloudAccessKeyGeneration: {secTag: 16842753}},
	});
	await stage.once({name: "certified"});
	const page = await open({at: `#/devices/${id}`});
	const part = page.getByRole("region", {name: "Certificates"});
	await part.locator(".badge", {hasText: "Good"}).waitFor();
	await part.getByRole("button", {name: "Revoke"}).click();
	await page.getByRole("dialog").getByLabel("Reason").selectOption("keyCompromise");
	await page.getByRole("dialog").getByRole("button", {name: "Revoke it"}).click();
	await part.locator(".badge", {hasText: "Revoked"}).waitFor();
	await page.locator(".timeline [data-kind=certificate-revoked]").waitFor();
	const [certificate] = (await rest("GET", `/claimed-devices/${id}/certificates`)).items;
	assert.equal(certificate.reason, "keyCompromise");
	await close(page);
});

test("a command that the service refuses says why, in its dialog", async () => {
	const {id} = await stage.device({name: "refused"});
	await stage.claim({name: "refused"});
	const page = await open({at: `#/devices/${id}`});
	await page.getByRole("button", {name: "Add a command"}).first().click();
	const dialog = page.getByRole("dialog");
	await dialog.getByLabel("What the device shall do").selectOption({label: "Anything, as JSON"});
	await dialog.getByLabel("Request as JSON").fill("{");
	await dialog.getByRole("button", {name: "Add the command"}).click();
	await dialog.getByText("This is not JSON").first().waitFor();
	await dialog.getByLabel("Request as JSON").fill('{"noSuchType": {}}');
	await dialog.getByRole("button", {name: "Add the command"}).click();
	await dialog.locator(".notice.bad", {hasText: "noSuchType"}).waitFor();
	await close(page);
});

test("a rule is made, changed, applied to a device and deleted", async () => {
	const page = await open({at: "#/rules"});
	await page.getByRole("link", {name: "nRF Cloud Onboarding"}).waitFor();
	await page.getByRole("link", {name: "Make a rule"}).click();
	await page.getByLabel("Name", {exact: true}).fill("Gates");
	await page.getByRole("button", {name: "Make the rule"}).click();
	await page.getByText("Enter at least one tag").waitFor();
	await page.getByLabel("Tags", {exact: true}).fill("gates");
	await page.getByRole("button", {name: "Add another command"}).click();
	await page.getByLabel("What the device shall do").nth(1).selectOption({label: "Finish the run"});
	await page.getByRole("button", {name: "Make the rule"}).click();
	const card = page.locator(".rule", {hasText: "Gates"});
	await card.waitFor();
	assert.deepEqual(await card.locator("li").allTextContents(), [
		"Generate the cloud key",
		"Finish the run",
	]);

	await card.getByRole("link").click();
	await page.getByLabel("Description (optional)").first().fill("For what opens and closes");
	await page.getByRole("button", {name: "Save"}).click();
	await page.locator(".rule", {hasText: "For what opens and closes"}).waitFor();

	const {id} = await stage.device({name: "gate"});
	await stage.claim({name: "gate", tags: ["gates"]});
	await go(page, `#/devices/${id}`);
	await page.locator("section", {hasText: "Rules that apply"}).getByRole("link", {name: "Gates"}).waitFor();
	await stage.once({name: "gate"});
	await page.locator(".commands li").nth(1).waitFor();

	await go(page, "#/rules");
	await page.locator(".rule", {hasText: "Gates"}).getByRole("link").click();
	await page.getByRole("button", {name: "Delete…"}).click();
	await page.getByRole("dialog").getByRole("button", {name: "Delete the rule"}).click();
	await page.getByRole("heading", {level: 1, name: "Rules"}).waitFor();
	await page.locator(".rule").first().waitFor();
	assert.equal(await page.locator(".rule", {hasText: "Gates"}).count(), 0);
	await close(page);
});

test("tags are described and deleted", async () => {
	const page = await open({at: "#/tags"});
	await page.getByRole("button", {name: "Describe a tag"}).first().click();
	await page.getByRole("dialog").getByLabel("Tag", {exact: true}).fill("lab");
	await page.getByRole("dialog").getByLabel("Description", {exact: true}).fill("On the bench");
	await page.getByRole("dialog").getByRole("button", {name: "Save"}).click();
	await page.locator("tr", {hasText: "On the bench"}).waitFor();
	await page.getByRole("button", {name: "Delete the tag lab"}).click();
	await page.getByRole("dialog").getByRole("button", {name: "Delete the tag"}).click();
	await page.getByText("No tags described").waitFor();
	await close(page);
});

test("an API key is shown once and works; a user signs in; both are gone when deleted, and the audit log says so", async () => {
	const page = await open({at: "#/team"});
	const dialog = page.getByRole("dialog");
	await page.getByRole("button", {name: "Make a key"}).first().click();
	await dialog.getByLabel("Name", {exact: true}).fill("nightly job");
	await dialog.getByLabel("Role", {exact: true}).selectOption("viewer");
	await dialog.getByRole("button", {name: "Make the key"}).click();
	const key = await dialog.getByLabel("The key").inputValue();
	const {origin, password} = await stage.info();
	const ask = async () =>
		(await fetch(origin + "/v1/account", {headers: {Authorization: `Bearer ${key}`}})).status;
	assert.equal(await ask(), 200);
	await dialog.getByRole("button", {name: "I have it"}).click();
	await page.locator("tr", {hasText: "nightly job"}).waitFor();
	assert.ok(!(await page.content()).includes(key), "the key is still in the page");
	await page.getByRole("button", {name: "Delete the key nightly job"}).click();
	await dialog.getByRole("button", {name: "Delete the key"}).click();
	await page.locator("tr", {hasText: "nightly job"}).waitFor({state: "detached"});
	assert.equal(await ask(), 401);

	await page.getByRole("link", {name: "Users"}).click();
	await page.getByRole("button", {name: "Add a user"}).first().click();
	await dialog.getByLabel("User", {exact: true}).fill("grace");
	await dialog.getByLabel("Password", {exact: true}).fill("short");
	await dialog.getByRole("button", {name: "Add the user"}).click();
	await dialog.getByText("A password has at least").first().waitFor();
	await dialog.getByLabel("Password", {exact: true}).fill(password);
	await dialog.getByRole("button", {name: "Add the user"}).click();
	await page.locator("tr", {hasText: "grace"}).waitFor();
	const hers = await open({user: "grace"});
	await page.getByRole("button", {name: "Delete grace"}).click();
	await dialog.getByRole("button", {name: "Delete the user"}).click();
	await page.locator("tr", {hasText: "grace"}).waitFor({state: "detached"});
	await go(hers, "#/rules");
	await hers.getByText("Your session has ended.").waitFor();
	await close(hers);

	await page.getByRole("link", {name: "Audit log"}).click();
	await page.locator("tbody tr").nth(3).waitFor();
	const log = await page.locator("tbody").textContent();
	assert.match(log, /ada/);
	assert.match(log, /apikey.create/);
	await close(page);
});
