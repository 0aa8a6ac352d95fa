/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>

#include "agent/timewatch.h"
#include "base/clock.h"

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

struct fixture {
	char dir[64];
	struct store *store;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/timewatch-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(store_open(f->dir, NULL, &f->store, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void time_before_the_build_is_not_good(void **state)
{
	struct fixture *f = *state;
	int64_t built = timewatch_floor(f->store);

	assert_true(built > 1700000000);
	for (int synchronised = 0; synchronised < 2; synchronised++) {
		assert_false(timewatch_is_good(0, 0, synchronised, false));
		assert_false(timewatch_is_good(-1, 0, synchronised, false));
		assert_false(timewatch_is_good(built - 1, 0, synchronised, false));
		assert_true(timewatch_is_good(built, 0, synchronised, false));
		assert_true(timewatch_is_good(clock_wall_s(), 0, synchronised, false));
	}
}

static void time_before_the_last_good_moment_is_not_good(void **state)
{
	struct fixture *f = *state;
	int64_t now = timewatch_floor(f->store) + 1000000;

	assert_int_equal(timewatch_note(f->store, now, false), 0);
	assert_int_equal(timewatch_floor(f->store), now);
	assert_false(timewatch_is_good(now - 1, timewatch_floor(f->store), false, false));
	assert_true(timewatch_is_good(now, timewatch_floor(f->store), false, false));
}

/* A clock that once ran a year ahead must not keep the device away for a year. */
static void synchronised_time_is_good_before_the_last_good_moment_and_corrects_it(void **state)
{
	struct fixture *f = *state;
	int64_t now = timewatch_floor(f->store) + 1000000, ahead = now + 365 * 86400;

	assert_int_equal(timewatch_note(f->store, ahead, false), 0);
	assert_false(timewatch_is_good(now, timewatch_floor(f->store), false, false));
	assert_true(timewatch_is_good(now, timewatch_floor(f->store), true, false));
	assert_int_equal(timewatch_note(f->store, now, true), 0);
	assert_int_equal(timewatch_floor(f->store), now);
}

/* A clock chip that comes up as all ones is in 2106. */
static void time_far_after_the_build_is_good_only_when_it_is_synchronised(void **state)
{
	struct fixture *f = *state;
	int64_t built = timewatch_floor(f->store), last = built + (int64_t)30 * 366 * 86400 - 1;

	assert_true(timewatch_is_good(last, built, false, false));
	assert_false(timewatch_is_good(last + 1, built, false, false));
	assert_false(timewatch_is_good(UINT32_MAX, built, false, false));
	assert_true(timewatch_is_good(UINT32_MAX, built, true, false));
	assert_true(timewatch_is_good((int64_t)UINT32_MAX + 1, built, true, false));
}

struct fault_row {
	int64_t now_s, floor_s;
	bool is_synchronised, require_sync;
	const char *word; /* NULL: good */
};

static void what_is_wrong_with_a_clock_has_words(void **state)
{
	struct fixture *f = *state;
	int64_t built = timewatch_floor(f->store);
	const struct fault_row rows[] = {
		{0, built, false, false, "built"},
		{0, built, true, false, "built"},
		{built, built + 1, false, false, "accepted"},
		{built, built + 1, true, true, NULL},
		{built + 5, built, false, true, "require-sync"},
		{built + 5, built, false, false, NULL},
		{UINT32_MAX, built, false, false, "future"},
		{INT64_MAX, built, true, false, "token"},
		{INT64_MIN, built, true, false, "built"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct fault_row *row = &rows[i];
		const char *fault = timewatch_fault(row->now_s, row->floor_s, row->is_synchronised,
						    row->require_sync);

		if (!fault != !row->word || (fault && !strstr(fault, row->word)))
			fail_msg("row %zu: %s", i, fault ? fault : "good");
	}
}

static void a_clock_is_written_for_people_in_any_year(void **state)
{
	char text[TIMEWATCH_TEXT_MAX];

	(void)state;
	timewatch_format(0, text);
	assert_string_equal(text, "1970-01-01 00:00:00 UTC");
	timewatch_format(UINT32_MAX, text);
	assert_string_equal(text, "2106-02-07 06:28:15 UTC");
	timewatch_format(INT64_MIN, text);
	assert_string_equal(text, "-9223372036854775808 s since 1970");
}

static void time_after_the_year_9999_is_not_good(void **state)
{
	(void)state;
	assert_true(timewatch_is_good(253402300799, 0, true, false));
	assert_false(timewatch_is_good(253402300800, 0, false, false));
	assert_false(timewatch_is_good(253402300800, 0, true, false));
}

static void floor_moves_forward_only_and_once_a_day(void **state)
{
	struct fixture *f = *state;
	int64_t now = timewatch_floor(f->store) + 1000000;

	assert_int_equal(timewatch_note(f->store, now, false), 0);
	assert_int_equal(timewatch_note(f->store, now + 86399, false), 0);
	assert_int_equal(timewatch_floor(f->store), now);
	assert_int_equal(timewatch_note(f->store, now + 86400, false), 0);
	assert_int_equal(timewatch_floor(f->store), now + 86400);
	assert_int_equal(timewatch_note(f->store, now - 500000, false), 0);
	assert_int_equal(timewatch_note(f->store, now + 3600, true), 0);
	assert_int_equal(timewatch_floor(f->store), now + 86400);
}

static void floor_that_is_no_number_counts_as_absent(void **state)
{
	struct fixture *f = *state;
	int64_t built = timewatch_floor(f->store);
	static const char *const broken[] = {
		"", "-1", "1e9", "0x1", "99999999999999999999", "253402300800"};

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		assert_int_equal(store_value_put(f->store, "time-floor", broken[i]), 0);
		assert_int_equal(timewatch_floor(f->store), built);
	}
}

static void synchronisation_counts_only_when_required(void **state)
{
	(void)state;
	assert_false(timewatch_is_good(clock_wall_s(), 0, false, true));
	assert_true(timewatch_is_good(clock_wall_s(), 0, true, true));
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(time_before_the_build_is_not_good),
		TEST(time_before_the_last_good_moment_is_not_good),
		TEST(synchronised_time_is_good_before_the_last_good_moment_and_corrects_it),
		TEST(time_after_the_year_9999_is_not_good),
		TEST(time_far_after_the_build_is_good_only_when_it_is_synchronised),
		TEST(what_is_wrong_with_a_clock_has_words),
		TEST(a_clock_is_written_for_people_in_any_year),
		TEST(floor_moves_forward_only_and_once_a_day),
		TEST(floor_that_is_no_number_counts_as_absent),
		TEST(synchronisation_counts_only_when_required),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
