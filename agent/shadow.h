/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a shadow asks of the agent, and what it is told: docs/protocol.md §8.4. Pure.
 *
 *   {"config": {"poll_interval": SECONDS}, "command": [1, N]}
 *
 * Anything else in it is for other programs and ignored. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

#define SHADOW_POLL_MIN_S 10
#define SHADOW_POLL_MAX_S (7 * 86400)

struct shadow_wish {
	uint32_t command;    /* N; 0: none */
	bool sets_poll;      /* poll_s is wished for */
	uint32_t poll_s;     /* 0: never, or SHADOW_POLL_MIN_S … _MAX_S */
	bool has_bad_poll;   /* a poll interval that cannot be: what holds is to be reported */
	const char *refused; /* what is not taken, and why; NULL for nothing */
};

/* delta may be NULL: there is none. */
void shadow_read(const json_t *delta, struct shadow_wish *ret);

/* New reference. poll_s < 0, command 0: not told. NULL: out of memory, or nothing to tell. */
json_t *shadow_report(int64_t poll_s, uint32_t command);
