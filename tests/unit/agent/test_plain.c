/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/plain.h"
#include "base/macros.h"

static void plain_text_keeps_utf_8_and_replaces_the_rest(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{NULL, ""},
		{"", ""},
		{"plain", "plain"},
		{"a\nb\tc\x1b[2Jd\x7f", "a?b?c?[2Jd?"},
		{"Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91",
		 "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91"},
		{"\x80", "?"},
		{"\xff\xfe", "??"},
		{"\xc2\x9b[2J", "?[2J"},      /* C1 control sequence introducer */
		{"\xc0\xaf", "??"},           /* overlong '/' */
		{"\xe0\x80\xaf", "???"},      /* overlong '/' */
		{"\xf0\x80\x80\xaf", "????"}, /* overlong '/' */
		{"\xed\xa0\x80", "???"},      /* surrogate */
		{"\xf4\x90\x80\x80", "????"}, /* above U+10FFFF */
		{"\xf5\x80\x80\x80", "????"},
		{"\xed\x9f\xbf\xf4\x8f\xbf\xbf\xef\xbf\xbd",
		 "\xed\x9f\xbf\xf4\x8f\xbf\xbf\xef\xbf\xbd"},
		{"a\xc3", "a?"},
		{"a\xe2\x82", "a??"},
		{"a\xf0\x9f\x94", "a???"},
		{"\xe2\x82x", "??x"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[64];

		assert_string_equal(plain_text(rows[i].in, text, sizeof(text)), rows[i].out);
	}
}

static void plain_text_is_cut_between_characters(void **state)
{
	static const char text[] = "a\xe2\x82\xac\xff"
				   "b";
	static const char *const cut[] = {"",
					  "a",
					  "a",
					  "a",
					  "a\xe2\x82\xac",
					  "a\xe2\x82\xac?",
					  "a\xe2\x82\xac?b",
					  "a\xe2\x82\xac?b"};

	(void)state;
	for (size_t size = 1; size <= ARRAY_SIZE(cut); size++) {
		_cleanup_(freep) char *ret = malloc(size);

		assert_non_null(ret);
		assert_string_equal(plain_text(text, ret, size), cut[size - 1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_keeps_utf_8_and_replaces_the_rest),
		cmocka_unit_test(plain_text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
