/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/wifi/provisioner/provisioner_fixture.h"

static void fail_attempt(struct provisioner_fixture *f)
{
	provisioner_on_result(f->provisioner, WIFI_STATE_CONNECTION_FAILED, WIFI_REASON_AUTH_ERROR);
	f->link.view.is_trying = false;
	expect(f, "N 10051800\n");
}

/* ---- the window ---- */

static void outside_of_the_window_nothing_is_set_forgotten_or_scanned_for(void **state)
{
	struct provisioner_fixture *f = *state;

	window_close(f->window, "the test");
	ask(f, SET_WPA2, "R 08041003\n");
	ask(f, "0805", "R 08051003\n");
	ask(f, "0802", "R 08021003\n");
	assert_int_equal(f->link.n_tries, 0);
	assert_int_equal(f->link.n_forgets, 0);
	assert_int_equal(f->link.n_scans, 0);
}

static void outside_of_the_window_the_status_is_told_and_a_scan_stopped(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, "0802", "R 08021000\n");
	window_close(f->window, "the test");
	ask(f, "0801", "R 080110005200\n");
	ask(f, "0803", "R 08031000\n");
	assert_int_equal(f->link.n_stops, 1);
}

/* Its owner may not learn from the answer what would be wrong with the rest. */
static void outside_of_the_window_the_argument_is_not_looked_at(void **state)
{
	struct provisioner_fixture *f = *state;

	f->options.label_code = LABEL_CODE;
	provisioner_restart(f);
	window_close(f->window, "the test");
	ask(f, "0804", "R 08041003\n");
	ask(f, SET_WPA2 WITH_WRONG_LABEL, "R 08041003\n");
	/* Nor does it count: the next ones in an open window are heard. */
	for (int i = 0; i < 2 * ATTEMPTS; i++)
		ask(f, SET_WPA2 WITH_WRONG_LABEL, "R 08041003\n");
	window_open(f->window, WINDOW_MS, "the test");
	ask(f, SET_WPA2 WITH_LABEL, "R 08041000\n");
}

static void the_window_closes_when_its_time_is_over_also_on_who_is_served(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	fake_clock_ms += WINDOW_MS;
	ask(f, SET_WPA2, "R 08041003\n");
	/* What was accepted in time is told to its end. */
	provisioner_on_result(f->provisioner, WIFI_STATE_CONNECTED, 0);
	expect(f, "N 1004\n");
}

static void nothing_more_is_set_or_forgotten_after_a_success(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	provisioner_on_result(f->provisioner, WIFI_STATE_CONNECTED, 0);
	expect(f, "N 1004\n");
	assert_false(window_is_open(f->window));
	ask(f, SET_OPEN, "R 08041003\n");
	ask(f, "0805", "R 08051003\n");
	assert_int_equal(f->link.n_tries, 1);
	assert_int_equal(f->link.n_forgets, 0);
	/* Only opening it again helps. */
	window_open(f->window, WINDOW_MS, "the test");
	ask(f, SET_OPEN, "R 08041000\n");
}

static void a_failure_leaves_the_window_open(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	fail_attempt(f);
	assert_true(window_is_open(f->window));
	ask(f, SET_WPA2, "R 08041000\n");
}

/* ---- the rate of attempts ---- */

static void so_many_attempts_are_taken_in_a_period_and_no_more(void **state)
{
	struct provisioner_fixture *f = *state;

	for (int i = 0; i < ATTEMPTS; i++)
		ask(f, SET_WPA2, "R 08041000\n");
	ask(f, SET_WPA2, "R 08041003\n");
	assert_int_equal(f->link.n_tries, ATTEMPTS);
	fake_clock_ms += ATTEMPTS_PERIOD_MS - 1;
	ask(f, SET_WPA2, "R 08041003\n");
	fake_clock_ms++;
	ask(f, SET_WPA2, "R 08041000\n");
}

/* Addresses of BLE cost nothing. */
static void the_attempts_of_all_peers_count_together(void **state)
{
	struct provisioner_fixture *f = *state;

	for (int i = 0; i < ATTEMPTS; i++) {
		char peer[18];

		snprintf(peer, sizeof(peer), "AA:BB:CC:00:01:%02x", i);
		assert_int_equal(ask_as(f, peer, LIMIT, SET_WPA2), 0);
		expect(f, "R 08041000\n");
		provisioner_peer_gone(f->provisioner, peer);
	}
	ask(f, SET_WPA2, "R 08041003\n");
}

static void an_attempt_that_the_link_refuses_counts(void **state)
{
	struct provisioner_fixture *f = *state;

	f->link.try_r = -EIO;
	for (int i = 0; i < ATTEMPTS; i++)
		ask(f, SET_WPA2, "R 08041003\n");
	f->link.try_r = 0;
	ask(f, SET_WPA2, "R 08041003\n");
	assert_int_equal(f->link.n_tries, ATTEMPTS);
}

