// SPDX-License-Identifier: Apache-2.0
// The stage (stage.py) as functions: await stage.device({name: "a"}).

async function ask(wish) {
	const answer = await fetch(process.env.PORTAL_STAGE, {method: "POST", body: JSON.stringify(wish)});
	const value = await answer.json();
	if (!answer.ok) throw new Error(`stage: ${wish.do}: ${value.error}`);
	return value;
}

export const stage = new Proxy(
	{},
	{
		get:
			(_, name) =>
			(wish = {}) =>
				ask({do: name.replace(/[A-Z]/g, (c) => "_" + c.toLowerCase()), ...wish}),
	}
);

// What the REST API answers, when it is what the test needs.
export async function rest(method, path, body, status = [200, 201, 204]) {
	const answer = await stage.rest({method, path, body});
	if (!status.includes(answer.status))
		throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.value)}`);
	return answer.value;
}
