/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wifi/link/link_fixture.h"

#include <errno.h>

#include "base/log.h"

/* Connections: what is kept, what is tried, what is told. Scans are in test_link_scan.c. */

#define ALL "authentication association obtaining-ip connected"

/* --- what is kept */

static void nothing_is_connected_when_nothing_is_configured(void **state)
{
	struct fixture *f = *state;

	link_begin(f, NULL);
	assert_stage(f, LINK_STAGE_UNCONFIGURED);
	pass_ms(f, 10 * FALLBACK_MS);
	assert_int_equal(fake_station.n_connects, 0);
	assert_false(view_of(f).is_stranded);
	assert_false(view_of(f).is_configured);
	assert_null(view_of(f).configured);
	assert_told(f, "");
}

static void what_is_kept_is_connected_at_the_start_without_results(void **state)
{
	struct fixture *f = *state;
	struct link_view view;

	link_begin(f, "home");
	assert_connects("home");
	assert_stage(f, LINK_STAGE_CONNECTING);
	progress(f, WIFI_STATE_ASSOCIATION);
	assert_stage(f, LINK_STAGE_CONNECTING);
	progress(f, WIFI_STATE_OBTAINING_IP);
	assert_stage(f, LINK_STAGE_OBTAINING_IP);
	assert_non_null(view_of(f).connected);
	assert_false(view_of(f).has_ip4);
	ip4(f, 9);
	view = view_of(f);
	assert_int_equal(view.stage, LINK_STAGE_CONNECTED);
	assert_true(view.has_ip4);
	assert_int_equal(view.ip4[3], 9);
	assert_string_equal(view.interface, "wlan7");
	assert_string_equal(view.backend, "fake");
	assert_false(view.is_trying);
	assert_false(view.has_failed);
	assert_memory_equal(view.connected->ssid, "home", 4);
	assert_told(f, "");
	pass_ms(f, 100 * FALLBACK_MS);
	assert_int_equal(fake_station.n_connects, 1);
}

static void it_waits_for_an_interface(void **state)
{
	struct fixture *f = *state;
	struct wifi_config config = config_of("other", "passphrase");
	uint8_t mac[6];

	link_begin(f, "home");
	available(f, false);
	assert_stage(f, LINK_STAGE_NO_INTERFACE);
	assert_int_equal(link_try(f->link, &config), -ENODEV);
	assert_int_equal(link_mac(f->link, mac), -ENODEV);
	assert_string_equal(view_of(f).backend, "none");
	available(f, true);
	assert_connects("home");
	assert_int_equal(link_mac(f->link, mac), 0);
	succeed(f);
	assert_int_equal(link_start(f->link), -EALREADY);
}

static void addresses_are_watched_on_the_interface_that_is_there(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	succeed(f);
	assert_string_equal(fake_address.interface, "wlan7");
	available(f, false);
	assert_false(fake_address.exists);
	fake_station.interface = "wlan8";
	available(f, true);
	succeed(f);
	assert_string_equal(fake_address.interface, "wlan8");
}

static void a_failure_is_retried_for_ever_after_waits_that_grow(void **state)
{
	struct fixture *f = *state;
	uint64_t wait = RETRY_FIRST_MS;

	link_begin(f, "home");
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t planned;

		assert_connects("home");
		failed(f, WIFI_REASON_NETWORK_NOT_FOUND);
		assert_stage(f, LINK_STAGE_RETRYING);
		assert_true(view_of(f).has_failed);
		assert_int_equal(view_of(f).last_reason, WIFI_REASON_NETWORK_NOT_FOUND);
		planned = view_of(f).retry_in_ms;
		assert_in_range(planned, wait / 2, wait);
		pass_ms(f, planned - 1);
		assert_stage(f, LINK_STAGE_RETRYING);
		pass_ms(f, 1);
		assert_stage(f, LINK_STAGE_CONNECTING);
		wait = MIN(2 * wait, (uint64_t)RETRY_CEILING_MS);
	}
	succeed(f);
	assert_false(view_of(f).has_failed);
	assert_told(f, "");
}

