/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A new, empty store. It is born whole: it gets its name only when schema and probe are on the
 * disk. Hence a store.db that is empty or has no schema is damage, never a beginning. Inside
 * credstore/ only. */

#include "credstore/files.h"
#include "credstore/store.h"

/* Makes the sealing key, too, where the preferred source has none. -errno, STORE_E_SEALING_KEY. */
int birth(const struct store_files *f, const struct store_options *options,
	  char **ret_detail) _must_check_;
