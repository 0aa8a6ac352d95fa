/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The numbered schema of store.db. Step n - 1 of the list brings version n - 1 to version n, and an
 * empty database is version 0; a step that has shipped is never edited. docs/storage.md. */

#include <sqlite3.h>
#include <stddef.h>

#include "base/macros.h"

#define SCHEMA_APPLICATION_ID 0x6f6e6264 /* "onbd" */

extern const char *const schema_steps[];
extern const size_t schema_n_steps;

/* Applies the missing steps inside the transaction that the caller has open. -errno. */
int schema_upgrade(sqlite3 *db, const char *const *steps, size_t n_steps,
		   size_t version) _must_check_;
