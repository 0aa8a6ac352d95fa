/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The store in one SQLite file: what a single machine needs. */

#include "service/store.h"

/* Opens or makes path (mode 0600) and brings its schema up to date. Another process may have it
 * open: waits up to 5 s for it. -errno with *ret_detail, a sentence to show, which is the caller's
 * to free. */
int store_sqlite_open(const char *path, struct service_store **ret, char **ret_detail) _must_check_;
/* Which schema the file has; 0 for none. Changes nothing. Errors as above. */
int store_sqlite_look(const char *path, int64_t *ret_version, char **ret_detail) _must_check_;
/* One state of the store as a file of its own (0600), while others may write. -EEXIST when to is
 * there; *ret_detail may stay NULL. */
int store_sqlite_backup(const char *path, const char *to, char **ret_detail) _must_check_;
