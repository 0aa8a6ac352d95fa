/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "wifi/provisioner_status.h"

static const struct wifi_network kept = {
	.ssid = "home",
	.ssid_len = 4,
	.band = WIFI_BAND_2_4_GHZ,
	.channel = 6,
	.auth = WIFI_AUTH_WPA_WPA2_PSK,
};
static const struct wifi_network linked = {
	.ssid = "home",
	.ssid_len = 4,
	.bssid = {2, 0, 0, 0, 1, 0},
	.band = WIFI_BAND_5_GHZ,
	.channel = 36,
	.auth = WIFI_AUTH_WPA2_PSK,
};

static struct wifi_device_status status(const struct link_view *view)
{
	struct wifi_device_status s;

	memset(&s, 0xee, sizeof(s));
	provisioner_status(view, NULL, WIFI_STATE_DISCONNECTED, &s);
	return s;
}

static void nothing_configured_is_an_empty_status_at_every_stage(void **state)
{
	(void)state;
	for (int stage = LINK_STAGE_NO_INTERFACE; stage <= LINK_STAGE_RETRYING; stage++) {
		const struct link_view view = {.stage = (enum link_stage)stage};
		struct wifi_device_status s = status(&view);

		assert_false(s.has_state);
		assert_false(s.has_network);
		assert_false(s.has_ip4);
	}
}

