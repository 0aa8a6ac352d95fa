/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/proto/wifi_try.h"

#define UUID "50363154-3931-44f0-8022-121b6401627d"
#define UUID_FIELD "122435303336333135342d333933312d343466302d383032322d313231623634303136323764"
#define CLAIMED "0801" UUID_FIELD "1802"
#define UNCLAIMED "0801" UUID_FIELD "18012203612e6228003003"

static void assert_claim(const struct wifi_claim *c)
{
	assert_true(c->version > 0);
	assert_int_equal(strlen(c->uuid), UUID_TEXT_LEN);
	assert_true(c->state <= WIFI_CLAIM_STATE_CLAIMED);
	assert_true(c->token_len <= WIFI_CLAIM_PART_MAX);
	assert_true(c->token_whole_len <= CLAIM_TEXT_MAX);
	assert_true(c->token_offset + c->token_len <= c->token_whole_len);
	assert_true((c->token_len > 0) == (c->token_whole_len > 0));
	assert_true(c->token_len == 0 || c->state == WIFI_CLAIM_STATE_UNCLAIMED);
}

WIFI_TRY(try_claim, struct wifi_claim, wifi_claim_decode, wifi_claim_encode, assert_claim)

static int claim_of(const char *hex, struct wifi_claim *ret)
{
	size_t len;
	_cleanup_(freep) uint8_t *data = mutate_unhex(hex, &len);

	return wifi_claim_decode(data, len, ret);
}

static void assert_claim_is(const struct wifi_claim *c, const char *expected)
{
	_cleanup_(freep) char *hex = NULL;
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len;

	assert_int_equal(wifi_claim_encode(c, data, sizeof(data), &len), 0);
	hex = wifi_hex(data, len);
	assert_string_equal(hex, expected);
}

static struct wifi_claim unclaimed(void)
{
	return (struct wifi_claim){.version = 1,
				   .uuid = UUID,
				   .state = WIFI_CLAIM_STATE_UNCLAIMED,
				   .token = {'a', '.', 'b'},
				   .token_len = 3,
				   .token_whole_len = 3};
}

static void a_claimed_device_says_who_it_is_and_no_token(void **state)
{
	struct wifi_claim c = {.version = 1, .uuid = UUID, .state = WIFI_CLAIM_STATE_CLAIMED};

	(void)state;
	assert_claim_is(&c, CLAIMED);
	memset(&c, 0xee, sizeof(c));
	assert_int_equal(claim_of(CLAIMED, &c), 0);
	assert_int_equal(c.version, 1);
	assert_string_equal(c.uuid, UUID);
	assert_int_equal(c.state, WIFI_CLAIM_STATE_CLAIMED);
	assert_int_equal(c.token_len + c.token_offset + c.token_whole_len, 0);
}

static void an_unclaimed_device_gives_its_token(void **state)
{
	struct wifi_claim c = unclaimed();

	(void)state;
	assert_claim_is(&c, UNCLAIMED);
	memset(&c, 0xee, sizeof(c));
	assert_int_equal(claim_of(UNCLAIMED, &c), 0);
	assert_int_equal(c.state, WIFI_CLAIM_STATE_UNCLAIMED);
	assert_int_equal(c.token_len, 3);
	assert_memory_equal(c.token, "a.b", 3);
	assert_int_equal(c.token_offset, 0);
	assert_int_equal(c.token_whole_len, 3);
}

static void an_unclaimed_device_may_keep_its_token(void **state)
{
	struct wifi_claim c;

	(void)state;
	assert_int_equal(claim_of("0801" UUID_FIELD "1801", &c), 0);
	assert_int_equal(c.state, WIFI_CLAIM_STATE_UNCLAIMED);
	assert_int_equal(c.token_whole_len, 0);
}

static void a_state_that_is_absent_or_has_no_name_is_unknown(void **state)
{
	struct wifi_claim c;

	(void)state;
	assert_int_equal(claim_of("0801" UUID_FIELD, &c), 0);
	assert_int_equal(c.state, WIFI_CLAIM_STATE_UNKNOWN);
	assert_int_equal(claim_of("0801" UUID_FIELD "1803", &c), 0);
	assert_int_equal(c.state, WIFI_CLAIM_STATE_UNKNOWN);
	assert_string_equal(wifi_claim_state_name(c.state), "unknown");
	assert_string_equal(wifi_claim_state_name(WIFI_CLAIM_STATE_UNCLAIMED), "unclaimed");
	assert_string_equal(wifi_claim_state_name(WIFI_CLAIM_STATE_CLAIMED), "claimed");
}

static void what_later_versions_add_is_skipped(void **state)
{
	struct wifi_claim c;

	(void)state;
	assert_int_equal(claim_of("0802" UUID_FIELD "18023a0161", &c), 0);
	assert_int_equal(c.version, 2);
	assert_int_equal(c.state, WIFI_CLAIM_STATE_CLAIMED);
}

