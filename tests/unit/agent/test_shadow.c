/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/shadow.h"
#include "proto/cborjson.h"

static struct shadow_wish wish_of(const char *text)
{
	json_auto_t *delta = text ? json_loads(text, 0, NULL) : NULL;
	struct shadow_wish w;

	assert_true(!text || delta);
	shadow_read(delta, &w);
	return w;
}

static void no_delta_and_foreign_ones_ask_for_nothing(void **state)
{
	static const char *const deltas[] = {NULL,
					     "{}",
					     "{\"config\":{\"sample_interval\":5},\"other\":[1,2]}",
					     "{\"config\":null,\"command\":null}",
					     "{\"config\":7}",
					     "[1, 2]"};

	(void)state;
	for (size_t i = 0; i < sizeof(deltas) / sizeof(deltas[0]); i++) {
		struct shadow_wish w = wish_of(deltas[i]);

		assert_int_equal(w.command, 0);
		assert_false(w.sets_poll || w.has_bad_poll);
		assert_null(w.refused);
	}
}

static void a_command_is_type_1_and_a_number_that_fits(void **state)
{
	static const char *const bad[] = {
		"[1]",     "[1,2,3]",       "[2,1]",    "[1,0]",          "[1,-1]",
		"[1,1.0]", "[1,\"1\"]",     "[true,1]", "[1,4294967296]", "{\"1\":1}",
		"1",       "\"provision\"", "[]"};
	char text[64];

	(void)state;
	assert_int_equal(wish_of("{\"command\":[1,1]}").command, 1);
	assert_int_equal(wish_of("{\"command\":[1,4294967295]}").command, 4294967295);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct shadow_wish w;

		snprintf(text, sizeof(text), "{\"command\":%s}", bad[i]);
		w = wish_of(text);
		assert_int_equal(w.command, 0);
		assert_non_null(w.refused);
	}
}

static void a_poll_interval_is_0_or_from_10_s_to_a_week(void **state)
{
	static const char *const bad[] = {"1",    "9",      "604801", "-1",
					  "10.0", "\"60\"", "true",   "[60]"};
	char text[64];

	(void)state;
	assert_true(wish_of("{\"config\":{\"poll_interval\":0}}").sets_poll);
	assert_int_equal(wish_of("{\"config\":{\"poll_interval\":10}}").poll_s, 10);
	assert_int_equal(wish_of("{\"config\":{\"poll_interval\":604800}}").poll_s, 604800);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct shadow_wish w;

		snprintf(text, sizeof(text), "{\"config\":{\"poll_interval\":%s}}", bad[i]);
		w = wish_of(text);
		assert_false(w.sets_poll);
		assert_true(w.has_bad_poll);
		assert_non_null(w.refused);
	}
}

static void a_bad_interval_beside_a_good_command_does_not_hide_it(void **state)
{
	struct shadow_wish w = wish_of("{\"config\":{\"poll_interval\":1},\"command\":[1,3]}");

	(void)state;
	assert_int_equal(w.command, 3);
	assert_true(w.has_bad_poll);
}

/* The bytes of the vendor's own device. */
static void an_acknowledgement_has_the_documented_bytes(void **state)
{
	static const uint8_t want[] = {0xa1, 0x67, 'c', 'o', 'm', 'm', 'a', 'n', 'd', 0x82, 1, 1};
	json_auto_t *report = shadow_report(-1, 1);
	uint8_t body[64];
	size_t len;

	(void)state;
	assert_int_equal(cborjson_encode(report, body, sizeof(body), &len), 0);
	assert_int_equal(len, sizeof(want));
	assert_memory_equal(body, want, len);
}

static void what_is_reported_is_what_was_wished_for(void **state)
{
	json_auto_t *report = shadow_report(604800, UINT32_MAX);
	struct shadow_wish w;

	(void)state;
	shadow_read(report, &w);
	assert_int_equal(w.command, UINT32_MAX);
	assert_int_equal(w.poll_s, 604800);
	assert_null(shadow_report(-1, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_delta_and_foreign_ones_ask_for_nothing),
		cmocka_unit_test(a_command_is_type_1_and_a_number_that_fits),
		cmocka_unit_test(a_poll_interval_is_0_or_from_10_s_to_a_week),
		cmocka_unit_test(a_bad_interval_beside_a_good_command_does_not_hide_it),
		cmocka_unit_test(an_acknowledgement_has_the_documented_bytes),
		cmocka_unit_test(what_is_reported_is_what_was_wished_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
