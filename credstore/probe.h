/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An empty value that is sealed with the store's key: it says whether a key is the right one before
 * anything is read. Inside credstore/ only. */

#include <sqlite3.h>

#include "base/macros.h"
#include "credstore/seal.h"

/* Writes or replaces it. -errno. */
int probe_put(sqlite3 *db, const uint8_t key[static SEAL_KEY_LEN]) _must_check_;
/* 0, SEAL_E_AUTHENTICATION for another key, -EUCLEAN when there is none, -errno. */
int probe_try(sqlite3 *db, const uint8_t key[static SEAL_KEY_LEN]) _must_check_;
