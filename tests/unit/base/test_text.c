/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

/* RFC 4648 §10, in both alphabets. */
static const struct {
	const char *plain, *base64, *base64url;
} rows[] = {
	{"", "", ""},
	{"f", "Zg==", "Zg"},
	{"fo", "Zm8=", "Zm8"},
	{"foo", "Zm9v", "Zm9v"},
	{"foob", "Zm9vYg==", "Zm9vYg"},
	{"fooba", "Zm9vYmE=", "Zm9vYmE"},
	{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	{"\xfb\xff\xbf", "+/+/", "-_-_"},
};

static void base64_agrees_with_rfc_4648(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].plain), got;
		char text[32];
		uint8_t data[32];

		base64_encode(rows[i].plain, len, text);
		assert_string_equal(text, rows[i].base64);
		assert_int_equal(strlen(text), BASE64_LEN(len));
		assert_int_equal(base64_decode(text, strlen(text), data, &got), 0);
		assert_int_equal(got, len);
		assert_memory_equal(data, rows[i].plain, len);

		base64url_encode(rows[i].plain, len, text);
		assert_string_equal(text, rows[i].base64url);
		assert_int_equal(strlen(text), BASE64URL_LEN(len));
		assert_int_equal(base64url_decode(text, strlen(text), data, &got), 0);
		assert_int_equal(got, len);
		assert_memory_equal(data, rows[i].plain, len);
	}
}

static void base64_refuses_what_no_encoder_writes(void **state)
{
	static const char *const bad_url[] = {"A",  "AAAAA", "Zg==", "Z g",
					      "Zh", "Zm9=",  "+/+/", "Zm\n9"};
	static const char *const bad_std[] = {
		"A", "Zg", "Zg=", "Zh==", "Zm9=", "=", "====", "-_-_"};
	uint8_t data[32];
	size_t got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_url); i++)
		assert_int_not_equal(base64url_decode(bad_url[i], strlen(bad_url[i]), data, &got),
				     0);
	for (size_t i = 0; i < ARRAY_SIZE(bad_std); i++)
		assert_int_not_equal(base64_decode(bad_std[i], strlen(bad_std[i]), data, &got), 0);
	assert_int_not_equal(base64url_decode("Zg\0A", 4, data, &got), 0);
}

static void uuid_round_trips_and_refuses_every_other_form(void **state)
{
	static const char text[] = "50363154-3931-44f0-8022-121b6401627d";
	static const char *const bad[] = {
		"",
		"50363154-3931-44f0-8022-121b6401627",
		"50363154-3931-44f0-8022-121b6401627d0",
		"50363154x3931-44f0-8022-121b6401627d",
		"50363154-3931-44f0-8022-121b6401627g",
		"{0363154-3931-44f0-8022-121b6401627}",
	};
	uint8_t uuid[UUID_LEN];
	char back[UUID_TEXT_LEN + 1];

	(void)state;
	assert_int_equal(uuid_parse(text, strlen(text), uuid), 0);
	uuid_format(uuid, back);
	assert_string_equal(back, text);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_not_equal(uuid_parse(bad[i], strlen(bad[i]), uuid), 0);
}

static void defect_23_decimal_is_strict(void **state)
{
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "0x10", "010", "1e3", "18446744073709551616"};
	uint64_t v;

	(void)state;
	assert_int_equal(decimal_parse("0", 1, 10, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(decimal_parse("10", 2, 10, &v), 0);
	assert_int_equal(v, 10);
	assert_int_not_equal(decimal_parse("11", 2, 10, &v), 0);
	assert_int_equal(decimal_parse("18446744073709551615", 20, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_not_equal(decimal_parse(bad[i], strlen(bad[i]), UINT64_MAX, &v), 0);
}

static void only_well_formed_utf8_is_a_character(void **state)
{
	static const struct {
		const char *text;
		size_t len, n;
		uint32_t point;
	} chars[] = {
		{"", 0, 0, 0},
		{"a", 1, 1, 'a'},
		{"\0", 1, 1, 0},
		{"\x7f", 1, 1, 0x7f},
		{"\xc2\x80", 2, 2, 0x80},
		{"\xdf\xbf", 2, 2, 0x7ff},
		{"\xe0\xa0\x80", 3, 3, 0x800},
		{"\xed\x9f\xbf", 3, 3, 0xd7ff},
		{"\xee\x80\x80", 3, 3, 0xe000},
		{"\xef\xbf\xbf", 3, 3, 0xffff},
		{"\xf0\x90\x80\x80", 4, 4, 0x10000},
		{"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
		/* Cut off, a continuation alone, overlong, a surrogate, too large, no lead. */
		{"\xc2\x80", 1, 0, 0},
		{"\xe0\xa0\x80", 2, 0, 0},
		{"\xf0\x90\x80\x80", 3, 0, 0},
		{"\x80", 1, 0, 0},
		{"\xc2\x20", 2, 0, 0},
		{"\xe2\x82\x41", 3, 0, 0},
		{"\xc1\xbf", 2, 0, 0},
		{"\xe0\x9f\xbf", 3, 0, 0},
		{"\xf0\x8f\xbf\xbf", 4, 0, 0},
		{"\xed\xa0\x80", 3, 0, 0},
		{"\xf4\x90\x80\x80", 4, 0, 0},
		{"\xf8\x88\x80\x80\x80", 5, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(chars); i++) {
		uint32_t point = 0;

		assert_int_equal(utf8_char(chars[i].text, chars[i].len, &point), chars[i].n);
		assert_int_equal(point, chars[i].point);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_agrees_with_rfc_4648),
		cmocka_unit_test(base64_refuses_what_no_encoder_writes),
		cmocka_unit_test(uuid_round_trips_and_refuses_every_other_form),
		cmocka_unit_test(defect_23_decimal_is_strict),
		cmocka_unit_test(only_well_formed_utf8_is_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
