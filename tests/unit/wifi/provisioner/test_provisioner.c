/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/unit/wifi/provisioner/provisioner_fixture.h"

static void result(struct provisioner_fixture *f, enum wifi_state state, enum wifi_reason reason)
{
	provisioner_on_result(f->provisioner, state, reason);
}

/* ---- the information ---- */

static void the_information_says_version_1_in_field_1(void **state)
{
	static const uint8_t expected[] = {0x08, 0x01};
	struct provisioner_fixture *f = *state;
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len = 0;

	assert_int_equal(provisioner_info(f->provisioner, data, sizeof(data), &len), 0);
	assert_int_equal(len, sizeof(expected));
	assert_memory_equal(data, expected, sizeof(expected));
	assert_int_equal(provisioner_info(f->provisioner, data, 1, &len), -ENOBUFS);
}

/* ---- what is no request ---- */

static void what_cannot_be_decoded_is_answered_invalid_proto_without_an_operation(void **state)
{
	static const char *const broken[] = {
		"08",                       /* an operation without its number */
		"0a",                       /* no length */
		"5a",                       /* a configuration without its length */
		"5a05",                     /* without its content */
		"08045a020a00",             /* a network without what is required of it */
		"ffffffffffffffffffffff",   /* no field number */
		"08ffffffffffffffffffff01", /* a number of more than 64 bits */
	};
	struct provisioner_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		ask(f, broken[i], "R 1002\n");
	assert_int_equal(f->link.n_tries, 0);
}

static void every_request_cut_short_is_answered_once_and_does_nothing(void **state)
{
	struct provisioner_fixture *f = *state;
	char cut[sizeof(SET_WPA2)];

	for (size_t len = 0; len < strlen(SET_WPA2); len += 2) {
		memcpy(cut, SET_WPA2, len);
		cut[len] = '\0';
		assert_int_equal(ask_as(f, PEER, LIMIT, cut), 0);
		assert_int_equal(f->n_sent, 1);
		if (len == 0)
			expect(f, "R 1001\n");
		else if (len == 4) /* the operation alone */
			expect(f, "R 08041001\n");
		else
			expect(f, "R 1002\n");
	}
	assert_int_equal(f->link.n_tries, 0);
}

/* Whatever becomes of it: one answer, and an attempt only when the answer is success. */
static void every_byte_of_a_request_changed_to_every_other_is_answered_once(void **state)
{
	struct provisioner_fixture *f = *state;
	uint8_t data[sizeof(SET_WPA2) / 2];
	const size_t len = sizeof(data);
	unsigned int n_tries = 0;

	f->options.attempts = 256 * (unsigned int)len;
	provisioner_restart(f);
	assert_int_equal(hex_decode(SET_WPA2, strlen(SET_WPA2), data, len), 0);
	for (size_t i = 0; i < len; i++) {
		const uint8_t right = data[i];

		for (unsigned int wrong = 0; wrong < 256; wrong++) {
			data[i] = (uint8_t)wrong;
			assert_int_equal(
				provisioner_request(f->provisioner, PEER, LIMIT, data, len), 0);
			assert_int_equal(f->n_sent, 1);
			n_tries += strcmp(f->sent, "R 08041000\n") == 0;
			assert_int_equal(f->link.n_tries, n_tries);
			look_away(f);
		}
		data[i] = right;
	}
	/* Names and passphrases of the same length are as good. */
	assert_true(n_tries > 256);
}

static void a_name_too_long_is_answered_invalid_proto(void **state)
{
	ask(*state,
	    "08045a330a310a216161616161616161616161616161616161616161616161616161616161616161611206"
	    "020000000100180120012800",
	    "R 1002\n");
}

static void a_bssid_too_short_is_answered_invalid_proto(void **state)
{
	ask(*state, "08045a140a120a0361626312050200000001180120012800", "R 1002\n");
}

static void a_passphrase_too_long_is_answered_invalid_proto(void **state)
{
	ask(*state,
	    "08045a580a130a036162631206020000000100180120012803124161616161616161616161616161616161"
	    "61616161616161616161616161616161616161616161616161616161616161616161616161616161616161"
	    "616161616161",
	    "R 1002\n");
}

