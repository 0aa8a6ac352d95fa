/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The memory that secrets live in: kept out of swap as far as RLIMIT_MEMLOCK lets it, out of core
 * dumps, and zeros in a forked child. One mapping for all secrets of everyday size, cut into
 * pieces, because the kernel protects pages and a page for each secret would be dear; a mapping of
 * its own for a secret that does not fit. Any thread may call. Refused locking is told once, as a
 * warning: it is the administrator's to cure. */

#include <stddef.h>

#include "base/macros.h"

/* len zero bytes, NULL without memory. len > 0. */
void *locked_alloc(size_t len);
/* Wipes all of it, then releases; NULL is none. */
void locked_free(void *data);

/* Pieces that are in use, for tests. */
size_t locked_in_use(void);
