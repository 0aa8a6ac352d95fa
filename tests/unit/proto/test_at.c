/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/at.h"
#include "tests/unit/proto/mutate.h"

static void assert_text(const struct at_field *f, const char *text)
{
	assert_int_equal(f->kind, AT_STRING);
	assert_int_equal(f->len, strlen(text));
	assert_memory_equal(f->text, text, f->len);
}

static void parameters_of_known_verbs_are_taken_apart(void **state)
{
	struct at_fields f;

	(void)state;
	assert_int_equal(at_parse("", &f), 0);
	assert_int_equal(f.n, 0);

	assert_int_equal(at_parse("3,16842753,2", &f), 0);
	assert_int_equal(f.n, 3);
	assert_int_equal(f.items[0].kind, AT_NUMBER);
	assert_int_equal(f.items[0].number, 3);
	assert_int_equal(f.items[1].number, 16842753);
	assert_int_equal(f.items[2].number, 2);

	assert_int_equal(at_parse("0,16842753,0,\"-----BEGIN\nx=,y\"\n-----END\n\",\"pass\"", &f),
			 0);
	assert_int_equal(f.n, 5);
	assert_text(&f.items[3], "-----BEGIN\nx=,y\"\n-----END\n");
	assert_text(&f.items[4], "pass");

	assert_int_equal(at_parse("16842753,2,0,\"O=a,CN=b\",\"101010000\"", &f), 0);
	assert_int_equal(f.n, 5);
	assert_text(&f.items[3], "O=a,CN=b");
	assert_text(&f.items[4], "101010000");

	assert_int_equal(at_parse("1,,\"\",", &f), 0);
	assert_int_equal(f.n, 4);
	assert_int_equal(f.items[1].kind, AT_ABSENT);
	assert_text(&f.items[2], "");
	assert_int_equal(f.items[3].kind, AT_ABSENT);
}

static void foreign_syntax_is_refused(void **state)
{
	static const char *const bad[] = {
		"-1",         "+1",       " 1", "1 ",  "0x10",
		"4294967296", "a",        "\"", "\"a", "\"a\"b",
		"1\"a\"",     "\"a\" ,1", "01", "1;2", "1,2,3,4,5,6,7,8,9",
		",,,,,,,,",
	};
	struct at_fields f = {.n = 77};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (at_parse(bad[i], &f) != AT_E_SYNTAX)
			fail_msg("taken: %s", bad[i]);
	}
	assert_int_equal(f.n, 77);
}

static void limits_hold_at_their_maximum(void **state)
{
	_cleanup_(freep) char *text = malloc(AT_PARAMETERS_MAX + 2);
	struct at_fields f;

	(void)state;
	assert_int_equal(at_parse("4294967295", &f), 0);
	assert_int_equal(f.items[0].number, UINT32_MAX);
	assert_int_equal(at_parse(",,,,,,,", &f), 0);
	assert_int_equal(f.n, AT_FIELDS_MAX);

	memset(text, 'x', AT_PARAMETERS_MAX + 1);
	text[0] = '"';
	text[AT_PARAMETERS_MAX - 1] = '"';
	text[AT_PARAMETERS_MAX] = '\0';
	assert_int_equal(at_parse(text, &f), 0);
	assert_int_equal(f.items[0].len, AT_PARAMETERS_MAX - 2);
	text[AT_PARAMETERS_MAX - 1] = 'x';
	text[AT_PARAMETERS_MAX] = '"';
	text[AT_PARAMETERS_MAX + 1] = '\0';
	assert_int_equal(at_parse(text, &f), AT_E_SYNTAX);
}

/* What parses names only bytes of the text, and its fields written out again are the text. */
static void try_text(const uint8_t *data, size_t len)
{
	_cleanup_(freep) char *text = strndup((const char *)data, len);
	char again[256] = "";
	struct at_fields f;
	size_t at = 0;

	if (at_parse(text, &f) != 0)
		return;
	for (size_t i = 0; i < f.n; i++) {
		const struct at_field *x = &f.items[i];
		const char *comma = i > 0 ? "," : "";

		if (x->kind == AT_NUMBER)
			at += (size_t)snprintf(again + at, sizeof(again) - at, "%s%u", comma,
					       x->number);
		else if (x->kind == AT_STRING)
			at += (size_t)snprintf(again + at, sizeof(again) - at, "%s\"%.*s\"", comma,
					       (int)x->len, x->text);
		else
			at += (size_t)snprintf(again + at, sizeof(again) - at, "%s", comma);
	}
	assert_string_equal(again, text);
}

static void damaged_parameters_are_refused_or_mean_what_they_say(void **state)
{
	static const char *const rows[] = {"3,16842753,2", "16842753,2,1", "0,1,0,\"a\nb\",\"c\"",
					   "1,,\"x,\"y\",4294967295"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint8_t *data = (const uint8_t *)rows[i];

		mutate_truncate(data, strlen(rows[i]), try_text);
		mutate_corrupt(data, strlen(rows[i]), try_text);
		mutate_append(data, strlen(rows[i]), try_text);
	}
}

static void answers_are_written_as_a_modem_does(void **state)
{
	static const char value[] = "%KEYGEN: \"a.b\"\r\nOK\r\n", cme[] = "+CME ERROR: 513\r\n";
	char text[64] = "untouched";

	(void)state;
	for (size_t size = 0; size < sizeof(value); size++)
		assert_int_equal(at_format_value("%KEYGEN", "a.b", text, size), -ENOBUFS);
	for (size_t size = 0; size < sizeof(cme); size++)
		assert_int_equal(at_format_cme(AT_CME_NOT_FOUND, text, size), -ENOBUFS);
	assert_string_equal(text, "untouched");
	assert_int_equal(at_format_value("%KEYGEN", "a.b", text, sizeof(value)), 0);
	assert_string_equal(text, value);
	assert_int_equal(at_format_cme(AT_CME_NOT_FOUND, text, sizeof(cme)), 0);
	assert_string_equal(text, cme);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_of_known_verbs_are_taken_apart),
		cmocka_unit_test(foreign_syntax_is_refused),
		cmocka_unit_test(limits_hold_at_their_maximum),
		cmocka_unit_test(damaged_parameters_are_refused_or_mean_what_they_say),
		cmocka_unit_test(answers_are_written_as_a_modem_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
