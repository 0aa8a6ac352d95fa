/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "wifi/station/backend.h"
#include "wifi/station/wpa_network.h"

static struct wifi_config config_of(enum wifi_auth auth, const char *secret)
{
	struct wifi_config c = {.network = {.ssid = "home", .ssid_len = 4, .auth = auth}};

	c.has_passphrase = secret;
	c.passphrase_len = secret ? strlen(secret) : 0;
	assert_true(c.passphrase_len <= sizeof(c.passphrase));
	if (secret)
		memcpy(c.passphrase, secret, c.passphrase_len);
	return c;
}

static struct wpa_block block_of(const struct wifi_config *c)
{
	struct wpa_block b;

	assert_int_equal(wpa_block_make(c, true, &b), 0);
	return b;
}

#define KEY64 "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static void wpa2_takes_sae_where_it_is_offered(void **state)
{
	struct wifi_config c = config_of(WIFI_AUTH_WPA2_PSK, "correct horse");
	struct wpa_block b = block_of(&c);

	(void)state;
	assert_string_equal(b.key_mgmt, "WPA-PSK WPA-PSK-SHA256 SAE");
	assert_string_equal(b.proto, "RSN");
	assert_true(b.has_pmf);
	assert_int_equal(b.pmf, 1);
	assert_int_equal(b.secret, WPA_SECRET_PASSPHRASE);
	assert_string_equal((char *)b.bytes, "correct horse");
	assert_true(wpa_block_has_sae(&b));
	assert_int_equal(b.ssid_len, 4);
	assert_memory_equal(b.ssid, "home", 4);

	assert_int_equal(wpa_block_make(&c, false, &b), 0);
	assert_string_equal(b.key_mgmt, "WPA-PSK WPA-PSK-SHA256");
	assert_false(wpa_block_has_sae(&b));
}

static void wpa3_takes_nothing_but_sae(void **state)
{
	struct wifi_config c = config_of(WIFI_AUTH_WPA3_PSK, "short");
	struct wpa_block b = block_of(&c);

	(void)state;
	assert_string_equal(b.key_mgmt, "SAE");
	assert_int_equal(b.pmf, 2);
	assert_int_equal(b.secret, WPA_SECRET_SAE);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.bytes, "short", 5);
}

static void wpa_takes_the_older_and_the_newer_kind(void **state)
{
	struct wifi_config c = config_of(WIFI_AUTH_WPA_PSK, "correct horse");
	struct wpa_block b = block_of(&c);

	(void)state;
	assert_string_equal(b.key_mgmt, "WPA-PSK WPA-PSK-SHA256");
	assert_null(b.proto);
	c.network.auth = WIFI_AUTH_WPA_WPA2_PSK;
	b = block_of(&c);
	assert_string_equal(b.key_mgmt, "WPA-PSK WPA-PSK-SHA256");
	assert_null(b.proto);
}

static void an_authentication_that_is_not_said_is_taken_from_the_passphrase(void **state)
{
	struct wifi_config c = config_of(WIFI_AUTH_UNKNOWN, "correct horse");
	struct wpa_block b = block_of(&c);

	(void)state;
	assert_string_equal(b.key_mgmt, "WPA-PSK WPA-PSK-SHA256 SAE");
	c = config_of(WIFI_AUTH_UNKNOWN, NULL);
	b = block_of(&c);
	assert_string_equal(b.key_mgmt, "NONE");
	c = config_of(WIFI_AUTH_UNKNOWN, "");
	b = block_of(&c);
	assert_string_equal(b.key_mgmt, "NONE");
	c = config_of(WIFI_AUTH_UNKNOWN, "short");
	b = block_of(&c);
	assert_string_equal(b.key_mgmt, "SAE");
	c = config_of(WIFI_AUTH_UNKNOWN, KEY64);
	b = block_of(&c);
	assert_string_equal(b.key_mgmt, "WPA-PSK WPA-PSK-SHA256");
	assert_int_equal(b.secret, WPA_SECRET_KEY);
}

