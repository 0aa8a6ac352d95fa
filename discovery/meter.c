/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/meter.h"

#include <assert.h>
#include <string.h>

#include "base/macros.h"

/* The generic cell rate algorithm. */
static bool has_one(const struct meter_bucket *b, unsigned int burst, uint64_t interval_ms,
		    uint64_t now_ms)
{
	return b->full_at_ms <= now_ms + (burst - 1) * interval_ms;
}

static void take(struct meter_bucket *b, uint64_t interval_ms, uint64_t now_ms)
{
	b->full_at_ms = MAX(b->full_at_ms, now_ms) + interval_ms;
}

static struct meter_bucket *find(struct meter *m, const void *key, size_t len)
{
	size_t oldest = 0;

	for (size_t i = 0; i < METER_SOURCES; i++) {
		if (m->sources[i].len == len && memcmp(m->sources[i].key, key, len) == 0)
			return &m->sources[i].bucket;
		if (m->sources[i].bucket.full_at_ms < m->sources[oldest].bucket.full_at_ms)
			oldest = i;
	}
	memcpy(m->sources[oldest].key, key, len);
	m->sources[oldest].len = len;
	m->sources[oldest].bucket.full_at_ms = 0;
	return &m->sources[oldest].bucket;
}

bool meter_take(struct meter *m, const void *key, size_t len, uint64_t now_ms)
{
	struct meter_bucket *b;

	assert(len > 0 && len <= METER_KEY_MAX);
	b = find(m, key, len);
	if (!has_one(b, METER_BURST, METER_INTERVAL_MS, now_ms) ||
	    !has_one(&m->all, METER_ALL_BURST, METER_ALL_INTERVAL_MS, now_ms))
		return false;
	take(b, METER_INTERVAL_MS, now_ms);
	take(&m->all, METER_ALL_INTERVAL_MS, now_ms);
	return true;
}
