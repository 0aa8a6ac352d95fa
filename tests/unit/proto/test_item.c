/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/item.h"

static struct item next_of(const uint8_t *data, size_t len)
{
	struct reader r;

	reader_init(&r, data, len);
	return item_next(&r);
}

static void every_tag_of_one_byte_is_read(void **state)
{
	(void)state;
	for (uint8_t tag = 0; tag < 24; tag++) {
		const uint8_t data[] = {(uint8_t)(0xc0 | tag), 0};
		const struct item i = next_of(data, sizeof(data));

		assert_int_equal(i.kind, ITEM_TAG);
		assert_int_equal(i.value, tag);
		assert_true(i.is_shortest);
	}
}

static void numbers_are_written_in_the_fewest_bytes(void **state)
{
	static const uint64_t rows[] = {0,     23,    24,         255,         256,
					65535, 65536, UINT32_MAX, 4294967296U, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t data[16];
		struct writer w;
		struct item item;

		writer_init(&w, data, sizeof(data));
		item_write_uint(&w, rows[i]);
		assert_int_equal(w.len, item_head_size(rows[i]));
		item = next_of(data, w.len);
		assert_true(item_is(&item, ITEM_UINT, rows[i]));

		writer_init(&w, data, sizeof(data));
		item_write_negint(&w, rows[i]);
		assert_int_equal(w.len, item_head_size(rows[i]));
		item = next_of(data, w.len);
		assert_true(item_is(&item, ITEM_NEGINT, rows[i]));
	}
}

static void longer_forms_are_marked(void **state)
{
	static const uint8_t rows[][9] = {
		{0x18, 23},
		{0x19, 0, 255},
		{0x1a, 0, 0, 255, 255},
		{0x1b, 0, 0, 0, 0, 255, 255, 255, 255},
		{0x38, 23},
		{0x58, 1, 'x'},
		{0x78, 1, 'x'},
		{0x98, 0},
		{0xb8, 0},
		{0xd8, 23},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct item item = next_of(rows[i], sizeof(rows[i]));

		assert_int_not_equal(item.kind, ITEM_BAD);
		assert_false(item.is_shortest);
	}
}

static void a_count_above_the_bytes_left_is_refused(void **state)
{
	(void)state;
	assert_int_equal(next_of((const uint8_t *)"\x82\0\0", 3).kind, ITEM_ARRAY);
	assert_int_equal(next_of((const uint8_t *)"\x83\0\0", 3).kind, ITEM_BAD);
	assert_int_equal(next_of((const uint8_t *)"\xa1\0\0", 3).kind, ITEM_MAP);
	assert_int_equal(next_of((const uint8_t *)"\xa2\0\0\0", 4).kind, ITEM_BAD);
	assert_int_equal(next_of((const uint8_t *)"\x42\0", 2).kind, ITEM_BAD);
}

static void skipping_ends_behind_whatever_is_nested(void **state)
{
	static const uint8_t data[] = {0x82, 0xa1, 0x61, 'k', 0xc1, 0x81, 0x42, 1, 2, 0xf6, 0x17};
	struct reader r, span;

	(void)state;
	reader_init(&r, data, sizeof(data));
	span = item_skip(&r);
	assert_false(span.failed);
	assert_int_equal(span.len, sizeof(data) - 1);
	assert_ptr_equal(span.data, data);
	assert_int_equal(reader_left(&r), 1);
	for (size_t len = 0; len < sizeof(data) - 1; len++) {
		reader_init(&r, data, len);
		assert_true(item_skip(&r).failed);
		assert_true(r.failed);
	}
}

/* However deep: it costs no stack. */
static void skipping_ten_thousand_levels_is_no_recursion(void **state)
{
	static uint8_t data[10001];
	struct reader r;

	(void)state;
	memset(data, 0x81, sizeof(data) - 1);
	reader_init(&r, data, sizeof(data));
	assert_false(item_skip(&r).failed);
	assert_true(reader_done(&r));
}

static void text_is_utf8_without_nul(void **state)
{
	static const char *const good[] = {"",
					   "a\n\x7f",
					   "\xc2\x80",
					   "\xdf\xbf",
					   "\xe0\xa0\x80",
					   "\xed\x9f\xbf",
					   "\xee\x80\x80",
					   "\xef\xbf\xbf",
					   "\xf0\x90\x80\x80",
					   "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80",
					  "\xbf",
					  "\xc0\x80",
					  "\xc1\xbf",
					  "\xc2",
					  "\xc2"
					  "a",
					  "\xe0\x9f\xbf",
					  "\xe1\x80",
					  "\xed\xa0\x80",
					  "\xed\xbf\xbf",
					  "\xf0\x8f\xbf\xbf",
					  "\xf4\x90\x80\x80",
					  "\xf8\x88\x80\x80\x80",
					  "\xfe",
					  "\xff",
					  "ok\xc3"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(item_text_is_clean(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(item_text_is_clean(bad[i], strlen(bad[i])));
	assert_false(item_text_is_clean("a\0b", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tag_of_one_byte_is_read),
		cmocka_unit_test(numbers_are_written_in_the_fewest_bytes),
		cmocka_unit_test(longer_forms_are_marked),
		cmocka_unit_test(a_count_above_the_bytes_left_is_refused),
		cmocka_unit_test(skipping_ends_behind_whatever_is_nested),
		cmocka_unit_test(skipping_ten_thousand_levels_is_no_recursion),
		cmocka_unit_test(text_is_utf8_without_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
