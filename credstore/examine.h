/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether a database is what we wrote. Nothing here writes. Inside credstore/ only. */

#include <sqlite3.h>

#include "credstore/files.h"

/* Before SQLite touches the file. -errno, STORE_E_CORRUPT. */
int examine_header(const struct store_files *f, char **ret_detail) _must_check_;
/* SQLite's own view of the structure. -errno, STORE_E_CORRUPT. */
int examine_structure(sqlite3 *db, const char *path, char **ret_detail) _must_check_;
