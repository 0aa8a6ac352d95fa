/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "agent/cli/wifitext.h"
#include "base/exitcode.h"

static void a_name_is_its_bytes_and_what_escapes_stand_for(void **state)
{
	static const struct {
		const char *text;
		const char *bytes;
		size_t len;
	} rows[] = {
		{"home", "home", 4},
		{" two  words ", " two  words ", 12},
		{"caf\xc3\xa9", "caf\xc3\xa9", 5},
		{"lab-\\xff\\x00\\xFE", "lab-\xff\x00\xfe", 7},
		{"\\x5cx41", "\\x41", 4},
		{"C:\\net", "C:\\net", 6},
		{"a\\", "a\\", 2},
		{"a\\x", "a\\x", 3},
		{"a\\x4", "a\\x4", 4},
		{"a\\xg1", "a\\xg1", 5},
		{"a\\\\b", "a\\\\b", 4},
		{"12345678901234567890123456789012", "12345678901234567890123456789012", 32},
		{"1234567890123456789012345678901\\x32", "12345678901234567890123456789012", 32},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wifi_network n = {0};

		assert_int_equal(wifitext_ssid(rows[i].text, &n), 0);
		assert_int_equal(n.ssid_len, rows[i].len);
		assert_memory_equal(n.ssid, rows[i].bytes, rows[i].len);
	}
}

static void a_name_of_no_bytes_or_too_many_is_refused(void **state)
{
	struct wifi_network n = {.ssid_len = 7};

	(void)state;
	assert_int_equal(wifitext_ssid("", &n), -EINVAL);
	assert_int_equal(wifitext_ssid("123456789012345678901234567890123", &n), -EINVAL);
	assert_int_equal(wifitext_ssid("12345678901234567890123456789012\\x33", &n), -EINVAL);
	assert_int_equal(n.ssid_len, 7);
}

static void a_name_reads_back_as_it_was_printed(void **state)
{
	char text[WIFI_SSID_TEXT_MAX];

	(void)state;
	for (unsigned int byte = 0; byte < 256; byte++) {
		struct wifi_network n = {.ssid = {'a', (uint8_t)byte, 'b'}, .ssid_len = 3}, back;

		assert_int_equal(wifitext_ssid(wifi_ssid_text(&n, text), &back), 0);
		assert_int_equal(back.ssid_len, 3);
		assert_memory_equal(back.ssid, n.ssid, 3);
	}
}

static void addresses_are_six_pairs_of_digits_and_nothing_else(void **state)
{
	static const char *const bad[] = {"",
					  "02:00:00:00:01",
					  "02:00:00:00:01:0",
					  "02:00:00:00:01:000",
					  "02:00:00:00:01:00:",
					  "02-00-00-00-01-00",
					  "020000000100",
					  "02:00:00:00:01:0g",
					  "02:00:00:0:001:00"};
	uint8_t mac[WIFI_BSSID_LEN] = {0};

	(void)state;
	assert_int_equal(wifitext_mac("02:00:00:00:01:aF", mac), 0);
	assert_memory_equal(mac, "\x02\x00\x00\x00\x01\xaf", sizeof(mac));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(wifitext_mac(bad[i], mac), -EINVAL);
		assert_int_equal(mac[5], 0xaf);
	}
}

static void authentications_go_by_their_names(void **state)
{
	enum wifi_auth auth = WIFI_AUTH_UNKNOWN;

	(void)state;
	assert_int_equal(wifitext_auth("wpa3-psk", &auth), 0);
	assert_int_equal(auth, WIFI_AUTH_WPA3_PSK);
	assert_int_equal(wifitext_auth("open", &auth), 0);
	assert_int_equal(auth, WIFI_AUTH_OPEN);
	assert_int_equal(wifitext_auth("unknown", &auth), -EINVAL);
	assert_int_equal(wifitext_auth("", &auth), -EINVAL);
	assert_int_equal(wifitext_auth("WPA3", &auth), -EINVAL);
}

/* Every name of proto/wifi has words of its own, so that no screen shows "fail-conn". */
static void every_state_and_reason_has_words(void **state)
{
	(void)state;
	for (int s = WIFI_STATE_AUTHENTICATION; s <= WIFI_STATE_CONNECTION_FAILED; s++) {
		const char *name = wifi_state_name((enum wifi_state)s);

		assert_true(s == WIFI_STATE_CONNECTED || wifitext_state_words(name) != name);
	}
	for (int w = WIFI_REASON_AUTH_ERROR; w <= WIFI_REASON_FAIL_CONN; w++) {
		const char *name = wifi_reason_name((enum wifi_reason)w);

		assert_true(wifitext_reason_words(name) != name);
	}
	assert_string_equal(wifitext_reason_words("sunspots"), "sunspots");
}

static void a_wrong_password_has_the_exit_code_of_authentication(void **state)
{
	(void)state;
	assert_int_equal(wifitext_reason_exit_code(wifi_reason_name(WIFI_REASON_AUTH_ERROR)),
			 EXIT_CODE_IDENTITY);
	assert_int_equal(wifitext_reason_exit_code(wifi_reason_name(WIFI_REASON_TIMEOUT)),
			 EXIT_CODE_TIMEOUT);
	assert_int_equal(wifitext_reason_exit_code(wifi_reason_name(WIFI_REASON_FAIL_IP)),
			 EXIT_CODE_NETWORK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_its_bytes_and_what_escapes_stand_for),
		cmocka_unit_test(a_name_of_no_bytes_or_too_many_is_refused),
		cmocka_unit_test(a_name_reads_back_as_it_was_printed),
		cmocka_unit_test(addresses_are_six_pairs_of_digits_and_nothing_else),
		cmocka_unit_test(authentications_go_by_their_names),
		cmocka_unit_test(every_state_and_reason_has_words),
		cmocka_unit_test(a_wrong_password_has_the_exit_code_of_authentication),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
