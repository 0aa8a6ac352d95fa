/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Exponential backoff, clamped and jittered: attempt n waits between half and all of min(first <<
 * n, ceiling). */

#include <stdint.h>

struct backoff {
	uint64_t first_ms, ceiling_ms;
	unsigned int attempts; /* since the last success */
};

/* The next wait in ms, never below floor_ms (a server's Max-Age; 0 for none); `random` is any 32
 * random bits. */
uint64_t backoff_next(struct backoff *b, uint64_t floor_ms, uint32_t random);
void backoff_reset(struct backoff *b);
