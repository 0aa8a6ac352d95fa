// SPDX-License-Identifier: Apache-2.0
// Claiming with the camera: Chromium's camera plays a film of the QR code that the device prints.
import {assert, close, open, stage, test, useBrowser} from "./browser.mjs";

const film = process.env.PORTAL_FOLDER + "/camera.y4m";
useBrowser([
	"--use-fake-device-for-media-stream",
	"--use-fake-ui-for-media-stream",
	`--use-file-for-fake-video-capture=${film}`,
]);

test("the QR code in front of the camera is read, shown, and claimed when the person says so", async () => {
	const {id} = await stage.device({name: "filmed"});
	const token = await stage.film({name: "filmed", path: film});
	const page = await open({at: "#/claim/scan", permissions: ["camera"]});
	await page.getByRole("button", {name: "Start the camera"}).click();
	await page.getByText("Token found.").waitFor();
	assert.equal(await page.locator(".found dd").textContent(), token);
	assert.equal(
		await page.evaluate(() => document.querySelector("video").srcObject),
		null,
		"the camera is still on"
	);
	assert.equal(
		(await stage.rest({method: "GET", path: "/claimed-devices"})).value.items.length,
		0,
		"claimed without being asked"
	);
	await page.getByRole("button", {name: "Claim the device"}).click();
	await page.getByRole("heading", {level: 1, name: id.slice(0, 8)}).waitFor();
	assert.equal((await stage.once({name: "filmed"})).status.cloud, "validated");
	await page.locator(".title-line .badge", {hasText: "Validated"}).waitFor();
	await close(page);
});

test("a camera that the browser refuses leads to pasting", async () => {
	const page = await open({at: "#/claim/scan"});
	await page.evaluate(() => {
		navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
	});
	await page.getByRole("button", {name: "Start the camera"}).click();
	await page.getByText("The browser refused the camera for this page.").waitFor();
	await page.getByText(/paste the token instead/).waitFor();
	await close(page);
});
