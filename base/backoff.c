/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

#include "base/macros.h"

uint64_t backoff_next(struct backoff *b, uint64_t floor_ms, uint32_t random)
{
	uint64_t wait = b->first_ms;

	for (unsigned int i = 0; i < b->attempts && wait < b->ceiling_ms; i++)
		wait *= 2;
	wait = MIN(wait, b->ceiling_ms);
	b->attempts++;
	wait = wait / 2 + (uint64_t)((double)(wait - wait / 2) * random / UINT32_MAX);
	return MAX(wait, floor_ms);
}

void backoff_reset(struct backoff *b)
{
	b->attempts = 0;
}
