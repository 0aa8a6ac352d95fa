// SPDX-License-Identifier: Apache-2.0
// Who is signed in, and what they may.
import {call, get, setCsrfToken} from "./api.js";

const RANK = {viewer: 1, editor: 2, admin: 3};
let session = null;

function take(value) {
	session = value;
	setCsrfToken(value?.csrfToken ?? null);
	return value;
}

export const user = () => session?.user ?? {};
export const team = () => session?.team ?? {};
export const may = (role) => (RANK[session?.user?.role] ?? 0) >= RANK[role];

// The session of an earlier visit, or null.
export async function resume() {
	try {
		return take(await get("/session"));
	} catch (error) {
		if (error.status === 401) return null;
		throw error;
	}
}

export async function signIn(name, password) {
	return take(await call({method: "POST", path: "/session", body: {user: name, password}}));
}

export async function signOut() {
	try {
		await call({method: "DELETE", path: "/session"});
	} finally {
		take(null);
	}
}

export const forget = () => take(null);
