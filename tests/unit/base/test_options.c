/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <getopt.h>

#include "base/options.h"

static const char *state, *store;
static bool json;

static const struct option_place places[] = {
	{"state", .text = &state},
	{"store", .text = &store},
	{"json", .flag = &json},
};

static int forget(void **unused)
{
	(void)unused;
	state = store = NULL;
	json = false;
	optind = 0;
	opterr = 0;
	return 0;
}

#define READ(...)                                                                                  \
	options_read((int)ARRAY_SIZE(((char *[]){"verb", __VA_ARGS__})),                           \
		     (char *[]){"verb", __VA_ARGS__, NULL}, places, ARRAY_SIZE(places))

static void flags_and_texts_go_to_their_places(void **unused)
{
	(void)unused;
	assert_int_equal(READ("--json", "--store", "a", "--state=b"), 0);
	assert_true(json);
	assert_string_equal(store, "a");
	assert_string_equal(state, "b");
}

static void what_is_not_given_stays(void **unused)
{
	(void)unused;
	state = "default";
	assert_int_equal(READ("--store", "a"), 0);
	assert_string_equal(state, "default");
	assert_false(json);
}

static void words_are_left_behind_optind(void **unused)
{
	(void)unused;
	assert_int_equal(READ("list", "--json", "more"), 0);
	assert_true(json);
	assert_int_equal(optind, 2);
}

static void an_unknown_option_is_refused(void **unused)
{
	(void)unused;
	assert_int_equal(READ("--yaml"), -EINVAL);
}

static void a_text_without_its_value_is_refused(void **unused)
{
	(void)unused;
	assert_int_equal(READ("--state"), -EINVAL);
}

static void a_flag_with_a_value_is_refused(void **unused)
{
	(void)unused;
	assert_int_equal(READ("--json=yes"), -EINVAL);
}

static void a_beginning_of_one_option_is_enough_but_not_of_two(void **unused)
{
	(void)unused;
	assert_int_equal(READ("--j", "--sta", "a"), 0);
	assert_true(json);
	assert_string_equal(state, "a");
	optind = 0;
	assert_int_equal(READ("--st", "a"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(flags_and_texts_go_to_their_places, forget),
		cmocka_unit_test_setup(what_is_not_given_stays, forget),
		cmocka_unit_test_setup(words_are_left_behind_optind, forget),
		cmocka_unit_test_setup(an_unknown_option_is_refused, forget),
		cmocka_unit_test_setup(a_text_without_its_value_is_refused, forget),
		cmocka_unit_test_setup(a_flag_with_a_value_is_refused, forget),
		cmocka_unit_test_setup(a_beginning_of_one_option_is_enough_but_not_of_two, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
