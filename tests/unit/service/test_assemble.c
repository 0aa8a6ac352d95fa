/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/assemble.h"

#define MAX_LEN 100

static const struct assembly_key plain = {.resource = "r"};
static uint8_t body[4096];

static int set_up(void **state)
{
	struct assembly *a = calloc(1, sizeof(*a));

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 31 + i / 256);
	*state = a;
	return 0;
}

static int tear_down(void **state)
{
	assembly_done(*state);
	free(*state);
	return 0;
}

/* Block num of body, szx 0 (16 bytes). */
static enum assembly_verdict add(struct assembly *a, const struct assembly_key *key, uint32_t num,
				 bool more, size_t len)
{
	struct block b = {.num = num, .more = more, .szx = 0};

	return assembly_add(a, key, &b, 0, body + (size_t)num * 16, len, MAX_LEN);
}

static void block_options_round_trip_in_their_shortest_form(void **state)
{
	static const struct {
		struct block b;
		uint8_t value[3];
		size_t len;
	} rows[] = {
		{{0, false, 0}, {0}, 0},
		{{0, false, 6}, {0x06}, 1},
		{{0, true, 4}, {0x0c}, 1},
		{{15, true, 6}, {0xfe}, 1},
		{{16, false, 0}, {0x01, 0x00}, 2},
		{{4095, true, 2}, {0xff, 0xfa}, 2},
		{{4096, false, 2}, {0x01, 0x00, 0x02}, 3},
		{{BLOCK_NUM_MAX, true, 6}, {0xff, 0xff, 0xfe}, 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t value[BLOCK_OPTION_MAX];
		struct block b;

		assert_int_equal(block_encode(&rows[i].b, value), rows[i].len);
		assert_memory_equal(value, rows[i].value, rows[i].len);
		assert_int_equal(block_decode(rows[i].value, rows[i].len, &b), 0);
		assert_int_equal(b.num, rows[i].b.num);
		assert_int_equal(b.more, rows[i].b.more);
		assert_int_equal(b.szx, rows[i].b.szx);
	}
}

static void block_options_refuse_the_reserved_size_and_a_fourth_byte(void **state)
{
	struct block b;

	(void)state;
	assert_int_equal(block_decode((const uint8_t[]){0x07}, 1, &b), -EINVAL);
	assert_int_equal(block_decode((const uint8_t[]){0xff, 0xff, 0xff}, 3, &b), -EINVAL);
	assert_int_equal(block_decode((const uint8_t[]){0, 0, 0, 6}, 4, &b), -EINVAL);
}

static void blocks_in_order_make_the_body(void **state)
{
	struct assembly *a = *state;

	assert_int_equal(add(a, &plain, 0, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 1, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 2, false, 5), ASSEMBLY_COMPLETE);
	assert_int_equal(a->len, 37);
	assert_memory_equal(a->data, body, 37);
}

static void a_single_last_block_is_a_body(void **state)
{
	struct assembly *a = *state;

	assert_int_equal(add(a, &plain, 0, false, 16), ASSEMBLY_COMPLETE);
	assert_int_equal(a->len, 16);
	assert_int_equal(add(a, &plain, 0, false, 0), ASSEMBLY_COMPLETE);
	assert_int_equal(a->len, 0);
}

static void repeats_change_nothing(void **state)
{
	struct assembly *a = *state;

	for (int i = 0; i < 3; i++)
		assert_int_equal(add(a, &plain, 0, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 1, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 0, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 1, true, 16), ASSEMBLY_CONTINUE);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(add(a, &plain, 2, false, 16), ASSEMBLY_COMPLETE);
		assert_int_equal(a->len, 48);
		assert_memory_equal(a->data, body, 48);
	}
}

static void the_same_transfer_again_completes_again(void **state)
{
	struct assembly *a = *state;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(add(a, &plain, 0, true, 16), ASSEMBLY_CONTINUE);
		assert_int_equal(add(a, &plain, 1, true, 16), ASSEMBLY_CONTINUE);
		assert_int_equal(add(a, &plain, 2, false, 7), ASSEMBLY_COMPLETE);
		assert_int_equal(a->len, 39);
	}
}

