/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/utc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void dates_are_seconds_since_1970(void **state)
{
	(void)state;
	assert_int_equal(utc_seconds(1970, 1, 1, 0, 0, 0), 0);
	assert_int_equal(utc_seconds(1969, 12, 31, 23, 59, 59), -1);
	assert_int_equal(utc_seconds(2000, 2, 29, 12, 0, 1), 951825601);
	assert_int_equal(utc_seconds(2106, 2, 7, 6, 28, 16), INT64_C(4294967296));
	assert_int_equal(utc_seconds(9999, 12, 31, 23, 59, 59), INT64_C(253402300799));
}

static void the_zone_of_the_machine_does_not_matter(void **state)
{
	(void)state;
	assert_int_equal(setenv("TZ", "Pacific/Kiritimati", 1), 0);
	tzset();
	assert_int_equal(utc_seconds(1970, 1, 1, 0, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_seconds_since_1970),
		cmocka_unit_test(the_zone_of_the_machine_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