static void more_than_an_attribute_holds_is_answered_invalid_proto(void **state)
{
	struct provisioner_fixture *f = *state;
	uint8_t data[WIFI_MESSAGE_MAX + 1] = {0x08, 0x01, 0xfa, 0x0f, 0xfa, 0x03};

	/* An unknown field that fills it: fine as a message, too long for the service. */
	data[4] = (uint8_t)((sizeof(data) - 6) & 0x7f) | 0x80;
	data[5] = (uint8_t)((sizeof(data) - 6) >> 7);
	assert_int_equal(provisioner_request(f->provisioner, PEER, LIMIT, data, sizeof(data)), 0);
	expect(f, "R 1002\n");
}

static void fields_of_later_versions_are_skipped(void **state)
{
	ask(*state, "0801fa0f03aabbcc", "R 080110005200\n");
}

static void a_missing_or_unknown_operation_is_answered_invalid_argument_without_one(void **state)
{
	static const char *const unknown[] = {"",     "0800",         "0806",     "0807",
					      "087f", "08ffffffff0f", "52020800", "5a00"};
	struct provisioner_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		ask(f, unknown[i], "R 1001\n");
}

/* ---- GET_STATUS ---- */

static void get_status_says_an_empty_device_status_when_nothing_is_configured(void **state)
{
	ask(*state, "0801", "R 080110005200\n");
}

static void configure(struct provisioner_fixture *f, struct wifi_network *n)
{
	*n = make_record(7).network;
	n->channel = 6;
	f->link.view.configured = n;
	f->link.view.is_configured = true;
	f->link.view.stage = LINK_STAGE_RETRYING;
}

static void get_status_tells_the_configured_network_on_any_channel(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_network n;

	configure(f, &n);
	/* Disconnected is on the wire, though it is zero. */
	ask(f, "0801", "R 08011000521a080052160a056e65742d371206020000000007180120ff012803\n");
}

static void get_status_tells_the_real_channel_and_the_address_when_connected(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_network n, linked;

	configure(f, &n);
	linked = n;
	linked.channel = 36;
	linked.band = WIFI_BAND_5_GHZ;
	linked.bssid[5] = 0x99;
	f->link.view.stage = LINK_STAGE_CONNECTED;
	f->link.view.connected = &linked;
	f->link.view.has_ip4 = true;
	memcpy(f->link.view.ip4, "\xc0\xa8\x4d\x3e", 4);
	ask(f, "0801",
	    "R 080110005221080452150a056e65742d3712060200000000991802202428035a060a04c0a84d3e\n");
}

/* iOS asks at once after CONNECTED, and wants the address. */
static void get_status_right_after_connected_tells_the_address(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_network n;

	ask(f, SET_WPA2, "R 08041000\n");
	configure(f, &n);
	f->link.view.stage = LINK_STAGE_CONNECTED;
	f->link.view.connected = &n;
	f->link.view.is_trying = false;
	f->link.view.has_ip4 = true;
	memcpy(f->link.view.ip4, "\xc0\xa8\x4d\x3e", 4);
	result(f, WIFI_STATE_CONNECTED, 0);
	expect(f, "N 1004\n");
	ask(f, "0801",
	    "R 080110005221080452150a056e65742d3712060200000000071801200628035a060a04c0a84d3e\n");
}

static void get_status_during_an_attempt_tells_what_is_tried_and_how_far_it_got(void **state)
{
	struct provisioner_fixture *f = *state;
	struct wifi_network n;

	configure(f, &n);
	ask(f, SET_WPA2, "R 08041000\n");
	result(f, WIFI_STATE_AUTHENTICATION, 0);
	expect(f, "N 1001\n");
	ask(f, "0801",
	    "R 08011000521d080152190a086c61622d777061321206020000000100180120ff012803\n");
	result(f, WIFI_STATE_CONNECTION_FAILED, WIFI_REASON_TIMEOUT);
	f->link.view.is_trying = false;
	expect(f, "N 10051802\n");
	/* It came to nothing: what is kept is told again. */
	ask(f, "0801", "R 08011000521a080052160a056e65742d371206020000000007180120ff012803\n");
}

