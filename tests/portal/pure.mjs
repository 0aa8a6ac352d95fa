// SPDX-License-Identifier: Apache-2.0
// The parts of the portal that need no page.
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import {existsSync, readdirSync, readFileSync} from "node:fs";
import {test} from "node:test";
import {tokenIn} from "../../service/portal/web/lib/claim.js";
import {claimRows, parseCsv, toCsv} from "../../service/portal/web/lib/csv.js";
import {curlOf, shellQuote} from "../../service/portal/web/lib/curl.js";
import {path, query} from "../../service/portal/web/lib/api.js";
import {duration} from "../../service/portal/web/lib/time.js";

test("what is quoted for a shell comes out of it unchanged", () => {
	const texts = [
		"",
		"'",
		"''",
		"a'b\"c",
		"$HOME `id` $(id) ${x}",
		"\\",
		"\\'",
		"a\nb\n",
		"!!",
		"*?[a]{b,c}~",
		"-n",
		"ü€𝄞",
		"\t\r",
		"; rm x &",
	];
	for (const text of texts)
		assert.equal(execFileSync("sh", ["-c", `printf %s ${shellQuote(text)}`]).toString(), text);
});

test("a curl command names the key and never has one", () => {
	assert.equal(
		curlOf({method: "GET", path: "/account"}, "https://x"),
		"curl --globoff --fail-with-body -sS \\\n  'https://x/v1/account' \\\n  -H \"Authorization: Bearer $API_KEY\""
	);
	assert.match(
		curlOf({method: "POST", path: "/a", body: {b: "@c'd"}}, "https://x"),
		/-X POST .*--data-raw '\{"b":"@c'\\''d"\}'$/s
	);
});

test("a token is found among what people copy with it", () => {
	assert.equal(
		tokenIn(
			"----- BEGIN ATTESTATION TOKEN -----\n\nab_\n  c-.de\r\n\n----- END ATTESTATION TOKEN -----\n"
		),
		"ab_c-.de"
	);
	for (const bad of ["", "abc", "a.b.c", "a b;c.d", ".", "a.", "<a>.b", "a.b\u0000"])
		assert.equal(tokenIn(bad), null, bad);
});

test("lists survive quotes, line ends, empty rows, a mark at the front and a row of names", () => {
	assert.deepEqual(parseCsv('\uFEFF"a.b","x|y"\r\n\r\nc.d,\r"e""f",z'), [
		["a.b", "x|y"],
		["c.d", ""],
		['e"f', "z"],
	]);
	assert.deepEqual(claimRows([["claimToken", "tags"], ["a.b", "x|y"], ["c.d"]], ["y", "z"]), [
		{token: "a.b", tags: ["x", "y", "z"]},
		{token: "c.d", tags: ["y", "z"]},
	]);
	assert.equal(toCsv([{token: 'a"b', tags: ["x", "y"]}]), '"a""b","x|y"\n');
	assert.deepEqual(parseCsv(""), []);
});

test("a value in a path is one segment", () => {
	assert.equal(path`/a/${"../b?c#d"}/e`, "/a/..%2Fb%3Fc%23d/e");
	assert.equal(query({a: "x&y", b: "", c: undefined}), "?a=x%26y");
});

test("no file of the portal makes markup of a text, has style or script in a page, or asks another host", () => {
	const root = new URL("../../service/portal/web/", import.meta.url);
	const files = readdirSync(root, {recursive: true}).filter((f) => /\.(js|html|css)$/.test(f));
	assert.ok(files.length > 30, files.join(" "));
	for (const file of files) {
		const text = readFileSync(new URL(file, root), "utf8");
		assert.ok(text.includes("SPDX-License-Identifier: Apache-2.0"), file);
		const bad =
			/\b(innerHTML|outerHTML|insertAdjacentHTML|DOMParser|createContextualFragment|document\.write|eval\(|new Function)|<style|<script(?! type="module" src=)|\sstyle="|\son[a-z]+="|(src|href)="(https?:)?\/\/|@import|url\("?https?:/.exec(
				text
			);
		assert.equal(bad, null, `${file}: ${bad}`);
		for (const [, name] of text.matchAll(/^(?:import .*|\} )from "([^"]+)";$/gm))
			assert.ok(
				existsSync(new URL(name, new URL(file, root))),
				`${file} imports ${name}, which is not there`
			);
	}
});

test("durations are said as people say them", () => {
	assert.deepEqual([0, 999, 1500, 61000, 3600000, -1, NaN, "1"].map(duration), [
		"0 ms",
		"999 ms",
		"1.5 s",
		"1 min 1 s",
		"1 h 0 min",
		"",
		"",
		"",
	]);
});
