/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How API keys are made. */

#include <stdbool.h>

#include "base/macros.h"
#include "service/core.h"
#include "service/store.h"

#define APIKEY_TEXT 64

bool apikey_role_is_valid(const char *role);
/* Of a team, a key, a user: 1 to CORE_NAME_MAX bytes of UTF-8. */
bool apikey_name_is_valid(const char *name);
/* The team of that name, made when it is the first time that it is heard of. In a transaction. */
int apikey_team_get(struct core *c, const char *name, char ret[static CORE_UUID_TEXT]) _must_check_;
/* A row for a new key, not stored yet, and the key itself. -ENOMEM. */
int apikey_make(const char *team, const char *role, const char *name, struct store_apikey *ret_row,
		char ret_key[static APIKEY_TEXT]) _must_check_;