/* A person who mistypes tells nothing and strains nothing. */
static void what_is_no_configuration_does_not_count(void **state)
{
	struct provisioner_fixture *f = *state;

	for (int i = 0; i < 2 * ATTEMPTS; i++)
		ask(f, "0804", "R 08041001\n");
	ask(f, SET_WPA2, "R 08041000\n");
}

static void scanning_and_asking_for_the_status_do_not_count(void **state)
{
	struct provisioner_fixture *f = *state;

	for (int i = 0; i < 2 * ATTEMPTS; i++) {
		ask(f, "0801", "R 080110005200\n");
		ask(f, "0802", "R 08021000\n");
	}
	ask(f, SET_WPA2, "R 08041000\n");
}

static void with_no_attempts_allowed_nothing_can_be_set(void **state)
{
	struct provisioner_fixture *f = *state;

	f->options.attempts = 0;
	provisioner_restart(f);
	ask(f, SET_WPA2, "R 08041003\n");
	assert_int_equal(f->link.n_tries, 0);
}

/* ---- the label code ---- */

static void the_right_label_code_is_accepted(void **state)
{
	struct provisioner_fixture *f = *state;

	f->options.label_code = LABEL_CODE;
	provisioner_restart(f);
	ask(f, SET_WPA2 WITH_LABEL, "R 08041000\n");
	ask(f, "0805" WITH_LABEL, "R 08051000\n");
}

static void a_missing_label_code_is_an_invalid_argument(void **state)
{
	struct provisioner_fixture *f = *state;

	f->options.label_code = LABEL_CODE;
	provisioner_restart(f);
	ask(f, SET_WPA2, "R 08041001\n");
	ask(f, "0805", "R 08051001\n");
	/* An empty one is a missing one. */
	ask(f, "0805a20600", "R 08051001\n");
	assert_int_equal(f->link.n_tries, 0);
	assert_int_equal(f->link.n_forgets, 0);
}

static void a_wrong_label_code_is_an_invalid_argument(void **state)
{
	static const char *const wrong[] = {
		WITH_WRONG_LABEL,
		"a20608343731312d303831",     /* its beginning */
		"a2060a343731312d303831350a", /* it, and a line feed */
		"a2060a343731312d3038313500", /* it, and a zero */
		"a20609000000000000000000",
		"a2060134",
	};
	struct provisioner_fixture *f = *state;

	f->options.label_code = LABEL_CODE;
	f->options.attempts = 100;
	provisioner_restart(f);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char hex[512];

		snprintf(hex, sizeof(hex), "%s%s", SET_WPA2, wrong[i]);
		ask(f, hex, "R 08041001\n");
	}
	assert_int_equal(f->link.n_tries, 0);
}

static void wrong_label_codes_use_up_the_attempts(void **state)
{
	struct provisioner_fixture *f = *state;

	f->options.label_code = LABEL_CODE;
	provisioner_restart(f);
	ask(f, SET_WPA2 WITH_WRONG_LABEL, "R 08041001\n");
	ask(f, "0805" WITH_WRONG_LABEL, "R 08051001\n");
	ask(f, SET_WPA2 WITH_WRONG_LABEL, "R 08041001\n");
	/* The right one would be told apart no more. */
	ask(f, SET_WPA2 WITH_LABEL, "R 08041003\n");
	ask(f, SET_WPA2 WITH_WRONG_LABEL, "R 08041003\n");
	ask(f, "0805" WITH_LABEL, "R 08051003\n");
	assert_int_equal(f->link.n_tries, 0);
	assert_int_equal(f->link.n_forgets, 0);
}

/* Phones' apps know nothing of it: they tell nothing about the code, so cannot lock its owner out.
 */
static void missing_label_codes_do_not_use_up_the_attempts(void **state)
{
	struct provisioner_fixture *f = *state;

	f->options.label_code = LABEL_CODE;
	provisioner_restart(f);
	for (int i = 0; i < 2 * ATTEMPTS; i++)
		ask(f, SET_WPA2, "R 08041001\n");
	ask(f, SET_WPA2 WITH_LABEL, "R 08041000\n");
}

static void a_label_code_that_nobody_asked_for_is_ignored(void **state)
{
	ask(*state, SET_WPA2 WITH_LABEL, "R 08041000\n");
}

static void the_status_and_a_scan_need_no_label_code(void **state)
{
	struct provisioner_fixture *f = *state;

	f->options.label_code = LABEL_CODE;
	provisioner_restart(f);
	ask(f, "0801", "R 080110005200\n");
	ask(f, "0802", "R 08021000\n");
	ask(f, "0803", "R 08031000\n");
}

static void a_label_code_shown_with_the_status_is_judged_as_any_other(void **state)
{
	struct provisioner_fixture *f = *state;

	f->options.label_code = LABEL_CODE;
	provisioner_restart(f);
	ask(f, "0801" WITH_LABEL, "R 080110005200\n");
	for (int i = 0; i < ATTEMPTS; i++)
		ask(f, "0801" WITH_WRONG_LABEL, "R 08011001\n");
	ask(f, "0801" WITH_LABEL, "R 08011003\n");
	ask(f, "0801", "R 080110005200\n");
	fake_clock_ms += ATTEMPTS_PERIOD_MS;
	ask(f, "0801" WITH_LABEL, "R 080110005200\n");
	window_close(f->window, "the test");
	ask(f, "0801" WITH_LABEL, "R 08011003\n");
	ask(f, "0801", "R 080110005200\n");
}

