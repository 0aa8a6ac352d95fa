/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A state directory in memory that every run begins with as it was kept once. */

#include <stddef.h>

#include "base/secret.h"

/* Makes it, <dir>/state, and removes it at exit. */
void place_make(void);
const char *place_dir(void);
const char *place_state(void);
/* Remembers the files of <dir>/state. */
void place_keep(void);
/* Makes them those that were kept, and no others. */
void place_restore(void);
/* Of a file in <dir>/state; kept: as it was then. NULL: there was none. */
const struct secret *place_kept(const char *name);
void place_write(const char *name, const void *data, size_t len);
/* Whether some file there has these bytes, the first of which may be others. */
int place_has(const void *data, size_t len, size_t first);
