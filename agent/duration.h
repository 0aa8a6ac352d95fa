/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Durations as people write them in onboardd.conf(5) and on command lines: one whole number and one
 * unit, "250ms", "300s", "5min", "1h", "2d"; a bare number counts seconds. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define DURATION_MAX_MS (UINT64_C(365) * 24 * 3600 * 1000)
#define DURATION_TEXT_MAX 32 /* with NUL */

/* Milliseconds. -EINVAL: not a duration; -ERANGE: above DURATION_MAX_MS. */
int duration_parse(const char *text, uint64_t *ret_ms) _must_check_;
/* The same form back, in the largest unit that loses nothing: 300000 is "5min". */
void duration_format(uint64_t ms, char ret[static DURATION_TEXT_MAX]);
/* Seconds for people, rounded down: "30 days", "1 hour", "90 minutes", "0 seconds". */
void duration_describe(uint64_t s, char ret[static DURATION_TEXT_MAX]);