static void a_wrong_password_of_what_is_kept_is_retried_too(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	failed(f, WIFI_REASON_AUTH_ERROR);
	assert_int_equal(view_of(f).last_reason, WIFI_REASON_AUTH_ERROR);
	pass_ms(f, RETRY_FIRST_MS);
	assert_connects("home");
	assert_kept(f, "home");
}

static void an_attempt_that_hangs_is_given_up_and_retried(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	progress(f, WIFI_STATE_AUTHENTICATION);
	pass_ms(f, CONNECT_MS - 1);
	assert_stage(f, LINK_STAGE_CONNECTING);
	pass_ms(f, 1);
	assert_stage(f, LINK_STAGE_RETRYING);
	assert_int_equal(view_of(f).last_reason, WIFI_REASON_TIMEOUT);
	assert_int_equal(fake_station.n_disconnects, 1);
	pass_ms(f, RETRY_FIRST_MS);
	assert_connects("home");
}

static void a_link_without_an_address_is_given_up_and_retried(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	progress(f, WIFI_STATE_OBTAINING_IP);
	pass_ms(f, ADDRESS_MS - 1);
	assert_stage(f, LINK_STAGE_OBTAINING_IP);
	pass_ms(f, 1);
	assert_stage(f, LINK_STAGE_RETRYING);
	assert_int_equal(view_of(f).last_reason, WIFI_REASON_FAIL_IP);
	assert_false(fake_station.is_linked);
}

static void a_connection_that_cannot_begin_is_retried(void **state)
{
	struct fixture *f = *state;

	log_set_level(LOG_LEVEL_ERROR);
	fake_station.connect_r = -EIO;
	link_begin(f, "home");
	assert_stage(f, LINK_STAGE_RETRYING);
	fake_station.connect_r = 0;
	pass_ms(f, RETRY_FIRST_MS);
	assert_connects("home");
}

static void a_lost_link_is_retried_at_once(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	succeed(f);
	pass_ms(f, 10);
	lost(f);
	assert_stage(f, LINK_STAGE_RETRYING);
	pass_ms(f, 0);
	assert_connects("home");
	/* … and when that does not help, later and later. */
	failed(f, WIFI_REASON_NETWORK_NOT_FOUND);
	assert_in_range(view_of(f).retry_in_ms, RETRY_FIRST_MS / 2, RETRY_FIRST_MS);
}

static void a_link_that_comes_and_goes_is_not_chased(void **state)
{
	struct fixture *f = *state;
	unsigned int n = 0;

	link_begin(f, "home");
	for (uint64_t end = fake_now_ms + 10 * RETRY_CEILING_MS; fake_now_ms < end;) {
		if (fake_station.is_connecting) {
			n++;
			succeed(f);
			lost(f);
		}
		pass_ms(f, 10);
	}
	/* A minute takes one at once, then 1, 2, 4 … seconds, at most all of them halved. */
	assert_in_range(n, 30, 90);
}

static uint64_t wait_after_a_failure(struct fixture *f)
{
	failed(f, WIFI_REASON_NETWORK_NOT_FOUND);
	return view_of(f).retry_in_ms;
}

static void the_waits_start_anew_after_a_connection_that_lasted(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	for (unsigned int i = 0; i < 4; i++)
		pass_ms(f, wait_after_a_failure(f));
	succeed(f);
	fake_address_drop();
	settle(f);
	pass_ms(f, ADDRESS_MS);
	/* It lasted no time, so the fifth wait follows. */
	assert_in_range(view_of(f).retry_in_ms, 8 * RETRY_FIRST_MS, 16 * RETRY_FIRST_MS);
	pass_ms(f, view_of(f).retry_in_ms);
	succeed(f);
	pass_ms(f, RETRY_CEILING_MS);
	fake_address_drop();
	settle(f);
	pass_ms(f, ADDRESS_MS);
	assert_in_range(view_of(f).retry_in_ms, RETRY_FIRST_MS / 2, RETRY_FIRST_MS);
}

