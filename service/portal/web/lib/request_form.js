// SPDX-License-Identifier: Apache-2.0
// A command's request as a form with fields, or as raw JSON; one becomes the other when switched.
import {fill, h} from "./dom.js";
import {field, input, Invalid, select} from "./forms.js";
import {TYPES, typeOf} from "./requests.js";

const RAW = "raw";

function control(spec) {
	switch (spec.kind) {
		case "area":
		case "pairs":
			return h("textarea", {rows: spec.kind === "area" ? 6 : 4, class: "mono", spellcheck: "false"});
		case "choice":
			return select(spec.options.map((o) => [o, o]));
		case "number":
			return input({type: "number", min: spec.min, max: spec.max, value: spec.value});
		case "password":
			return input({type: "password", autocomplete: "new-password"});
		default:
			return input({value: spec.value ?? ""});
	}
}

function readOne(spec, element, value) {
	element.problem("");
	if (!value && spec.optional) return undefined;
	if (!value) throw new Invalid(`Enter: ${spec.label.toLowerCase()}.`, element);
	if (spec.kind === "number") {
		const n = Number(value);
		if (!Number.isInteger(n) || n < spec.min || n > spec.max)
			throw new Invalid(`${spec.label} is a whole number from ${spec.min} to ${spec.max}.`, element);
		return n;
	}
	if (spec.kind === "numbers") {
		const list = value.split(/[\s,]+/).map(Number);
		if (list.some((n) => !Number.isInteger(n)))
			throw new Invalid(`${spec.label}: whole numbers, separated by spaces.`, element);
		return list;
	}
	if (spec.kind === "pairs") return readPairs(value, element);
	return value;
}

function readPairs(text, element) {
	const pairs = {};
	for (const line of text.split("\n").filter((l) => l.trim())) {
		const at = line.indexOf("=");
		if (at < 1) throw new Invalid(`"${line}" is not key=value.`, element);
		Object.defineProperty(pairs, line.slice(0, at).trim(), {
			value: line.slice(at + 1),
			enumerable: true,
			configurable: true,
		});
	}
	return pairs;
}

function show(spec, value) {
	if (spec.kind === "pairs")
		return Object.entries(value ?? {})
			.map(([k, v]) => `${k}=${v}`)
			.join("\n");
	return Array.isArray(value) ? value.join(" ") : String(value ?? "");
}

// {element, read() → request}
export function requestForm(initial) {
	const type = select([...TYPES.map((t) => [t.type, t.title]), [RAW, "Anything, as JSON"]]);
	const place = h("div", {class: "stack"});
	let fields = [];
	let raw = null;

	function showType(values) {
		const spec = TYPES.find((t) => t.type === type.value);
		raw = null;
		fields = [];
		if (!spec) return showRaw(values);
		fields = spec.fields.map((f) => {
			const c = control(f);
			if (values) c.value = show(f, f.kind === "pairs" ? values : values[f.name]);
			return {
				spec: f,
				control: c,
				element: field(f.optional ? `${f.label} (optional)` : f.label, c, f.help),
			};
		});
		fill(
			place,
			h("p", {class: "help"}, spec.help),
			fields.map((f) => f.element)
		);
	}
	function showRaw(request) {
		const area = h("textarea", {rows: 8, class: "mono", spellcheck: "false"});
		area.value = JSON.stringify(request ?? {cloudAccessKeyGeneration: {secTag: 16842753}}, null, 2);
		raw = {
			control: area,
			element: field("Request as JSON", area, "An object with exactly one type; see docs/rest-api.md."),
		};
		fill(place, raw.element);
	}
	function read() {
		if (raw) return readRaw();
		let value = {};
		for (const f of fields) {
			const one = readOne(f.spec, f.element, f.control.value.trim());
			if (f.spec.kind === "pairs") value = one;
			else if (one !== undefined) value[f.spec.name] = one;
		}
		return {[type.value]: value};
	}
	function readRaw() {
		raw.element.problem("");
		let value;
		try {
			value = JSON.parse(raw.control.value);
		} catch (error) {
			throw new Invalid(`This is not JSON: ${error.message}`, raw.element);
		}
		if (
			typeof value !== "object" ||
			value === null ||
			Array.isArray(value) ||
			Object.keys(value).length !== 1
		)
			throw new Invalid("A request is an object with exactly one type.", raw.element);
		return value;
	}

	let before = type.value;
	type.addEventListener("change", () => {
		let carried;
		if (type.value === RAW && before !== RAW) {
			try {
				const chosen = type.value;
				type.value = before;
				carried = read();
				type.value = chosen;
			} catch {
				type.value = RAW;
			}
		}
		before = type.value;
		showType(carried);
	});
	const known = TYPES.some((t) => t.type === typeOf(initial));
	if (initial) type.value = known ? typeOf(initial) : RAW;
	before = type.value;
	showType(initial && (known ? initial[typeOf(initial)] : initial));
	return {element: h("div", {class: "stack"}, field("What the device shall do", type), place), read};
}
