/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/macros.h"
#include "credstore/key.h"
#include "provisioning/outcome.h"

#define CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))

struct code_row {
	enum outcome_step step;
	uint8_t code;
	enum outcome want;
	bool transient;
};

static void outcome_maps_every_code_of_the_result_table(void **state)
{
	static const struct code_row rows[] = {
		{OUTCOME_STEP_AUTHENTICATE, CODE(2, 1), OUTCOME_OK, false},
		{OUTCOME_STEP_FETCH, CODE(2, 5), OUTCOME_OK, false},
		{OUTCOME_STEP_REPORT, CODE(2, 4), OUTCOME_OK, false},
		{OUTCOME_STEP_AUTHENTICATE, CODE(4, 1), OUTCOME_UNCLAIMED, false},
		{OUTCOME_STEP_FETCH, CODE(4, 1), OUTCOME_REAUTHENTICATE, true},
		{OUTCOME_STEP_REPORT, CODE(4, 1), OUTCOME_REAUTHENTICATE, true},
		{OUTCOME_STEP_CLOUD, CODE(4, 1), OUTCOME_CLOUD_REFUSED, true},
		{OUTCOME_STEP_AUTHENTICATE, CODE(4, 3), OUTCOME_REJECTED, false},
		{OUTCOME_STEP_CLOUD, CODE(4, 3), OUTCOME_CLOUD_REFUSED, true},
		{OUTCOME_STEP_AUTHENTICATE, CODE(4, 0), OUTCOME_BAD_REQUEST, false},
		{OUTCOME_STEP_FETCH, CODE(4, 2), OUTCOME_BAD_REQUEST, false},
		{OUTCOME_STEP_FETCH, CODE(4, 6), OUTCOME_BAD_REQUEST, false},
		{OUTCOME_STEP_REPORT, CODE(4, 15), OUTCOME_BAD_REQUEST, false},
		{OUTCOME_STEP_FETCH, CODE(4, 4), OUTCOME_NOT_FOUND, false},
		{OUTCOME_STEP_FETCH, CODE(4, 5), OUTCOME_NOT_FOUND, false},
		{OUTCOME_STEP_REPORT, CODE(4, 13), OUTCOME_BODY_TOO_LARGE, false},
		{OUTCOME_STEP_FETCH, CODE(4, 29), OUTCOME_BUSY, true},
		{OUTCOME_STEP_FETCH, CODE(5, 0), OUTCOME_BUSY, true},
		{OUTCOME_STEP_FETCH, CODE(5, 2), OUTCOME_BUSY, true},
		{OUTCOME_STEP_FETCH, CODE(5, 3), OUTCOME_BUSY, true},
		{OUTCOME_STEP_REPORT, CODE(5, 4), OUTCOME_BUSY, true},
		{OUTCOME_STEP_FETCH, CODE(2, 31), OUTCOME_BODY_INVALID, false},
		{OUTCOME_STEP_FETCH, CODE(3, 0), OUTCOME_BODY_INVALID, false},
		{OUTCOME_STEP_FETCH, CODE(7, 31), OUTCOME_BODY_INVALID, false},
		{OUTCOME_STEP_FETCH, 0, OUTCOME_BODY_INVALID, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum outcome got = outcome_of(rows[i].step, 0, rows[i].code);

		assert_int_equal(got, rows[i].want);
		assert_int_equal(outcome_is_transient(got), rows[i].transient);
	}
}

static void a_refusal_for_the_clock_is_one_only_in_the_words_of_its_service(void **state)
{
	static const struct {
		enum outcome_step step;
		uint8_t code;
		const char *payload;
		enum outcome want;
	} rows[] = {
		{OUTCOME_STEP_AUTHENTICATE, CODE(4, 3), "clock: the token has expired",
		 OUTCOME_CLOCK},
		{OUTCOME_STEP_CLOUD, CODE(4, 3), "clock: ", OUTCOME_CLOCK},
		{OUTCOME_STEP_AUTHENTICATE, CODE(4, 3), "clock:", OUTCOME_REJECTED},
		{OUTCOME_STEP_AUTHENTICATE, CODE(4, 3), "Clock: x", OUTCOME_REJECTED},
		{OUTCOME_STEP_AUTHENTICATE, CODE(4, 3), "", OUTCOME_REJECTED},
		{OUTCOME_STEP_AUTHENTICATE, CODE(4, 1), "clock: x", OUTCOME_UNCLAIMED},
		{OUTCOME_STEP_FETCH, CODE(5, 3), "clock: x", OUTCOME_BUSY},
		{OUTCOME_STEP_AUTHENTICATE, CODE(2, 1), "clock: x", OUTCOME_OK},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(outcome_of_reply(rows[i].step, rows[i].code,
						  (const uint8_t *)rows[i].payload,
						  strlen(rows[i].payload)),
				 rows[i].want);
	assert_int_equal(outcome_of_reply(OUTCOME_STEP_AUTHENTICATE, CODE(4, 3), NULL, 0),
			 OUTCOME_REJECTED);
	assert_true(outcome_is_transient(OUTCOME_CLOCK));
	assert_int_equal(outcome_exit_code(OUTCOME_CLOCK), EXIT_CODE_TIME);
}

/* Defect 13: whatever went wrong with a GET became "not supported". */
static void defect_13_a_fetch_that_fails_keeps_its_cause(void **state)
{
	(void)state;
	assert_int_equal(outcome_of(OUTCOME_STEP_FETCH, SESSION_E_TIMEOUT, 0), OUTCOME_TIMEOUT);
	assert_int_equal(outcome_of(OUTCOME_STEP_FETCH, SESSION_E_TOO_LARGE, 0),
			 OUTCOME_BODY_TOO_LARGE);
	assert_int_equal(outcome_of(OUTCOME_STEP_FETCH, SESSION_E_LOST, 0), OUTCOME_LOST);
	assert_int_equal(outcome_of(OUTCOME_STEP_FETCH, SESSION_E_PROTOCOL, 0),
			 OUTCOME_BODY_INVALID);
	assert_int_equal(outcome_of(OUTCOME_STEP_FETCH, SESSION_E_RESET, 0), OUTCOME_BAD_REQUEST);
	assert_int_equal(outcome_of(OUTCOME_STEP_FETCH, SESSION_E_CANCELLED, 0), OUTCOME_CANCELLED);
	assert_int_equal(outcome_of(OUTCOME_STEP_FETCH, -ENOTCONN, 0), OUTCOME_LOST);
	assert_int_equal(outcome_of(OUTCOME_STEP_FETCH, -ENOMEM, 0), OUTCOME_FAILED);
}

static void a_request_that_the_store_kept_from_being_sent_says_so(void **state)
{
	static const int of_store[] = {-EIO, -EROFS, -ENOSPC, -EUCLEAN};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of_store); i++)
		assert_int_equal(outcome_of_connect(of_store[i]), OUTCOME_STORE);
}

