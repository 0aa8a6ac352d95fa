/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/hostname.h"

static void names_are_taken_without_their_last_dot(void **state)
{
	char name[HOSTNAME_MAX + 1];

	(void)state;
	assert_true(hostname_read("a.example.", name));
	assert_string_equal(name, "a.example");
	assert_true(hostname_read("A-1_x.local", name));
	assert_string_equal(name, "A-1_x.local");
	assert_true(hostname_read("x", name));
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const bad[] = {"",    ".",    "a..b",     ".a",  "a.-b", "a b",
					  "a/b", "a\nb", "\xc3\xa4", "a..", "a:1",  "-"};
	char name[HOSTNAME_MAX + 1] = "untouched";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		print_message("'%s'\n", bad[i]);
		assert_false(hostname_read(bad[i], name));
	}
	assert_string_equal(name, "untouched");
}

static void a_label_has_63_characters_and_a_name_253(void **state)
{
	char label[65], text[300] = "", name[HOSTNAME_MAX + 1];

	(void)state;
	memset(label, 'a', sizeof(label));
	label[63] = '\0';
	assert_true(hostname_read(label, name));
	label[63] = 'a';
	label[64] = '\0';
	assert_false(hostname_read(label, name));
	for (size_t i = 0; i < 126; i++)
		strcat(text, "a.");
	strcat(text, "b");
	assert_int_equal(strlen(text), HOSTNAME_MAX);
	assert_true(hostname_read(text, name));
	strcat(text, "b");
	assert_false(hostname_read(text, name));
}

/* A name that only ends in the same letters would be anybody's to register. */
static void a_domain_ends_at_a_dot(void **state)
{
	(void)state;
	assert_true(hostname_is_in("example.com", "example.com"));
	assert_true(hostname_is_in("a.b.EXAMPLE.com", "example.COM"));
	assert_true(hostname_is_in("a.example.com", "example.com."));
	assert_false(hostname_is_in("evilexample.com", "example.com"));
	assert_false(hostname_is_in("example.com.evil", "example.com"));
	assert_false(hostname_is_in("com", "example.com"));
	assert_false(hostname_is_in("example.com", ""));
	assert_false(hostname_is_in("example.com", "."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_taken_without_their_last_dot),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(a_label_has_63_characters_and_a_name_253),
		cmocka_unit_test(a_domain_ends_at_a_dot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