/* The app shows no network without one. */
static void get_status_during_an_attempt_tells_an_authentication_that_was_not_said(void **state)
{
	struct provisioner_fixture *f = *state;

	/* As SET_WPA2, without the last field of the network. */
	ask(f,
	    "08045a2b0a160a086c61622d77706132120602000000010018012001"
	    "120d636f727265637420686f72736518002000",
	    "R 08041000\n");
	ask(f, "0801",
	    "R 08011000521d080052190a086c61622d777061321206020000000100180120ff012803\n");
}

static void get_status_tells_a_configurator_that_comes_back_of_its_attempt(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_OPEN, "R 08041000\n");
	provisioner_peer_gone(f->provisioner, PEER);
	result(f, WIFI_STATE_OBTAINING_IP, 0);
	expect(f, "");
	ask(f, "0801",
	    "R 08011000521d080352190a086c61622d6f70656e1206020000000100180120ff012800\n");
}

/* ---- SET_CONFIG ---- */

static void set_config_hands_the_configuration_to_the_link(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	assert_int_equal(f->link.n_tries, 1);
	assert_int_equal(f->link.tried.network.ssid_len, 8);
	assert_memory_equal(f->link.tried.network.ssid, "lab-wpa2", 8);
	assert_int_equal(f->link.tried.network.auth, WIFI_AUTH_WPA2_PSK);
	assert_int_equal(f->link.tried.passphrase_len, 13);
	assert_memory_equal(f->link.tried.passphrase, "correct horse", 13);
	assert_false(f->link.tried.is_volatile);
	assert_true(f->link.tried.has_any_channel);
	assert_false(f->link.tried.any_channel);
}

static void an_open_network_comes_with_an_empty_passphrase(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_OPEN, "R 08041000\n");
	assert_int_equal(f->link.n_tries, 1);
	assert_int_equal(f->link.tried.network.auth, WIFI_AUTH_OPEN);
	assert_int_equal(f->link.tried.passphrase_len, 0);
}

static void set_config_without_a_configuration_is_an_invalid_argument(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, "0804", "R 08041001\n");
	ask(f, "08045a00", "R 08041001\n");
	/* A passphrase alone. */
	ask(f, "08045a0a12083132333435363738", "R 08041001\n");
	assert_int_equal(f->link.n_tries, 0);
}

static void a_configuration_that_no_station_could_use_is_an_invalid_argument(void **state)
{
	static const char *const useless[] = {
		/* no name */ "08045a140a100a0012060200000001001801200128001200",
		/* WPA2 with seven characters */
		"08045a1e0a130a036162631206020000000100180120012803120731323334353637",
		/* WPA2 without a passphrase */
		"08045a150a130a036162631206020000000100180120012803",
		/* enterprise */
		"08045a1f0a130a03616263120602000000010018012001280512083132333435363738",
	};
	struct provisioner_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(useless); i++)
		ask(f, useless[i], "R 08041001\n");
	assert_int_equal(f->link.n_tries, 0);
}

static void a_link_that_refuses_is_an_internal_error(void **state)
{
	static const int errors[] = {-ENODEV, -EIO};
	struct provisioner_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		f->link.try_r = errors[i];
		ask(f, SET_WPA2, "R 08041003\n");
		result(f, WIFI_STATE_AUTHENTICATION, 0);
		expect(f, "");
	}
	f->link.try_r = -EINVAL;
	ask(f, SET_WPA2, "R 08041001\n");
}

static void an_attempt_is_told_from_authentication_to_connected(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	result(f, WIFI_STATE_AUTHENTICATION, 0);
	result(f, WIFI_STATE_ASSOCIATION, 0);
	result(f, WIFI_STATE_OBTAINING_IP, 0);
	result(f, WIFI_STATE_CONNECTED, 0);
	expect(f, "N 1001\nN 1002\nN 1003\nN 1004\n");
}

static void a_reason_comes_with_a_failure_and_never_without(void **state)
{
	static const char *const told[] = {"N 10051800\n", "N 10051801\n", "N 10051802\n",
					   "N 10051803\n", "N 10051804\n"};
	struct provisioner_fixture *f = *state;

	f->options.attempts = ARRAY_SIZE(told);
	provisioner_restart(f);
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		ask(f, SET_WPA2, "R 08041000\n");
		/* Whatever the link says beside a state that is no failure. */
		result(f, WIFI_STATE_AUTHENTICATION, WIFI_REASON_FAIL_CONN);
		expect(f, "N 1001\n");
		result(f, WIFI_STATE_CONNECTION_FAILED, (enum wifi_reason)i);
		expect(f, told[i]);
	}
}

