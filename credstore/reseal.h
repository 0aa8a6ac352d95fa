/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Everything that is sealed goes from one key to another, in place and in one transaction. Inside
 * credstore/ only. */

#include "credstore/db.h"
#include "credstore/files.h"
#include "credstore/sealing_key.h"

/* Inside the caller's transaction: every sealed value of the store, which must have been verified,
 * then the probe. After it the store's key is `to`; the caller puts the old one back should the
 * transaction fail. The key file of `from` is noted as obsolete. -errno. */
int reseal(struct store *s, const uint8_t to[static SEAL_KEY_LEN], enum sealing_source from,
	   const struct store_files *f) _must_check_;
/* The same, and no key file is obsolete by it. */
int reseal_rows(struct store *s, const uint8_t to[static SEAL_KEY_LEN]) _must_check_;
/* Removes a key file that was noted, when its content is still the noted one and nothing of what it
 * sealed is left in the log. What cannot be done now the next opening does. */
void reseal_remove_obsolete(struct store *s, const struct store_files *f);
