/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Users of the portal for onboard-service's verbs. hash: of password_hash(). */

#include "service/core.h"

enum {
	USERS_ADMIN_E_NOT_FOUND = 1,
	USERS_ADMIN_E_EXISTS = 2,
};

/* In a team that is made when it is named for the first time. 0, USERS_ADMIN_E_EXISTS; -EINVAL for
 * a name, role or team that is none. */
int users_admin_create(struct core *c, const char *team, const char *role, const char *name,
		       const char *hash) _must_check_;
/* Ends all sessions of the user. 0, USERS_ADMIN_E_NOT_FOUND. */
int users_admin_passwd(struct core *c, const char *name, const char *hash) _must_check_;
/* With all sessions. */
int users_admin_remove(struct core *c, const char *name) _must_check_;
/* Array of {"id", "name", "role", "team", "createdAt"}. New reference. */
int users_admin_list(struct core *c, json_t **ret) _must_check_;
