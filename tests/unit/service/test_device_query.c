/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/device_query.h"

/* text: parameters joined by "&". */
static struct device_request query(const char *text)
{
	struct device_request r = {0};

	while (*text) {
		size_t len = strcspn(text, "&");

		r.query[r.n_query++] = (struct device_query_item){text, len};
		text += len + (text[len] == '&');
	}
	return r;
}

static void a_fetch_that_says_nothing_gets_the_defaults(void **state)
{
	static const char *const rows[] = {"", "after=", "after", "unknown=1&mver=x", "limit"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct device_request r = query(rows[i]);
		struct fetch_query q;

		assert_int_equal(fetch_query_parse(&r, &q), 0);
		assert_string_equal(q.after, "");
		assert_int_equal(q.rx_max, 1024);
		assert_int_equal(q.tx_max, 2048);
		assert_int_equal(q.limit, 10);
	}
}

static void a_fetch_of_a_stock_device_is_understood(void **state)
{
	struct device_request r = query("after=9685ef84-8cac-4257-b5cc-94bc416a1c1d.d&"
					"rxMaxSize=2560&txMaxSize=4096&limit=5");
	struct fetch_query q;

	(void)state;
	assert_int_equal(fetch_query_parse(&r, &q), 0);
	assert_string_equal(q.after, "9685ef84-8cac-4257-b5cc-94bc416a1c1d.d");
	assert_int_equal(q.rx_max, 2560);
	assert_int_equal(q.tx_max, 4096);
	assert_int_equal(q.limit, 5);
}

static void numbers_are_cut_to_what_we_can_use(void **state)
{
	struct device_request r = query("rxMaxSize=4294967295&txMaxSize=16385&limit=21");
	struct fetch_query q;

	(void)state;
	assert_int_equal(fetch_query_parse(&r, &q), 0);
	assert_int_equal(q.rx_max, BODY_MAX);
	assert_int_equal(q.tx_max, BODY_MAX);
	assert_int_equal(q.limit, COMMANDS_MAX);
}

static void malformed_parameters_are_refused(void **state)
{
	static const char *const bad[] = {
		"limit=",          "limit=0",
		"limit=-1",        "limit=+1",
		"limit=1x",        "limit=0x10",
		"limit=010",       "rxMaxSize=99999999999999999999",
		"txMaxSize=",      "rxMaxSize=4294967296",
		"limit=1&limit=1", "after=a&after=b",
		"after=a b",       "after=\x7f",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct device_request r = query(bad[i]);
		struct fetch_query q;

		assert_int_not_equal(fetch_query_parse(&r, &q), 0);
	}
}

static void an_id_of_45_characters_fits_and_one_of_46_does_not(void **state)
{
	char text[64];
	struct fetch_query q;
	struct device_request r;

	(void)state;
	snprintf(text, sizeof(text), "after=%045d", 0);
	r = query(text);
	assert_int_equal(fetch_query_parse(&r, &q), 0);
	assert_int_equal(strlen(q.after), CORRELATION_MAX);
	snprintf(text, sizeof(text), "after=%046d", 0);
	r = query(text);
	assert_int_not_equal(fetch_query_parse(&r, &q), 0);
}

static void a_nul_in_an_id_is_refused(void **state)
{
	struct device_request r = {.query = {{"after=a\0b", 9}}, .n_query = 1};
	struct fetch_query q;

	(void)state;
	assert_int_not_equal(fetch_query_parse(&r, &q), 0);
}

static void delta_is_true_or_false(void **state)
{
	static const struct {
		const char *text;
		int result;
		bool delta;
	} rows[] = {
		{"", 0, true},
		{"delta=true", 0, true},
		{"delta=false", 0, false},
		{"x=1&delta=false", 0, false},
		{"delta=", -1, false},
		{"delta=0", -1, false},
		{"delta=falsey", -1, false},
		{"delta=true&delta=false", -1, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct device_request r = query(rows[i].text);
		bool delta;
		int result = state_query_parse(&r, &delta);

		assert_int_equal(result < 0, rows[i].result < 0);
		if (result == 0)
			assert_int_equal(delta, rows[i].delta);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fetch_that_says_nothing_gets_the_defaults),
		cmocka_unit_test(a_fetch_of_a_stock_device_is_understood),
		cmocka_unit_test(numbers_are_cut_to_what_we_can_use),
		cmocka_unit_test(malformed_parameters_are_refused),
		cmocka_unit_test(an_id_of_45_characters_fits_and_one_of_46_does_not),
		cmocka_unit_test(a_nul_in_an_id_is_refused),
		cmocka_unit_test(delta_is_true_or_false),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
