/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/wifi/provisioner/provisioner_fixture.h"
#include "wifi/provisioner_records.h"

#define RECORD(n)                                                                                  \
	"N 0a220a150a056e65742d3" #n "12060200000000"                                              \
	"0" #n "180120012803"                                                                      \
	"10e2ffffffffffffffff01\n"

/* Long enough for n records. */
static void pass(struct provisioner_fixture *f, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		fake_clock_ms += RECORDS_GAP_MS;
		fake_clock_run(f->event);
	}
}

static void start_scan(struct provisioner_fixture *f)
{
	ask(f, "0802", "R 08021000\n");
}

static void find_n(struct provisioner_fixture *f, unsigned int n)
{
	struct wifi_record record = make_record(n);

	find(f, &record);
}

static void a_record_has_all_that_apps_ask_for(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_record record = {
		.network = {.ssid = "lab-wpa2",
			    .ssid_len = 8,
			    .bssid = {2, 0, 0, 0, 1, 0},
			    .band = WIFI_BAND_2_4_GHZ,
			    .channel = 1,
			    .auth = WIFI_AUTH_WPA2_PSK},
		.rssi_dbm = -30,
	};

	start_scan(f);
	find(f, &record);
	pass(f, 1);
	expect(f, "N 0a250a180a086c61622d7770613212060200000001001801200128031"
		  "0e2ffffffffffffffff01\n");
}

static void an_open_network_says_so_though_it_is_zero(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_record record = make_record(1);

	record.network.auth = WIFI_AUTH_OPEN;
	start_scan(f);
	find(f, &record);
	pass(f, 1);
	expect(f, "N 0a220a150a056e65742d3112060200000000011801200128001"
		  "0e2ffffffffffffffff01\n");
}

static void records_come_one_by_one_in_the_order_of_finding(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	for (unsigned int n = 1; n <= 3; n++)
		find_n(f, n);
	pass(f, 3);
	expect(f, RECORD(1) RECORD(2) RECORD(3));
}

static void the_response_comes_before_the_first_record(void **state)
{
	struct provisioner_fixture *f = *state;

	assert_int_equal(ask_as(f, PEER, LIMIT, "0802"), 0);
	find_n(f, 1);
	pass(f, 1);
	expect(f, "R 08021000\n" RECORD(1));
}

static void no_more_than_one_record_comes_in_20_ms(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	for (unsigned int n = 1; n <= 40; n++)
		find_n(f, n);
	fake_clock_run(f->event);
	assert_int_equal(f->n_sent, 1);
	for (unsigned int n = 2; n <= 40; n++) {
		fake_clock_ms += RECORDS_GAP_MS - 1;
		fake_clock_run(f->event);
		assert_int_equal(f->n_sent, n - 1);
		fake_clock_ms++;
		fake_clock_run(f->event);
		assert_int_equal(f->n_sent, n);
	}
}

static void the_gap_is_kept_across_scans(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	find_n(f, 1);
	fake_clock_run(f->event);
	expect(f, RECORD(1));
	start_scan(f);
	find_n(f, 2);
	fake_clock_run(f->event);
	expect(f, "");
	pass(f, 1);
	expect(f, RECORD(2));
}

static void a_bssid_is_told_once_a_scan_also_when_it_is_stronger(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_record record = make_record(1);

	start_scan(f);
	find(f, &record);
	pass(f, 1);
	expect(f, RECORD(1));
	record.rssi_dbm = -20;
	find(f, &record);
	pass(f, 2);
	expect(f, "");
}

static void the_same_name_from_two_bssids_is_told_twice(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_record record = make_record(1);

	start_scan(f);
	find(f, &record);
	record.network.bssid[5]++;
	find(f, &record);
	pass(f, 2);
	assert_int_equal(f->n_sent, 2);
}

static void a_new_scan_starts_afresh(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	find_n(f, 1);
	pass(f, 1);
	expect(f, RECORD(1));
	find_n(f, 2);
	start_scan(f);
	/* What was left of the one before is gone; what it told is told again. */
	pass(f, 3);
	expect(f, "");
	find_n(f, 1);
	pass(f, 1);
	expect(f, RECORD(1));
	assert_int_equal(f->link.n_scans, 2);
	assert_int_equal(f->link.n_stops, 1);
}

