/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "agent/duration.h"

static void duration_reads_every_unit_and_bare_seconds(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} rows[] = {
		{"0", 0},
		{"1", 1000},
		{"0ms", 0},
		{"250ms", 250},
		{"300s", 300000},
		{"300 s", 300000},
		{"2sec", 2000},
		{"5min", 300000},
		{"1h", 3600000},
		{"2d", 172800000},
		{"365d", DURATION_MAX_MS},
		{"31536000", DURATION_MAX_MS},
		{"31536000000ms", DURATION_MAX_MS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t ms;

		assert_int_equal(duration_parse(rows[i].text, &ms), 0);
		assert_true(ms == rows[i].ms);
	}
}

static void duration_refuses_what_is_not_one(void **state)
{
	static const char *const bad[] = {
		"",    " ",   "s",    "-1",    "+1",   "1.5s",    " 1s",     "1s ",  "1 ",
		"01s", "1m",  "1H",   "1hour", "1h2",  "1h 2min", "0x10",    "1e3s", "ten",
		"1ss", "1\n", "1\ts", "inf",   "1 s ", "--1",     "1minutes"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t ms = 7;

		assert_int_equal(duration_parse(bad[i], &ms), -EINVAL);
		assert_true(ms == 7);
	}
}

static void duration_refuses_more_than_a_year(void **state)
{
	static const char *const bad[] = {"366d",
					  "8761h",
					  "31536001",
					  "31536000001ms",
					  "18446744073709551615",
					  "18446744073709551616",
					  "213503982334602d"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t ms;

		assert_int_equal(duration_parse(bad[i], &ms), -ERANGE);
	}
}

static void duration_is_written_in_the_largest_exact_unit(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {{0, "0s"},
		    {1, "1ms"},
		    {1000, "1s"},
		    {1001, "1001ms"},
		    {60000, "1min"},
		    {90000, "90s"},
		    {3600000, "1h"},
		    {5400000, "90min"},
		    {86400000, "1d"},
		    {90000000, "25h"},
		    {DURATION_MAX_MS, "365d"},
		    {UINT64_MAX, "18446744073709551615ms"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[DURATION_TEXT_MAX];
		uint64_t back;

		duration_format(rows[i].ms, text);
		assert_string_equal(text, rows[i].text);
		if (rows[i].ms <= DURATION_MAX_MS) {
			assert_int_equal(duration_parse(text, &back), 0);
			assert_true(back == rows[i].ms);
		}
	}
}

static void duration_is_described_as_people_say_it(void **state)
{
	static const struct {
		uint64_t s;
		const char *text;
	} rows[] = {{2592000, "30 days"}, {86400, "1 day"}, {90000, "25 hours"},
		    {7200, "2 hours"},    {60, "1 minute"}, {119, "119 seconds"},
		    {1, "1 second"},      {0, "0 seconds"}};
	char text[DURATION_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		duration_describe(rows[i].s, text);
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_reads_every_unit_and_bare_seconds),
		cmocka_unit_test(duration_refuses_what_is_not_one),
		cmocka_unit_test(duration_refuses_more_than_a_year),
		cmocka_unit_test(duration_is_written_in_the_largest_exact_unit),
		cmocka_unit_test(duration_is_described_as_people_say_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