/* Defect 14: name resolution, 4.03, 4.29, 5.02 and 5.04 had no backoff. */
static void defect_14_transient_and_permanent_failures_are_told_apart(void **state)
{
	(void)state;
	assert_true(outcome_is_transient(outcome_of_connect(SESSION_E_RESOLVE)));
	assert_true(outcome_is_transient(outcome_of_connect(SESSION_E_UNREACHABLE)));
	assert_true(outcome_is_transient(outcome_of_connect(SESSION_E_HANDSHAKE)));
	assert_false(outcome_is_transient(outcome_of_connect(SESSION_E_CERTIFICATE)));
	assert_true(outcome_is_transient(outcome_of(OUTCOME_STEP_FETCH, 0, CODE(4, 29))));
	assert_true(outcome_is_transient(outcome_of(OUTCOME_STEP_FETCH, 0, CODE(5, 2))));
	assert_true(outcome_is_transient(outcome_of(OUTCOME_STEP_FETCH, 0, CODE(5, 4))));
	assert_false(outcome_is_transient(outcome_of(OUTCOME_STEP_AUTHENTICATE, 0, CODE(4, 3))));
}

/* Defect 33: a refused connection was taken for "provision me". */
static void defect_33_no_transport_failure_looks_like_a_missing_claim_or_key(void **state)
{
	(void)state;
	for (int r = SESSION_E_RESOLVE; r <= SESSION_E_NOT_SUSPENDABLE; r++) {
		assert_int_not_equal(outcome_of(OUTCOME_STEP_AUTHENTICATE, r, 0),
				     OUTCOME_UNCLAIMED);
		assert_int_not_equal(outcome_of(OUTCOME_STEP_CLOUD, r, 0), OUTCOME_CLOUD_REFUSED);
		assert_int_not_equal(outcome_of_connect(r), OUTCOME_NO_CREDENTIALS);
	}
	assert_int_equal(outcome_of_connect(-ECONNREFUSED), OUTCOME_NO_NETWORK);
}

/* Defect 39: one error number covered three causes. */
static void defect_39_too_many_too_large_and_out_of_memory_are_three_outcomes(void **state)
{
	(void)state;
	assert_string_equal(outcome_name(OUTCOME_TOO_MANY_COMMANDS), "too-many-commands");
	assert_string_equal(outcome_name(OUTCOME_BODY_TOO_LARGE), "body-too-large");
	assert_string_equal(outcome_name(OUTCOME_FAILED), "failed");
	assert_int_equal(outcome_of(OUTCOME_STEP_REPORT, -ENOMEM, 0), OUTCOME_FAILED);
}