static void nothing_is_told_after_the_end_of_an_attempt(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	result(f, WIFI_STATE_CONNECTION_FAILED, WIFI_REASON_AUTH_ERROR);
	expect(f, "N 10051800\n");
	result(f, WIFI_STATE_AUTHENTICATION, 0);
	result(f, WIFI_STATE_CONNECTED, 0);
	expect(f, "");
}

static void what_nobody_here_asked_for_is_not_told(void **state)
{
	struct provisioner_fixture *f = *state;

	result(f, WIFI_STATE_AUTHENTICATION, 0);
	ask(f, "0801", "R 080110005200\n");
	result(f, WIFI_STATE_CONNECTED, 0);
	result(f, WIFI_STATE_CONNECTION_FAILED, WIFI_REASON_TIMEOUT);
	expect(f, "");
	/* Nor does it close the window. */
	assert_true(window_is_open(f->window));
}

static void a_configuration_in_place_of_one_that_is_tried_starts_afresh(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	result(f, WIFI_STATE_AUTHENTICATION, 0);
	expect(f, "N 1001\n");
	ask(f, SET_OPEN, "R 08041000\n");
	result(f, WIFI_STATE_AUTHENTICATION, 0);
	expect(f, "N 1001\n");
	assert_int_equal(f->link.n_tries, 2);
}

/* The app that got an error waits for nothing; the attempt before goes on without it. */
static void a_refused_configuration_ends_the_telling_of_the_one_before(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	f->link.try_r = -EIO;
	ask(f, SET_OPEN, "R 08041003\n");
	result(f, WIFI_STATE_CONNECTED, 0);
	expect(f, "");
	assert_false(window_is_open(f->window));
}

static void a_refused_configuration_that_dropped_the_one_before_leaves_nothing(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	f->link.try_r = -ENODEV;
	f->link.view.is_trying = false;
	ask(f, SET_OPEN, "R 08041003\n");
	ask(f, "0801", "R 080110005200\n");
}

/* ---- FORGET_CONFIG ---- */

static void forget_config_makes_the_link_forget(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, "0805", "R 08051000\n");
	assert_int_equal(f->link.n_forgets, 1);
}

static void a_link_that_cannot_forget_is_an_internal_error(void **state)
{
	struct provisioner_fixture *f = *state;

	f->link.forget_r = -EIO;
	ask(f, "0805", "R 08051003\n");
	/* An error of the store is a positive number. */
	f->link.forget_r = 1;
	ask(f, "0805", "R 08051003\n");
}

static void forgetting_ends_an_attempt_without_a_result(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	ask(f, "0805", "R 08051000\n");
	f->link.view.is_trying = false;
	result(f, WIFI_STATE_AUTHENTICATION, 0);
	expect(f, "");
	ask(f, "0801", "R 080110005200\n");
}

static void an_attempt_goes_on_being_told_when_forgetting_failed(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	f->link.forget_r = -EIO;
	ask(f, "0805", "R 08051003\n");
	result(f, WIFI_STATE_AUTHENTICATION, 0);
	expect(f, "N 1001\n");
}

/* ---- peers ---- */

static void what_may_be_cut_on_its_way_is_refused_before_anything_is_done(void **state)
{
	struct provisioner_fixture *f = *state;

	assert_int_equal(ask_as(f, PEER, LIMIT - 1, SET_WPA2), -EMSGSIZE);
	assert_int_equal(ask_as(f, PEER, 20, "0801"), -EMSGSIZE);
	expect(f, "");
	assert_int_equal(f->link.n_tries, 0);
	/* Nor is that peer served now. */
	assert_int_equal(ask_as(f, OTHER_PEER, LIMIT, "0801"), 0);
}

