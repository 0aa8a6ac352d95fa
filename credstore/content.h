/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A digest of every row and every table, sealed as the secret "store/content" and written with each
 * transaction: what SQLite cannot see, a changed letter in a plain value or a row that is gone, is
 * damage, too. A store without that secret (an older program's, or after a change by hand) is taken
 * as it is, and gets one. Inside credstore/ only. */

#include "credstore/db.h"

/* Inside the outermost transaction, as its last step. -errno. */
int content_seal(struct store *s) _must_check_;
/* Before anything is changed; needs the sealing key. 0; CONTENT_NONE; CONTENT_DIFFERS; -errno. */
enum { CONTENT_NONE = 100, CONTENT_DIFFERS };
int content_check(struct store *s) _must_check_;
/* Whether this key opens the digest: then a probe that it does not open is damaged. */
bool content_knows_key(sqlite3 *db, const uint8_t key[static SEAL_KEY_LEN]);
