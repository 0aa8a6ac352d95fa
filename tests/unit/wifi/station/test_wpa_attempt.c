/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "wifi/station/wpa_attempt.h"

/* What wpa_supplicant 2.10 was seen to say, in the order in which it said it. */

struct step {
	const char *state; /* NULL: not in this one */
	int auth, assoc, reason;
	enum wpa_outcome outcome; /* what is to come of it … */
	int detail;               /* … with this state or reason */
};

#define NO 9999

static struct wpa_verdict feed(struct wpa_attempt *a, const struct step *s)
{
	struct wpa_news n = {
		.has_state = s->state,
		.state = s->state ? wpa_state_of(s->state) : WPA_STATE_UNKNOWN,
		.has_auth_status = s->auth != NO,
		.auth_status = s->auth,
		.has_assoc_status = s->assoc != NO,
		.assoc_status = s->assoc,
		.has_disconnect_reason = s->reason != NO,
		.disconnect_reason = s->reason,
	};

	return wpa_attempt_news(a, &n);
}

static void play(bool has_sae, const struct step *steps, size_t n)
{
	struct wpa_attempt a;

	wpa_attempt_start(&a, has_sae, false);
	for (size_t i = 0; i < n; i++) {
		struct wpa_verdict v = feed(&a, &steps[i]);

		assert_int_equal(v.outcome, steps[i].outcome);
		if (v.outcome == WPA_PROGRESS)
			assert_int_equal(v.progress, steps[i].detail);
		if (v.outcome == WPA_FAILED)
			assert_int_equal(v.reason, steps[i].detail);
	}
}

#define PLAY(has_sae, steps) play(has_sae, steps, sizeof(steps) / sizeof((steps)[0]))

static void a_good_passphrase_gets_through_in_order(void **state)
{
	const struct step steps[] = {
		{"scanning", NO, NO, NO, WPA_GOES_ON, 0},
		{"authenticating", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_AUTHENTICATION},
		{NULL, 0, NO, NO, WPA_GOES_ON, 0},
		{"associating", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_ASSOCIATION},
		{"associated", NO, 0, NO, WPA_PROGRESS, WIFI_STATE_ASSOCIATION},
		{"4way_handshake", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_ASSOCIATION},
		{"group_handshake", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_ASSOCIATION},
		{"completed", NO, NO, NO, WPA_UP, 0},
	};

	(void)state;
	PLAY(false, steps);
}

static void states_that_were_skipped_are_not_missed(void **state)
{
	const struct step steps[] = {
		{"completed", 0, 0, NO, WPA_UP, 0},
	};

	(void)state;
	PLAY(false, steps);
}

static void a_wrong_wpa2_passphrase_is_an_auth_error(void **state)
{
	const struct step at_once[] = {
		{"4way_handshake", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_ASSOCIATION},
		{"disconnected", NO, NO, 15, WPA_FAILED, WIFI_REASON_AUTH_ERROR},
	};
	const struct step apart[] = {
		{"4way_handshake", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_ASSOCIATION},
		{NULL, NO, NO, 2, WPA_FAILED, WIFI_REASON_AUTH_ERROR},
	};
	const struct step by_us[] = {
		{"4way_handshake", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_ASSOCIATION},
		{"scanning", NO, NO, -15, WPA_FAILED, WIFI_REASON_AUTH_ERROR},
	};

	(void)state;
	PLAY(false, at_once);
	PLAY(false, apart);
	PLAY(false, by_us);
}

static void a_wrong_sae_password_is_an_auth_error(void **state)
{
	const struct step steps[] = {
		{"authenticating", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_AUTHENTICATION},
		{NULL, 0, NO, NO, WPA_GOES_ON, 0},
		{"disconnected", 1, NO, NO, WPA_FAILED, WIFI_REASON_AUTH_ERROR},
	};
	const struct step open[] = {
		{"authenticating", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_AUTHENTICATION},
		{"disconnected", 1, NO, NO, WPA_FAILED, WIFI_REASON_FAIL_CONN},
	};

	(void)state;
	PLAY(true, steps);
	PLAY(false, open);
}

