/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wifi/link/link_fixture.h"

#include <errno.h>

static void scan(struct fixture *f)
{
	assert_int_equal(link_scan(f->link, NULL), 0);
	assert_true(fake_station.is_scanning);
	settle(f);
}

static void a_scan_tells_what_it_finds_until_it_is_done(void **state)
{
	const struct wifi_scan_params params = {.band = WIFI_BAND_5_GHZ, .period_ms = 5};
	struct fixture *f = *state;

	link_begin(f, NULL);
	assert_int_equal(link_scan(f->link, &params), 0);
	assert_true(fake_station.has_scan_params);
	assert_int_equal(fake_station.scan_params.band, WIFI_BAND_5_GHZ);
	fake_station_found("one");
	fake_station_found("two");
	scan_done(f, 0);
	assert_told(f, "found/one found/two scan-done/0");
	assert_stage(f, LINK_STAGE_UNCONFIGURED);
	scan(f);
	scan_done(f, -EIO);
	assert_told(f, "scan-done/-5");
}

static void a_stopped_scan_tells_nothing_more(void **state)
{
	struct fixture *f = *state;

	link_begin(f, NULL);
	scan(f);
	link_scan_stop(f->link);
	assert_false(fake_station.is_scanning);
	settle(f);
	assert_told(f, "");
	link_scan_stop(f->link);
	assert_int_equal(fake_station.n_scan_stops, 1);
}

static void a_live_link_stays_during_a_scan(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	progress(f, WIFI_STATE_OBTAINING_IP);
	scan(f);
	assert_stage(f, LINK_STAGE_OBTAINING_IP);
	scan_done(f, 0);
	ip4(f, 7);
	scan(f);
	assert_stage(f, LINK_STAGE_CONNECTED);
	scan_done(f, 0);
	assert_told(f, "scan-done/0 scan-done/0");
	assert_int_equal(fake_station.n_connects, 1);
	assert_int_equal(fake_station.n_disconnects, 0);
}

static void a_scan_while_waiting_for_an_address_does_not_lengthen_the_wait(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	progress(f, WIFI_STATE_OBTAINING_IP);
	pass_ms(f, ADDRESS_MS - 1);
	scan(f);
	pass_ms(f, 1);
	assert_stage(f, LINK_STAGE_RETRYING);
}

static void a_scan_interrupts_an_attempt_which_resumes_when_it_is_done(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	progress(f, WIFI_STATE_AUTHENTICATION);
	scan(f);
	assert_false(fake_station.is_connecting);
	assert_stage(f, LINK_STAGE_RETRYING);
	assert_int_equal(view_of(f).retry_in_ms, 0);
	scan_done(f, 0);
	assert_told(f, "scan-done/0");
	assert_connects("home");
	succeed(f);
	assert_told(f, "");
}

static void an_interrupted_attempt_resumes_when_the_scan_is_stopped(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	scan(f);
	scan(f);
	link_scan_stop(f->link);
	settle(f);
	assert_connects("home");
	assert_told(f, "");
}

static void a_scan_that_nobody_ends_does_not_keep_the_device_off_the_network(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	scan(f);
	pass_ms(f, 2 * 60 * 1000);
	assert_false(fake_station.is_scanning);
	assert_told(f, "scan-done/-125");
	assert_connects("home");
}

static void a_retry_waits_for_a_scan_that_runs(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	succeed(f);
	scan(f);
	lost(f);
	pass_ms(f, RETRY_CEILING_MS);
	assert_true(fake_station.is_scanning);
	assert_stage(f, LINK_STAGE_RETRYING);
	scan_done(f, 0);
	assert_connects("home");
}

static void a_scan_begins_while_waiting_to_retry_and_the_retry_follows_it(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	failed(f, WIFI_REASON_NETWORK_NOT_FOUND);
	scan(f);
	pass_ms(f, RETRY_CEILING_MS);
	assert_false(fake_station.is_connecting);
	scan_done(f, 0);
	assert_connects("home");
}

static void a_scan_that_cannot_begin_is_refused_and_the_attempt_goes_on(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	fake_station.scan_r = -EIO;
	assert_int_equal(link_scan(f->link, NULL), -EIO);
	settle(f);
	assert_connects("home");
	succeed(f);
	assert_int_equal(link_scan(f->link, NULL), -EIO);
	assert_stage(f, LINK_STAGE_CONNECTED);
	assert_told(f, "");
}

static void a_scan_during_a_trial_is_refused(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	try_one(f, "new");
	assert_int_equal(link_scan(f->link, NULL), -EBUSY);
	progress(f, WIFI_STATE_OBTAINING_IP);
	assert_int_equal(link_scan(f->link, NULL), -EBUSY);
	assert_true(fake_station.is_linked);
	ip4(f, 1);
	scan(f);
}

static void a_trial_ends_a_scan(void **state)
{
	struct fixture *f = *state;

	link_begin(f, NULL);
	scan(f);
	try_one(f, "new");
	assert_false(fake_station.is_scanning);
	assert_told(f, "scan-done/-125");
	succeed(f);
	scan(f);
	try_one(f, "other");
	assert_told(f, "authentication association obtaining-ip connected scan-done/-125");
}

static void without_an_interface_there_is_no_scan(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	scan(f);
	available(f, false);
	assert_told(f, "scan-done/-19");
	assert_int_equal(link_scan(f->link, NULL), -ENODEV);
	available(f, true);
	assert_connects("home");
}

static void forgetting_leaves_a_scan_alone(void **state)
{
	struct fixture *f = *state;

	link_begin(f, "home");
	scan(f);
	assert_int_equal(link_forget(f->link), 0);
	settle(f);
	assert_stage(f, LINK_STAGE_UNCONFIGURED);
	fake_station_found("one");
	scan_done(f, 0);
	assert_told(f, "found/one scan-done/0");
	assert_int_equal(fake_station.n_connects, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(a_scan_tells_what_it_finds_until_it_is_done),
		LINK_TEST(a_stopped_scan_tells_nothing_more),
		LINK_TEST(a_live_link_stays_during_a_scan),
		LINK_TEST(a_scan_while_waiting_for_an_address_does_not_lengthen_the_wait),
		LINK_TEST(a_scan_interrupts_an_attempt_which_resumes_when_it_is_done),
		LINK_TEST(an_interrupted_attempt_resumes_when_the_scan_is_stopped),
		LINK_TEST(a_scan_that_nobody_ends_does_not_keep_the_device_off_the_network),
		LINK_TEST(a_retry_waits_for_a_scan_that_runs),
		LINK_TEST(a_scan_begins_while_waiting_to_retry_and_the_retry_follows_it),
		LINK_TEST(a_scan_that_cannot_begin_is_refused_and_the_attempt_goes_on),
		LINK_TEST(a_scan_during_a_trial_is_refused),
		LINK_TEST(a_trial_ends_a_scan),
		LINK_TEST(without_an_interface_there_is_no_scan),
		LINK_TEST(forgetting_leaves_a_scan_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