static void the_waits_start_anew_with_the_interface_and_with_what_is_kept(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	for (unsigned int i = 0; i < 4; i++)
		pass_ms(f, wait_after_a_failure(f));
	available(f, false);
	available(f, true);
	assert_in_range(wait_after_a_failure(f), RETRY_FIRST_MS / 2, RETRY_FIRST_MS);
	pass_ms(f, view_of(f).retry_in_ms);
	assert_in_range(wait_after_a_failure(f), RETRY_FIRST_MS, 2 * RETRY_FIRST_MS);
	try_one(f, "new");
	succeed(f);
	fake_address_drop();
	settle(f);
	pass_ms(f, ADDRESS_MS);
	assert_in_range(view_of(f).retry_in_ms, RETRY_FIRST_MS / 2, RETRY_FIRST_MS);
}

static void an_address_that_goes_away_is_waited_for_and_then_the_link_made_anew(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	succeed(f);
	fake_address_drop();
	settle(f);
	assert_stage(f, LINK_STAGE_OBTAINING_IP);
	assert_int_equal(fake_station.n_connects, 1);
	ip4(f, 8);
	assert_stage(f, LINK_STAGE_CONNECTED);
	/* The limit of the attempt that brought it here is over since long. */
	pass_ms(f, 2 * CONNECT_MS);
	fake_address_drop();
	settle(f);
	pass_ms(f, ADDRESS_MS - 1);
	assert_stage(f, LINK_STAGE_OBTAINING_IP);
	pass_ms(f, 1);
	assert_stage(f, LINK_STAGE_RETRYING);
	assert_int_equal(view_of(f).last_reason, WIFI_REASON_FAIL_IP);
	pass_ms(f, RETRY_FIRST_MS);
	assert_connects("home");
	assert_told(f, "");
}

static void ip6_alone_counts_after_five_seconds(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	progress(f, WIFI_STATE_OBTAINING_IP);
	fake_address_set_ip6();
	pass_ms(f, 4999);
	assert_stage(f, LINK_STAGE_OBTAINING_IP);
	pass_ms(f, 1);
	assert_stage(f, LINK_STAGE_CONNECTED);
	assert_false(view_of(f).has_ip4);
	/* IPv4 may come later. */
	f->n_changed = 0;
	ip4(f, 3);
	assert_true(view_of(f).has_ip4);
	assert_int_equal(f->n_changed, 1);
	/* The next link has to wait for itself. */
	lost(f);
	pass_ms(f, 0);
	progress(f, WIFI_STATE_OBTAINING_IP);
	fake_address_set_ip6();
	settle(f);
	assert_stage(f, LINK_STAGE_OBTAINING_IP);
}

static void ip6_that_comes_later_counts_at_once(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	progress(f, WIFI_STATE_OBTAINING_IP);
	pass_ms(f, 6000);
	assert_stage(f, LINK_STAGE_OBTAINING_IP);
	fake_address_set_ip6();
	settle(f);
	assert_stage(f, LINK_STAGE_CONNECTED);
}

static void addresses_that_cannot_be_watched_are_a_failure(void **state)
{
	struct fixture *f = *state;

	log_set_level(LOG_LEVEL_ERROR - 1);
	fake_address.new_r = -ENODEV;
	link_begin(f, "home");
	progress(f, WIFI_STATE_OBTAINING_IP);
	assert_stage(f, LINK_STAGE_RETRYING);
	assert_false(fake_station.is_linked);
	try_one(f, "new");
	progress(f, WIFI_STATE_OBTAINING_IP);
	assert_told(f, "authentication association obtaining-ip connection-failed/fail-ip");
	fake_address.new_r = 0;
	assert_connects("home");
	succeed(f);
}

static void without_a_link_for_long_it_is_stranded_until_there_is_one(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	for (uint64_t end = fake_now_ms + FALLBACK_MS - 1; fake_now_ms < end;) {
		assert_false(view_of(f).is_stranded);
		if (fake_station.is_connecting)
			failed(f, WIFI_REASON_NETWORK_NOT_FOUND);
		pass_ms(f, MIN(view_of(f).retry_in_ms, end - fake_now_ms));
	}
	f->n_changed = 0;
	pass_ms(f, 1);
	assert_true(view_of(f).is_stranded);
	assert_true(f->n_changed > 0);
	pass_ms(f, view_of(f).retry_in_ms);
	assert_connects("home");
	progress(f, WIFI_STATE_OBTAINING_IP);
	assert_true(view_of(f).is_stranded);
	ip4(f, 7);
	assert_false(view_of(f).is_stranded);
	lost(f);
	assert_false(view_of(f).is_stranded);
	available(f, false);
	pass_ms(f, FALLBACK_MS);
	assert_true(view_of(f).is_stranded);
	assert_int_equal(link_forget(f->link), 0);
	assert_false(view_of(f).is_stranded);
}