static void steps_of_sae_are_no_failure(void **state)
{
	const struct step steps[] = {
		{"authenticating", 126, NO, NO, WPA_PROGRESS, WIFI_STATE_AUTHENTICATION},
		{NULL, 76, NO, NO, WPA_GOES_ON, 0},
		{NULL, 77, NO, NO, WPA_GOES_ON, 0},
		{"completed", 0, 0, NO, WPA_UP, 0},
	};

	(void)state;
	PLAY(true, steps);
}

static void a_refused_association_fails_unless_it_is_refused_for_now(void **state)
{
	const struct step refused[] = {
		{"associating", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_ASSOCIATION},
		{"disconnected", NO, 17, NO, WPA_FAILED, WIFI_REASON_FAIL_CONN},
	};
	const struct step for_now[] = {
		{"associating", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_ASSOCIATION},
		{NULL, NO, 30, NO, WPA_GOES_ON, 0},
		{"completed", NO, 0, NO, WPA_UP, 0},
	};

	(void)state;
	PLAY(false, refused);
	PLAY(false, for_now);
}

static void an_access_point_that_leaves_in_the_handshake_is_no_wrong_passphrase(void **state)
{
	const struct step steps[] = {
		{"4way_handshake", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_ASSOCIATION},
		{"disconnected", NO, NO, 3, WPA_GOES_ON, 0},
		{"authenticating", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_AUTHENTICATION},
		{"scanning", NO, NO, NO, WPA_GOES_ON, 0},
		{"authenticating", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_AUTHENTICATION},
		{"disconnected", NO, NO, -4, WPA_FAILED, WIFI_REASON_FAIL_CONN},
	};

	(void)state;
	PLAY(false, steps);
}

static void our_own_leaving_of_the_network_before_is_nothing(void **state)
{
	const struct step steps[] = {
		{"disconnected", NO, NO, -3, WPA_GOES_ON, 0},
		{"inactive", NO, NO, NO, WPA_GOES_ON, 0},
		{"authenticating", NO, NO, NO, WPA_PROGRESS, WIFI_STATE_AUTHENTICATION},
		{"completed", NO, NO, NO, WPA_UP, 0},
	};

	(void)state;
	PLAY(false, steps);
}

static void roaming_and_rekeying_are_no_loss_but_a_disconnection_is(void **state)
{
	const struct step steps[] = {
		{"completed", NO, NO, NO, WPA_UP, 0},
		{"4way_handshake", NO, NO, NO, WPA_GOES_ON, 0},
		{"completed", NO, NO, NO, WPA_GOES_ON, 0},
		{"group_handshake", NO, NO, NO, WPA_GOES_ON, 0},
		{"completed", NO, NO, NO, WPA_GOES_ON, 0},
		{"authenticating", 0, NO, NO, WPA_GOES_ON, 0},
		{"associating", NO, 0, NO, WPA_GOES_ON, 0},
		{"completed", NO, NO, NO, WPA_GOES_ON, 0},
		{"a-state-of-tomorrow", NO, NO, NO, WPA_GOES_ON, 0},
		{"disconnected", NO, NO, 3, WPA_LOST, 0},
	};

	(void)state;
	PLAY(false, steps);
}

static void an_interface_that_is_switched_off_fails(void **state)
{
	const struct step steps[] = {
		{"interface_disabled", NO, NO, NO, WPA_FAILED, WIFI_REASON_FAIL_CONN},
	};

	(void)state;
	PLAY(false, steps);
}

static void two_fruitless_scans_mean_that_there_is_no_such_network(void **state)
{
	struct wpa_attempt a;

	(void)state;
	wpa_attempt_start(&a, false, false);
	assert_false(wpa_attempt_scanned(&a, true));
	assert_true(wpa_attempt_scanned(&a, true));
	assert_int_equal(wpa_attempt_fruitless(&a).outcome, WPA_FAILED);
	assert_int_equal(wpa_attempt_fruitless(&a).reason, WIFI_REASON_NETWORK_NOT_FOUND);
}