static void the_stage_of_the_link_is_its_state(void **state)
{
	static const struct {
		enum link_stage stage;
		enum wifi_state state;
	} rows[] = {
		{LINK_STAGE_NO_INTERFACE, WIFI_STATE_DISCONNECTED},
		{LINK_STAGE_UNCONFIGURED, WIFI_STATE_DISCONNECTED},
		{LINK_STAGE_CONNECTING, WIFI_STATE_ASSOCIATION},
		{LINK_STAGE_OBTAINING_IP, WIFI_STATE_OBTAINING_IP},
		{LINK_STAGE_CONNECTED, WIFI_STATE_CONNECTED},
		{LINK_STAGE_RETRYING, WIFI_STATE_DISCONNECTED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct link_view view = {
			.stage = rows[i].stage, .is_configured = true, .configured = &kept};
		struct wifi_device_status s = status(&view);

		assert_true(s.has_state);
		assert_int_equal(s.state, rows[i].state);
		assert_true(s.has_network);
	}
}

static void without_a_link_the_channel_is_any_and_the_rest_as_configured(void **state)
{
	const struct link_view view = {.stage = LINK_STAGE_RETRYING, .configured = &kept};
	static const uint8_t unknown[WIFI_BSSID_LEN];
	struct wifi_device_status s = status(&view);

	(void)state;
	assert_int_equal(s.network.channel, WIFI_CHANNEL_ANY);
	assert_int_equal(s.network.auth, WIFI_AUTH_WPA_WPA2_PSK);
	assert_memory_equal(s.network.bssid, unknown, sizeof(unknown));
	assert_int_equal(s.network.ssid_len, 4);
}

/* An old lease beside a link that is not up yet is no connection. */
static void an_address_is_told_only_when_connected(void **state)
{
	struct link_view view = {.configured = &kept, .connected = &linked, .has_ip4 = true};

	(void)state;
	for (int stage = LINK_STAGE_NO_INTERFACE; stage <= LINK_STAGE_RETRYING; stage++) {
		view.stage = (enum link_stage)stage;
		assert_int_equal(status(&view).has_ip4, stage == LINK_STAGE_CONNECTED);
	}
	view.stage = LINK_STAGE_CONNECTED;
	view.has_ip4 = false; /* IPv6 alone */
	assert_false(status(&view).has_ip4);
}

static void with_a_link_its_own_data_is_told(void **state)
{
	const struct link_view view = {
		.stage = LINK_STAGE_CONNECTED, .configured = &kept, .connected = &linked};
	struct wifi_device_status s = status(&view);

	(void)state;
	assert_int_equal(s.network.channel, 36);
	assert_int_equal(s.network.band, WIFI_BAND_5_GHZ);
	assert_int_equal(s.network.auth, WIFI_AUTH_WPA2_PSK);
	assert_memory_equal(s.network.bssid, linked.bssid, WIFI_BSSID_LEN);
}

static void an_authentication_that_the_back_end_does_not_know_is_the_configured_one(void **state)
{
	struct wifi_network unsure = linked;
	const struct link_view view = {
		.stage = LINK_STAGE_CONNECTED, .configured = &kept, .connected = &unsure};

	(void)state;
	unsure.auth = WIFI_AUTH_UNKNOWN;
	assert_int_equal(status(&view).network.auth, WIFI_AUTH_WPA_WPA2_PSK);
}

/* iOS asks for the address right after CONNECTED, and shows nothing without it. */
static void the_address_is_told_also_when_the_back_end_knows_nothing_of_the_link(void **state)
{
	const struct link_view view = {
		.stage = LINK_STAGE_CONNECTED, .configured = &kept, .has_ip4 = true};
	struct wifi_device_status s = status(&view);

	(void)state;
	assert_int_equal(s.state, WIFI_STATE_CONNECTED);
	assert_true(s.has_ip4);
	assert_int_equal(s.network.channel, WIFI_CHANNEL_ANY);
}

static void the_name_of_a_hidden_network_is_the_configured_one(void **state)
{
	struct wifi_network hidden = linked;
	const struct link_view view = {
		.stage = LINK_STAGE_CONNECTED, .configured = &kept, .connected = &hidden};
	struct wifi_device_status s;

	(void)state;
	hidden.ssid_len = 0;
	s = status(&view);
	assert_int_equal(s.network.ssid_len, 4);
	assert_memory_equal(s.network.ssid, "home", 4);
}

static void no_authentication_above_6_is_ever_told(void **state)
{
	struct wifi_network odd = kept;
	const struct link_view view = {.stage = LINK_STAGE_RETRYING, .configured = &odd};

	(void)state;
	odd.auth = (enum wifi_auth)10;
	assert_int_equal(status(&view).network.auth, WIFI_AUTH_UNKNOWN);
}

static void what_is_tried_is_told_with_its_own_state(void **state)
{
	const struct link_view view = {
		.stage = LINK_STAGE_OBTAINING_IP, .is_trying = true, .configured = &kept};
	struct wifi_network tried = linked;
	struct wifi_device_status s;

	(void)state;
	memcpy(tried.ssid, "work", 4);
	provisioner_status(&view, &tried, WIFI_STATE_AUTHENTICATION, &s);
	assert_int_equal(s.state, WIFI_STATE_AUTHENTICATION);
	assert_memory_equal(s.network.ssid, "work", 4);
	assert_int_equal(s.network.channel, WIFI_CHANNEL_ANY);
	assert_false(s.has_ip4);
}

/* Name and state would be of two networks. */
static void what_the_owner_tries_is_not_told_as_the_state_of_what_is_kept(void **state)
{
	const struct link_view view = {
		.stage = LINK_STAGE_OBTAINING_IP, .is_trying = true, .configured = &kept};
	struct wifi_device_status s = status(&view);

	(void)state;
	assert_int_equal(s.state, WIFI_STATE_DISCONNECTED);
	assert_memory_equal(s.network.ssid, "home", 4);
}

static bool is_utf8(const struct wifi_network *n)
{
	uint32_t point;

	for (size_t i = 0; i < n->ssid_len;) {
		size_t len = utf8_char(n->ssid + i, n->ssid_len - i, &point);

		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

static void a_name_that_is_no_utf8_is_told_as_text(void **state)
{
	struct wifi_network odd = kept;
	const struct link_view view = {.stage = LINK_STAGE_RETRYING, .configured = &odd};
	struct wifi_device_status s;

	(void)state;
	memcpy(odd.ssid, "caf\xe9", 4);
	s = status(&view);
	assert_true(is_utf8(&s.network));
	assert_true(s.network.ssid_len > 3 && s.network.ssid_len <= WIFI_SSID_MAX);
	assert_memory_equal(s.network.ssid, "caf", 3);
}

static void such_a_name_fits_and_is_not_cut_in_the_middle_of_a_character(void **state)
{
	struct wifi_network odd = kept;
	const struct link_view view = {.stage = LINK_STAGE_RETRYING, .configured = &odd};

	(void)state;
	/* Characters of two, three and four bytes across the end, at every offset. */
	for (size_t shift = 0; shift < 8; shift++) {
		static const char *const chars[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

		for (size_t c = 0; c < ARRAY_SIZE(chars); c++) {
			size_t n = strlen(chars[c]), at = 1 + shift;
			struct wifi_device_status s;

			memset(odd.ssid, 'a', sizeof(odd.ssid));
			odd.ssid[0] = 0xff;
			for (; at + n <= sizeof(odd.ssid); at += n)
				memcpy(odd.ssid + at, chars[c], n);
			odd.ssid_len = at;
			s = status(&view);
			assert_true(is_utf8(&s.network));
			assert_true(s.network.ssid_len <= WIFI_SSID_MAX);
			assert_true(s.network.ssid_len > WIFI_SSID_MAX - 4);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_configured_is_an_empty_status_at_every_stage),
		cmocka_unit_test(the_stage_of_the_link_is_its_state),
		cmocka_unit_test(without_a_link_the_channel_is_any_and_the_rest_as_configured),
		cmocka_unit_test(an_address_is_told_only_when_connected),
		cmocka_unit_test(with_a_link_its_own_data_is_told),
		cmocka_unit_test(
			an_authentication_that_the_back_end_does_not_know_is_the_configured_one),
		cmocka_unit_test(
			the_address_is_told_also_when_the_back_end_knows_nothing_of_the_link),
		cmocka_unit_test(the_name_of_a_hidden_network_is_the_configured_one),
		cmocka_unit_test(no_authentication_above_6_is_ever_told),
		cmocka_unit_test(what_is_tried_is_told_with_its_own_state),
		cmocka_unit_test(what_the_owner_tries_is_not_told_as_the_state_of_what_is_kept),
		cmocka_unit_test(a_name_that_is_no_utf8_is_told_as_text),
		cmocka_unit_test(such_a_name_fits_and_is_not_cut_in_the_middle_of_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