/* --- what is tried */

static void a_trial_that_works_is_told_step_by_step_and_kept(void **state)
{
	struct fixture *f = *state;

	link_begin(f, NULL);
	try_one(f, "new");
	assert_true(view_of(f).is_trying);
	assert_memory_equal(view_of(f).trying->ssid, "new", 3);
	assert_stage(f, LINK_STAGE_CONNECTING);
	assert_told(f, "");
	progress(f, WIFI_STATE_AUTHENTICATION);
	assert_told(f, "authentication");
	progress(f, WIFI_STATE_ASSOCIATION);
	assert_told(f, "association");
	assert_kept(f, NULL);
	progress(f, WIFI_STATE_OBTAINING_IP);
	assert_told(f, "obtaining-ip");
	assert_stage(f, LINK_STAGE_OBTAINING_IP);
	assert_int_equal(fake_address.n_restarts, 1);
	assert_kept(f, NULL);
	ip4(f, 5);
	assert_told(f, "connected");
	assert_kept(f, "new");
	assert_false(view_of(f).is_trying);
	assert_null(view_of(f).trying);
	assert_stage(f, LINK_STAGE_CONNECTED);
	assert_true(view_of(f).is_configured);
	assert_int_equal(fake_station.n_connects, 1);
}

static void states_that_went_by_unseen_are_told_before_the_next(void **state)
{
	struct fixture *f = *state;

	link_begin(f, NULL);
	try_one(f, "new");
	progress(f, WIFI_STATE_ASSOCIATION);
	assert_told(f, "authentication association");
	try_one(f, "other");
	progress(f, WIFI_STATE_OBTAINING_IP);
	assert_told(f, "authentication association obtaining-ip");
	ip4(f, 1);
	assert_told(f, "connected");
}

static void states_that_come_in_one_go_are_told_one_by_one(void **state)
{
	struct fixture *f = *state;

	link_begin(f, NULL);
	try_one(f, "new");
	fake_station_progress(WIFI_STATE_AUTHENTICATION);
	fake_station_progress(WIFI_STATE_ASSOCIATION);
	fake_station_progress(WIFI_STATE_OBTAINING_IP);
	fake_address_set_ip4(1);
	assert_told(f, "");
	settle(f);
	assert_told(f, ALL);
}

static void a_trial_that_fails_is_told_with_its_reason_and_not_kept(void **state)
{
	static const enum wifi_reason reasons[] = {
		WIFI_REASON_AUTH_ERROR, WIFI_REASON_NETWORK_NOT_FOUND, WIFI_REASON_FAIL_CONN};
	static const char *const words[] = {"authentication connection-failed/auth-error",
					    "authentication connection-failed/network-not-found",
					    "authentication connection-failed/fail-conn"};
	struct fixture *f = *state;

	link_begin(f, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		try_one(f, "new");
		fake_station_progress(WIFI_STATE_AUTHENTICATION);
		failed(f, reasons[i]);
		assert_told(f, words[i]);
		assert_stage(f, LINK_STAGE_UNCONFIGURED);
		assert_kept(f, NULL);
		assert_true(view_of(f).has_failed);
		assert_int_equal(view_of(f).last_reason, reasons[i]);
	}
	pass_ms(f, 10 * FALLBACK_MS);
	assert_told(f, "");
	assert_int_equal(fake_station.n_connects, ARRAY_SIZE(reasons));
}

static void a_trial_that_hangs_fails_by_timeout(void **state)
{
	struct fixture *f = *state;

	link_begin(f, NULL);
	try_one(f, "new");
	pass_ms(f, CONNECT_MS - 1);
	assert_told(f, "");
	pass_ms(f, 1);
	assert_told(f, "connection-failed/timeout");
	assert_false(fake_station.is_connecting);
}

