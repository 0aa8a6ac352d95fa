/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How often strangers on the LAN are answered: one bucket for each of the few that ask, one for all
 * of them together. Pure, of fixed size; the clock is the caller's. A source that is one too many
 * takes the place of the one that has been quiet longest, so inventing addresses frees nobody of
 * the bucket for all. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METER_SOURCES 64
#define METER_KEY_MAX 8       /* bytes of a source: an IPv4 address, or an IPv6 network */
#define METER_BURST 16        /* answers to one source at once, */
#define METER_INTERVAL_MS 250 /* then one in this time */
#define METER_ALL_BURST 64
#define METER_ALL_INTERVAL_MS 20

struct meter_bucket {
	uint64_t full_at_ms; /* when it would be full again: all of its state */
};

struct meter {
	struct meter_bucket all;
	struct {
		uint8_t key[METER_KEY_MAX];
		size_t len; /* 0: free */
		struct meter_bucket bucket;
	} sources[METER_SOURCES];
};

/* Zeroed, all buckets are full. True when this one is to be answered; now_ms must not go
 * backwards. len is 1 … METER_KEY_MAX. */
bool meter_take(struct meter *m, const void *key, size_t len, uint64_t now_ms);
