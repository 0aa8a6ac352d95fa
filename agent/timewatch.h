/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether the clock may be put into tokens; it is never set from here. Plausible: not before this
 * program was built, nor before the last moment at which a service accepted a token of ours, nor
 * TIMEWATCH_YEARS after the build (a clock chip without battery may come up as all ones, which is
 * 2106). Synchronised: the kernel or
 * systemd-timesyncd says so; that outweighs the last moment, which may have been of a clock that
 * ran ahead: services look at the end of a token only. */

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "credstore/store.h"

#define TIMEWATCH_YEARS 30

/* Newer than the build, and synchronised or, unless that is required, plausible. */
bool timewatch_is_good(int64_t now_s, int64_t floor_s, bool is_synchronised, bool require_sync);
/* What is wrong with it, to follow "the clock says …, which is"; NULL when it is good. */
const char *timewatch_fault(int64_t now_s, int64_t floor_s, bool is_synchronised,
			    bool require_sync);
/* "2026-11-30 12:00:00 UTC"; years that no calendar has are told as seconds. */
#define TIMEWATCH_TEXT_MAX 48
void timewatch_format(int64_t now_s, char ret[static TIMEWATCH_TEXT_MAX]);
bool timewatch_is_synchronised(void);
/* No clock is right before it. */
int64_t timewatch_built_at(void);

/* The later of build time and the store's value "time-floor"; a value that is no number counts as
 * absent. */
int64_t timewatch_floor(struct store *s);
/* A service accepted a token of this moment. Written at most once a day: each write costs an
 * fsync. Only a synchronised clock takes a floor back. -errno. */
int timewatch_note(struct store *s, int64_t now_s, bool is_synchronised) _must_check_;