static void a_trial_without_an_address_fails_by_fail_ip(void **state)
{
	struct fixture *f = *state;

	link_begin(f, NULL);
	try_one(f, "new");
	progress(f, WIFI_STATE_OBTAINING_IP);
	pass_ms(f, ADDRESS_MS - 1);
	assert_told(f, "authentication association obtaining-ip");
	pass_ms(f, 1);
	assert_told(f, "connection-failed/fail-ip");
	assert_false(fake_station.is_linked);
	assert_kept(f, NULL);
}

static void the_limit_of_the_attempt_cuts_the_wait_for_an_address(void **state)
{
	struct fixture *f = *state;

	link_begin(f, NULL);
	try_one(f, "new");
	pass_ms(f, CONNECT_MS - 1000);
	progress(f, WIFI_STATE_OBTAINING_IP);
	pass_ms(f, 999);
	assert_told(f, "authentication association obtaining-ip");
	pass_ms(f, 1);
	assert_told(f, "connection-failed/timeout");
}

static void a_trial_whose_link_is_lost_fails_by_fail_conn(void **state)
{
	struct fixture *f = *state;

	link_begin(f, NULL);
	try_one(f, "new");
	progress(f, WIFI_STATE_OBTAINING_IP);
	lost(f);
	assert_told(f, "authentication association obtaining-ip connection-failed/fail-conn");
}

static void after_a_trial_that_failed_what_is_kept_is_connected_again(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	succeed(f);
	try_one(f, "new");
	assert_stage(f, LINK_STAGE_CONNECTING);
	failed(f, WIFI_REASON_AUTH_ERROR);
	assert_told(f, "connection-failed/auth-error");
	assert_connects("home");
	assert_kept(f, "home");
	succeed(f);
	assert_told(f, "");
}

static void a_trial_that_works_takes_the_place_of_what_was_kept(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	succeed(f);
	try_one(f, "new");
	assert_kept(f, "home");
	succeed(f);
	assert_told(f, ALL);
	assert_kept(f, "new");
	lost(f);
	pass_ms(f, 0);
	assert_connects("new");
}

static void a_volatile_one_leaves_what_is_stored(void **state)
{
	struct fixture *f = *state;
	struct wifi_config config = config_of("guest", NULL);

	config.is_volatile = true;
	link_begin(f, "home");
	assert_int_equal(link_try(f->link, &config), 0);
	settle(f);
	succeed(f);
	assert_told(f, ALL);
	assert_kept(f, "guest");
	assert_true(view_of(f).is_volatile);
	f->saved = saved_free(f->saved);
	f->link = link_free(f->link);
	assert_int_equal(saved_new(f->store, &f->saved), 0);
	assert_kept(f, "home");
}

static void a_newer_trial_takes_over_without_a_word(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	try_one(f, "first");
	progress(f, WIFI_STATE_AUTHENTICATION);
	assert_told(f, "authentication");
	pass_ms(f, CONNECT_MS - 1);
	try_one(f, "second");
	assert_told(f, "");
	/* With a limit of its own. */
	pass_ms(f, CONNECT_MS - 1);
	assert_told(f, "");
	progress(f, WIFI_STATE_OBTAINING_IP);
	assert_told(f, "authentication association obtaining-ip");
	try_one(f, "third");
	succeed(f);
	assert_told(f, ALL);
	assert_kept(f, "third");
}

static void what_a_superseded_trial_left_untold_is_never_told(void **state)
{
	struct fixture *f = *state;
	struct wifi_config config = config_of("second", "passphrase");

	link_begin(f, NULL);
	try_one(f, "first");
	fake_station_progress(WIFI_STATE_ASSOCIATION);
	fake_station_failed(WIFI_REASON_AUTH_ERROR);
	assert_int_equal(link_try(f->link, &config), 0);
	settle(f);
	assert_told(f, "");
	succeed(f);
	assert_told(f, ALL);
}

static void a_trial_that_cannot_begin_is_refused_without_a_result(void **state)
{
	struct fixture *f = *state;
	struct wifi_config config = config_of("new", "passphrase");

	log_set_level(LOG_LEVEL_ERROR);
	link_begin(f, "home");
	succeed(f);
	fake_station.connect_r = -EIO;
	assert_int_equal(link_try(f->link, &config), -EIO);
	settle(f);
	assert_told(f, "");
	assert_false(view_of(f).is_trying);
	assert_stage(f, LINK_STAGE_RETRYING);
	fake_station.connect_r = 0;
	pass_ms(f, RETRY_CEILING_MS);
	assert_connects("home");
}

