/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/meter.h"

static unsigned int taken(struct meter *m, uint32_t source, unsigned int tries, uint64_t now_ms)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < tries; i++)
		n += meter_take(m, &source, sizeof(source), now_ms);
	return n;
}

static void a_source_gets_its_burst_then_one_an_interval(void **state)
{
	struct meter m = {0};

	(void)state;
	assert_int_equal(taken(&m, 1, 100, 1000), METER_BURST);
	assert_int_equal(taken(&m, 1, 100, 1000 + METER_INTERVAL_MS - 1), 0);
	assert_int_equal(taken(&m, 1, 100, 1000 + METER_INTERVAL_MS), 1);
	assert_int_equal(taken(&m, 1, 100, 1000 + METER_INTERVAL_MS * 1000), METER_BURST);
}

static void one_source_takes_nothing_from_another(void **state)
{
	struct meter m = {0};

	(void)state;
	assert_int_equal(taken(&m, 1, 100, 5), METER_BURST);
	assert_int_equal(taken(&m, 2, 100, 5), METER_BURST);
}

static void a_longer_key_is_another_source(void **state)
{
	struct meter m = {0};
	uint64_t wide = 1;

	(void)state;
	assert_int_equal(taken(&m, 1, 100, 5), METER_BURST);
	assert_true(meter_take(&m, &wide, sizeof(wide), 5));
}

static void all_sources_together_have_a_bound_however_many_they_are(void **state)
{
	struct meter m = {0};
	unsigned int n = 0;

	(void)state;
	for (uint32_t source = 0; source < 10000; source++)
		n += taken(&m, source, 1, 77);
	assert_int_equal(n, METER_ALL_BURST);
	assert_int_equal(taken(&m, 5, 9, 77 + METER_ALL_INTERVAL_MS), 1);
}

/* Else whoever is out of answers would ask under other addresses until its place is forgotten. */
static void a_busy_source_keeps_its_place_while_quiet_ones_have_some(void **state)
{
	struct meter m = {0};
	uint64_t now = 1;

	(void)state;
	assert_int_equal(taken(&m, 1, 100, now), METER_BURST);
	for (uint32_t source = 2; source < 2 + METER_SOURCES - 1; source++)
		(void)taken(&m, source, 1, now);
	assert_int_equal(taken(&m, 1, 100, now), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_gets_its_burst_then_one_an_interval),
		cmocka_unit_test(one_source_takes_nothing_from_another),
		cmocka_unit_test(a_longer_key_is_another_source),
		cmocka_unit_test(all_sources_together_have_a_bound_however_many_they_are),
		cmocka_unit_test(a_busy_source_keeps_its_place_while_quiet_ones_have_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
