/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How API keys are made. */

#include <stdbool.h>

#include "base/macros.h"
#include "service/store.h"

#define APIKEY_TEXT 64

bool apikey_role_is_valid(const char *role);
/* A row for a new key, not stored yet, and the key itself. -ENOMEM. */
int apikey_make(const char *team, const char *role, const char *name, struct store_apikey *ret_row,
		char ret_key[static APIKEY_TEXT]) _must_check_;