static void a_config_that_no_station_could_use_is_refused(void **state)
{
	struct fixture *f = *state;
	struct wifi_config config = config_of("", "passphrase");

	link_begin(f, "home");
	succeed(f);
	assert_int_equal(link_try(f->link, &config), -EINVAL);
	config = config_of("new", "short");
	assert_int_equal(link_try(f->link, &config), -EINVAL);
	assert_stage(f, LINK_STAGE_CONNECTED);
	assert_int_equal(fake_station.n_connects, 1);
}

static void what_the_store_refuses_is_a_failure_and_the_one_before_comes_back(void **state)
{
	struct fixture *f = *state;

	log_set_level(LOG_LEVEL_ERROR - 1);
	link_begin(f, "home");
	try_one(f, "new");
	progress(f, WIFI_STATE_OBTAINING_IP);
	break_store(f, -ENOSPC);
	ip4(f, 4);
	assert_told(f, "authentication association obtaining-ip connection-failed/fail-conn");
	assert_kept(f, "home");
	assert_connects("home");
	break_store(f, 0);
	succeed(f);
	assert_told(f, "");
}

static void an_interface_that_goes_during_a_trial_ends_it(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	try_one(f, "new");
	progress(f, WIFI_STATE_ASSOCIATION);
	available(f, false);
	assert_told(f, "authentication association connection-failed/fail-conn");
	assert_stage(f, LINK_STAGE_NO_INTERFACE);
	available(f, true);
	assert_connects("home");
	succeed(f);
	assert_told(f, "");
	assert_kept(f, "home");
}

static void a_result_may_begin_the_next_trial(struct fixture *f, enum wifi_state state)
{
	struct wifi_config config = config_of("second", "passphrase");

	if (state != WIFI_STATE_AUTHENTICATION)
		return;
	f->on_result = NULL;
	assert_int_equal(link_try(f->link, &config), 0);
}

static void a_trial_begun_by_a_result_has_results_of_its_own(void **state)
{
	struct fixture *f = *state;

	link_begin(f, NULL);
	try_one(f, "first");
	f->on_result = a_result_may_begin_the_next_trial;
	progress(f, WIFI_STATE_OBTAINING_IP);
	assert_told(f, "authentication");
	assert_connects("second");
	succeed(f);
	assert_told(f, ALL);
	assert_kept(f, "second");
}

/* --- forgetting */

static void forgetting_disconnects_and_wipes(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	succeed(f);
	f->n_changed = 0;
	assert_int_equal(link_forget(f->link), 0);
	settle(f);
	assert_true(f->n_changed > 0);
	assert_stage(f, LINK_STAGE_UNCONFIGURED);
	assert_false(fake_station.is_linked);
	assert_kept(f, NULL);
	assert_int_equal(link_forget(f->link), 0);
	pass_ms(f, 10 * FALLBACK_MS);
	assert_int_equal(fake_station.n_connects, 1);
}

static void forgetting_during_a_trial_ends_it_without_a_word(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	try_one(f, "new");
	fake_station_progress(WIFI_STATE_AUTHENTICATION);
	assert_int_equal(link_forget(f->link), 0);
	settle(f);
	assert_told(f, "");
	assert_stage(f, LINK_STAGE_UNCONFIGURED);
	assert_false(fake_station.is_connecting);
	assert_kept(f, NULL);
	pass_ms(f, 10 * FALLBACK_MS);
	assert_told(f, "");
}

static void forgetting_while_it_waits_to_retry_ends_the_waiting(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	failed(f, WIFI_REASON_TIMEOUT);
	assert_int_equal(link_forget(f->link), 0);
	settle(f);
	pass_ms(f, 10 * RETRY_CEILING_MS);
	assert_int_equal(fake_station.n_connects, 1);
}

static void when_the_store_does_not_forget_the_link_goes_on(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	succeed(f);
	break_store(f, -EROFS);
	assert_int_equal(link_forget(f->link), -EROFS);
	settle(f);
	assert_stage(f, LINK_STAGE_CONNECTED);
	assert_kept(f, "home");
	break_store(f, 0);
}