static void another_body_with_the_same_beginning_replaces_the_rest(void **state)
{
	struct assembly *a = *state;
	struct block second = {.num = 1, .more = true}, third = {.num = 2};
	uint8_t other[16];

	memset(other, 0xee, sizeof(other));
	assert_int_equal(add(a, &plain, 0, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 1, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 2, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 0, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(assembly_add(a, &plain, &second, 0, other, 16, MAX_LEN),
			 ASSEMBLY_CONTINUE);
	assert_int_equal(a->len, 32);
	assert_int_equal(assembly_add(a, &plain, &third, 0, other, 3, MAX_LEN), ASSEMBLY_COMPLETE);
	assert_int_equal(a->len, 35);
	assert_memory_equal(a->data, body, 16);
	assert_memory_equal(a->data + 16, other, 16);
}

static void a_shorter_end_cuts_what_was_longer(void **state)
{
	struct assembly *a = *state;

	assert_int_equal(add(a, &plain, 0, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 1, false, 16), ASSEMBLY_COMPLETE);
	assert_int_equal(add(a, &plain, 1, false, 3), ASSEMBLY_COMPLETE);
	assert_int_equal(a->len, 19);
}

static void gaps_are_incomplete_and_the_body_survives_them(void **state)
{
	struct assembly *a = *state;

	assert_int_equal(add(a, &plain, 1, true, 16), ASSEMBLY_INCOMPLETE);
	assert_int_equal(add(a, &plain, 0, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 2, true, 16), ASSEMBLY_INCOMPLETE);
	assert_int_equal(add(a, &plain, 2, false, 1), ASSEMBLY_INCOMPLETE);
	assert_int_equal(add(a, &plain, 1, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 2, false, 1), ASSEMBLY_COMPLETE);
	assert_int_equal(a->len, 33);
}

static void blocks_must_be_as_long_as_their_option_says(void **state)
{
	struct assembly *a = *state;

	assert_int_equal(add(a, &plain, 0, true, 15), ASSEMBLY_INVALID);
	assert_int_equal(add(a, &plain, 0, true, 17), ASSEMBLY_INVALID);
	assert_int_equal(add(a, &plain, 0, true, 0), ASSEMBLY_INVALID);
	assert_int_equal(add(a, &plain, 0, false, 17), ASSEMBLY_INVALID);
	assert_false(a->active);
}

static void the_limit_itself_fits_and_one_byte_more_does_not(void **state)
{
	struct assembly *a = *state;

	for (uint32_t n = 0; n < 6; n++)
		assert_int_equal(add(a, &plain, n, true, 16), ASSEMBLY_CONTINUE);
	assert_int_equal(add(a, &plain, 6, false, MAX_LEN - 96), ASSEMBLY_COMPLETE);
	assert_int_equal(a->len, MAX_LEN);
	assert_true(a->size <= MAX_LEN);
	assert_int_equal(add(a, &plain, 6, false, MAX_LEN - 96 + 1), ASSEMBLY_TOO_LARGE);
	assert_null(a->data);
	assert_int_equal(add(a, &plain, 6, false, 1), ASSEMBLY_INCOMPLETE);
}

static void more_after_the_limit_is_too_large_at_once(void **state)
{
	struct assembly *a = *state;
	struct block b = {.num = 0, .more = true, .szx = 2};

	assert_int_equal(assembly_add(a, &plain, &b, 0, body, 64, 64), ASSEMBLY_TOO_LARGE);
	b.num = BLOCK_NUM_MAX;
	assert_int_equal(assembly_add(a, &plain, &b, 0, body, 64, 64), ASSEMBLY_TOO_LARGE);
}

static void an_announced_size_is_judged_at_the_first_block(void **state)
{
	struct assembly *a = *state;
	struct block b = {.num = 0, .more = true};

	assert_int_equal(assembly_add(a, &plain, &b, MAX_LEN, body, 16, MAX_LEN),
			 ASSEMBLY_CONTINUE);
	assert_int_equal(assembly_add(a, &plain, &b, MAX_LEN + 1, body, 16, MAX_LEN),
			 ASSEMBLY_TOO_LARGE);
}

static void other_keys_are_other_bodies(void **state)
{
	static const struct assembly_key keys[] = {
		{.resource = "s"},
		{.resource = "r", .has_tag = true},
		{.resource = "r", .has_tag = true, .tag_len = 1, .tag = {1}},
		{.resource = "r", .has_tag = true, .tag_len = 1, .tag = {2}},
		{.resource = "r", .has_tag = true, .tag_len = 8, .tag = {1}},
	};
	struct assembly *a = *state;

	assert_int_equal(add(a, &plain, 0, true, 16), ASSEMBLY_CONTINUE);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		assert_int_equal(add(a, &keys[i], 1, false, 16), ASSEMBLY_INCOMPLETE);
		assert_int_equal(add(a, &keys[i], 0, true, 16), ASSEMBLY_CONTINUE);
		assert_int_equal(add(a, &plain, 1, false, 16), ASSEMBLY_INCOMPLETE);
	}
}

static void the_block_size_may_change_on_the_way(void **state)
{
	struct assembly *a = *state;
	struct block big = {.num = 0, .more = true, .szx = 1}, small = {.num = 2, .more = false};

	assert_int_equal(assembly_add(a, &plain, &big, 0, body, 32, MAX_LEN), ASSEMBLY_CONTINUE);
	assert_int_equal(assembly_add(a, &plain, &small, 0, body + 32, 4, MAX_LEN),
			 ASSEMBLY_COMPLETE);
	assert_int_equal(a->len, 36);
	assert_memory_equal(a->data, body, 36);
}

static void slices_cover_the_body_once_and_are_never_empty(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 100; len++)
		for (uint8_t szx = 0; szx <= 2; szx++) {
			struct block wanted = {.szx = szx};
			struct slice s;
			size_t covered = 0;

			do {
				assert_int_equal(slice_body(len, &wanted, &s), 0);
				assert_int_equal(s.offset, covered);
				assert_true(s.len > 0);
				assert_true(s.len <= (size_t)16 << szx);
				assert_int_equal(s.block.szx, szx);
				assert_int_equal(s.block.num, wanted.num);
				assert_int_equal(s.is_whole, len <= (size_t)16 << szx);
				covered += s.len;
				wanted.num++;
			} while (s.block.more);
			assert_int_equal(covered, len);
			assert_int_equal(slice_body(len, &wanted, &s), -ERANGE);
		}
}