static void another_peer_has_to_wait_until_the_one_that_is_served_is_gone(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, "0801", "R 080110005200\n");
	assert_int_equal(ask_as(f, OTHER_PEER, LIMIT, SET_WPA2), -EBUSY);
	provisioner_peer_gone(f->provisioner, OTHER_PEER);
	assert_int_equal(ask_as(f, OTHER_PEER, LIMIT, SET_WPA2), -EBUSY);
	expect(f, "");
	assert_int_equal(f->link.n_tries, 0);
	provisioner_peer_gone(f->provisioner, PEER);
	assert_int_equal(ask_as(f, OTHER_PEER, LIMIT, SET_WPA2), 0);
	expect(f, "R 08041000\n");
	assert_int_equal(ask_as(f, PEER, LIMIT, "0801"), -EBUSY);
}

static void the_attempt_of_a_peer_that_went_away_goes_on_in_silence(void **state)
{
	struct provisioner_fixture *f = *state;

	ask(f, SET_WPA2, "R 08041000\n");
	provisioner_peer_gone(f->provisioner, PEER);
	/* It is back, or another one came: the results are not theirs. */
	assert_int_equal(ask_as(f, OTHER_PEER, LIMIT, "0803"), 0);
	expect(f, "R 08031000\n");
	result(f, WIFI_STATE_AUTHENTICATION, 0);
	result(f, WIFI_STATE_CONNECTED, 0);
	expect(f, "");
	assert_int_equal(f->link.n_forgets, 0);
	assert_false(window_is_open(f->window));
}

static void a_peer_that_was_never_served_may_go(void **state)
{
	struct provisioner_fixture *f = *state;

	provisioner_peer_gone(f->provisioner, PEER);
	provisioner_peer_gone(f->provisioner, "");
	ask(f, "0801", "R 080110005200\n");
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, provisioner_setup, provisioner_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_information_says_version_1_in_field_1),
		TEST(what_cannot_be_decoded_is_answered_invalid_proto_without_an_operation),
		TEST(every_request_cut_short_is_answered_once_and_does_nothing),
		TEST(every_byte_of_a_request_changed_to_every_other_is_answered_once),
		TEST(a_name_too_long_is_answered_invalid_proto),
		TEST(a_bssid_too_short_is_answered_invalid_proto),
		TEST(a_passphrase_too_long_is_answered_invalid_proto),
		TEST(more_than_an_attribute_holds_is_answered_invalid_proto),
		TEST(fields_of_later_versions_are_skipped),
		TEST(a_missing_or_unknown_operation_is_answered_invalid_argument_without_one),
		TEST(get_status_says_an_empty_device_status_when_nothing_is_configured),
		TEST(get_status_tells_the_configured_network_on_any_channel),
		TEST(get_status_tells_the_real_channel_and_the_address_when_connected),
		TEST(get_status_right_after_connected_tells_the_address),
		TEST(get_status_during_an_attempt_tells_what_is_tried_and_how_far_it_got),
		TEST(get_status_during_an_attempt_tells_an_authentication_that_was_not_said),
		TEST(get_status_tells_a_configurator_that_comes_back_of_its_attempt),
		TEST(set_config_hands_the_configuration_to_the_link),
		TEST(an_open_network_comes_with_an_empty_passphrase),
		TEST(set_config_without_a_configuration_is_an_invalid_argument),
		TEST(a_configuration_that_no_station_could_use_is_an_invalid_argument),
		TEST(a_link_that_refuses_is_an_internal_error),
		TEST(an_attempt_is_told_from_authentication_to_connected),
		TEST(a_reason_comes_with_a_failure_and_never_without),
		TEST(nothing_is_told_after_the_end_of_an_attempt),
		TEST(what_nobody_here_asked_for_is_not_told),
		TEST(a_configuration_in_place_of_one_that_is_tried_starts_afresh),
		TEST(a_refused_configuration_ends_the_telling_of_the_one_before),
		TEST(a_refused_configuration_that_dropped_the_one_before_leaves_nothing),
		TEST(forget_config_makes_the_link_forget),
		TEST(a_link_that_cannot_forget_is_an_internal_error),
		TEST(forgetting_ends_an_attempt_without_a_result),
		TEST(an_attempt_goes_on_being_told_when_forgetting_failed),
		TEST(what_may_be_cut_on_its_way_is_refused_before_anything_is_done),
		TEST(another_peer_has_to_wait_until_the_one_that_is_served_is_gone),
		TEST(the_attempt_of_a_peer_that_went_away_goes_on_in_silence),
		TEST(a_peer_that_was_never_served_may_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
