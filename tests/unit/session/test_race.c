/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "session/race.h"

#define HEAD_START 2000

static struct race begin(enum session_transport first, bool is_alone)
{
	struct race r;

	race_begin(&r, first, is_alone, 1000, HEAD_START);
	return r;
}

static void the_other_way_starts_when_the_head_start_is_over(void **state)
{
	struct race r = begin(SESSION_COAP, false);

	(void)state;
	assert_true(r.started[SESSION_COAP] && !r.started[SESSION_HTTPS]);
	assert_int_equal(r.other_ms, 3000);
	assert_false(race_look(&r, 2999, false));
	assert_true(race_look(&r, 3000, false));
	assert_true(r.started[SESSION_HTTPS]);
	assert_int_equal(race_other(&r), SESSION_HTTPS);
	assert_int_equal(r.other_ms, RACE_NEVER);
	assert_false(race_look(&r, 9000, false));
}

static void https_may_go_first_and_coap_joins(void **state)
{
	struct race r = begin(SESSION_HTTPS, false);

	(void)state;
	assert_true(r.started[SESSION_HTTPS] && !r.started[SESSION_COAP]);
	assert_int_equal(race_other(&r), SESSION_COAP);
	assert_true(race_look(&r, 3000, false));
	assert_true(r.started[SESSION_COAP]);
}

static void a_server_that_was_heard_gets_more_time_but_not_for_ever(void **state)
{
	struct race r = begin(SESSION_COAP, false);

	(void)state;
	assert_false(race_look(&r, 3000, true));
	assert_int_equal(r.other_ms, 3000 + 2 * HEAD_START);
	assert_false(race_look(&r, r.other_ms - 1, true));
	assert_true(race_look(&r, 3000 + 2 * HEAD_START, true));
}

static void a_failure_starts_the_other_way_at_once(void **state)
{
	struct race r = begin(SESSION_COAP, false);

	(void)state;
	assert_true(race_failed(&r, SESSION_COAP, SESSION_E_UNREACHABLE));
	assert_true(r.started[SESSION_HTTPS]);
	assert_false(race_is_lost(&r));
	assert_false(race_failed(&r, SESSION_HTTPS, SESSION_E_UNREACHABLE));
	assert_true(race_is_lost(&r));
}

static void it_is_lost_only_when_both_have_failed(void **state)
{
	struct race r = begin(SESSION_COAP, false);

	(void)state;
	assert_true(race_look(&r, 3000, false));
	assert_false(race_failed(&r, SESSION_HTTPS, -111));
	assert_false(race_is_lost(&r));
	assert_false(race_failed(&r, SESSION_COAP, SESSION_E_UNREACHABLE));
	assert_true(race_is_lost(&r));
}

static void one_that_is_alone_has_nobody_to_wait_for(void **state)
{
	struct race r = begin(SESSION_HTTPS, true);

	(void)state;
	assert_int_equal(r.other_ms, RACE_NEVER);
	assert_false(race_look(&r, UINT64_MAX - 1, false));
	assert_false(race_failed(&r, SESSION_HTTPS, SESSION_E_RESOLVE));
	assert_false(r.started[SESSION_COAP]);
	assert_true(race_is_lost(&r));
}

static void the_failure_that_a_person_can_act_upon_is_told(void **state)
{
	static const struct {
		int coap, https;
		enum session_transport telling;
	} rows[] = {
		{SESSION_E_UNREACHABLE, SESSION_E_UNREACHABLE, SESSION_COAP},
		{SESSION_E_UNREACHABLE, SESSION_E_CERTIFICATE, SESSION_HTTPS},
		{SESSION_E_UNREACHABLE, SESSION_E_HANDSHAKE, SESSION_HTTPS},
		{SESSION_E_HANDSHAKE, SESSION_E_CERTIFICATE, SESSION_HTTPS},
		{SESSION_E_CERTIFICATE, SESSION_E_CERTIFICATE, SESSION_COAP},
		{SESSION_E_CERTIFICATE, SESSION_E_UNREACHABLE, SESSION_COAP},
		{SESSION_E_RESOLVE, -12, SESSION_COAP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct race r = begin(SESSION_COAP, false);

		assert_true(race_failed(&r, SESSION_COAP, rows[i].coap));
		assert_false(race_failed(&r, SESSION_HTTPS, rows[i].https));
		assert_int_equal(race_telling(&r), rows[i].telling);
	}
}

static void the_head_start_grows_with_the_round_trip_and_has_bounds(void **state)
{
	(void)state;
	assert_int_equal(race_head_start_ms(0), 2000);
	assert_int_equal(race_head_start_ms(1), 1500);
	assert_int_equal(race_head_start_ms(300), 2200);
	assert_int_equal(race_head_start_ms(1200), 5800);
	assert_int_equal(race_head_start_ms(60000), 6000);
	assert_int_equal(race_head_start_ms(UINT32_MAX), 6000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_other_way_starts_when_the_head_start_is_over),
		cmocka_unit_test(https_may_go_first_and_coap_joins),
		cmocka_unit_test(a_server_that_was_heard_gets_more_time_but_not_for_ever),
		cmocka_unit_test(a_failure_starts_the_other_way_at_once),
		cmocka_unit_test(it_is_lost_only_when_both_have_failed),
		cmocka_unit_test(one_that_is_alone_has_nobody_to_wait_for),
		cmocka_unit_test(the_failure_that_a_person_can_act_upon_is_told),
		cmocka_unit_test(the_head_start_grows_with_the_round_trip_and_has_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
