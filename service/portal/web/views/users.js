// SPDX-License-Identifier: Apache-2.0
// People who sign in here.
import {call, get, path} from "../lib/api.js";
import {curlButton} from "../lib/curl.js";
import {formDialog} from "../lib/dialog.js";
import {fill, h} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {field, input, Invalid, need, select} from "../lib/forms.js";
import {button, empty, loading, section} from "../lib/parts.js";
import {ROLES} from "../lib/roles.js";
import {user as me} from "../lib/session.js";
import {table} from "../lib/table.js";
import {timeElement} from "../lib/time.js";
import {toast} from "../lib/toast.js";

const COLUMNS = [
	{title: "User"},
	{title: "Role"},
	{title: "Made"},
	{title: "Actions", hidden: true, class: "end"},
];
const MIN_PASSWORD = 8;

export function usersPart(life) {
	const place = h("div", {}, loading());

	async function load() {
		try {
			const items = (await get("/users", {signal: life.signal})).items ?? [];
			fill(
				place,
				items.length
					? table(
							"Users",
							COLUMNS,
							items.map((u) => [
								h(
									"strong",
									{},
									u.name,
									u.id === me().id ? h("span", {class: "muted"}, " (you)") : null
								),
								u.role,
								timeElement(u.createdAt, "unknown"),
								h(
									"div",
									{class: "actions end"},
									button("Change", () => changeDialog(u, load), "quiet", {
										"aria-label": `Change ${u.name}`,
									}),
									u.id === me().id
										? null
										: button("Delete…", () => deleteDialog(u, load), "quiet", {
												"aria-label": `Delete ${u.name}`,
											})
								),
							])
						).element
					: empty(
							"No users",
							"Add the people of your team.",
							button("Add a user", () => addDialog(load), "primary")
						)
			);
		} catch (error) {
			if (!life.ended) fill(place, errorBox(error));
		}
	}
	load();
	return section(
		"Users",
		{
			actions: [
				curlButton(() => ({method: "GET", path: "/users"}), "this list"),
				button("Add a user", () => addDialog(load), "primary"),
			],
		},
		place
	);
}

function passwordField(label, help) {
	const control = input({type: "password", autocomplete: "new-password"});
	const element = field(label, control, help);
	return {
		element,
		read(optional) {
			element.problem("");
			if (!control.value && optional) return undefined;
			if ([...control.value].length < MIN_PASSWORD)
				throw new Invalid(`A password has at least ${MIN_PASSWORD} characters.`, element);
			return control.value;
		},
	};
}

// The password is named in what is copied, not shown.
const withoutPassword = (request) => ({
	...request,
	body: {...request.body, ...(request.body.password ? {password: "PASSWORD"} : {})},
});

function addDialog(reload) {
	const name = input({maxlength: 64, autocapitalize: "none"});
	const nameField = field("User", name);
	const role = select(ROLES, "editor");
	const password = passwordField(
		"Password",
		`At least ${MIN_PASSWORD} characters. Tell it to the person by another way.`
	);
	const request = () => ({
		method: "POST",
		path: "/users",
		body: {name: need(nameField, name, "a user name"), role: role.value, password: password.read()},
	});
	formDialog({
		title: "Add a user",
		label: "Add the user",
		extra: [curlButton(() => withoutPassword(request()), "adding a user")],
		body: h("div", {class: "stack"}, nameField, field("Role", role), password.element),
		submit: async () => {
			await call(request());
			toast("User added");
			reload();
		},
	});
}

function changeDialog(user, reload) {
	const role = select(ROLES, user.role);
	const password = passwordField(
		"New password (optional)",
		"Empty: the password stays. A new one ends the person's sessions."
	);
	const request = () => ({
		method: "PATCH",
		path: path`/users/${user.id}`,
		body: {role: role.value === user.role ? undefined : role.value, password: password.read(true)},
	});
	formDialog({
		title: `Change ${user.name}`,
		label: "Change",
		extra: [curlButton(() => withoutPassword(request()), "changing the user")],
		body: h("div", {class: "stack"}, field("Role", role), password.element),
		submit: async () => {
			await call(request());
			toast("User changed");
			reload();
		},
	});
}

function deleteDialog(user, reload) {
	const request = {method: "DELETE", path: path`/users/${user.id}`};
	formDialog({
		title: `Delete ${user.name}?`,
		label: "Delete the user",
		danger: true,
		extra: [curlButton(() => request, "deleting the user")],
		body: h(
			"p",
			{},
			"The person is signed out at once and cannot sign in again. What they did stays in the audit log."
		),
		submit: async () => {
			await call(request);
			toast("User deleted");
			reload();
		},
	});
}
