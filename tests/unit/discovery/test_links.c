/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/links.h"

static const struct link one = {"/onboardd", "onboardd"}, two = {"/a/b", "x.y"};

static void links_are_written_as_rfc_6690_section_2(void **state)
{
	char text[64] = "";
	size_t len = 0;

	(void)state;
	assert_int_equal(link_append(&one, text, sizeof(text), &len), 0);
	assert_string_equal(text, "</onboardd>;rt=\"onboardd\"");
	assert_int_equal(link_append(&two, text, sizeof(text), &len), 0);
	assert_string_equal(text, "</onboardd>;rt=\"onboardd\",</a/b>;rt=\"x.y\"");
	assert_int_equal(len, strlen(text));
}

static void what_does_not_fit_leaves_the_text_as_it_was(void **state)
{
	char text[64] = "";
	size_t len = 0, fits = strlen("</onboardd>;rt=\"onboardd\",</a/b>;rt=\"x.y\"");

	(void)state;
	assert_int_equal(link_append(&one, text, sizeof(text), &len), 0);
	assert_int_equal(link_append(&two, text, fits, &len), -ENOBUFS);
	assert_string_equal(text, "</onboardd>;rt=\"onboardd\"");
	assert_int_equal(len, strlen(text));
	assert_int_equal(link_append(&two, text, fits + 1, &len), 0);
}

static void a_query_chooses(void **state)
{
	static const struct {
		const char *query;
		bool matches;
	} rows[] = {
		{"rt=onboardd", true},    {"rt=onboard*", true},
		{"rt=*", true},           {"rt=\"onboardd\"", true},
		{"rt=onboard", false},    {"rt=onboardd2", false},
		{"rt=", false},           {"rt=*d", false},
		{"href=/onboardd", true}, {"href=/on*", true},
		{"href=/", false},        {"if=x", false},
		{"onboardd", false},      {"", false},
		{"rt=\"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		print_message("%s\n", rows[i].query);
		assert_int_equal(link_matches(&one, rows[i].query, strlen(rows[i].query)),
				 rows[i].matches);
	}
}

static void a_query_with_a_nul_in_it_fits_nothing(void **state)
{
	static const char query[] = "rt=onboardd\0*";

	(void)state;
	assert_false(link_matches(&one, query, sizeof(query) - 1));
	assert_false(link_matches(&one, query, sizeof(query) - 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_written_as_rfc_6690_section_2),
		cmocka_unit_test(what_does_not_fit_leaves_the_text_as_it_was),
		cmocka_unit_test(a_query_chooses),
		cmocka_unit_test(a_query_with_a_nul_in_it_fits_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
