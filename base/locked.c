/* SPDX-License-Identifier: Apache-2.0 */
#include "base/locked.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"

/* AddressSanitizer knows the heap's pieces, but not these. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define CLOSE_PIECE(p, len) __asan_poison_memory_region(p, len)
#define OPEN_PIECE(p, len) __asan_unpoison_memory_region(p, len)
#else
#define CLOSE_PIECE(p, len) ((void)(p))
#define OPEN_PIECE(p, len) ((void)(p))
#endif

#define REGION_LEN ((size_t)32 * 1024)
#define UNIT ((size_t)64)
#define N_UNITS (REGION_LEN / UNIT)

/* Beside the region and not in it: a forked child must be able to tell what is free. */
static struct {
	pthread_mutex_t mutex;
	uint8_t *region; /* NULL before the first secret, and while there is no memory for it */
	uint16_t units[N_UNITS]; /* of a piece at its first unit, then INSIDE; 0: free */
	bool refused;
	size_t in_use;
} locked = {.mutex = PTHREAD_MUTEX_INITIALIZER};

#define INSIDE UINT16_MAX

/* In front of a secret that has a mapping of its own. */
struct head {
	size_t mapped;
	uint8_t rest[UNIT - sizeof(size_t)];
};

static void *map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* Kernels that know neither have nothing better. */
	(void)madvise(p, len, MADV_DONTDUMP);
	(void)madvise(p, len, MADV_WIPEONFORK);
	if (mlock(p, len) < 0 && !locked.refused) {
		locked.refused = true;
		log_warning("secrets in memory may be swapped out: mlock: %s; raise LimitMEMLOCK= "
			    "to 1M or more, going on",
			    strerror(errno));
	}
	return p;
}

/* The first of n free units in a row; N_UNITS when there are none. */
static size_t find(size_t n)
{
	size_t run = 0;

	for (size_t i = 0; i < N_UNITS; i++) {
		run = locked.units[i] ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return N_UNITS;
}

static void *take_piece(size_t len)
{
	const size_t n = (len + UNIT - 1) / UNIT, first = find(n);
	uint8_t *p;

	if (first == N_UNITS)
		return NULL;
	if (!locked.region) {
		locked.region = map(REGION_LEN);
		if (!locked.region)
			return NULL;
		CLOSE_PIECE(locked.region, REGION_LEN);
	}
	for (size_t i = 1; i < n; i++)
		locked.units[first + i] = INSIDE;
	locked.units[first] = (uint16_t)n;
	p = locked.region + first * UNIT;
	OPEN_PIECE(p, len);
	return p; /* zeros: as mapped, or as wiped at release */
}

/* False: it is not of the region. */
static bool give_piece_back(uint8_t *p)
{
	size_t first, n;

	if (!locked.region || p < locked.region || p >= locked.region + REGION_LEN)
		return false;
	first = (size_t)(p - locked.region) / UNIT;
	n = locked.units[first];
	assert(n > 0 && n != INSIDE);
	OPEN_PIECE(p, n * UNIT);
	explicit_bzero(p, n * UNIT);
	CLOSE_PIECE(p, n * UNIT);
	memset(locked.units + first, 0, n * sizeof(locked.units[0]));
	return true;
}

static void *map_alone(size_t len)
{
	struct head *head = map(sizeof(*head) + len);

	if (!head)
		return NULL;
	head->mapped = sizeof(*head) + len;
	return head + 1;
}

static void unmap(void *p)
{
	struct head *head = (struct head *)p - 1;
	const size_t mapped = head->mapped;

	/* In a forked child it is zeros, and stays. */
	if (mapped == 0)
		return;
	explicit_bzero(head, mapped);
	munmap(head, mapped);
}

void *locked_alloc(size_t len)
{
	void *p;

	if (len == 0 || len > PTRDIFF_MAX - sizeof(struct head))
		return NULL;
	pthread_mutex_lock(&locked.mutex);
	p = take_piece(len);
	if (!p)
		p = map_alone(len);
	locked.in_use += p ? 1 : 0;
	pthread_mutex_unlock(&locked.mutex);
	return p;
}

void locked_free(void *data)
{
	if (!data)
		return;
	pthread_mutex_lock(&locked.mutex);
	locked.in_use--;
	if (!give_piece_back(data))
		unmap(data);
	pthread_mutex_unlock(&locked.mutex);
}

size_t locked_in_use(void)
{
	size_t n;

	pthread_mutex_lock(&locked.mutex);
	n = locked.in_use;
	pthread_mutex_unlock(&locked.mutex);
	return n;
}
