/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A directory with onboardd.conf and conf.d/, new for each test, and what loading it gives. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/config.h"

struct place {
	char dir[32], file[64], drop_ins[64];
};

static inline int place_setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	strcpy(p->dir, "/tmp/test_config.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->file, sizeof(p->file), "%s/onboardd.conf", p->dir);
	snprintf(p->drop_ins, sizeof(p->drop_ins), "%s/conf.d", p->dir);
	assert_int_equal(mkdir(p->drop_ins, 0700), 0);
	unsetenv("STATE_DIRECTORY");
	*state = p;
	return 0;
}

static inline int place_remove_one(const char *path, const struct stat *st, int flag,
				   struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int place_teardown(void **state)
{
	struct place *p = *state;

	nftw(p->dir, place_remove_one, 4, FTW_DEPTH | FTW_PHYS);
	free(p);
	return 0;
}

static inline void place_put_bytes(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline void place_put(const struct place *p, const char *text)
{
	place_put_bytes(p->file, text, strlen(text));
}

static inline void place_put_drop_in(const struct place *p, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", p->drop_ins, name);
	place_put_bytes(path, text, strlen(text));
}

static inline struct config *place_load(const struct place *p)
{
	_cleanup_(freep) char *detail = NULL;
	struct config *c = NULL;
	int r = config_load(p->file, &c, &detail);

	if (r < 0)
		print_error("%s\n", detail);
	assert_int_equal(r, 0);
	return c;
}

static inline struct config *place_load_text(const struct place *p, const char *text)
{
	place_put(p, text);
	return place_load(p);
}

/* Loading fails with this code, and the text begins "<dir>/<at>" and holds `what`. */
static inline void place_assert_fails(const struct place *p, int code, const char *at,
				      const char *what)
{
	_cleanup_(freep) char *detail = NULL;
	struct config *c = NULL;
	char start[PATH_MAX];
	int r = config_load(p->file, &c, &detail);

	snprintf(start, sizeof(start), "%s/%s", p->dir, at);
	if (r != code || !detail || strncmp(detail, start, strlen(start)) != 0 ||
	    !strstr(detail, what))
		print_error("expected %d, %s… %s\ngot %d, %s\n", code, start, what, r,
			    detail ? detail : "(null)");
	assert_int_equal(r, code);
	assert_null(c);
	assert_non_null(detail);
	assert_int_equal(strncmp(detail, start, strlen(start)), 0);
	assert_non_null(strstr(detail, what));
}

static inline void place_refuses_text(const struct place *p, const char *text, const char *at,
				      const char *what)
{
	place_put(p, text);
	place_assert_fails(p, -EINVAL, at, what);
}

#define PLACE_TEST(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