static void without_a_wish_blocks_are_of_1024_bytes(void **state)
{
	struct slice s;

	(void)state;
	assert_int_equal(slice_body(1024, NULL, &s), 0);
	assert_true(s.is_whole);
	assert_int_equal(s.len, 1024);
	assert_int_equal(slice_body(1025, NULL, &s), 0);
	assert_false(s.is_whole);
	assert_true(s.block.more);
	assert_int_equal(s.block.szx, 6);
	assert_int_equal(s.len, 1024);
}

static void a_block_far_behind_the_end_is_out_of_range(void **state)
{
	struct block wanted = {.num = BLOCK_NUM_MAX, .szx = 6};
	struct slice s;

	(void)state;
	assert_int_equal(slice_body(4096, &wanted, &s), -ERANGE);
	assert_int_equal(slice_body(0, &wanted, &s), -ERANGE);
	wanted.num = 0;
	assert_int_equal(slice_body(0, &wanted, &s), 0);
	assert_true(s.is_whole);
	assert_int_equal(s.len, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(block_options_round_trip_in_their_shortest_form),
		TEST(block_options_refuse_the_reserved_size_and_a_fourth_byte),
		TEST(blocks_in_order_make_the_body),
		TEST(a_single_last_block_is_a_body),
		TEST(repeats_change_nothing),
		TEST(the_same_transfer_again_completes_again),
		TEST(another_body_with_the_same_beginning_replaces_the_rest),
		TEST(a_shorter_end_cuts_what_was_longer),
		TEST(gaps_are_incomplete_and_the_body_survives_them),
		TEST(blocks_must_be_as_long_as_their_option_says),
		TEST(the_limit_itself_fits_and_one_byte_more_does_not),
		TEST(more_after_the_limit_is_too_large_at_once),
		TEST(an_announced_size_is_judged_at_the_first_block),
		TEST(other_keys_are_other_bodies),
		TEST(the_block_size_may_change_on_the_way),
		TEST(slices_cover_the_body_once_and_are_never_empty),
		TEST(without_a_wish_blocks_are_of_1024_bytes),
		TEST(a_block_far_behind_the_end_is_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
