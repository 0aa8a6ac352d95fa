/* SPDX-License-Identifier: Apache-2.0 */
#include "service/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "service/limiter.h"

#define DEVICES_MAX 65536
#define ADDRESSES_MAX 16384
/* Many devices may share an address, and some of them may be refused for ever: generous. It keeps
 * whoever has no key at all from costing us signatures and reads of the store. */
#define FAILURES_PER_MINUTE 120

struct limits {
	struct limiter *devices;   /* owned; NULL: no limit */
	struct limiter *addresses; /* owned */
};

int limits_new(uint32_t device_rate, struct limits **ret)
{
	_cleanup_(limits_freep) struct limits *l = calloc(1, sizeof(*l));
	int r = 0;

	if (!l)
		return -ENOMEM;
	if (device_rate > 0)
		r = limiter_new(&(struct limiter_config){device_rate, device_rate, DEVICES_MAX},
				&l->devices);
	if (r == 0)
		r = limiter_new(&(struct limiter_config){FAILURES_PER_MINUTE, FAILURES_PER_MINUTE,
							 ADDRESSES_MAX},
				&l->addresses);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

struct limits *limits_free(struct limits *l)
{
	if (!l)
		return NULL;
	limiter_free(l->devices);
	limiter_free(l->addresses);
	free(l);
	return NULL;
}

/* Whoever has one IPv6 address has the other 2^64 of its network, too. */
static size_t address_key(const char *text, uint8_t ret[static 16])
{
	if (inet_pton(AF_INET, text, ret) == 1)
		return 4;
	return inet_pton(AF_INET6, text, ret) == 1 ? 8 : 0;
}

static enum core_verdict busy(struct core_caller *who, uint64_t wait_ms)
{
	if (wait_ms == 0)
		return CORE_OK;
	who->wait_s = (uint32_t)((wait_ms + 999) / 1000);
	return CORE_BUSY;
}

enum core_verdict limits_request(struct limits *l, struct core_caller *who)
{
	if (!l || !l->devices)
		return CORE_OK;
	return busy(who, limiter_take(l->devices, who->device, strlen(who->device), who->now_ms));
}

enum core_verdict limits_attempt(const struct limits *l, struct core_caller *who)
{
	uint64_t wait_ms = 0;
	uint8_t key[16];
	size_t len;

	if (!l)
		return CORE_OK;
	len = address_key(who->address, key);
	if (len > 0)
		wait_ms = limiter_wait(l->addresses, key, len, who->now_ms);
	if (wait_ms == 0 && l->devices && who->device[0])
		wait_ms = limiter_wait(l->devices, who->device, strlen(who->device), who->now_ms);
	return busy(who, wait_ms);
}

void limits_failed(struct limits *l, const struct core_caller *who)
{
	uint8_t key[16];
	size_t len;

	if (!l)
		return;
	len = address_key(who->address, key);
	if (len > 0)
		(void)limiter_take(l->addresses, key, len, who->now_ms);
}
