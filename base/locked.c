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
	bool used[N_UNITS];
	bool refused;
	size_t in_use;
} locked = {.mutex = PTHREAD_MUTEX_INITIALIZER};

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

/* Fails for memory that came from elsewhere. */
static void unmap(void *p, size_t len)
{
	const int r = munmap(p, len);

	assert(r == 0);
	(void)r;
}

static size_t units_of(size_t len)
{
	return (len + UNIT - 1) / UNIT;
}

/* The first of n free units in a row; N_UNITS when there are none. */
static size_t find(size_t n)
{
	size_t run = 0;

	for (size_t i = 0; i < N_UNITS; i++) {
		run = locked.used[i] ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return N_UNITS;
}

static void *take_piece(size_t len)
{
	const size_t n = units_of(len), first = find(n);
	uint8_t *p;

	if (first == N_UNITS)
		return NULL;
	if (!locked.region) {
		locked.region = map(REGION_LEN);
		if (!locked.region)
			return NULL;
		CLOSE_PIECE(locked.region, REGION_LEN);
	}
	memset(locked.used + first, true, n);
	p = locked.region + first * UNIT;
	OPEN_PIECE(p, len);
	return p; /* zeros: as mapped, or as wiped at release */
}

/* False: it is not of the region. */
static bool give_piece_back(uint8_t *p, size_t len)
{
	const size_t n = units_of(len);

	if (!locked.region || p < locked.region || p >= locked.region + REGION_LEN)
		return false;
	memset(locked.used + (size_t)(p - locked.region) / UNIT, false, n);
	CLOSE_PIECE(p, n * UNIT);
	return true;
}

void *locked_alloc(size_t len)
{
	void *p;

	if (len == 0 || len > PTRDIFF_MAX)
		return NULL;
	pthread_mutex_lock(&locked.mutex);
	p = take_piece(len);
	if (!p)
		p = map(len);
	locked.in_use += p ? 1 : 0;
	pthread_mutex_unlock(&locked.mutex);
	return p;
}

void locked_free(void *data, size_t len)
{
	if (!data)
		return;
	explicit_bzero(data, len);
	pthread_mutex_lock(&locked.mutex);
	locked.in_use--;
	if (!give_piece_back(data, len))
		unmap(data, len);
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