static void the_signal_is_told_when_it_is_another(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	link_ask_signal(f->link);
	assert_int_equal(fake_station.n_asked_signal, 0);
	succeed(f);
	assert_false(view_of(f).has_rssi);
	link_ask_signal(f->link);
	assert_int_equal(fake_station.n_asked_signal, 1);
	f->n_changed = 0;
	fake_station_signal(-61);
	settle(f);
	assert_int_equal(f->n_changed, 1);
	assert_true(view_of(f).has_rssi);
	assert_int_equal(view_of(f).rssi_dbm, -61);
	fake_station_signal(-61);
	settle(f);
	assert_int_equal(f->n_changed, 1);
	lost(f);
	assert_false(view_of(f).has_rssi);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(nothing_is_connected_when_nothing_is_configured),
		LINK_TEST(what_is_kept_is_connected_at_the_start_without_results),
		LINK_TEST(it_waits_for_an_interface),
		LINK_TEST(addresses_are_watched_on_the_interface_that_is_there),
		LINK_TEST(a_failure_is_retried_for_ever_after_waits_that_grow),
		LINK_TEST(a_wrong_password_of_what_is_kept_is_retried_too),
		LINK_TEST(an_attempt_that_hangs_is_given_up_and_retried),
		LINK_TEST(a_link_without_an_address_is_given_up_and_retried),
		LINK_TEST(a_connection_that_cannot_begin_is_retried),
		LINK_TEST(a_lost_link_is_retried_at_once),
		LINK_TEST(a_link_that_comes_and_goes_is_not_chased),
		LINK_TEST(the_waits_start_anew_after_a_connection_that_lasted),
		LINK_TEST(the_waits_start_anew_with_the_interface_and_with_what_is_kept),
		LINK_TEST(an_address_that_goes_away_is_waited_for_and_then_the_link_made_anew),
		LINK_TEST(ip6_alone_counts_after_five_seconds),
		LINK_TEST(ip6_that_comes_later_counts_at_once),
		LINK_TEST(addresses_that_cannot_be_watched_are_a_failure),
		LINK_TEST(without_a_link_for_long_it_is_stranded_until_there_is_one),
		LINK_TEST(a_trial_that_works_is_told_step_by_step_and_kept),
		LINK_TEST(states_that_went_by_unseen_are_told_before_the_next),
		LINK_TEST(states_that_come_in_one_go_are_told_one_by_one),
		LINK_TEST(a_trial_that_fails_is_told_with_its_reason_and_not_kept),
		LINK_TEST(a_trial_that_hangs_fails_by_timeout),
		LINK_TEST(a_trial_without_an_address_fails_by_fail_ip),
		LINK_TEST(the_limit_of_the_attempt_cuts_the_wait_for_an_address),
		LINK_TEST(a_trial_whose_link_is_lost_fails_by_fail_conn),
		LINK_TEST(after_a_trial_that_failed_what_is_kept_is_connected_again),
		LINK_TEST(a_trial_that_works_takes_the_place_of_what_was_kept),
		LINK_TEST(a_volatile_one_leaves_what_is_stored),
		LINK_TEST(a_newer_trial_takes_over_without_a_word),
		LINK_TEST(what_a_superseded_trial_left_untold_is_never_told),
		LINK_TEST(a_trial_that_cannot_begin_is_refused_without_a_result),
		LINK_TEST(a_config_that_no_station_could_use_is_refused),
		LINK_TEST(what_the_store_refuses_is_a_failure_and_the_one_before_comes_back),
		LINK_TEST(an_interface_that_goes_during_a_trial_ends_it),
		LINK_TEST(a_trial_begun_by_a_result_has_results_of_its_own),
		LINK_TEST(forgetting_disconnects_and_wipes),
		LINK_TEST(forgetting_during_a_trial_ends_it_without_a_word),
		LINK_TEST(forgetting_while_it_waits_to_retry_ends_the_waiting),
		LINK_TEST(when_the_store_does_not_forget_the_link_goes_on),
		LINK_TEST(the_signal_is_told_when_it_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