/* Swift's text of it would be nil, and the app unwraps it. */
static void names_that_are_no_utf8_are_left_out(void **state)
{
	static const struct {
		const char *ssid;
		size_t len;
	} broken[] = {
		{"\xff", 1},
		{"caf\xe9", 4},          /* Latin-1 */
		{"\xc3", 1},             /* cut short */
		{"a\xe2\x82", 3},        /* cut short */
		{"\xf0\x9f\x98", 3},     /* cut short */
		{"\x80", 1},             /* without a beginning */
		{"\xc0\x80", 2},         /* overlong */
		{"\xe0\x80\xaf", 3},     /* overlong */
		{"\xf0\x80\x80\xaf", 4}, /* overlong */
		{"\xed\xa0\x80", 3},     /* half of a surrogate pair */
		{"\xf4\x90\x80\x80", 4}, /* above U+10FFFF */
		{"\xf8\x88\x80\x80\x80", 5},
		{"ok\0\xfe", 4},
	};
	struct provisioner_fixture *f = *state;

	start_scan(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(broken); i++) {
		struct wifi_record record = make_record(i);

		memcpy(record.network.ssid, broken[i].ssid, broken[i].len);
		record.network.ssid_len = broken[i].len;
		find(f, &record);
	}
	pass(f, ARRAY_SIZE(broken));
	expect(f, "");
}

static void names_of_any_script_are_told(void **state)
{
	static const char *const names[] = {"caf\xc3\xa9",
					    "\xe2\x82\xac",
					    "\xf0\x9f\x98\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xf4\x8f\xbf\xbf",
					    "a\\x20b",
					    " ",
					    "abcdefghijklmnopqrstuvwxyzABCDEF"};
	struct provisioner_fixture *f = *state;

	start_scan(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		struct wifi_record record = make_record(i);

		memcpy(record.network.ssid, names[i], strlen(names[i]));
		record.network.ssid_len = strlen(names[i]);
		find(f, &record);
	}
	pass(f, ARRAY_SIZE(names));
	assert_int_equal(f->n_sent, ARRAY_SIZE(names));
}

static void hidden_networks_are_left_out(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_record record = make_record(1);

	start_scan(f);
	record.network.ssid_len = 0;
	find(f, &record);
	memset(record.network.ssid, 0, sizeof(record.network.ssid));
	for (record.network.ssid_len = 1; record.network.ssid_len <= WIFI_SSID_MAX;
	     record.network.ssid_len++)
		find(f, &record);
	pass(f, 3);
	expect(f, "");
}

/* Such a BSSID may show its name later in the same scan. */
static void what_was_left_out_does_not_count_as_told(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_record record = make_record(1);

	start_scan(f);
	record.network.ssid_len = 0;
	find(f, &record);
	find_n(f, 1);
	pass(f, 2);
	expect(f, RECORD(1));
}

static void networks_of_an_unknown_authentication_are_left_out(void **state)
{
	static const unsigned int auths[] = {WIFI_AUTH_UNKNOWN, 7, 8, 23};
	struct provisioner_fixture *f = *state;

	start_scan(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(auths); i++) {
		struct wifi_record record = make_record(i);

		record.network.auth = (enum wifi_auth)auths[i];
		find(f, &record);
	}
	pass(f, ARRAY_SIZE(auths));
	expect(f, "");
}

static void a_scan_without_parameters_is_one_without_parameters(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	assert_int_equal(f->link.n_scans, 1);
	assert_false(f->link.has_scan_params);
}

static void the_parameters_of_a_scan_are_honoured(void **state)
{
	struct provisioner_fixture *f = *state;

	/* band 5 GHz, passive, 1500 ms, 2 channels a group */
	ask(f,
	    "08025209080210011"
	    "8dc0b2002",
	    "R 08021000\n");
	assert_true(f->link.has_scan_params);
	assert_int_equal(f->link.scan_params.band, WIFI_BAND_5_GHZ);
	assert_true(f->link.scan_params.passive);
	assert_int_equal(f->link.scan_params.period_ms, 1500);
	assert_int_equal(f->link.scan_params.group_channels, 2);
}

