/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The store in one SQLite file: what a single machine needs. */

#include "service/store.h"

/* Opens or makes path (mode 0600) and brings its schema up to date. Another process may have it
 * open: waits up to 5 s for it. -errno with *ret_detail, a sentence to show, which is the caller's
 * to free. */
int store_sqlite_open(const char *path, struct service_store **ret, char **ret_detail) _must_check_;
