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
	assert_int_equal(rto_ms(&rto, 2000), 2000);
	rto_unsure(&rto);
	assert_int_equal(rto_ms(&rto, 2000), 2000);
	rto = rto_restored(0);
	assert_int_equal(rto_ms(&rto, 2000), 2000);
}

static void the_first_sample_gives_twice_itself(void **state)
{
	struct rto rto = {0};

	(void)state;
	rto_sample(&rto, 300);
	assert_int_equal(rto_ms(&rto, 2000), 600);
}

static void steady_samples_bring_the_wait_down_to_the_time_and_100_ms(void **state)
{
	struct rto rto = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		rto_sample(&rto, 300); /* a full handshake */
	assert_int_equal(rto_ms(&rto, 2000), 468);
	for (int i = 0; i < 50; i++)
		rto_sample(&rto, 300);
	assert_int_equal(rto_ms(&rto, 2000), 400);
}

static void the_wait_stays_between_its_bounds(void **state)
{
	struct rto rto = {0};

	(void)state;
	rto_sample(&rto, 1);
	assert_int_equal(rto_ms(&rto, 5000), RTO_MIN_MS);
	rto = rto_restored(3000);
	assert_int_equal(rto_ms(&rto, 5000), 6000);
	rto = rto_restored(9000);
	assert_int_equal(rto_ms(&rto, 5000), RTO_MAX_MS);
}

static void answers_to_nobody_knows_which_sending_make_the_wait_longer_until_a_sample(void **state)
{
	struct rto rto = rto_restored(300);
	uint64_t before = rto_ms(&rto, 2000);

	(void)state;
	rto_unsure(&rto);
	assert_true(rto_ms(&rto, 2000) > before);
	assert_int_equal(rto.srtt_ms, 300);
	for (int i = 0; i < 100; i++)
		rto_unsure(&rto);
	assert_int_equal(rto_ms(&rto, 2000), RTO_MAX_MS);
	for (int i = 0; i < 50; i++)
		rto_sample(&rto, 300);
	assert_int_equal(rto_ms(&rto, 2000), 400);
}

static void a_wait_in_vain_is_followed_by_a_longer_one(void **state)
{
	(void)state;
	assert_int_equal(rto_next_ms(500, 500), 1500);
	assert_int_equal(rto_next_ms(999, 999), 2997);
	assert_int_equal(rto_next_ms(1000, 1000), 2000);
	assert_int_equal(rto_next_ms(1000, 8000), 16000);
	assert_int_equal(rto_next_ms(3000, 3000), 6000);
}

static void after_a_long_first_wait_the_next_ones_grow_slower(void **state)
{
	uint64_t wait = 10000, sum = 10000;

	(void)state;
	for (int i = 0; i < 4; i++)
		sum += wait = rto_next_ms(10000, wait);
	assert_int_equal(rto_next_ms(6000, 6000), 9000);
	/* Of one message; twice each time would be 310 s. */
	assert_int_equal(sum, 131875);
}

static void on_a_network_that_loses_a_fifth_the_wait_does_not_creep_up(void **state)
{
	struct rto rto = rto_restored(300);

	(void)state;
	/* A third of the answers is to something that was sent twice. */
	for (int i = 0; i < 100; i++) {
		rto_unsure(&rto);
		rto_sample(&rto, 300);
		rto_sample(&rto, 300);
		assert_true(rto_ms(&rto, 2000) < 1000);
	}
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
		cmocka_unit_test(the_first_sample_gives_twice_itself),
		cmocka_unit_test(steady_samples_bring_the_wait_down_to_the_time_and_100_ms),
		cmocka_unit_test(the_wait_stays_between_its_bounds),
		cmocka_unit_test(
			answers_to_nobody_knows_which_sending_make_the_wait_longer_until_a_sample),
		cmocka_unit_test(a_wait_in_vain_is_followed_by_a_longer_one),
		cmocka_unit_test(after_a_long_first_wait_the_next_ones_grow_slower),
		cmocka_unit_test(on_a_network_that_loses_a_fifth_the_wait_does_not_creep_up),
		cmocka_unit_test(a_sample_moves_the_smoothed_time_by_an_eighth),
		cmocka_unit_test(a_sample_of_nothing_still_counts_as_a_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