static void networks_of_another_band_are_left_out(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_record record = make_record(1);

	ask(f, "080252020802", "R 08021000\n");
	find(f, &record);
	pass(f, 1);
	expect(f, "");
	record.network.band = WIFI_BAND_5_GHZ;
	record.network.channel = 36;
	find(f, &record);
	pass(f, 1);
	assert_int_equal(f->n_sent, 1);
}

static void band_any_takes_every_band(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_record record = make_record(1);

	ask(f, "080252020800", "R 08021000\n");
	find(f, &record);
	record = make_record(2);
	record.network.band = WIFI_BAND_5_GHZ;
	find(f, &record);
	record = make_record(3);
	record.network.band = WIFI_BAND_ANY; /* 6 GHz */
	find(f, &record);
	pass(f, 3);
	assert_int_equal(f->n_sent, 3);
}

/* ---- the end of a scan ---- */

static void a_scan_that_the_link_refuses_is_an_internal_error(void **state)
{
	static const int errors[] = {-ENODEV, -EBUSY, -EIO};
	struct provisioner_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		f->link.scan_r = errors[i];
		ask(f, "0802", "R 08021003\n");
		find_n(f, 1);
		pass(f, 1);
		expect(f, "");
	}
	assert_int_equal(f->link.n_stops, 0);
}

static void no_record_comes_after_stop_scan(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	find_n(f, 1);
	find_n(f, 2);
	fake_clock_run(f->event);
	expect(f, RECORD(1));
	ask(f, "0803", "R 08031000\n");
	assert_int_equal(f->link.n_stops, 1);
	find_n(f, 3);
	pass(f, 3);
	expect(f, "");
}

static void stop_scan_without_a_scan_succeeds(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, "0803", "R 08031000\n");
	ask(f, "0803", "R 08031000\n");
	/* What the link scans for somebody else goes on. */
	assert_int_equal(f->link.n_stops, 0);
}

static void no_record_comes_after_set_config(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	find_n(f, 1);
	find_n(f, 2);
	ask(f, SET_WPA2, "R 08041000\n");
	assert_int_equal(f->link.n_stops, 1);
	find_n(f, 3);
	pass(f, 3);
	provisioner_on_result(f->provisioner, WIFI_STATE_AUTHENTICATION, 0);
	expect(f, "N 1001\n");
}

/* An app that set a configuration does not expect records, whatever the answer. */
static void no_record_comes_after_a_set_config_that_was_refused(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	find_n(f, 1);
	ask(f, "0804", "R 08041001\n");
	pass(f, 1);
	expect(f, "");
}

static void no_record_comes_after_forget_config(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	find_n(f, 1);
	ask(f, "0805", "R 08051000\n");
	assert_int_equal(f->link.n_stops, 1);
	find_n(f, 2);
	pass(f, 2);
	expect(f, "");
}

static void no_record_comes_after_the_peer_is_gone(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	find_n(f, 1);
	provisioner_peer_gone(f->provisioner, PEER);
	assert_int_equal(f->link.n_stops, 1);
	find_n(f, 2);
	pass(f, 2);
	assert_int_equal(ask_as(f, OTHER_PEER, LIMIT, "0801"), 0);
	expect(f, "R 080110005200\n");
	pass(f, 2);
	expect(f, "");
}

static void records_found_without_a_scan_of_the_peer_are_not_told(void **state)
{
	struct provisioner_fixture *f = *state;

	find_n(f, 1);
	ask(f, "0801", "R 080110005200\n");
	find_n(f, 2);
	provisioner_on_scan_done(f->provisioner, 0);
	pass(f, 2);
	expect(f, "");
}

static void what_was_found_is_told_to_the_end_when_the_scan_is_over(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	find_n(f, 1);
	find_n(f, 2);
	provisioner_on_scan_done(f->provisioner, 0);
	find_n(f, 3);
	pass(f, 3);
	expect(f, RECORD(1) RECORD(2));
	/* There is nothing to stop any more. */
	ask(f, "0803", "R 08031000\n");
	assert_int_equal(f->link.n_stops, 0);
}

