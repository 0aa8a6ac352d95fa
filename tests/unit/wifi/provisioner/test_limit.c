/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wifi/limit.h"

static void so_many_are_allowed_at_once_and_no_more(void **state)
{
	_cleanup_(limit_done) struct limit l;

	(void)state;
	assert_int_equal(limit_init(&l, 3, 1000), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(limit_allows(&l, 0));
		limit_count(&l, 0);
	}
	assert_false(limit_allows(&l, 0));
	assert_false(limit_allows(&l, 999));
	assert_true(limit_allows(&l, 1000));
}

/* A fixed period would allow 2 n around its end. */
static void no_stretch_of_the_period_holds_more_than_so_many(void **state)
{
	_cleanup_(limit_done) struct limit l;
	uint64_t allowed[64];
	size_t n = 0;

	(void)state;
	assert_int_equal(limit_init(&l, 3, 1000), 0);
	for (uint64_t now = 0; now < 10000; now += 170) {
		if (!limit_allows(&l, now))
			continue;
		limit_count(&l, now);
		allowed[n++] = now;
	}
	assert_true(n > 24);
	for (size_t i = 3; i < n; i++)
		assert_true(allowed[i] - allowed[i - 3] >= 1000);
}

static void counting_beyond_the_limit_prolongs_nothing(void **state)
{
	_cleanup_(limit_done) struct limit l;

	(void)state;
	assert_int_equal(limit_init(&l, 1, 1000), 0);
	limit_count(&l, 5);
	for (uint64_t now = 6; now < 1005; now++)
		limit_count(&l, now);
	assert_true(limit_allows(&l, 1005));
}

static void a_limit_of_zero_allows_nothing_ever(void **state)
{
	_cleanup_(limit_done) struct limit l;

	(void)state;
	assert_int_equal(limit_init(&l, 0, 1000), 0);
	assert_false(limit_allows(&l, 0));
	limit_count(&l, 0);
	assert_false(limit_allows(&l, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_are_allowed_at_once_and_no_more),
		cmocka_unit_test(no_stretch_of_the_period_holds_more_than_so_many),
		cmocka_unit_test(counting_beyond_the_limit_prolongs_nothing),
		cmocka_unit_test(a_limit_of_zero_allows_nothing_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
