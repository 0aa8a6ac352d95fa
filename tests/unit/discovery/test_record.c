/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/record.h"

#define UUID "50363154-3931-44f0-8022-121b6401627d"

static void take(struct record *r, const char *text)
{
	record_take(r, text, strlen(text));
}

static void what_is_announced_is_read_back(void **state)
{
	struct record made, read = {.seen = 0};
	char text[RECORD_STRING_MAX + 1];

	(void)state;
	assert_int_equal(record_make(UUID, "unclaimed", "0.1.0", &made), 0);
	for (size_t i = 0; i < RECORD_N; i++) {
		record_string(&made, i, text);
		take(&read, text);
	}
	assert_true(record_is_complete(&read));
	assert_string_equal(read.uuid, UUID);
	assert_string_equal(read.state, "unclaimed");
	assert_string_equal(read.version, "0.1.0");
}

static void strings_are_as_rfc_6763_writes_them(void **state)
{
	struct record r;
	char text[RECORD_STRING_MAX + 1];

	(void)state;
	assert_int_equal(record_make(UUID, "backing-off", "1.2~rc1+git", &r), 0);
	record_string(&r, 0, text);
	assert_string_equal(text, "uuid=" UUID);
	record_string(&r, 1, text);
	assert_string_equal(text, "state=backing-off");
	record_string(&r, 2, text);
	assert_string_equal(text, "version=1.2~rc1+git");
}

static void case_of_keys_does_not_matter_and_order_does_not(void **state)
{
	struct record r = {.seen = 0};

	(void)state;
	take(&r, "STATE=unclaimed");
	take(&r, "Uuid=50363154-3931-44F0-8022-121B6401627D");
	assert_true(record_is_complete(&r));
	assert_string_equal(r.uuid, UUID);
	assert_string_equal(r.version, "");
}

static void the_first_of_a_key_counts_even_when_it_is_bad(void **state)
{
	struct record r = {.seen = 0};

	(void)state;
	take(&r, "uuid=" UUID);
	take(&r, "uuid=00000000-0000-4000-8000-000000000000");
	assert_string_equal(r.uuid, UUID);
	take(&r, "state=UNCLAIMED");
	take(&r, "state=unclaimed");
	assert_false(record_is_complete(&r));
}

static void unknown_and_broken_strings_are_passed_over(void **state)
{
	static const char *const strings[] = {"",      "=",           "=x",        "uuid",
					      "uuid=", "uuids=" UUID, "uui=" UUID, "uuid=" UUID "0",
					      "path=/"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		struct record r = {.seen = 0};

		take(&r, strings[i]);
		take(&r, "state=unclaimed");
		assert_false(record_is_complete(&r));
	}
}

static void values_keep_to_their_alphabets(void **state)
{
	static const char *const bad[] = {"state=",      "state=a b",    "state=a\x1b[2J",
					  "state=Idle",  "version=",     "version=1\n2",
					  "version=1\"", "version=\xff", "version=a/b"};
	char nul[] = "version=1\0002";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct record r = {.seen = 0};

		take(&r, bad[i]);
		assert_string_equal(r.state, "");
		assert_string_equal(r.version, "");
	}
	{
		struct record r = {.seen = 0};

		record_take(&r, nul, sizeof(nul) - 1);
		assert_string_equal(r.version, "");
	}
}

static void a_word_is_at_most_31_characters(void **state)
{
	struct record r;

	(void)state;
	assert_int_equal(record_make(UUID, "abcdefghijklmnopqrstuvwxyzabcde", "1", &r), 0);
	assert_int_equal(record_make(UUID, "abcdefghijklmnopqrstuvwxyzabcdef", "1", &r), -EINVAL);
	assert_int_equal(record_make(UUID, "a", "", &r), -EINVAL);
	assert_int_equal(record_make("x", "a", "1", &r), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_announced_is_read_back),
		cmocka_unit_test(strings_are_as_rfc_6763_writes_them),
		cmocka_unit_test(case_of_keys_does_not_matter_and_order_does_not),
		cmocka_unit_test(the_first_of_a_key_counts_even_when_it_is_bad),
		cmocka_unit_test(unknown_and_broken_strings_are_passed_over),
		cmocka_unit_test(values_keep_to_their_alphabets),
		cmocka_unit_test(a_word_is_at_most_31_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
