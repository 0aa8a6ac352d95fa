// SPDX-License-Identifier: Apache-2.0
import {fill, h} from "../lib/dom.js";
import {errorBox} from "../lib/errors.js";
import {busy, field, input, need} from "../lib/forms.js";
import {signIn} from "../lib/session.js";

export function signInPage({note, onSignedIn}) {
	const name = input({name: "user", autocomplete: "username", autocapitalize: "none", required: true});
	const password = input({
		type: "password",
		name: "password",
		autocomplete: "current-password",
		required: true,
	});
	const nameField = field("User", name);
	const passwordField = field("Password", password);
	const message = h("div", {}, note ? h("p", {class: "notice", role: "status"}, note) : null);
	const go = h("button", {type: "submit", class: "primary wide-button"}, "Sign in");
	const form = h(
		"form",
		{
			class: "stack",
			novalidate: true,
			on: {
				submit: async (event) => {
					event.preventDefault();
					try {
						const user = need(nameField, name, "your user name");
						// A password may begin or end with a space.
						need(passwordField, password, "your password");
						busy(go, true);
						await signIn(user, password.value);
						onSignedIn();
					} catch (error) {
						if (error.status !== undefined) {
							fill(
								message,
								errorBox(
									error.status === 401
										? {
												title: "Not signed in",
												message: "The user or the password is not right.",
												remedy: "Check both. An admin of your team can set a new password.",
											}
										: error
								)
							);
							password.select();
						}
					} finally {
						busy(go, false);
					}
				},
			},
		},
		nameField,
		passwordField,
		message,
		go
	);
	return h(
		"main",
		{class: "signin"},
		h(
			"div",
			{class: "card"},
			h("p", {class: "brand"}, h("span", {class: "brand-mark", "aria-hidden": "true"}), "onboard"),
			h("h1", {}, "Sign in"),
			h("p", {class: "muted"}, "Claim devices and watch them come online."),
			form
		),
		h(
			"p",
			{class: "muted small"},
			"No account yet? An admin of your team makes one, or the person who runs the service: ",
			h("code", {}, "onboard-service user create")
		)
	);
}
