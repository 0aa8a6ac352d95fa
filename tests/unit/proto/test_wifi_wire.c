/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wifi/wire.h"

static void *take(struct wire_arena *a, size_t size)
{
	return a->allocator.alloc(a->allocator.allocator_data, size);
}

static void an_arena_gives_what_it_has_and_no_more(void **state)
{
	static struct wire_arena a;

	(void)state;
	memset(&a, 0xee, sizeof(a));
	wire_arena_init(&a);
	assert_null(take(&a, SIZE_MAX));
	assert_null(take(&a, WIRE_ARENA_SIZE + 1));
	assert_ptr_equal(take(&a, WIRE_ARENA_SIZE), a.bytes);
	assert_null(take(&a, 1));
	wire_arena_done(&a);
}

static void pieces_are_apart_aligned_zero_and_wiped(void **state)
{
	static struct wire_arena a;
	uint8_t *one, *two;

	(void)state;
	memset(&a, 0xee, sizeof(a));
	wire_arena_init(&a);
	one = take(&a, 1);
	two = take(&a, 100);
	assert_true(two > one && (uintptr_t)two % _Alignof(max_align_t) == 0);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(two[i], 0);
	memset(two, 's', 100);
	a.allocator.free(a.allocator.allocator_data, two);
	wire_arena_done(&a);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(two[i], 0);
	/* The rest was never used, and is not paid for. */
	assert_int_equal(a.bytes[WIRE_ARENA_SIZE - 1], 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arena_gives_what_it_has_and_no_more),
		cmocka_unit_test(pieces_are_apart_aligned_zero_and_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