static void a_scan_that_fails_is_not_told(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	provisioner_on_scan_done(f->provisioner, -EIO);
	pass(f, 1);
	expect(f, "");
	start_scan(f);
}

static void the_status_can_be_asked_for_during_a_scan(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	find_n(f, 1);
	ask(f, "0801", "R 080110005200\n");
	pass(f, 1);
	expect(f, RECORD(1));
}

/* Android's app dies of a state among the records. */
static void a_scan_is_refused_during_an_attempt_which_is_told_to_its_end(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	f->link.scan_r = -EBUSY;
	ask(f, "0802", "R 08021003\n");
	find_n(f, 1);
	pass(f, 1);
	provisioner_on_result(f->provisioner, WIFI_STATE_CONNECTION_FAILED, WIFI_REASON_TIMEOUT);
	expect(f, "N 10051802\n");
}

static void no_state_is_told_during_a_scan_after_an_attempt(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	provisioner_on_result(f->provisioner, WIFI_STATE_CONNECTION_FAILED, WIFI_REASON_TIMEOUT);
	expect(f, "N 10051802\n");
	start_scan(f);
	find_n(f, 1);
	/* The link connects what is kept again. */
	provisioner_on_result(f->provisioner, WIFI_STATE_AUTHENTICATION, 0);
	provisioner_on_result(f->provisioner, WIFI_STATE_CONNECTED, 0);
	pass(f, 1);
	expect(f, RECORD(1));
}

static void a_scan_finds_no_more_than_it_can_hold(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	for (unsigned int n = 0; n < RECORDS_MAX + 10; n++)
		find_n(f, n);
	pass(f, RECORDS_MAX + 10);
	assert_int_equal(f->n_sent, RECORDS_MAX);
}

static void freeing_it_in_the_middle_of_a_scan_stops_the_scan(void **state)
{
	struct provisioner_fixture *f = *state;

	start_scan(f);
	find_n(f, 1);
	f->provisioner = provisioner_free(f->provisioner);
	assert_int_equal(f->link.n_stops, 1);
	pass(f, 1);
	expect(f, "");
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, provisioner_setup, provisioner_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_record_has_all_that_apps_ask_for),
		TEST(an_open_network_says_so_though_it_is_zero),
		TEST(records_come_one_by_one_in_the_order_of_finding),
		TEST(the_response_comes_before_the_first_record),
		TEST(no_more_than_one_record_comes_in_20_ms),
		TEST(the_gap_is_kept_across_scans),
		TEST(a_bssid_is_told_once_a_scan_also_when_it_is_stronger),
		TEST(the_same_name_from_two_bssids_is_told_twice),
		TEST(a_new_scan_starts_afresh),
		TEST(names_that_are_no_utf8_are_left_out),
		TEST(names_of_any_script_are_told),
		TEST(hidden_networks_are_left_out),
		TEST(what_was_left_out_does_not_count_as_told),
		TEST(networks_of_an_unknown_authentication_are_left_out),
		TEST(a_scan_without_parameters_is_one_without_parameters),
		TEST(the_parameters_of_a_scan_are_honoured),
		TEST(networks_of_another_band_are_left_out),
		TEST(band_any_takes_every_band),
		TEST(a_scan_that_the_link_refuses_is_an_internal_error),
		TEST(no_record_comes_after_stop_scan),
		TEST(stop_scan_without_a_scan_succeeds),
		TEST(no_record_comes_after_set_config),
		TEST(no_record_comes_after_a_set_config_that_was_refused),
		TEST(no_record_comes_after_forget_config),
		TEST(no_record_comes_after_the_peer_is_gone),
		TEST(records_found_without_a_scan_of_the_peer_are_not_told),
		TEST(what_was_found_is_told_to_the_end_when_the_scan_is_over),
		TEST(a_scan_that_fails_is_not_told),
		TEST(the_status_can_be_asked_for_during_a_scan),
		TEST(a_scan_is_refused_during_an_attempt_which_is_told_to_its_end),
		TEST(no_state_is_told_during_a_scan_after_an_attempt),
		TEST(a_scan_finds_no_more_than_it_can_hold),
		TEST(freeing_it_in_the_middle_of_a_scan_stops_the_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
