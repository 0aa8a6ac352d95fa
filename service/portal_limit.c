/* SPDX-License-Identifier: Apache-2.0 */
#include "service/portal_limit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "service/crypto.h"

#define KEY_LEN 16

enum kind {
	KIND_PAIR,
	KIND_USER,
	KIND_ADDRESS,
	N_KINDS,
};

static const struct {
	uint64_t burst, refill_ms; /* tokens; time that one takes to come back */
} rules[] = {
	[KIND_PAIR] = {5, 60000},
	[KIND_USER] = {30, 60000},
	[KIND_ADDRESS] = {30, 20000},
};

/* Tokens are counted in the milliseconds that they take to come back. */
struct bucket {
	uint8_t key[KEY_LEN];
	uint64_t spent_ms; /* at at_ms; 0: full, and as good as not there */
	uint64_t at_ms;
};

struct portal_limit {
	struct bucket places[N_KINDS][PORTAL_LIMIT_PLACES];
};

int portal_limit_new(struct portal_limit **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

struct portal_limit *portal_limit_free(struct portal_limit *l)
{
	free(l);
	return NULL;
}

/* What one customer of a provider has is a /64. */
static void address_shorten(const char *address, char ret[static INET6_ADDRSTRLEN])
{
	struct in6_addr a;

	snprintf(ret, INET6_ADDRSTRLEN, "%s", address);
	if (inet_pton(AF_INET6, address, &a) != 1 || IN6_IS_ADDR_V4MAPPED(&a))
		return;
	memset(a.s6_addr + 8, 0, 8);
	(void)inet_ntop(AF_INET6, &a, ret, INET6_ADDRSTRLEN);
}

/* Names come from outside: as digests they have one length, and nobody finds two that share a
 * bucket. */
static void keys_make(const char *user, const char *address, uint8_t ret[static N_KINDS][KEY_LEN])
{
	char network[INET6_ADDRSTRLEN];
	uint8_t digests[2][32], both[32];

	address_shorten(address, network);
	crypto_sha256(user, strlen(user), digests[0]);
	crypto_sha256(network, strlen(network), digests[1]);
	crypto_sha256(digests, sizeof(digests), both);
	memcpy(ret[KIND_USER], digests[0], KEY_LEN);
	memcpy(ret[KIND_ADDRESS], digests[1], KEY_LEN);
	memcpy(ret[KIND_PAIR], both, KEY_LEN);
}

static void bucket_refill(struct bucket *b, uint64_t now_ms)
{
	uint64_t passed_ms = now_ms > b->at_ms ? now_ms - b->at_ms : 0;

	b->spent_ms -= MIN(b->spent_ms, passed_ms);
	b->at_ms = now_ms;
}

/* The bucket of key, or the place that it gets. */
static struct bucket *bucket_find(struct bucket places[static PORTAL_LIMIT_PLACES],
				  const uint8_t key[static KEY_LEN], uint64_t now_ms)
{
	struct bucket *best = &places[0];

	for (size_t i = 0; i < PORTAL_LIMIT_PLACES; i++) {
		struct bucket *b = &places[i];

		bucket_refill(b, now_ms);
		if (b->spent_ms > 0 && memcmp(b->key, key, KEY_LEN) == 0)
			return b;
		if (b->spent_ms < best->spent_ms)
			best = b;
	}
	memcpy(best->key, key, KEY_LEN);
	best->spent_ms = 0;
	return best;
}

static uint64_t wait_ms(enum kind kind, const struct bucket *b)
{
	uint64_t all_ms = rules[kind].burst * rules[kind].refill_ms;
	uint64_t after_ms = b->spent_ms + rules[kind].refill_ms;

	return after_ms > all_ms ? after_ms - all_ms : 0;
}

unsigned int portal_limit_take(struct portal_limit *l, const char *user, const char *address,
			       uint64_t now_ms)
{
	uint8_t keys[N_KINDS][KEY_LEN];
	struct bucket *buckets[N_KINDS];
	uint64_t longest_ms = 0;

	keys_make(user, address, keys);
	for (enum kind k = 0; k < N_KINDS; k++) {
		buckets[k] = bucket_find(l->places[k], keys[k], now_ms);
		longest_ms = MAX(longest_ms, wait_ms(k, buckets[k]));
	}
	if (longest_ms > 0)
		return (unsigned int)((longest_ms + 999) / 1000);
	for (enum kind k = 0; k < N_KINDS; k++)
		buckets[k]->spent_ms += rules[k].refill_ms;
	return 0;
}

void portal_limit_return(struct portal_limit *l, const char *user, const char *address,
			 uint64_t now_ms)
{
	uint8_t keys[N_KINDS][KEY_LEN];

	keys_make(user, address, keys);
	for (enum kind k = 0; k < N_KINDS; k++) {
		struct bucket *b = bucket_find(l->places[k], keys[k], now_ms);

		b->spent_ms -= MIN(b->spent_ms, rules[k].refill_ms);
	}
}
