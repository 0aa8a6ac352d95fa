/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static void the_clock_of_the_boot_never_runs_back(void **state)
{
	uint64_t last = clock_ms();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		const uint64_t now = clock_ms();

		assert_true(now >= last);
		last = now;
	}
	assert_true(clock_wall_s() > 0);
}

static void random_bytes_fill_the_whole_buffer(void **state)
{
	uint8_t seen[64] = {0}, data[66];

	(void)state;
	memset(data, 0xee, sizeof(data));
	/* In 64 rounds each byte was other than zero once, but for a chance of 2^-506. */
	for (int round = 0; round < 64; round++) {
		random_fill(data + 1, 64);
		for (size_t i = 0; i < 64; i++)
			seen[i] |= data[i + 1];
	}
	for (size_t i = 0; i < 64; i++)
		assert_int_not_equal(seen[i], 0);
	assert_int_equal(data[0], 0xee);
	assert_int_equal(data[65], 0xee);
	random_fill(data, 0);
}

static void a_random_number_is_below_its_bound(void **state)
{
	static const uint32_t bounds[] = {1, 2, 3, 1000, 0x80000001, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		for (int round = 0; round < 100; round++)
			assert_true(random_below(bounds[i]) < bounds[i]);
	}
}

static void the_id_of_a_boot_stays_the_same(void **state)
{
	uint8_t first[16], second[16];

	(void)state;
	assert_int_equal(boot_id_read(first), 0);
	assert_int_equal(boot_id_read(second), 0);
	assert_memory_equal(first, second, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clock_of_the_boot_never_runs_back),
		cmocka_unit_test(random_bytes_fill_the_whole_buffer),
		cmocka_unit_test(a_random_number_is_below_its_bound),
		cmocka_unit_test(the_id_of_a_boot_stays_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
