/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "session/rto.h"

static void without_a_sample_the_fallback_is_the_timeout(void **state)
{
	struct rto rto = {0};

	(void)state;
	assert_int_equal(rto_probe_ms(&rto, 2000), 2000);
	assert_int_equal(rto_first_ms(&rto, 2000), 2000);
}

static void the_probe_is_twice_the_smoothed_time_and_100_ms_between_its_bounds(void **state)
{
	struct rto rto = {0};

	(void)state;
	rto_sample(&rto, 1);
	assert_int_equal(rto_probe_ms(&rto, 5000), RTO_MIN_MS);
	rto = (struct rto){.srtt_ms = 100};
	assert_int_equal(rto_probe_ms(&rto, 5000), 300);
	rto = (struct rto){.srtt_ms = 300};
	assert_int_equal(rto_probe_ms(&rto, 5000), 700);
	rto = (struct rto){.srtt_ms = 950};
	assert_int_equal(rto_probe_ms(&rto, 5000), 2000);
	rto = (struct rto){.srtt_ms = 951};
	assert_int_equal(rto_probe_ms(&rto, 5000), RTO_MAX_MS);
}

static void
an_ordinary_request_waits_at_least_a_second_and_at_most_the_configured_time(void **state)
{
	struct rto rto = {.srtt_ms = 10};

	(void)state;
	assert_int_equal(rto_first_ms(&rto, 2000), RTO_POLITE_MS);
	rto.srtt_ms = 700;
	assert_int_equal(rto_first_ms(&rto, 2000), 1500);
	assert_int_equal(rto_first_ms(&rto, 1200), 1200);
	assert_int_equal(rto_first_ms(&rto, 500), 500);
}

static void a_sample_moves_the_smoothed_time_by_an_eighth(void **state)
{
	struct rto rto = {0};

	(void)state;
	rto_sample(&rto, 800);
	assert_int_equal(rto.srtt_ms, 800);
	rto_sample(&rto, 1600);
	assert_int_equal(rto.srtt_ms, 900);
}

static void a_sample_of_nothing_still_counts_as_a_sample(void **state)
{
	struct rto rto = {0};

	(void)state;
	rto_sample(&rto, 0);
	assert_int_equal(rto.srtt_ms, 1);
	for (int i = 0; i < 100; i++)
		rto_sample(&rto, UINT64_MAX);
	assert_in_range(rto.srtt_ms, 1, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_sample_the_fallback_is_the_timeout),
		cmocka_unit_test(
			the_probe_is_twice_the_smoothed_time_and_100_ms_between_its_bounds),
		cmocka_unit_test(
			an_ordinary_request_waits_at_least_a_second_and_at_most_the_configured_time),
		cmocka_unit_test(a_sample_moves_the_smoothed_time_by_an_eighth),
		cmocka_unit_test(a_sample_of_nothing_still_counts_as_a_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
