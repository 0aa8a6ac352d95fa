/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/backoff.h"

static void waits_double_up_to_the_ceiling(void **state)
{
	static const uint64_t full[] = {60, 120, 240, 480, 500, 500, 500};
	struct backoff low = {.first_ms = 60, .ceiling_ms = 500}, high = low;

	(void)state;
	for (size_t i = 0; i < sizeof(full) / sizeof(full[0]); i++) {
		assert_int_equal(backoff_next(&high, 0, UINT32_MAX), full[i]);
		assert_int_equal(backoff_next(&low, 0, 0), full[i] / 2);
	}
}

static void jitter_stays_between_half_and_all(void **state)
{
	static const uint32_t randoms[] = {0, 1, 1000, 0x7fffffff, 0x80000000, 0xfffffffe};

	(void)state;
	for (size_t i = 0; i < sizeof(randoms) / sizeof(randoms[0]); i++) {
		struct backoff b = {.first_ms = 60001, .ceiling_ms = 60001};
		const uint64_t wait = backoff_next(&b, 0, randoms[i]);

		assert_in_range(wait, 30000, 60001);
	}
}

static void a_reset_starts_again_at_the_first_wait(void **state)
{
	struct backoff b = {.first_ms = 60, .ceiling_ms = 5000};

	(void)state;
	for (int i = 0; i < 5; i++)
		(void)backoff_next(&b, 0, 0);
	backoff_reset(&b);
	assert_int_equal(backoff_next(&b, 0, UINT32_MAX), 60);
}

static void a_server_may_ask_for_more_than_the_ceiling(void **state)
{
	struct backoff b = {.first_ms = 60, .ceiling_ms = 500};

	(void)state;
	assert_int_equal(backoff_next(&b, 7000, UINT32_MAX), 7000);
	assert_int_equal(backoff_next(&b, 1, UINT32_MAX), 120);
}

static void extreme_figures_do_not_overflow(void **state)
{
	struct backoff b = {.first_ms = UINT64_MAX / 3 * 2, .ceiling_ms = UINT64_MAX};
	struct backoff zero = {.first_ms = 0, .ceiling_ms = 500, .attempts = UINT32_MAX};
	struct backoff above = {.first_ms = 1000, .ceiling_ms = 500};

	(void)state;
	(void)backoff_next(&b, 0, 0);
	assert_true(backoff_next(&b, 0, UINT32_MAX) == UINT64_MAX);
	b.attempts = 1000;
	assert_true(backoff_next(&b, 0, UINT32_MAX) == UINT64_MAX);
	assert_int_equal(backoff_next(&zero, 0, UINT32_MAX), 0);
	assert_int_equal(backoff_next(&above, 0, UINT32_MAX), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_double_up_to_the_ceiling),
		cmocka_unit_test(jitter_stays_between_half_and_all),
		cmocka_unit_test(a_reset_starts_again_at_the_first_wait),
		cmocka_unit_test(a_server_may_ask_for_more_than_the_ceiling),
		cmocka_unit_test(extreme_figures_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
