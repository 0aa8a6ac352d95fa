/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Another sealing key from the same source, so that nothing that was ever sealed with the old one
 * can be opened again. The new key lies beside the old one, as <file>.next, before the store is
 * sealed with it; whichever of the two opens the store after a power cut is the one that stays.
 * A credential is not ours to change. Inside credstore/ only. */

#include "credstore/db.h"
#include "credstore/files.h"
#include "credstore/sealing_key.h"

/* Inside the caller's transaction, as reseal(): the store is sealed with a new key after it, which
 * the caller undoes with the old key when the transaction fails. -ENOENT: the source is a
 * credential. STORE_E_SEALING_KEY: its token cannot be used. Nothing was changed then. -errno. */
int rekey(struct store *s, const struct store_files *f, const struct store_options *options,
	  enum sealing_source source, char **ret_detail) _must_check_;
/* After the commit, and before a store is unsealed: <file>.next replaces the key when it opens the
 * store, and goes when it does not. Nothing happens without one, or while its token is away.
 * -errno. */
int rekey_settle(struct store *s, const struct store_files *f,
		 const struct store_options *options) _must_check_;