static void scans_that_failed_or_were_not_ours_do_not_count(void **state)
{
	struct wpa_attempt a;

	(void)state;
	wpa_attempt_start(&a, false, true);
	assert_false(wpa_attempt_scanned(&a, true)); /* began before */
	assert_false(wpa_attempt_scanned(&a, false));
	assert_false(wpa_attempt_scanned(&a, true));
	assert_false(wpa_attempt_scanned(&a, false));
	assert_true(wpa_attempt_scanned(&a, true));
}

static void a_scan_that_found_it_is_not_fruitless(void **state)
{
	const struct step found = {"authenticating", NO, NO, NO, WPA_PROGRESS, 0};
	struct wpa_attempt a;

	(void)state;
	wpa_attempt_start(&a, false, false);
	assert_false(wpa_attempt_scanned(&a, true));
	assert_true(wpa_attempt_scanned(&a, true));
	(void)feed(&a, &found);
	assert_int_equal(wpa_attempt_fruitless(&a).outcome, WPA_GOES_ON);
	assert_false(wpa_attempt_scanned(&a, true));
}

static enum wifi_reason reason_after(const struct step *steps, size_t n)
{
	struct wpa_attempt a;

	wpa_attempt_start(&a, false, false);
	for (size_t i = 0; i < n; i++)
		(void)feed(&a, &steps[i]);
	assert_false(wpa_attempt_scanned(&a, true));
	assert_true(wpa_attempt_scanned(&a, true));
	assert_int_equal(wpa_attempt_fruitless(&a).outcome, WPA_FAILED);
	return wpa_attempt_fruitless(&a).reason;
}

static void a_network_that_vanished_on_the_way_is_a_failed_connection(void **state)
{
	const struct step steps[] = {
		{"authenticating", 0, NO, NO, WPA_PROGRESS, 0},
		{"scanning", NO, NO, NO, WPA_GOES_ON, 0},
	};

	(void)state;
	assert_int_equal(reason_after(steps, ARRAY_SIZE(steps)), WIFI_REASON_FAIL_CONN);
}

static void a_network_that_was_only_remembered_is_not_found(void **state)
{
	const struct step steps[] = {
		{"authenticating", NO, NO, NO, WPA_PROGRESS, 0},
		{"scanning", NO, NO, NO, WPA_GOES_ON, 0},
	};

	(void)state;
	assert_int_equal(reason_after(steps, ARRAY_SIZE(steps)), WIFI_REASON_NETWORK_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_passphrase_gets_through_in_order),
		cmocka_unit_test(states_that_were_skipped_are_not_missed),
		cmocka_unit_test(a_wrong_wpa2_passphrase_is_an_auth_error),
		cmocka_unit_test(a_wrong_sae_password_is_an_auth_error),
		cmocka_unit_test(steps_of_sae_are_no_failure),
		cmocka_unit_test(a_refused_association_fails_unless_it_is_refused_for_now),
		cmocka_unit_test(
			an_access_point_that_leaves_in_the_handshake_is_no_wrong_passphrase),
		cmocka_unit_test(our_own_leaving_of_the_network_before_is_nothing),
		cmocka_unit_test(roaming_and_rekeying_are_no_loss_but_a_disconnection_is),
		cmocka_unit_test(an_interface_that_is_switched_off_fails),
		cmocka_unit_test(two_fruitless_scans_mean_that_there_is_no_such_network),
		cmocka_unit_test(scans_that_failed_or_were_not_ours_do_not_count),
		cmocka_unit_test(a_scan_that_found_it_is_not_fruitless),
		cmocka_unit_test(a_network_that_vanished_on_the_way_is_a_failed_connection),
		cmocka_unit_test(a_network_that_was_only_remembered_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
