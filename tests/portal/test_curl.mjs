// SPDX-License-Identifier: Apache-2.0
// "Copy as curl" is true: what it copies does in a shell, with an API key, what the button beside it does.
import {assert, close, copiedCurl, go, open, rest, stage, test, useBrowser} from "./browser.mjs";

useBrowser();

const CLIPBOARD = ["clipboard-read", "clipboard-write"];
const NASTY = `it's "$HOME" \`id\` $(id) \\ ! # ünïcode`;

async function runs(command) {
	assert.match(command, /^curl .*"Authorization: Bearer \$API_KEY"/s);
	const done = await stage.shell({command});
	assert.equal(done.exit, 0, `${command}\n${done.out}\n${done.err}`);
	return done.out ? JSON.parse(done.out) : null;
}

test("claiming, commanding, changing, resetting and unclaiming a device work as copied", async () => {
	const {id} = await stage.device({name: "shelled"});
	const token = await stage.token({name: "shelled"});
	const page = await open({at: "#/claim", permissions: CLIPBOARD});
	const dialog = page.getByRole("dialog");
	await page.getByLabel("Claim token").fill(token);
	await page.getByLabel("Tags", {exact: true}).fill("lab");
	assert.equal((await runs(await copiedCurl(page, page.locator("form")))).id, id);

	await go(page, `#/devices/${id}`);
	const step = async (opener, fill, verify) => {
		await page.getByRole("button", {name: opener}).first().click();
		await fill?.();
		const command = await copiedCurl(page, dialog);
		await dialog.locator(".toast", {hasText: "Copied the curl command"}).waitFor();
		const answer = await runs(command);
		await page.keyboard.press("Escape");
		await dialog.waitFor({state: "detached"});
		await verify(answer);
	};
	const device = () => rest("GET", `/claimed-devices/${id}`);
	await step(
		"Rename",
		() => dialog.getByLabel("Name", {exact: true}).fill("Anna's gate"),
		async () => assert.equal((await device()).name, "Anna's gate")
	);
	await step(
		"Change tags",
		() => dialog.getByLabel("Tags", {exact: true}).fill("lab gates"),
		async () => assert.deepEqual((await device()).tags, ["lab", "gates"])
	);
	await step(
		"Add a command",
		() => dialog.getByLabel("Description (optional)").fill(NASTY),
		(made) => assert.equal(made.description, NASTY)
	);
	await step(
		"Change desired",
		() => dialog.getByLabel("Changes as JSON").fill(JSON.stringify({note: NASTY})),
		async () => assert.equal((await rest("GET", `/devices/${id}`)).state.desired.note, NASTY)
	);
	await step("Block…", null, async () => assert.equal((await device()).status, "blocked"));
	await step("Unblock…", null, async () => assert.notEqual((await device()).status, "blocked"));
	await step("Reset…", null, () => null);
	await page
		.locator(".commands li", {hasText: NASTY})
		.getByRole("button", {name: /Details/})
		.click();
	assert.equal((await runs(await copiedCurl(page, dialog))).description, NASTY);
	await page.keyboard.press("Escape");
	await step("Unclaim…", null, async () =>
		assert.equal((await stage.rest({method: "GET", path: `/claimed-devices/${id}`})).status, 404)
	);
	await close(page);
});

test("lists, rules, tags, keys and a file of claims work as copied", async () => {
	const {id} = await stage.device({name: "filed"});
	const token = await stage.token({name: "filed"});
	const page = await open({at: "#/claim/list", permissions: CLIPBOARD});
	const dialog = page.getByRole("dialog");
	await page.getByLabel("CSV file").setInputFiles({
		name: "list.csv",
		mimeType: "text/csv",
		buffer: Buffer.from(`"${token}","lab"\n"bad.token",""\n`),
	});
	await page.locator("tbody tr").nth(1).waitFor();
	const answer = await runs(await copiedCurl(page, page.locator("form")));
	assert.deepEqual([answer.claimedIds, answer.failed.map((f) => f.row)], [[id], [2]]);

	await go(page, "#/devices?search=" + encodeURIComponent(id.slice(0, 8)));
	await page.locator("td a").waitFor();
	assert.deepEqual(
		(await runs(await copiedCurl(page, page.locator("main")))).items.map((d) => d.id),
		[id]
	);

	await go(page, "#/rules/new");
	await page.getByLabel("Name", {exact: true}).fill(NASTY);
	await page.getByLabel("Tags", {exact: true}).fill("lab");
	assert.equal((await runs(await copiedCurl(page, page.locator("form")))).name, NASTY);

	await go(page, "#/tags");
	await page.getByRole("button", {name: "Describe a tag"}).first().click();
	await dialog.getByLabel("Tag", {exact: true}).fill("lab");
	await dialog.getByLabel("Description", {exact: true}).fill(NASTY);
	await runs(await copiedCurl(page, dialog));
	await page.keyboard.press("Escape");
	assert.equal(
		(await rest("GET", "/provisioning/tags")).items.find((t) => t.tag === "lab").description,
		NASTY
	);

	await go(page, "#/team/keys");
	await page.getByRole("button", {name: "Make a key"}).first().click();
	await dialog.getByLabel("Name", {exact: true}).fill(NASTY);
	assert.equal((await runs(await copiedCurl(page, dialog))).name, NASTY);
	await page.keyboard.press("Escape");
	await go(page, "#/team/audit");
	await page.locator("td").first().waitFor();
	assert.ok((await runs(await copiedCurl(page, page.locator("main")))).items.length > 3);

	await go(page, "#/team/users");
	await page.getByRole("button", {name: "Add a user"}).first().click();
	await dialog.getByLabel("User", {exact: true}).fill("grace");
	await dialog.getByLabel("Password", {exact: true}).fill("a password that stays here");
	const command = await copiedCurl(page, dialog);
	assert.ok(!command.includes("stays here"), "the password is in the command");
	await page.keyboard.press("Escape");
	await close(page);
});
