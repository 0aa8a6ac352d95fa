// SPDX-License-Identifier: Apache-2.0
export const ROLES = [
	["viewer", "Viewer: looks"],
	["editor", "Editor: also claims, commands, writes rules"],
	["admin", "Admin: also keys, users and the audit log"],
];
