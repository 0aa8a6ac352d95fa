/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "session/history.h"

static void a_message_is_remembered_for_the_exchange_lifetime(void **state)
{
	struct history h = {.n_tokens = 0};
	const uint64_t now = 5000;

	(void)state;
	assert_null(history_find(&h, 0, now));
	history_add(&h, 7, MESSAGE_RST, now);
	assert_non_null(history_find(&h, 7, now + 246999));
	assert_int_equal(history_find(&h, 7, now)->reply, MESSAGE_RST);
	assert_null(history_find(&h, 8, now));
	assert_null(history_find(&h, 7, now + 247000));
}

static void the_oldest_message_goes_first(void **state)
{
	struct history h = {.n_tokens = 0};

	(void)state;
	for (uint16_t mid = 0; mid <= HISTORY_MESSAGES; mid++)
		history_add(&h, mid, MESSAGE_ACK, 0);
	assert_null(history_find(&h, 0, 1));
	for (uint16_t mid = 1; mid <= HISTORY_MESSAGES; mid++)
		assert_non_null(history_find(&h, mid, 1));
}

static void the_oldest_token_goes_first_and_a_shorter_one_is_another(void **state)
{
	struct history h = {.n_tokens = 0};
	struct message m;
	uint8_t token[MESSAGE_TOKEN_MAX] = {0};

	(void)state;
	for (uint8_t i = 0; i <= HISTORY_TOKENS; i++) {
		token[0] = i;
		history_add_token(&h, token);
	}
	for (uint8_t i = 0; i <= HISTORY_TOKENS; i++) {
		token[0] = i;
		message_init(&m, MESSAGE_CON, 0x45, 1, token, sizeof(token));
		assert_int_equal(history_has_token(&h, &m), i > 0);
		m.token_len = 7;
		assert_false(history_has_token(&h, &m));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_remembered_for_the_exchange_lifetime),
		cmocka_unit_test(the_oldest_message_goes_first),
		cmocka_unit_test(the_oldest_token_goes_first_and_a_shorter_one_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
