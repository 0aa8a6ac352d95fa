// SPDX-License-Identifier: Apache-2.0
// Whatever devices and colleagues typed is text on every page, and never script, markup or a link.
import {assert, close, go, live, open, rest, stage, test, useBrowser} from "./browser.mjs";

useBrowser();

const PAYLOADS = [
	"<script>window.pwned=1</script>",
	"<img src=x onerror=window.pwned=1>",
	"<svg/onload=window.pwned=1>",
	'"><script>window.pwned=1</script>',
	"' autofocus onfocus=window.pwned=1 x='",
	"javascript:window.pwned=1",
	"</title><script>window.pwned=1</script>",
	"<iframe srcdoc='<script>parent.pwned=1</script>'>",
	"<a href=javascript:window.pwned=1>click</a>",
	"<math><mtext></form><form><mglyph><style></math><img src onerror=window.pwned=1>",
	"{{constructor.constructor('window.pwned=1')()}}",
	"${window.pwned=1}",
	"<base href=//example.com>",
	"<meta http-equiv=refresh content='0;url=//example.com'>",
	"\u202Egpj.exe \u0007 <b>bold</b>",
	"__proto__",
];
// Together, for where there is little room.
const ALL = PAYLOADS.slice(0, 2).join(" ");

// What markup from outside would leave behind, and what no page of ours has.
const foreign = (page) =>
	page.evaluate(() => {
		const found = [
			...document.querySelectorAll(
				"body script, iframe, object, embed, base, body meta, body style, svg, math, img, form[action]"
			),
		].map((e) => e.outerHTML);
		for (const element of document.querySelectorAll("*")) {
			for (const {name, value} of element.attributes) {
				if (
					name.startsWith("on") ||
					name === "style" ||
					name === "srcdoc" ||
					(["href", "src"].includes(name) && /^\s*(javascript|data|https?):/i.test(value))
				)
					found.push(`${element.tagName} ${name}=${value}`);
			}
		}
		if (window.pwned || Object.prototype.polluted) found.push("script ran");
		return found;
	});

const nothingForeign = async (page) =>
	assert.deepEqual([await foreign(page), page.problems], [[], []], page.url());

