/* SPDX-License-Identifier: Apache-2.0 */
#include "service/limiter.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "service/crypto.h"

#define SET 8 /* places that a key may have */

/* The generic cell rate algorithm: full_at_us is when the bucket would be full again, and that one
 * number is all of its state. */
struct bucket {
	uint8_t name[16]; /* of the key */
	uint64_t full_at_us;
};

struct limiter {
	uint64_t interval_us, window_us;
	size_t n_sets;
	uint8_t secret[16]; /* nobody outside can tell which keys share places */
	struct bucket buckets[];
};

int limiter_new(const struct limiter_config *config, struct limiter **ret)
{
	struct limiter *l;
	size_t n_sets = 1;

	assert(config->per_minute > 0 && config->burst > 0);
	while (n_sets * SET < config->keys)
		n_sets *= 2;
	l = calloc(1, sizeof(*l) + n_sets * SET * sizeof(struct bucket));
	if (!l)
		return -ENOMEM;
	l->n_sets = n_sets;
	l->interval_us = 60000000 / config->per_minute;
	l->window_us = l->interval_us * (config->burst - 1);
	random_fill(l->secret, sizeof(l->secret));
	*ret = l;
	return 0;
}

struct limiter *limiter_free(struct limiter *l)
{
	free(l);
	return NULL;
}

#define KEY_MAX 64

static size_t set_of(const struct limiter *l, const void *key, size_t len,
		     uint8_t ret_name[static 16])
{
	uint8_t text[sizeof(l->secret) + KEY_MAX], digest[32];
	size_t set;

	assert(len <= KEY_MAX);
	memcpy(text, l->secret, sizeof(l->secret));
	memcpy(text + sizeof(l->secret), key, len);
	crypto_sha256(text, sizeof(l->secret) + len, digest);
	memcpy(ret_name, digest, 16);
	memcpy(&set, digest + 16, sizeof(set));
	return (set & (l->n_sets - 1)) * SET;
}

static const struct bucket *find(const struct limiter *l, size_t set, const uint8_t name[static 16])
{
	for (size_t i = 0; i < SET; i++)
		if (memcmp(l->buckets[set + i].name, name, 16) == 0)
			return &l->buckets[set + i];
	return NULL;
}

/* The wait for one out of a bucket, in whole milliseconds that are enough. */
static uint64_t wait_ms(const struct limiter *l, uint64_t full_at_us, uint64_t now_us)
{
	if (full_at_us <= now_us + l->window_us)
		return 0;
	return (full_at_us - now_us - l->window_us + 999) / 1000;
}

uint64_t limiter_wait(const struct limiter *l, const void *key, size_t len, uint64_t now_ms)
{
	const struct bucket *b;
	uint8_t name[16];

	b = find(l, set_of(l, key, len, name), name);
	return b ? wait_ms(l, b->full_at_us, now_ms * 1000) : 0;
}

static struct bucket *place(struct limiter *l, size_t set, const uint8_t name[static 16])
{
	struct bucket *fullest = &l->buckets[set];

	for (size_t i = 0; i < SET; i++) {
		struct bucket *b = &l->buckets[set + i];

		if (memcmp(b->name, name, 16) == 0)
			return b;
		if (b->full_at_us < fullest->full_at_us)
			fullest = b;
	}
	memcpy(fullest->name, name, 16);
	fullest->full_at_us = 0;
	return fullest;
}

uint64_t limiter_take(struct limiter *l, const void *key, size_t len, uint64_t now_ms)
{
	uint64_t now_us = now_ms * 1000, wait;
	struct bucket *b;
	uint8_t name[16];

	b = place(l, set_of(l, key, len, name), name);
	wait = wait_ms(l, b->full_at_us, now_us);
	if (wait == 0)
		b->full_at_us = MAX(b->full_at_us, now_us) + l->interval_us;
	return wait;
}
