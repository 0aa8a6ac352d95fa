// SPDX-License-Identifier: Apache-2.0
// Every page on a phone and on a desktop, light and dark: nobody is kept out (axe-core), nothing sticks out, and a picture
// of each is in screenshots/ of the build folder.
import {
	assert,
	close,
	go,
	live,
	open,
	openPage,
	info,
	barriers,
	rest,
	stage,
	test,
	useBrowser,
} from "./browser.mjs";

useBrowser();

const SIZES = [
	{width: 390, height: 844},
	{width: 1440, height: 900},
];
const devices = {};

async function furnish() {
	const fleet = [
		["Gate 7", ["nrf-cloud-onboarding", "gates"], true],
		["Meter, basement", ["nrf-cloud-onboarding", "lab"], true],
		["Camera, yard", ["nrf-cloud-onboarding", "gates"], false],
		["Weather mast", ["lab"], false],
	];
	for (const [name, tags, runs] of fleet) {
		const {id} = await stage.device({name: name.replaceAll(/\W/g, "")});
		devices[name] = id;
		await stage.claim({name: name.replaceAll(/\W/g, ""), tags});
		await rest("PATCH", `/claimed-devices/${id}`, {name});
		if (runs) await stage.once({name: name.replaceAll(/\W/g, "")});
	}
	await rest("POST", `/claimed-devices/${devices["Weather mast"]}/block`);
	const gate = `/claimed-devices/${devices["Gate 7"]}/provisioning`;
	await rest("POST", gate, {
		description: "Certificate for the MQTT bridge",
		request: {
			certificateSigningRequest: {secTag: 17, attributes: "O=Example,CN=gate-7", keyUsage: "101010000"},
		},
	});
	await stage.once({name: "Gate7"});
	await rest("POST", gate, {
		description: "New key for the door controller",
		request: {clientPrivateKeyGeneration: {secTag: 18}},
	});
	await rest("PATCH", `/devices/${devices["Gate 7"]}/state`, {desired: {config: {interval: 60}}});
	await rest("POST", "/provisioning-rules", {
		name: "Gates",
		description: "What every gate gets besides",
		active: true,
		tags: ["gates"],
		commands: [{request: {clientPrivateKeyGeneration: {secTag: 18}}}],
	});
	await rest("POST", "/provisioning/tags", {tag: "gates", description: "Everything that opens and closes"});
	await rest("POST", "/api-keys", {name: "nightly job", role: "viewer"});
	await stage.user({name: "grace", role: "editor"});
}

const PAGES = [
	["devices", () => "#/devices", "td a"],
	["device", () => `#/devices/${devices["Gate 7"]}`, ".commands li"],
	["claim-paste", () => "#/claim/paste", "form"],
	["claim-scan", () => "#/claim/scan", "main button"],
	["claim-list", () => "#/claim/list", "form"],
	["rules", () => "#/rules", ".rule"],
	["rule", () => "#/rules/new", "form"],
	["tags", () => "#/tags", "td"],
	["team-keys", () => "#/team/keys", "td"],
	["team-users", () => "#/team/users", "td"],
	["team-audit", () => "#/team/audit", "td"],
	["missing", () => "#/nowhere", "h1"],
];
const DIALOGS = [
	["command", "Add a command"],
	["unclaim", "Unclaim…"],
	["tags", "Change tags"],
	["shadow", "Change desired"],
];

async function check(page, name, full) {
	const found = await barriers(page);
	assert.deepEqual(
		found.filter((v) => ["serious", "critical"].includes(v.impact)),
		[],
		name
	);
	const [wide, room] = await page.evaluate(() => [
		document.documentElement.scrollWidth,
		document.documentElement.clientWidth,
	]);
	assert.ok(wide <= room, `${name} is ${wide} wide in ${room}`);
	await page.screenshot({path: `${process.env.PORTAL_SCREENSHOTS}/${name}.png`, fullPage: full});
}

test("furnish the service", furnish);

for (const viewport of SIZES) {
	for (const colorScheme of ["light", "dark"]) {
		test(`every page at ${viewport.width}x${viewport.height}, ${colorScheme}`, async () => {
			const suffix = `${viewport.width}x${viewport.height}-${colorScheme}`;
			const outside = await openPage({viewport, colorScheme});
			await outside.goto(info.origin + "/portal/");
			await outside.getByLabel("User").waitFor();
			await check(outside, `signin-${suffix}`);
			await close(outside);
			const page = await open({viewport, colorScheme});
			await live(page);
			for (const [name, hash, selector] of PAGES) {
				await go(page, hash());
				await page.locator(selector).first().waitFor();
				await page.locator(".loading:visible").first().waitFor({state: "detached"});
				await check(page, `${name}-${suffix}`, name === "device");
			}
			await go(page, PAGES[1][1]());
			await page.locator(PAGES[1][2]).first().waitFor();
			for (const [name, opener] of DIALOGS) {
				await page.getByRole("button", {name: opener}).first().click();
				await page.getByRole("dialog").waitFor();
				await check(page, `dialog-${name}-${suffix}`);
				await page.keyboard.press("Escape");
			}
			await close(page);
		});
	}
}

test("nothing sticks out on the narrowest phone", async () => {
	const page = await open({viewport: {width: 360, height: 640}});
	for (const [name, hash, selector] of PAGES) {
		await go(page, hash());
		await page.locator(selector).first().waitFor();
		const wide = await page.evaluate(() => document.documentElement.scrollWidth);
		assert.ok(wide <= 360, `${name} is ${wide} wide`);
	}
	await close(page);
});
