// SPDX-License-Identifier: Apache-2.0
// Claiming by a CSV file: every row says what became of it, and the good ones go live in the page.
import {assert, close, go, isMarked, live, mark, open, stage, test, useBrowser} from "./browser.mjs";

useBrowser();

const file = (text, name = "devices.csv") => ({name, mimeType: "text/csv", buffer: Buffer.from(text)});

test("of a list with one bad row the good ones are claimed and go live, and the bad one says why", async () => {
	const first = await stage.device({name: "first"});
	const second = await stage.device({name: "second"});
	const tokens = [await stage.token({name: "first"}), await stage.token({name: "second"})];
	await stage.start({name: "first"});
	await stage.start({name: "second"});
	const page = await open({at: "#/claim/list"});
	await live(page);
	await mark(page);
	await page
		.getByLabel("CSV file")
		.setInputFiles(
			file(
				`"token","tags"\r\n"${tokens[0]}","lab|floor-2"\r\n"${"A".repeat(76)}.${"B".repeat(103)}",""\r\n"${tokens[1]}",""\r\n`
			)
		);
	const rows = page.locator("tbody tr");
	await rows.nth(2).waitFor();
	assert.equal(await rows.count(), 3);
	assert.match(await rows.nth(0).textContent(), /lab.*floor-2.*Not sent/s);
	await page.getByRole("button", {name: "Claim 3 devices"}).click();
	await page.getByText("2 of 3 claimed, 1 not: see their rows.").waitFor();
	assert.match(await rows.nth(0).textContent(), /Claimed$/);
	assert.match(await rows.nth(1).textContent(), /Not claimed.+/);
	assert.match(await rows.nth(2).textContent(), /Claimed$/);

	await go(page, "#/devices");
	for (const name of ["first", "second"])
		assert.equal((await stage.finish({name})).status.cloud, "validated");
	for (const {id} of [first, second])
		await page.locator("tr", {hasText: id}).locator(".badge", {hasText: "Validated"}).waitFor();
	assert.ok(await isMarked(page), "the page was loaded again");

	await page
		.getByLabel("Tag")
		.selectOption("lab")
		.catch(() => null);
	await go(page, "#/devices?tag=floor-2");
	await page.getByText("1 device", {exact: true}).waitFor();
	await page.locator("tr", {hasText: first.id}).waitFor();
	await page.getByLabel("Search").fill("no such name");
	await page.getByText("No device matches").waitFor();
	await page.getByRole("button", {name: "Show all devices"}).click();
	await page.locator("tr", {hasText: second.id}).waitFor();
	await page.getByLabel("Status").selectOption("blocked");
	await page.getByText("No device matches").waitFor();
	await close(page);
});

test("a file that cannot be a list is refused before anything is sent", async () => {
	const page = await open({at: "#/claim/list"});
	let sent = 0;
	page.on("request", (request) => {
		sent += request.method() === "POST" ? 1 : 0;
	});
	await page.getByLabel("CSV file").setInputFiles(file("", "empty.csv"));
	await page.getByText("empty.csv has no rows").waitFor();
	await page.getByLabel("CSV file").setInputFiles(file('"a.b",""\n'.repeat(1002), "long.csv"));
	await page.getByText("long.csv has 1002 rows").waitFor();
	await page.getByLabel("CSV file").setInputFiles(file("x".repeat(1024 * 1024 + 1), "large.csv"));
	await page.getByText("large.csv is larger than 1 MiB").waitFor();
	assert.ok(await page.getByRole("button", {name: /^Claim/}).isDisabled());
	assert.equal(sent, 0);
	await close(page);
});