static void sixty_four_digits_are_the_key_itself(void **state)
{
	struct wifi_config c = config_of(WIFI_AUTH_WPA2_PSK, KEY64);
	struct wpa_block b = block_of(&c);

	(void)state;
	assert_int_equal(b.secret, WPA_SECRET_KEY);
	assert_int_equal(b.len, 32);
	assert_int_equal(b.bytes[1], 0x11);
	assert_int_equal(b.bytes[31], 0xff);
	assert_false(wpa_block_has_sae(&b));
	c.passphrase[63] = 'g';
	assert_int_equal(wpa_block_make(&c, true, &b), -EINVAL);
}

static void an_open_network_has_no_secret(void **state)
{
	struct wifi_config c = config_of(WIFI_AUTH_OPEN, "");
	struct wpa_block b = block_of(&c);

	(void)state;
	assert_string_equal(b.key_mgmt, "NONE");
	assert_int_equal(b.secret, WPA_SECRET_NONE);
	assert_false(b.has_pmf);
}

static void a_passphrase_may_have_letters_beyond_ascii(void **state)
{
	struct wifi_config c = config_of(WIFI_AUTH_WPA2_PSK, "umlaut \xc3\xa4 here");
	struct wpa_block b = block_of(&c);

	(void)state;
	assert_string_equal((char *)b.bytes, "umlaut \xc3\xa4 here");
}

static void what_cannot_be_a_block_is_refused(void **state)
{
	const struct wifi_config bad[] = {
		config_of(WIFI_AUTH_WEP, "12345"),
		config_of(WIFI_AUTH_WPA2_ENTERPRISE, "correct horse"),
		config_of(WIFI_AUTH_WPA2_PSK, NULL),
		config_of(WIFI_AUTH_WPA2_PSK, "7 chars"),
		config_of(WIFI_AUTH_WPA2_PSK, "not utf-8 \xff"),
		config_of(WIFI_AUTH_WPA2_PSK, "a\nnew line"),
		config_of(WIFI_AUTH_WPA2_PSK, "a DEL \x7f in it"),
		config_of(WIFI_AUTH_WPA3_PSK, NULL),
		config_of((enum wifi_auth)77, "correct horse"),
	};
	struct wpa_block b;
	struct wifi_config c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(wpa_block_make(&bad[i], true, &b), -EINVAL);
	c = config_of(WIFI_AUTH_WPA3_PSK, "a NUL in it");
	c.passphrase[3] = 0;
	assert_int_equal(wpa_block_make(&c, true, &b), -EINVAL);
	c = config_of(WIFI_AUTH_OPEN, NULL);
	c.network.ssid_len = 0;
	assert_int_equal(wpa_block_make(&c, true, &b), -EINVAL);
	c.network.ssid_len = WIFI_SSID_MAX + 1;
	assert_int_equal(wpa_block_make(&c, true, &b), -EINVAL);
}

static void a_bssid_pins_only_when_other_channels_are_refused(void **state)
{
	static const uint8_t bssid[] = {2, 0, 0, 0xAB, 1, 5};
	struct wifi_config c = config_of(WIFI_AUTH_OPEN, NULL);
	struct wpa_block b;

	(void)state;
	memcpy(c.network.bssid, bssid, sizeof(bssid));
	b = block_of(&c);
	assert_string_equal(b.bssid, "");
	c.has_any_channel = true;
	c.any_channel = true;
	b = block_of(&c);
	assert_string_equal(b.bssid, "");
	c.any_channel = false;
	b = block_of(&c);
	assert_string_equal(b.bssid, "02:00:00:ab:01:05");
	memset(c.network.bssid, 0, sizeof(c.network.bssid));
	b = block_of(&c);
	assert_string_equal(b.bssid, "");
}

