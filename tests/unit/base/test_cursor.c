/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"

static const uint8_t message[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 'a', 'b'};

static void fields_are_read_in_network_order(void **state)
{
	struct reader r;

	(void)state;
	reader_init(&r, message, sizeof(message));
	assert_int_equal(reader_u8(&r), 0x01);
	assert_int_equal(reader_be16(&r), 0x0203);
	assert_int_equal(reader_be32(&r), 0x04050607);
	assert_int_equal(reader_left(&r), 2);
	assert_false(reader_done(&r));
	assert_ptr_equal(reader_bytes(&r, 2), message + 7);
	assert_true(reader_done(&r));
	assert_non_null(reader_bytes(&r, 0));
	assert_true(reader_done(&r));
}

static void a_read_past_the_end_sticks(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(message); len++) {
		struct reader r;

		reader_init(&r, message, len);
		reader_u8(&r);
		reader_be16(&r);
		reader_be32(&r);
		reader_bytes(&r, 2);
		assert_true(r.failed);
		assert_false(reader_done(&r));
		assert_int_equal(reader_left(&r), 0);
		assert_int_equal(reader_u8(&r), 0);
		assert_int_equal(reader_be16(&r), 0);
		assert_int_equal(reader_be32(&r), 0);
		assert_null(reader_bytes(&r, 0));
	}
}

static void a_length_of_any_size_is_held_against_what_is_left(void **state)
{
	struct reader r;

	(void)state;
	reader_init(&r, message, sizeof(message));
	reader_u8(&r);
	assert_null(reader_bytes(&r, SIZE_MAX));
	assert_true(r.failed);
}

static void what_is_written_reads_back(void **state)
{
	uint8_t data[sizeof(message)];
	struct writer w;

	(void)state;
	writer_init(&w, data, sizeof(data));
	writer_u8(&w, 0x01);
	writer_be16(&w, 0x0203);
	writer_be32(&w, 0x04050607);
	writer_text(&w, "ab");
	writer_bytes(&w, NULL, 0);
	assert_true(writer_ok(&w));
	assert_int_equal(w.len, sizeof(message));
	assert_memory_equal(data, message, sizeof(message));
}

static void a_full_buffer_sticks_and_is_not_overrun(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(message); size++) {
		uint8_t data[sizeof(message) + 1];
		struct writer w;

		memset(data, 0xee, sizeof(data));
		writer_init(&w, data, size);
		writer_u8(&w, 0x01);
		writer_be16(&w, 0x0203);
		writer_be32(&w, 0x04050607);
		writer_text(&w, "ab");
		assert_false(writer_ok(&w));
		assert_true(w.len <= size);
		for (size_t i = size; i < sizeof(data); i++)
			assert_int_equal(data[i], 0xee);
		writer_bytes(&w, NULL, 0);
		assert_false(writer_ok(&w));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_read_in_network_order),
		cmocka_unit_test(a_read_past_the_end_sticks),
		cmocka_unit_test(a_length_of_any_size_is_held_against_what_is_left),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(a_full_buffer_sticks_and_is_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
