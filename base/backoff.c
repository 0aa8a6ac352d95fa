/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

#include "base/macros.h"

uint64_t backoff_next(struct backoff *b, uint64_t floor_ms, uint32_t random)
{
	uint64_t wait = MIN(b->first_ms, b->ceiling_ms), half;

	for (unsigned int i = 0; i < b->attempts && wait > 0 && wait < b->ceiling_ms; i++)
		wait = wait > b->ceiling_ms / 2 ? b->ceiling_ms : wait * 2;
	b->attempts++;
	half = wait / 2;
	wait = half + (uint64_t)((unsigned __int128)(wait - half) * random / UINT32_MAX);
	return MAX(wait, floor_ms);
}

void backoff_reset(struct backoff *b)
{
	b->attempts = 0;
}