static void a_band_is_kept_to_unless_any_channel_will_do(void **state)
{
	struct wifi_config c = config_of(WIFI_AUTH_OPEN, NULL);
	struct wpa_block b = block_of(&c);

	(void)state;
	assert_null(b.frequencies);
	c.network.band = WIFI_BAND_2_4_GHZ;
	b = block_of(&c);
	assert_non_null(strstr(b.frequencies, "2437"));
	assert_null(strstr(b.frequencies, "5180"));
	c.network.band = WIFI_BAND_5_GHZ;
	b = block_of(&c);
	assert_non_null(strstr(b.frequencies, "5180"));
	assert_null(strstr(b.frequencies, "2437"));
	c.has_any_channel = true;
	c.any_channel = true;
	b = block_of(&c);
	assert_null(b.frequencies);
}

static void a_bss_says_its_authentication(void **state)
{
	const unsigned int psk = WPA_KEY_ELEMENT | WPA_KEY_PSK, sae = WPA_KEY_ELEMENT | WPA_KEY_SAE,
			   eap = WPA_KEY_ELEMENT | WPA_KEY_EAP;
	const struct {
		unsigned int rsn, wpa;
		bool is_private;
		enum wifi_auth auth;
	} rows[] = {
		{0, 0, false, WIFI_AUTH_OPEN},
		{0, 0, true, WIFI_AUTH_WEP},
		{psk, 0, true, WIFI_AUTH_WPA2_PSK},
		{0, psk, true, WIFI_AUTH_WPA_PSK},
		{psk, psk, true, WIFI_AUTH_WPA_WPA2_PSK},
		{psk | sae, 0, true, WIFI_AUTH_WPA2_PSK},
		{sae, 0, true, WIFI_AUTH_WPA3_PSK},
		{eap, 0, true, WIFI_AUTH_WPA2_ENTERPRISE},
		{0, eap, true, WIFI_AUTH_WPA2_ENTERPRISE},
		{WPA_KEY_ELEMENT, 0, true, WIFI_AUTH_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct wpa_bss bss = {
			.rsn = rows[i].rsn, .wpa = rows[i].wpa, .is_private = rows[i].is_private};

		assert_int_equal(wpa_bss_auth(&bss), rows[i].auth);
	}
}

static void words_of_key_management_are_known(void **state)
{
	(void)state;
	assert_int_equal(wpa_key_flag("wpa-psk"), WPA_KEY_PSK);
	assert_int_equal(wpa_key_flag("wpa-ft-psk"), WPA_KEY_PSK);
	assert_int_equal(wpa_key_flag("wpa-psk-sha256"), WPA_KEY_PSK);
	assert_int_equal(wpa_key_flag("sae"), WPA_KEY_SAE);
	assert_int_equal(wpa_key_flag("wpa-eap-suite-b-192"), WPA_KEY_EAP);
	assert_int_equal(wpa_key_flag("owe"), 0);
	assert_int_equal(wpa_key_flag(""), 0);
}

static void a_bss_becomes_a_record(void **state)
{
	struct wpa_bss bss = {
		.ssid = {'l', 'a', 'b', 0xff},
		.ssid_len = 4,
		.has_bssid = true,
		.bssid = {2, 0, 0, 0, 1, 0},
		.mhz = 2484,
		.signal_dbm = -70,
		.is_private = true,
		.rsn = WPA_KEY_ELEMENT | WPA_KEY_PSK,
	};
	struct wifi_record record;

	(void)state;
	assert_int_equal(wpa_bss_record(&bss, &record), 0);
	assert_int_equal(record.network.ssid_len, 4);
	assert_int_equal(record.network.ssid[3], 0xff);
	assert_memory_equal(record.network.bssid, bss.bssid, 6);
	assert_int_equal(record.network.band, WIFI_BAND_2_4_GHZ);
	assert_int_equal(record.network.channel, 14);
	assert_int_equal(record.network.auth, WIFI_AUTH_WPA2_PSK);
	assert_int_equal(record.rssi_dbm, -70);

	memset(bss.ssid, 0, sizeof(bss.ssid)); /* hidden behind zeroes */
	assert_int_equal(wpa_bss_record(&bss, &record), 0);
	assert_int_equal(record.network.ssid_len, 0);
	bss.ssid_len = WIFI_SSID_MAX + 1;
	assert_int_equal(wpa_bss_record(&bss, &record), -EINVAL);
	bss.ssid_len = 4;
	bss.has_bssid = false;
	assert_int_equal(wpa_bss_record(&bss, &record), -EINVAL);
}

static void a_frequency_says_band_and_channel(void **state)
{
	const struct {
		uint32_t mhz;
		enum wifi_band band;
		uint32_t channel;
	} rows[] = {
		{2412, WIFI_BAND_2_4_GHZ, 1},  {2472, WIFI_BAND_2_4_GHZ, 13},
		{2484, WIFI_BAND_2_4_GHZ, 14}, {5180, WIFI_BAND_5_GHZ, 36},
		{5885, WIFI_BAND_5_GHZ, 177},  {5955, WIFI_BAND_ANY, 1},
		{0, WIFI_BAND_ANY, 0},         {60480, WIFI_BAND_ANY, 0},
		{2411, WIFI_BAND_ANY, 0},      {2473, WIFI_BAND_ANY, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wifi_network n = {.channel = 99, .band = WIFI_BAND_5_GHZ};

		backend_set_frequency(&n, rows[i].mhz);
		assert_int_equal(n.band, rows[i].band);
		assert_int_equal(n.channel, rows[i].channel);
	}
}

static void channels_are_listed_only_when_they_are_needed(void **state)
{
	struct wifi_scan_params params = {0};
	const uint32_t *mhz;
	bool is_last = false;
	size_t n;

	(void)state;
	assert_int_equal(wpa_scan_channels(&params, 0, &mhz, &is_last), 0);
	assert_true(is_last);

	params.band = WIFI_BAND_2_4_GHZ;
	n = wpa_scan_channels(&params, 0, &mhz, &is_last);
	assert_int_equal(n, 13);
	assert_false(is_last);
	for (size_t i = 0; i < n; i++)
		assert_true(mhz[i] < 2500);
	assert_int_equal(wpa_scan_channels(&params, 1, &mhz, &is_last), 0);
	assert_true(is_last);

	params.band = WIFI_BAND_5_GHZ;
	n = wpa_scan_channels(&params, 0, &mhz, &is_last);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		assert_true(mhz[i] > 5000);

	params.band = WIFI_BAND_ANY;
	params.passive = true;
	assert_true(wpa_scan_channels(&params, 0, &mhz, &is_last) > 13);
	assert_false(is_last);
	assert_int_equal(wpa_scan_channels(&params, 1, &mhz, &is_last), 13);
	assert_false(is_last);
	assert_int_equal(wpa_scan_channels(&params, 2, &mhz, &is_last), 0);
	assert_true(is_last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wpa2_takes_sae_where_it_is_offered),
		cmocka_unit_test(wpa3_takes_nothing_but_sae),
		cmocka_unit_test(wpa_takes_the_older_and_the_newer_kind),
		cmocka_unit_test(an_authentication_that_is_not_said_is_taken_from_the_passphrase),
		cmocka_unit_test(sixty_four_digits_are_the_key_itself),
		cmocka_unit_test(an_open_network_has_no_secret),
		cmocka_unit_test(a_passphrase_may_have_letters_beyond_ascii),
		cmocka_unit_test(what_cannot_be_a_block_is_refused),
		cmocka_unit_test(a_bssid_pins_only_when_other_channels_are_refused),
		cmocka_unit_test(a_band_is_kept_to_unless_any_channel_will_do),
		cmocka_unit_test(a_bss_says_its_authentication),
		cmocka_unit_test(words_of_key_management_are_known),
		cmocka_unit_test(a_bss_becomes_a_record),
		cmocka_unit_test(a_frequency_says_band_and_channel),
		cmocka_unit_test(channels_are_listed_only_when_they_are_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
