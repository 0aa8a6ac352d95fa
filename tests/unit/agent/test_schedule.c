/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "agent/renewal.h"
#include "agent/schedule.h"

#define NOW INT64_C(1800000000)
#define DAY 86400

static void intervals_are_read_strictly(void **state)
{
	static const char *const bad[] = {"",
					  "59",
					  "1",
					  "31622401",
					  "0x60",
					  "060",
					  "-60",
					  "+60",
					  "60 ",
					  " 60",
					  "60s",
					  "6e1",
					  "99999999999999999999",
					  "six"};
	uint64_t s = 1;

	(void)state;
	assert_int_equal(schedule_parse("0", &s), 0);
	assert_int_equal(s, 0);
	assert_int_equal(schedule_parse("60", &s), 0);
	assert_int_equal(s, 60);
	assert_int_equal(schedule_parse("31622400", &s), 0);
	assert_int_equal(s, 31622400);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(schedule_parse(bad[i], &s), -EINVAL);
	assert_int_equal(s, 31622400);
}

static void a_first_run_is_an_interval_away_and_up_to_a_tenth_more(void **state)
{
	const struct schedule none = {0, 0};

	(void)state;
	assert_int_equal(schedule_plan(&none, DAY, NOW, 0).next_s, NOW + DAY);
	assert_int_equal(schedule_plan(&none, DAY, NOW, DAY / 10).next_s, NOW + DAY + DAY / 10);
	for (uint32_t random = 0; random < UINT32_MAX - 99999999; random += 99999999)
		assert_in_range(schedule_plan(&none, DAY, NOW, random).next_s, NOW + DAY,
				NOW + DAY + DAY / 10);
}

static void a_run_that_is_planned_is_not_moved(void **state)
{
	const struct schedule known = {DAY, NOW + 5};
	struct schedule s = schedule_plan(&known, DAY, NOW, 77);

	(void)state;
	assert_int_equal(s.next_s, NOW + 5);
	assert_false(schedule_is_due(&s, NOW));
	s = schedule_advance(&s, NOW, NOW, 77);
	assert_int_equal(s.next_s, NOW + 5);
}

static void a_run_that_is_due_stays_due_until_it_was_done(void **state)
{
	const struct schedule known = {DAY, NOW - 100 * DAY};
	struct schedule s = schedule_plan(&known, DAY, NOW, 0);

	(void)state;
	assert_true(schedule_is_due(&s, NOW));
	s = schedule_advance(&s, NOW - 1, NOW, 0);
	assert_int_equal(s.next_s, NOW + DAY); /* one, not a hundred */
}

static void a_run_that_falls_due_while_a_cycle_runs_is_another_cycle(void **state)
{
	const struct schedule known = {DAY, NOW - 5};

	(void)state;
	assert_int_equal(schedule_advance(&known, NOW - 6, NOW, 0).next_s, NOW - 5);
	assert_int_equal(schedule_advance(&known, NOW - 5, NOW, 0).next_s, NOW + DAY);
}

static void another_interval_plans_anew_and_zero_plans_nothing(void **state)
{
	const struct schedule known = {DAY, NOW + 5};
	struct schedule s = schedule_plan(&known, 60, NOW, 0);

	(void)state;
	assert_int_equal(s.next_s, NOW + 60);
	s = schedule_plan(&known, 0, NOW, 0);
	assert_int_equal(s.next_s, 0);
	assert_false(schedule_is_due(&s, NOW));
	assert_int_equal(schedule_advance(&s, NOW, NOW, 0).next_s, 0);
}

static void a_clock_that_was_set_back_does_not_put_the_run_off_for_years(void **state)
{
	const struct schedule known = {DAY, NOW + 40 * 365 * DAY};

	(void)state;
	assert_int_equal(schedule_plan(&known, DAY, NOW, 0).next_s, NOW + DAY);
}

static void a_certificate_is_due_at_two_thirds_and_then_at_half_of_what_is_left(void **state)
{
	const struct validity v = {.not_before_s = NOW, .not_after_s = NOW + 90 * DAY};
	int64_t at;

	(void)state;
	assert_int_equal(renewal_next(&v, 0), NOW + 60 * DAY);
	/* A run before that is not one for it. */
	assert_int_equal(renewal_next(&v, NOW + 60 * DAY - 1), NOW + 60 * DAY);
	at = renewal_next(&v, NOW + 60 * DAY);
	assert_int_equal(at, NOW + 75 * DAY);
	at = renewal_next(&v, at);
	assert_int_equal(at, NOW + 82 * DAY + DAY / 2);
	/* Never in a hurry, and once more when it has ended. */
	assert_int_equal(renewal_next(&v, v.not_after_s - 60), v.not_after_s - 60 + 3600);
	assert_int_equal(renewal_next(&v, v.not_after_s), 0);
	assert_int_equal(renewal_next(&v, v.not_after_s + 3540), 0);
}

static void the_longest_certificate_does_not_overflow(void **state)
{
	const struct validity v = {.not_before_s = -62135596800, .not_after_s = 253402300799};

	(void)state;
	assert_in_range(renewal_next(&v, 0), v.not_after_s / 3, v.not_after_s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals_are_read_strictly),
		cmocka_unit_test(a_first_run_is_an_interval_away_and_up_to_a_tenth_more),
		cmocka_unit_test(a_run_that_is_planned_is_not_moved),
		cmocka_unit_test(a_run_that_is_due_stays_due_until_it_was_done),
		cmocka_unit_test(a_run_that_falls_due_while_a_cycle_runs_is_another_cycle),
		cmocka_unit_test(another_interval_plans_anew_and_zero_plans_nothing),
		cmocka_unit_test(a_clock_that_was_set_back_does_not_put_the_run_off_for_years),
		cmocka_unit_test(
			a_certificate_is_due_at_two_thirds_and_then_at_half_of_what_is_left),
		cmocka_unit_test(the_longest_certificate_does_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
