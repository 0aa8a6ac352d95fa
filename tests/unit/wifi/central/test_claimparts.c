/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wifi/central/claimparts.h"

static struct wifi_claim part(const char *text, size_t offset, size_t whole_len)
{
	struct wifi_claim c = {
		.token_len = strlen(text), .token_offset = offset, .token_whole_len = whole_len};

	memcpy(c.token, text, c.token_len);
	return c;
}

static int add(struct claimparts *p, const char *text, size_t offset, size_t whole_len)
{
	const struct wifi_claim c = part(text, offset, whole_len);

	return claimparts_add(p, &c);
}

static void a_token_in_one_part_is_whole_at_once(void **state)
{
	struct claimparts p;

	(void)state;
	claimparts_init(&p);
	assert_int_equal(add(&p, "abc", 0, 3), 0);
	assert_string_equal(p.token, "abc");
}

static void parts_are_put_together_in_their_order(void **state)
{
	struct claimparts p;

	(void)state;
	claimparts_init(&p);
	assert_int_equal(add(&p, "abc", 0, 7), 1);
	assert_int_equal(add(&p, "def", 3, 7), 1);
	assert_int_equal(add(&p, "g", 6, 7), 0);
	assert_string_equal(p.token, "abcdefg");
}

static void parts_out_of_turn_are_waited_for_until_they_come_round(void **state)
{
	struct claimparts p;

	(void)state;
	claimparts_init(&p);
	assert_int_equal(add(&p, "ef", 4, 6), 1);
	assert_int_equal(add(&p, "ab", 0, 6), 1);
	assert_int_equal(add(&p, "ef", 4, 6), 1);
	assert_int_equal(add(&p, "cd", 2, 6), 1);
	assert_int_equal(add(&p, "ef", 4, 6), 0);
	assert_string_equal(p.token, "abcdef");
}

static void another_token_begins_anew(void **state)
{
	struct claimparts p;

	(void)state;
	claimparts_init(&p);
	assert_int_equal(add(&p, "aaa", 0, 6), 1);
	assert_int_equal(add(&p, "bb", 0, 4), 1);
	assert_int_equal(add(&p, "BB", 2, 4), 0);
	assert_string_equal(p.token, "bbBB");
	/* Of the same length: nothing of the old one is left in it. */
	claimparts_init(&p);
	assert_int_equal(add(&p, "aa", 0, 4), 1);
	assert_int_equal(add(&p, "b", 0, 4), 1);
	assert_int_equal(add(&p, "aa", 2, 4), 1);
	assert_int_equal(add(&p, "bbb", 1, 4), 0);
	assert_string_equal(p.token, "bbbb");
}

static void a_device_that_is_claimed_meanwhile_has_no_token_any_more(void **state)
{
	struct claimparts p;

	(void)state;
	claimparts_init(&p);
	assert_int_equal(add(&p, "abc", 0, 6), 1);
	assert_int_equal(add(&p, "", 0, 0), 0);
	assert_string_equal(p.token, "");
}

static void the_longest_token_is_put_together_and_nothing_beyond_it(void **state)
{
	struct claimparts p;
	struct wifi_claim c = {.token_whole_len = CLAIM_TEXT_MAX};
	int r = 1;

	(void)state;
	claimparts_init(&p);
	memset(c.token, 'x', sizeof(c.token));
	while (r == 1) {
		c.token_len = MIN(sizeof(c.token), CLAIM_TEXT_MAX - c.token_offset);
		r = claimparts_add(&p, &c);
		c.token_offset += c.token_len;
	}
	assert_int_equal(r, 0);
	assert_int_equal(strlen(p.token), CLAIM_TEXT_MAX);
	/* One that the decoder would not let through. */
	claimparts_init(&p);
	c.token_offset = c.token_len = 0;
	c.token_whole_len = CLAIM_TEXT_MAX + 1;
	for (r = 1; r == 1; c.token_offset += c.token_len) {
		c.token_len = sizeof(c.token);
		r = claimparts_add(&p, &c);
		assert_true(p.len <= CLAIM_TEXT_MAX);
	}
	assert_int_equal(r, -EBADMSG);
}

static void a_device_that_never_comes_to_the_end_is_given_up(void **state)
{
	struct claimparts p;

	(void)state;
	claimparts_init(&p);
	for (int i = 0; i < CLAIMPARTS_MAX; i++)
		assert_int_equal(add(&p, "ab", 0, 4), 1);
	assert_int_equal(add(&p, "ab", 0, 4), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_in_one_part_is_whole_at_once),
		cmocka_unit_test(parts_are_put_together_in_their_order),
		cmocka_unit_test(parts_out_of_turn_are_waited_for_until_they_come_round),
		cmocka_unit_test(another_token_begins_anew),
		cmocka_unit_test(a_device_that_is_claimed_meanwhile_has_no_token_any_more),
		cmocka_unit_test(the_longest_token_is_put_together_and_nothing_beyond_it),
		cmocka_unit_test(a_device_that_never_comes_to_the_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
