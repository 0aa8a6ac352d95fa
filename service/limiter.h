/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Token buckets, one per key, in a table whose size is fixed when it is made: whoever asks too
 * often waits. Pure: the clock is the caller's. A bucket that is full again says nothing, so its
 * place is free for another key. When more keys than there are places are busy at once, the one
 * closest to full gives way: the limit is then softer, never harder, and nobody can lock another
 * one out. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct limiter;

struct limiter_config {
	uint32_t per_minute; /* refill; more than 0 */
	uint32_t burst;      /* what a full bucket holds; more than 0 */
	size_t keys;         /* that are busy at once; rounded up to a power of two */
};

/* -ENOMEM. */
int limiter_new(const struct limiter_config *config, struct limiter **ret) _must_check_;
struct limiter *limiter_free(struct limiter *l);
DEFINE_CLEANUP(struct limiter *, limiter_free);

/* Takes one out of the bucket: 0, or the milliseconds until there is one. now_ms must not go
 * backwards. */
uint64_t limiter_take(struct limiter *l, const void *key, size_t len, uint64_t now_ms);
/* The same without taking. */
uint64_t limiter_wait(const struct limiter *l, const void *key, size_t len, uint64_t now_ms);
