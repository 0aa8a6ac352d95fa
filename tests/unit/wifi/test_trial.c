/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wifi/trial.h"

static const struct wifi_config config = {
	.network = {.ssid = "x", .ssid_len = 1},
	.has_passphrase = true,
	.passphrase = "passphrase",
	.passphrase_len = 10,
};

static void assert_next(struct trial *t, enum wifi_state state)
{
	enum wifi_reason reason;
	enum wifi_state got;

	assert_true(trial_next(t, &got, &reason));
	assert_int_equal(got, state);
}

static void assert_silent(struct trial *t)
{
	enum wifi_reason reason;
	enum wifi_state got;

	assert_false(trial_next(t, &got, &reason));
}

static void assert_wiped(const struct trial *t)
{
	static const struct wifi_config none;

	assert_memory_equal(t->config.passphrase, none.passphrase, sizeof(none.passphrase));
}

/* Every set of states that may be left out, and every place of a failure among the rest. */
static void in_every_case_the_order_is_kept_and_nothing_is_told_twice(void **state)
{
	(void)state;
	for (unsigned int seen = 0; seen < 16; seen++)
		for (unsigned int fail_at = 1; fail_at <= 5; fail_at++) {
			struct trial t = {0};
			enum wifi_state highest = WIFI_STATE_DISCONNECTED, got;
			enum wifi_reason reason;

			trial_begin(&t, &config);
			for (unsigned int s = 1; s <= 4; s++) {
				if (s == fail_at)
					trial_fail(&t, WIFI_REASON_FAIL_IP);
				if (!(seen & (1U << (s - 1))))
					continue;
				trial_reach(&t, (enum wifi_state)s);
				trial_reach(&t, (enum wifi_state)s);
				if (s < fail_at)
					highest = (enum wifi_state)s;
			}
			for (unsigned int s = 1; s <= highest; s++)
				assert_next(&t, (enum wifi_state)s);
			if (highest != WIFI_STATE_CONNECTED && fail_at <= 4) {
				assert_true(trial_next(&t, &got, &reason));
				assert_int_equal(got, WIFI_STATE_CONNECTION_FAILED);
				assert_int_equal(reason, WIFI_REASON_FAIL_IP);
			}
			assert_silent(&t);
			trial_drop(&t);
		}
}

static void going_back_is_not_told(void **state)
{
	struct trial t = {0};

	(void)state;
	trial_begin(&t, &config);
	trial_reach(&t, WIFI_STATE_ASSOCIATION);
	assert_next(&t, WIFI_STATE_AUTHENTICATION);
	assert_next(&t, WIFI_STATE_ASSOCIATION);
	trial_reach(&t, WIFI_STATE_AUTHENTICATION);
	assert_silent(&t);
}

static void the_outcome_is_told_once_and_wipes_the_passphrase(void **state)
{
	struct trial t = {0};

	(void)state;
	trial_begin(&t, &config);
	assert_memory_equal(t.config.passphrase, "passphrase", 10);
	trial_fail(&t, WIFI_REASON_TIMEOUT);
	assert_wiped(&t);
	trial_fail(&t, WIFI_REASON_FAIL_IP);
	trial_reach(&t, WIFI_STATE_CONNECTED);
	assert_next(&t, WIFI_STATE_CONNECTION_FAILED);
	assert_int_equal(t.reason, WIFI_REASON_TIMEOUT);
	assert_silent(&t);
	trial_begin(&t, &config);
	trial_reach(&t, WIFI_STATE_CONNECTED);
	assert_wiped(&t);
	assert_false(t.is_on);
	trial_fail(&t, WIFI_REASON_TIMEOUT);
	for (int s = 1; s <= 4; s++)
		assert_next(&t, (enum wifi_state)s);
	assert_silent(&t);
}

static void what_was_dropped_or_replaced_is_not_told(void **state)
{
	struct trial t = {0};

	(void)state;
	trial_begin(&t, &config);
	trial_reach(&t, WIFI_STATE_OBTAINING_IP);
	trial_fail(&t, WIFI_REASON_TIMEOUT);
	trial_drop(&t);
	assert_silent(&t);
	trial_reach(&t, WIFI_STATE_CONNECTED);
	assert_silent(&t);
	trial_begin(&t, &config);
	trial_reach(&t, WIFI_STATE_OBTAINING_IP);
	assert_next(&t, WIFI_STATE_AUTHENTICATION);
	/* The next one may be given as the one before. */
	trial_begin(&t, &t.config);
	assert_memory_equal(t.config.passphrase, "passphrase", 10);
	assert_silent(&t);
	trial_reach(&t, WIFI_STATE_AUTHENTICATION);
	assert_next(&t, WIFI_STATE_AUTHENTICATION);
	trial_drop(&t);
	assert_wiped(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_every_case_the_order_is_kept_and_nothing_is_told_twice),
		cmocka_unit_test(going_back_is_not_told),
		cmocka_unit_test(the_outcome_is_told_once_and_wipes_the_passphrase),
		cmocka_unit_test(what_was_dropped_or_replaced_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