/* Defect 30: a batch with a failure ended as "no commands", which is a success. */
static void defect_30_a_failed_command_is_not_a_success(void **state)
{
	(void)state;
	assert_int_equal(outcome_exit_code(OUTCOME_PARTIAL), EXIT_CODE_DEGRADED);
	assert_int_equal(outcome_exit_code(OUTCOME_NO_COMMANDS), EXIT_CODE_DONE);
}

static void outcome_has_a_unique_word_a_sentence_and_an_exit_code_for_each(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < OUTCOME_N; i++) {
		assert_non_null(outcome_name(i));
		assert_true(strlen(outcome_help(i)) > 10);
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(outcome_name(i), outcome_name(k));
	}
	assert_string_equal(outcome_name(OUTCOME_N), "unknown");
	assert_int_equal(outcome_exit_code(OUTCOME_OK), EXIT_CODE_DONE);
	assert_int_equal(outcome_exit_code(OUTCOME_FINISHED), EXIT_CODE_DONE);
	assert_int_equal(outcome_exit_code(OUTCOME_UNCLAIMED), EXIT_CODE_UNCLAIMED);
	assert_int_equal(outcome_exit_code(OUTCOME_REJECTED), EXIT_CODE_IDENTITY);
	assert_int_equal(outcome_exit_code(OUTCOME_NO_NETWORK), EXIT_CODE_NETWORK);
	assert_int_equal(outcome_exit_code(OUTCOME_TIMEOUT), EXIT_CODE_TIMEOUT);
	assert_int_equal(outcome_exit_code(OUTCOME_NO_TIME), EXIT_CODE_TIME);
	assert_int_equal(outcome_exit_code(OUTCOME_STORE), EXIT_CODE_STORE);
	assert_int_equal(outcome_exit_code(OUTCOME_N), EXIT_CODE_FAILED);
}

static void a_key_that_does_not_sign_says_what_it_takes(void **state)
{
	static const struct {
		int r;
		enum outcome want;
		bool transient, of_token;
	} rows[] = {
		{0, OUTCOME_OK, false, false},
		{KEY_E_TOKEN_ABSENT, OUTCOME_TOKEN_ABSENT, true, true},
		{KEY_E_TOKEN, OUTCOME_TOKEN_FAILED, true, true},
		{KEY_E_PIN_MISSING, OUTCOME_PIN_MISSING, false, true},
		{KEY_E_PIN_WRONG, OUTCOME_PIN_WRONG, false, true},
		{KEY_E_PIN_LOCKED, OUTCOME_PIN_LOCKED, false, true},
		{KEY_E_NOT_FOUND, OUTCOME_KEY_MISSING, false, true},
		{KEY_E_AMBIGUOUS, OUTCOME_KEY_MISSING, false, true},
		{-EKEYREJECTED, OUTCOME_IDENTITY, false, false},
		{-EUCLEAN, OUTCOME_STORE, false, false},
		{-ENOMEM, OUTCOME_FAILED, true, false},
		{-EAGAIN, OUTCOME_FAILED, true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum outcome got = outcome_of_key(rows[i].r);

		assert_int_equal(got, rows[i].want);
		assert_int_equal(outcome_is_transient(got), rows[i].transient);
		assert_int_equal(outcome_is_of_token(got), rows[i].of_token);
		if (rows[i].of_token)
			assert_int_equal(outcome_exit_code(got), EXIT_CODE_IDENTITY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcome_maps_every_code_of_the_result_table),
		cmocka_unit_test(a_refusal_for_the_clock_is_one_only_in_the_words_of_its_service),
		cmocka_unit_test(defect_13_a_fetch_that_fails_keeps_its_cause),
		cmocka_unit_test(a_request_that_the_store_kept_from_being_sent_says_so),
		cmocka_unit_test(a_key_that_does_not_sign_says_what_it_takes),
		cmocka_unit_test(defect_14_transient_and_permanent_failures_are_told_apart),
		cmocka_unit_test(defect_33_no_transport_failure_looks_like_a_missing_claim_or_key),
		cmocka_unit_test(defect_39_too_many_too_large_and_out_of_memory_are_three_outcomes),
		cmocka_unit_test(defect_30_a_failed_command_is_not_a_success),
		cmocka_unit_test(outcome_has_a_unique_word_a_sentence_and_an_exit_code_for_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