/* ---- the journal ---- */

/* What answer() of so many requests writes to stderr. */
static size_t logged(struct provisioner_fixture *f, const char *hex, unsigned int n, char *ret,
		     size_t size)
{
	int saved = dup(2), file;
	char path[] = "/tmp/provisioner-XXXXXX";
	ssize_t len;

	file = mkstemp(path);
	assert_true(file >= 0 && saved >= 0);
	assert_int_equal(unlink(path), 0);
	fflush(stderr);
	assert_int_equal(dup2(file, 2), 2);
	for (unsigned int i = 0; i < n; i++)
		if (ask_as(f, PEER, LIMIT, hex) != 0)
			break;
	fflush(stderr);
	assert_int_equal(dup2(saved, 2), 2);
	close(saved);
	len = pread(file, ret, size - 1, 0);
	close(file);
	assert_true(len >= 0);
	ret[len] = '\0';
	return (size_t)len;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void a_request_is_one_line_with_its_answer_and_no_secret(void **state)
{
	struct provisioner_fixture *f = *state;
	char text[4096];

	f->options.label_code = LABEL_CODE;
	provisioner_restart(f);
	logged(f, SET_WPA2 WITH_LABEL, 1, text, sizeof(text));
	assert_int_equal(count_lines(text), 1);
	assert_non_null(strstr(text, PEER));
	assert_non_null(strstr(text, wifi_op_name(WIFI_OP_SET_CONFIG)));
	assert_non_null(strstr(text, "lab-wpa2"));
	assert_non_null(strstr(text, wifi_answer_name(WIFI_ANSWER_SUCCESS)));
	assert_null(strstr(text, "correct horse"));
	assert_null(strstr(text, LABEL_CODE));
	logged(f, SET_WPA2 WITH_WRONG_LABEL, 1, text, sizeof(text));
	assert_int_equal(count_lines(text), 1);
	assert_non_null(strstr(text, wifi_answer_name(WIFI_ANSWER_INVALID_ARGUMENT)));
	assert_null(strstr(text, "correct horse"));
	assert_null(strstr(text, "4711"));
}

static void a_refusal_says_why_in_the_journal(void **state)
{
	struct provisioner_fixture *f = *state;
	char text[4096];

	window_close(f->window, "the test");
	logged(f, SET_WPA2, 1, text, sizeof(text));
	assert_non_null(strstr(text, "window is closed"));
	window_open(f->window, WINDOW_MS, "the test");
	logged(f, SET_WPA2, ATTEMPTS + 1, text, sizeof(text));
	assert_non_null(strstr(text, "too many attempts"));
}

static void a_peer_that_does_not_stop_asking_does_not_fill_the_journal(void **state)
{
	struct provisioner_fixture *f = *state;
	char text[65536];

	logged(f, "0801", 500, text, sizeof(text));
	assert_int_equal(f->n_sent, 500);
	assert_int_equal(count_lines(text), 61);
	fake_clock_ms += 60000;
	logged(f, "0801", 1, text, sizeof(text));
	assert_int_equal(count_lines(text), 1);
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, provisioner_setup, provisioner_teardown)
	const struct CMUnitTest tests[] = {
		TEST(outside_of_the_window_nothing_is_set_forgotten_or_scanned_for),
		TEST(outside_of_the_window_the_status_is_told_and_a_scan_stopped),
		TEST(outside_of_the_window_the_argument_is_not_looked_at),
		TEST(the_window_closes_when_its_time_is_over_also_on_who_is_served),
		TEST(nothing_more_is_set_or_forgotten_after_a_success),
		TEST(a_failure_leaves_the_window_open),
		TEST(so_many_attempts_are_taken_in_a_period_and_no_more),
		TEST(the_attempts_of_all_peers_count_together),
		TEST(an_attempt_that_the_link_refuses_counts),
		TEST(what_is_no_configuration_does_not_count),
		TEST(scanning_and_asking_for_the_status_do_not_count),
		TEST(with_no_attempts_allowed_nothing_can_be_set),
		TEST(the_right_label_code_is_accepted),
		TEST(a_missing_label_code_is_an_invalid_argument),
		TEST(a_wrong_label_code_is_an_invalid_argument),
		TEST(wrong_label_codes_use_up_the_attempts),
		TEST(missing_label_codes_do_not_use_up_the_attempts),
		TEST(a_label_code_that_nobody_asked_for_is_ignored),
		TEST(the_status_and_a_scan_need_no_label_code),
		TEST(a_label_code_shown_with_the_status_is_judged_as_any_other),
		TEST(a_request_is_one_line_with_its_answer_and_no_secret),
		TEST(a_refusal_says_why_in_the_journal),
		TEST(a_peer_that_does_not_stop_asking_does_not_fill_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
