/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which of the sealing keys that can be had opens a store, and which one it should have. Inside
 * credstore/ only. */

#include "credstore/db.h"
#include "credstore/files.h"
#include "credstore/sealing_key.h"

struct unsealed {
	enum sealing_source from, to; /* the same: nothing to change */
	struct secret key;            /* of `to`; unsealed_done() */
	bool is_stuck;                /* sealed by another source than the preferred one, which
					 cannot be had now */
};

/* Tries the probe with the preferred source, then with the others, and puts the key that opens it
 * into s. A preferred source that is there but malformed is refused before any other is tried. The
 * token's wrapped key is made here when it is needed. STORE_E_SEALING_KEY with ret_detail, -EUCLEAN
 * without a probe, -errno. */
int unseal(struct store *s, const struct store_files *f, const struct store_options *options,
	   struct unsealed *ret, char **ret_detail) _must_check_;
void unsealed_done(struct unsealed *u);