static void what_breaks_a_rule_is_no_message(void **state)
{
	static const char *const bad[] = {
		"",
		"0801",     /* no UUID */
		UUID_FIELD, /* no version */
		"0800" UUID_FIELD,
		"08011200",
		/* One character less, one more, one that is none of a UUID, and a zero within. */
		"0801122335303336333135342d333933312d343466302d383032322d3132316236343031363237",
		"0801122535303336333135342d333933312d343466302d383032322d3132316236343031363237640"
		"0",
		"0801122435303336333135342d333933312d343466302d383032322d31323162363430313632377a",
		"0801122435303336333135342d333933312d343466302d383032322d3132316236343031363200"
		"64",
		/* A token of a device that has an owner, or may have one. */
		"0801" UUID_FIELD "18022203612e6228003003",
		"0801" UUID_FIELD "2203612e6228003003",
		/* Parts that are none of the whole: no length, beyond it, empty, too long. */
		"0801" UUID_FIELD "18012203612e62",
		"0801" UUID_FIELD "18012203612e6228003002",
		"0801" UUID_FIELD "18012203612e6228013003",
		"0801" UUID_FIELD "180128033003",
		"0801" UUID_FIELD "180122003003",
		"0801" UUID_FIELD "18012801",
		"0801" UUID_FIELD "18012203612e62280030812d",       /* 5761 characters */
		"0801" UUID_FIELD "18012203612e6228ffffffff0f3003", /* at 4 294 967 295 */
		/* What no token has in it: a line's end, a zero, a control, a quote. */
		"0801" UUID_FIELD "18012203610a6228003003",
		"0801" UUID_FIELD "1801220361006228003003",
		"0801" UUID_FIELD "18012203611b6228003003",
		"0801" UUID_FIELD "1801220361226228003003",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct wifi_claim c = {.version = 77};

		if (claim_of(bad[i], &c) != -EBADMSG)
			fail_msg("%s is taken", bad[i]);
		assert_int_equal(c.version, 77);
	}
}

static void the_longest_token_and_the_largest_part_are_taken_and_one_more_is_not(void **state)
{
	struct wifi_claim c = unclaimed(), again;
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t full, len;

	(void)state;
	memset(c.token, 'x', sizeof(c.token));
	c.token_len = WIFI_CLAIM_PART_MAX;
	c.token_whole_len = CLAIM_TEXT_MAX;
	c.token_offset = CLAIM_TEXT_MAX - WIFI_CLAIM_PART_MAX;
	assert_int_equal(wifi_claim_encode(&c, data, sizeof(data), &full), 0);
	assert_int_equal(wifi_claim_decode(data, full, &again), 0);
	assert_memory_equal(again.token, c.token, WIFI_CLAIM_PART_MAX);
	assert_int_equal(again.token_offset, c.token_offset);
	assert_int_equal(wifi_claim_encode(&c, data, full - 1, &len), -ENOBUFS);
	try_claim(data, full);
	c.token_offset++;
	assert_int_equal(wifi_claim_encode(&c, data, sizeof(data), &len), -EINVAL);
	c.token_offset = 0;
	c.token_whole_len++;
	assert_int_equal(wifi_claim_encode(&c, data, sizeof(data), &len), -EINVAL);
	c.token_whole_len = CLAIM_TEXT_MAX;
	c.token_len++;
	assert_int_equal(wifi_claim_encode(&c, data, sizeof(data), &len), -EINVAL);
}

static void a_part_beyond_the_largest_is_refused(void **state)
{
	/* Fields one byte longer than the largest part; 449 is c1 03. */
	_cleanup_(freep) char *hex = calloc(1, 2 * WIFI_MESSAGE_MAX + 1);
	struct wifi_claim c;

	(void)state;
	strcpy(hex, "0801" UUID_FIELD "180122c103");
	for (size_t i = 0; i < WIFI_CLAIM_PART_MAX + 1; i++)
		strcat(hex, "78");
	strcat(hex, "280030c103");
	assert_int_equal(claim_of(hex, &c), -EBADMSG);
}

static void a_struct_that_breaks_a_rule_is_not_encoded(void **state)
{
	struct wifi_claim bad[6] = {unclaimed(), unclaimed(), unclaimed(),
				    unclaimed(), unclaimed(), unclaimed()};
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len = 77;

	(void)state;
	bad[0].version = 0;
	bad[1].uuid[35] = '\0';
	memset(bad[2].uuid, 'a', sizeof(bad[2].uuid)); /* no end */
	bad[3].state = WIFI_CLAIM_STATE_CLAIMED;
	bad[4].state = (enum wifi_claim_state)3;
	bad[5].token_len = 0;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(wifi_claim_encode(&bad[i], data, sizeof(data), &len), -EINVAL);
	assert_int_equal(len, 77);
}

static void every_mutation_of_a_claim_keeps_the_rules(void **state)
{
	(void)state;
	wifi_try_all(CLAIMED, try_claim);
	wifi_try_all(UNCLAIMED, try_claim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claimed_device_says_who_it_is_and_no_token),
		cmocka_unit_test(an_unclaimed_device_gives_its_token),
		cmocka_unit_test(an_unclaimed_device_may_keep_its_token),
		cmocka_unit_test(a_state_that_is_absent_or_has_no_name_is_unknown),
		cmocka_unit_test(what_later_versions_add_is_skipped),
		cmocka_unit_test(what_breaks_a_rule_is_no_message),
		cmocka_unit_test(
			the_longest_token_and_the_largest_part_are_taken_and_one_more_is_not),
		cmocka_unit_test(a_part_beyond_the_largest_is_refused),
		cmocka_unit_test(a_struct_that_breaks_a_rule_is_not_encoded),
		cmocka_unit_test(every_mutation_of_a_claim_keeps_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
