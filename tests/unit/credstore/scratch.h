/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A directory of its own for each test, and whole files. */

#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "credstore/store.h"

struct scratch {
	char dir[64];
	char state[80]; /* the store's, not made yet */
};

static inline int scratch_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int scratch_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	snprintf(s->dir, sizeof(s->dir), "/tmp/onboard-credstore-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->state, sizeof(s->state), "%s/state", s->dir);
	unsetenv("CREDENTIALS_DIRECTORY");
	*state = s;
	return 0;
}

static inline int scratch_teardown(void **state)
{
	struct scratch *s = *state;

	unsetenv("CREDENTIALS_DIRECTORY");
	nftw(s->dir, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
	free(s);
	return 0;
}

#define SCRATCH_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

/* "<state>/<name>", good until the next call. */
static inline const char *scratch_path(const struct scratch *s, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->state, name);
	return path;
}

static inline void scratch_read(const char *path, struct secret *ret)
{
	assert_int_equal(file_read(path, 1 << 24, ret), 0);
}

static inline void scratch_write(const char *path, const void *data, size_t len)
{
	assert_int_equal(file_write_atomic(path, data, len, 0600), 0);
}

static inline struct store *scratch_open(const struct scratch *s)
{
	struct store *store = NULL;
	char *detail = NULL;
	int r = store_open(s->state, NULL, &store, &detail);

	if (r != 0)
		fail_msg("store_open: %d %s", r, detail ? detail : "");
	assert_null(detail);
	return store;
}

/* Opening must fail with r, say `word` and leave the file `name` as it is. */
static inline void scratch_refuses(const struct scratch *s, int r, const char *word)
{
	_cleanup_(secret_done) struct secret before = SECRET_INIT;
	_cleanup_(secret_done) struct secret after = SECRET_INIT;
	_cleanup_(freep) char *detail = NULL;
	struct store *store = NULL;
	bool is_there = access(scratch_path(s, "store.db"), F_OK) == 0;

	if (is_there)
		scratch_read(scratch_path(s, "store.db"), &before);
	assert_int_equal(store_open(s->state, NULL, &store, &detail), r);
	assert_null(store);
	assert_non_null(detail);
	if (!strstr(detail, word))
		fail_msg("\"%s\" does not say \"%s\"", detail, word);
	assert_int_equal(access(scratch_path(s, "store.db"), F_OK) == 0, is_there);
	if (!is_there)
		return;
	scratch_read(scratch_path(s, "store.db"), &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, after.len);
}