async function plant() {
	const {id} = await stage.device({name: "hostile"});
	await stage.claim({name: "hostile", tags: ["hostile"]});
	for (const payload of PAYLOADS)
		await rest("POST", `/claimed-devices/${id}/provisioning`, {
			description: payload,
			request: {config: /^[ !#-~]+$/.test(payload) ? {[payload.slice(0, 60)]: payload} : {k: "v"}},
		});
	const state = Object.fromEntries(PAYLOADS.map((p, i) => [p, {[p]: p, deep: [p, i]}]));
	await rest("PATCH", `/devices/${id}/state`, {desired: state});
	await rest("PATCH", `/devices/${id}/state`, {reported: state});
	await rest("POST", "/provisioning-rules", {
		name: PAYLOADS[1],
		description: PAYLOADS.join(" ").slice(0, 256),
		active: true,
		tags: ["hostile"],
		commands: [{request: {config: {k: PAYLOADS[0]}}}],
	});
	// The service may refuse some of these as names; that is as good.
	for (const payload of PAYLOADS) {
		await stage.rest({
			method: "PATCH",
			path: `/claimed-devices/${id}`,
			body: {name: payload.slice(0, 64)},
		});
		await stage.rest({
			method: "POST",
			path: "/api-keys",
			body: {name: payload.slice(0, 64), role: "viewer"},
		});
		await stage.rest({
			method: "POST",
			path: "/users",
			body: {name: payload.slice(0, 64), role: "viewer", password: "correct horse battery staple"},
		});
		await stage.rest({
			method: "POST",
			path: "/provisioning/tags",
			body: {tag: payload.slice(0, 64), description: payload},
		});
	}
	await stage.rest({method: "POST", path: "/provisioning/tags", body: {tag: "hostile", description: ALL}});
	await rest("PATCH", `/claimed-devices/${id}`, {name: PAYLOADS[1]});
	return id;
}

test("the checks of this file see what they look for", async () => {
	const page = await open();
	await page.evaluate((payload) => {
		const link = document.createElement("a");
		link.href = "https://example.com/";
		document.querySelector("#app").append(link, document.createElement("iframe"));
		try {
			document.querySelector("#app").insertAdjacentHTML("beforeend", payload);
		} catch (error) {
			console.error(`refused: ${error.message}`);
		}
	}, PAYLOADS[1]);
	assert.equal((await foreign(page)).length, 2);
	assert.ok(
		page.problems.some((p) => p.includes("TrustedHTML")),
		"markup is not refused: " + page.problems
	);
	await page.context().close();
});

test("payloads in names, tags, shadows, descriptions and the audit log stay text on every page", async () => {
	const id = await plant();
	const page = await open();
	await page.locator("td a").first().waitFor();
	await page.getByText(PAYLOADS[1], {exact: true}).waitFor();
	await nothingForeign(page);

	await go(page, `#/devices/${id}`);
	await page.locator("h1", {hasText: PAYLOADS[1]}).waitFor();
	await page
		.locator(".commands li")
		.nth(PAYLOADS.length - 1)
		.waitFor();
	const text = await page.locator("#main").innerText();
	for (const payload of PAYLOADS.filter((p) => !p.includes("\u0007")))
		assert.ok(text.includes(payload), `${payload} is not shown as it is`);
	await nothingForeign(page);
	for (const name of ["Unclaim…", "Reset…", "Rename", "Change tags", "Change desired"]) {
		await page.getByRole("button", {name}).click();
		await page.getByRole("dialog").waitFor();
		await nothingForeign(page);
		await page.keyboard.press("Escape");
	}
	await page.locator(".commands button").first().click();
	await page.getByRole("dialog").locator("pre").first().waitFor();
	await nothingForeign(page);
	await page.keyboard.press("Escape");

	for (const [hash, selector] of [
		["#/rules", ".rule >> nth=1"],
		["#/tags", "td"],
		["#/team/keys", "td"],
		["#/team/users", "td"],
		["#/team/audit", "td"],
		["#/rules/new", "form"],
		["#/claim", "form"],
	]) {
		await go(page, hash);
		await page.locator(selector).first().waitFor();
		await nothingForeign(page);
	}
	await go(page, "#/rules");
	await page.getByRole("link", {name: PAYLOADS[1]}).click();
	await page.getByLabel("Name").waitFor();
	assert.equal(await page.getByLabel("Name").inputValue(), PAYLOADS[1]);
	await nothingForeign(page);
	await close(page);
});

test("payloads in live events, in what a device reports and in a list of claims stay text", async () => {
	const {id} = await stage.device({name: "loud"});
	await stage.claim({name: "loud"});
	const page = await open({at: `#/devices/${id}`});
	await live(page);
	await page.locator(".timeline [data-kind=claimed]").waitFor();
	for (const payload of PAYLOADS.slice(0, 4)) {
		await rest("PATCH", `/claimed-devices/${id}`, {name: payload});
		await page.locator("h1", {hasText: payload}).waitFor();
		await page.locator(".timeline .note", {hasText: payload}).first().waitFor();
		await nothingForeign(page);
	}
	await go(page, "#/claim/list");
	const rows = PAYLOADS.map((p) => `"${p.replaceAll('"', '""')}","${p.replaceAll('"', '""')}"`).join("\n");
	await page
		.getByLabel("CSV file")
		.setInputFiles({name: `${PAYLOADS[1]}.csv`, mimeType: "text/csv", buffer: Buffer.from(rows)});
	await page.locator("tbody tr").nth(5).waitFor();
	await nothingForeign(page);
	await page.getByRole("button", {name: /^Claim \d+ devices/}).click();
	await page.locator("#main .notice").first().waitFor();
	await nothingForeign(page);
	await close(page);
});

test("payloads in the address stay text", async () => {
	const page = await open();
	for (const payload of PAYLOADS) {
		for (const hash of [
			`#/devices/${encodeURIComponent(payload)}`,
			`#/rules/${encodeURIComponent(payload)}`,
			`#${payload}`,
			`#/devices?search=${encodeURIComponent(payload)}&tag=${encodeURIComponent(payload)}`,
			"#/devices/%E0%A4%A",
		]) {
			await go(page, hash);
			await page.locator("h1").first().waitFor();
			await nothingForeign(page);
		}
	}
	await close(page);
});
