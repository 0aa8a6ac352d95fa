/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether the clock may be put into tokens. Plausible: not before this program was built, nor
 * before the last moment at which a service accepted a token of ours. Synchronised: the kernel or
 * systemd-timesyncd says so; that outweighs the last moment, which may have been of a clock that
 * ran ahead: services look at the end of a token only. */

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "credstore/store.h"

/* Newer than the build, and synchronised or, unless that is required, not before the floor. */
bool timewatch_is_good(int64_t now_s, int64_t floor_s, bool is_synchronised, bool require_sync);
bool timewatch_is_synchronised(void);
/* No clock is right before it. */
int64_t timewatch_built_at(void);

/* The later of build time and the store's value "time-floor"; a value that is no number counts as
 * absent. */
int64_t timewatch_floor(struct store *s);
/* A service accepted a token of this moment. Written at most once a day: each write costs an
 * fsync. Only a synchronised clock takes a floor back. -errno. */
int timewatch_note(struct store *s, int64_t now_s, bool is_synchronised) _must_check_;
