// SPDX-License-Identifier: Apache-2.0
// QR codes from the camera: the browser's own detector where it has one, else the decoder that the
// service was built with.

const LOOK_MS = 120;
const MAX_SIDE = 1280;

export class ScanError extends Error {
	constructor(title, message, remedy) {
		super(message);
		this.title = title;
		this.remedy = remedy;
	}
}

const PASTE = "Paste the token instead.";

async function browserDetector() {
	if (!("BarcodeDetector" in window)) return null;
	const formats = await window.BarcodeDetector.getSupportedFormats().catch(() => []);
	if (!formats.includes("qr_code")) return null;
	const detector = new window.BarcodeDetector({formats: ["qr_code"]});
	return async (canvas) => (await detector.detect(canvas))[0]?.rawValue ?? null;
}

async function ownDetector() {
	let decoder;
	try {
		decoder = await import("../vendor/qr/decode.js");
	} catch {
		throw new ScanError(
			"No QR decoder",
			"This browser has none of its own, and this service was built without one.",
			PASTE
		);
	}
	return async (canvas) => {
		const picture = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
		try {
			return decoder.decodeQR(picture);
		} catch {
			return null; // nothing to read in this picture
		}
	};
}

async function openCamera() {
	if (!navigator.mediaDevices?.getUserMedia)
		throw new ScanError(
			"No camera here",
			"Browsers open the camera for pages with https (or on localhost) only.",
			PASTE
		);
	try {
		return await navigator.mediaDevices.getUserMedia({
			audio: false,
			video: {facingMode: "environment", width: {ideal: 1280}},
		});
	} catch (error) {
		if (error.name === "NotAllowedError")
			throw new ScanError(
				"The camera is not allowed",
				"The browser refused the camera for this page.",
				"Allow it in the browser's settings of this page, or paste the token instead."
			);
		throw new ScanError("No camera", "The browser found no camera that it can open.", PASTE);
	}
}

// Calls onText(text) for each picture that has a code, until stop().
export async function startScan(video, onText) {
	const detect = (await browserDetector()) ?? (await ownDetector());
	const stream = await openCamera();
	const canvas = document.createElement("canvas");
	const context = canvas.getContext("2d", {willReadFrequently: true});
	let stopped = false;
	let timer = null;

	async function look() {
		if (video.videoWidth) {
			const scale = Math.min(1, MAX_SIDE / Math.max(video.videoWidth, video.videoHeight));
			canvas.width = Math.round(video.videoWidth * scale);
			canvas.height = Math.round(video.videoHeight * scale);
			context.drawImage(video, 0, 0, canvas.width, canvas.height);
			const text = await detect(canvas).catch(() => null);
			if (text && !stopped) onText(text);
		}
		if (!stopped) timer = setTimeout(look, LOOK_MS);
	}

	video.srcObject = stream;
	await video.play().catch(() => {});
	look();
	return {
		stop() {
			stopped = true;
			clearTimeout(timer);
			for (const track of stream.getTracks()) track.stop();
			video.srcObject = null;
		},
	};
}
