/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A directory of its own for each test, and whole files. */

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

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
	/* In memory where there is such a place: these tests sync thousands of times. */
	snprintf(s->dir, sizeof(s->dir), "%s/onboard-credstore-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
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

static inline bool scratch_exists(const struct scratch *s, const char *name)
{
	return access(scratch_path(s, name), F_OK) == 0;
}

/* The store is gone, as if it had never been made. */
static inline void scratch_clear(const struct scratch *s)
{
	assert_int_equal(nftw(s->state, scratch_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void scratch_move(const struct scratch *s, const char *from, const char *to)
{
	char target[PATH_MAX];

	snprintf(target, sizeof(target), "%s", scratch_path(s, to));
	if (rename(scratch_path(s, from), target) < 0)
		assert_int_equal(errno, ENOENT);
}

/* As somebody would who takes the store for good that was set aside last. */
static inline void scratch_put_back(const struct scratch *s)
{
	scratch_move(s, "store.db.damaged", "store.db");
	scratch_move(s, "store.db.damaged-wal", "store.db-wal");
	scratch_move(s, "store.db.damaged-journal", "store.db-journal");
	unlink(scratch_path(s, "store.set-aside"));
}

static inline void scratch_assert_same(const struct scratch *s, const char *name,
				       const struct secret *before)
{
	_cleanup_(secret_done) struct secret after = SECRET_INIT;

	scratch_read(scratch_path(s, name), &after);
	assert_int_equal(before->len, after.len);
	assert_memory_equal(before->data, after.data, after.len);
}

/* Opening must fail with r, say `word`, and leave the database byte for byte as it is: in its
 * place, or, when it is damaged, set aside; then it is put back. */
static inline void scratch_refuses_with(const struct scratch *s,
					const struct store_options *options, int r,
					const char *word)
{
	_cleanup_(secret_done) struct secret before = SECRET_INIT;
	_cleanup_(freep) char *detail = NULL;
	struct store *store = NULL;
	bool is_there = scratch_exists(s, "store.db");
	bool is_moved = is_there && r == STORE_E_CORRUPT;

	if (is_there)
		scratch_read(scratch_path(s, "store.db"), &before);
	assert_int_equal(store_open(s->state, options, &store, &detail), r);
	assert_null(store);
	assert_non_null(detail);
	if (!strstr(detail, word))
		fail_msg("\"%s\" does not say \"%s\"", detail, word);
	assert_int_equal(scratch_exists(s, "store.db"), is_there && !is_moved);
	assert_int_equal(scratch_exists(s, "store.set-aside"), is_moved);
	if (is_there)
		scratch_assert_same(s, is_moved ? "store.db.damaged" : "store.db", &before);
	if (is_moved)
		scratch_put_back(s);
}

static inline void scratch_refuses(const struct scratch *s, int r, const char *word)
{
	scratch_refuses_with(s, NULL, r, word);
}

/* Runs SQL on the file behind the store's back. */
static inline void scratch_doctor(const struct scratch *s, const char *sql)
{
	sqlite3 *db = NULL;
	char *message = NULL;

	assert_int_equal(sqlite3_open(scratch_path(s, "store.db"), &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	sqlite3_close(db);
}

/* The change is damage, as word says; then the database is the whole one again. */
static inline void scratch_refuses_change(const struct scratch *s, const struct secret *whole,
					  const char *sql, const char *word)
{
	scratch_doctor(s, sql);
	scratch_refuses(s, STORE_E_CORRUPT, word);
	unlink(scratch_path(s, "store.db-wal"));
	unlink(scratch_path(s, "store.db-shm"));
	scratch_write(scratch_path(s, "store.db"), whole->data, whole->len);
}
