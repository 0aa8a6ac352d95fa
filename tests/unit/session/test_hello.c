/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/cursor.h"
#include "session/hello.h"

static const uint8_t random_bytes[HELLO_RANDOM_LEN] = {1, 2, 3};

static uint32_t be24(struct reader *r)
{
	const uint32_t high = reader_u8(r);

	return high << 16 | reader_be16(r);
}

static void skip_vector8(struct reader *r)
{
	(void)reader_bytes(r, reader_u8(r));
}

/* Every length of RFC 6347 and RFC 5246 fits the ones around it. */
static void check(const uint8_t *data, size_t size)
{
	struct reader r, extensions;
	const uint8_t *list;
	uint16_t len;

	reader_init(&r, data, size);
	assert_int_equal(reader_u8(&r), 22);
	assert_int_equal(reader_be16(&r), 0xfefd);
	assert_int_equal(reader_be32(&r) | reader_be32(&r), 0);
	assert_int_equal(reader_be16(&r), size - 13);
	assert_int_equal(reader_u8(&r), 1);
	assert_int_equal(be24(&r), size - 25);
	assert_int_equal(reader_be16(&r), 0);
	assert_int_equal(be24(&r), 0);
	assert_int_equal(be24(&r), size - 25);
	assert_int_equal(reader_be16(&r), 0xfefd);
	assert_memory_equal(reader_bytes(&r, HELLO_RANDOM_LEN), random_bytes, HELLO_RANDOM_LEN);
	skip_vector8(&r);
	skip_vector8(&r);
	len = reader_be16(&r);
	assert_true(len > 0 && len % 2 == 0);
	(void)reader_bytes(&r, len);
	skip_vector8(&r);
	len = reader_be16(&r);
	list = reader_bytes(&r, len);
	assert_true(reader_done(&r));
	reader_init(&extensions, list, len);
	while (reader_left(&extensions) > 0) {
		(void)reader_be16(&extensions);
		(void)reader_bytes(&extensions, reader_be16(&extensions));
		assert_false(extensions.failed);
	}
}

static void a_hello_of_every_size_is_whole(void **state)
{
	uint8_t data[HELLO_MAX];

	(void)state;
	for (size_t size = HELLO_MIN; size <= HELLO_MAX; size++) {
		assert_int_equal(hello_build(size, random_bytes, data), 0);
		check(data, size);
	}
}

static void sizes_out_of_their_bounds_are_refused(void **state)
{
	uint8_t data[HELLO_MAX];

	(void)state;
	assert_int_equal(hello_build(HELLO_MIN - 1, random_bytes, data), -EINVAL);
	assert_int_equal(hello_build(HELLO_MAX + 1, random_bytes, data), -EINVAL);
	assert_int_equal(hello_build(0, random_bytes, data), -EINVAL);
}

/* HelloVerifyRequest of a server of 1.2, with a cookie of two bytes. */
static const uint8_t verify[] = {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0,    0,    17, 3,    0,
				 0,  5,    0,    0, 0, 0, 0, 0, 0, 5, 0xfe, 0xff, 2,  0xaa, 0xbb};

static void the_answers_to_a_hello_are_recognised(void **state)
{
	uint8_t data[sizeof(verify)];

	(void)state;
	assert_true(hello_is_answer(verify, sizeof(verify)));
	memcpy(data, verify, sizeof(data));
	data[2] = 0xfd;
	assert_true(hello_is_answer(data, sizeof(data)));
	data[13] = 2; /* ServerHello */
	assert_true(hello_is_answer(data, sizeof(data)));
	data[0] = 21; /* alert */
	assert_true(hello_is_answer(data, sizeof(data)));
}

static void anything_else_is_no_answer(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {{0, 23},  {0, 20}, {1, 3},  {2, 0},  {4, 1},
		    {12, 18}, {12, 0}, {11, 1}, {13, 1}, {13, 11}};

	(void)state;
	for (size_t len = 0; len < sizeof(verify); len++)
		assert_false(hello_is_answer(verify, len));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t data[sizeof(verify)];

		memcpy(data, verify, sizeof(data));
		data[rows[i].at] = rows[i].value;
		assert_false(hello_is_answer(data, sizeof(data)));
	}
}

static void our_own_hello_is_no_answer(void **state)
{
	uint8_t data[HELLO_MAX];

	(void)state;
	assert_int_equal(hello_build(HELLO_MIN, random_bytes, data), 0);
	assert_false(hello_is_answer(data, HELLO_MIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_of_every_size_is_whole),
		cmocka_unit_test(sizes_out_of_their_bounds_are_refused),
		cmocka_unit_test(the_answers_to_a_hello_are_recognised),
		cmocka_unit_test(anything_else_is_no_answer),
		cmocka_unit_test(our_own_hello_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
