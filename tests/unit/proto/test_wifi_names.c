/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/proto/wifi_try.h"

static struct wifi_config config_of(enum wifi_auth auth, const char *passphrase)
{
	struct wifi_config c = {.network = wifi_lab("lab", auth),
				.has_passphrase = passphrase != NULL,
				.passphrase_len = passphrase ? strlen(passphrase) : 0};

	if (passphrase)
		memcpy(c.passphrase, passphrase, c.passphrase_len);
	return c;
}

#define X8 "12345678"
#define X62 X8 X8 X8 X8 X8 X8 X8 "123456"
#define X63 X62 "7"
#define X64 X63 "8"

static void assert_taken(enum wifi_auth auth, const char *passphrase, bool is_taken)
{
	const struct wifi_config c = config_of(auth, passphrase);
	const char *why = wifi_config_refusal(&c);

	if (!why != is_taken)
		fail_msg("%s, \"%s\": %s", wifi_auth_name(auth), passphrase ? passphrase : "(none)",
			 why ? why : "taken");
}

static void passphrases_are_judged_by_the_authentication(void **state)
{
	static const enum wifi_auth psk[] = {WIFI_AUTH_WPA_PSK, WIFI_AUTH_WPA2_PSK,
					     WIFI_AUTH_WPA_WPA2_PSK};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(psk); i++) {
		assert_taken(psk[i], NULL, false);
		assert_taken(psk[i], "", false);
		assert_taken(psk[i], "1234567", false);
		assert_taken(psk[i], X8, true);
		assert_taken(psk[i], X63, true);
		assert_taken(psk[i], X64, true); /* hex digits: the key itself */
		assert_taken(psk[i], X62 "aF", true);
		assert_taken(psk[i], X63 "g", false);
		assert_taken(psk[i], "g" X63, false);
	}
	assert_taken(WIFI_AUTH_WPA3_PSK, NULL, false);
	assert_taken(WIFI_AUTH_WPA3_PSK, "", false);
	assert_taken(WIFI_AUTH_WPA3_PSK, "1", true);
	assert_taken(WIFI_AUTH_WPA3_PSK, X63, true);
	assert_taken(WIFI_AUTH_WPA3_PSK, X64, false);
	assert_taken(WIFI_AUTH_OPEN, NULL, true);
	assert_taken(WIFI_AUTH_OPEN, "", true);
	assert_taken(WIFI_AUTH_OPEN, "1", false);
	assert_taken(WIFI_AUTH_OPEN, X8, false);
}

static void an_unknown_authentication_is_taken_from_the_passphrase(void **state)
{
	(void)state;
	assert_taken(WIFI_AUTH_UNKNOWN, NULL, true);
	assert_taken(WIFI_AUTH_UNKNOWN, "", true);
	assert_taken(WIFI_AUTH_UNKNOWN, "1234567", false);
	assert_taken(WIFI_AUTH_UNKNOWN, X8, true);
	assert_taken(WIFI_AUTH_UNKNOWN, X64, true);
	assert_taken(WIFI_AUTH_UNKNOWN, X63 "g", false);
}

static void authentications_without_credentials_here_are_refused(void **state)
{
	static const char *const passphrases[] = {NULL, "", "12345", X8, "1234567890123"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(passphrases); i++) {
		assert_taken(WIFI_AUTH_WEP, passphrases[i], false);
		assert_taken(WIFI_AUTH_WPA2_ENTERPRISE, passphrases[i], false);
		assert_taken((enum wifi_auth)7, passphrases[i], false);
	}
}

static void certificates_are_never_taken_for_an_open_network(void **state)
{
	struct wifi_config c = config_of(WIFI_AUTH_UNKNOWN, NULL);

	(void)state;
	c.has_certs = true;
	assert_non_null(wifi_config_refusal(&c));
	/* With an authentication that needs none they do not matter. */
	c = config_of(WIFI_AUTH_WPA2_PSK, X8);
	c.has_certs = true;
	assert_null(wifi_config_refusal(&c));
}

static void a_passphrase_is_text(void **state)
{
	static const char *const bad[] = {"1234567\n",        "\t12345678",          "1234\x1b[2J",
					  "1234567\x7f",      "12345678\xff",        "12345678\xc2",
					  "12345678\xc2\x9b", "12345678\xed\xa0\x80"};
	struct wifi_config c = config_of(WIFI_AUTH_WPA2_PSK, "12345678");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_taken(WIFI_AUTH_WPA2_PSK, bad[i], false);
		assert_taken(WIFI_AUTH_WPA3_PSK, bad[i], false);
		assert_taken(WIFI_AUTH_UNKNOWN, bad[i], false);
	}
	assert_taken(WIFI_AUTH_WPA2_PSK, " !\"\\~ '#", true);
	assert_taken(WIFI_AUTH_WPA2_PSK, "p\xc3\xa4sswort", true);
	assert_taken(WIFI_AUTH_WPA3_PSK, "\xe2\x82\xac", true);
	c.passphrase[3] = '\0';
	assert_non_null(wifi_config_refusal(&c));
}

static void a_network_without_a_name_is_refused(void **state)
{
	struct wifi_config c = config_of(WIFI_AUTH_OPEN, NULL);

	(void)state;
	assert_null(wifi_config_refusal(&c));
	c.network.ssid_len = 0;
	assert_non_null(wifi_config_refusal(&c));
	c.network.ssid_len = WIFI_SSID_MAX;
	assert_null(wifi_config_refusal(&c));
	c.network.ssid_len = WIFI_SSID_MAX + 1;
	assert_non_null(wifi_config_refusal(&c));
}

static void a_refusal_never_repeats_the_passphrase(void **state)
{
	static const char *const bad[] = {"hunter2", X63, "hunter2\n", "x"};

	(void)state;
	for (unsigned int auth = 0; auth <= WIFI_AUTH_WPA3_PSK + 1; auth++) {
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			const struct wifi_config c = config_of((enum wifi_auth)auth, bad[i]);
			const char *why = wifi_config_refusal(&c);

			if (why)
				assert_null(strstr(why, "hunter2"));
		}
	}
}

static void names_are_stable_words(void **state)
{
	(void)state;
	assert_string_equal(wifi_op_name(WIFI_OP_GET_STATUS), "get-status");
	assert_string_equal(wifi_op_name(WIFI_OP_START_SCAN), "start-scan");
	assert_string_equal(wifi_op_name(WIFI_OP_STOP_SCAN), "stop-scan");
	assert_string_equal(wifi_op_name(WIFI_OP_SET_CONFIG), "set-config");
	assert_string_equal(wifi_op_name(WIFI_OP_FORGET_CONFIG), "forget-config");
	assert_string_equal(wifi_op_name(0), "unknown");
	assert_string_equal(wifi_op_name(6), "unknown");
	assert_string_equal(wifi_op_name(UINT32_MAX), "unknown");
	assert_string_equal(wifi_answer_name(WIFI_ANSWER_SUCCESS), "success");
	assert_string_equal(wifi_answer_name(WIFI_ANSWER_INVALID_ARGUMENT), "invalid-argument");
	assert_string_equal(wifi_answer_name(WIFI_ANSWER_INVALID_PROTO), "invalid-proto");
	assert_string_equal(wifi_answer_name(WIFI_ANSWER_INTERNAL_ERROR), "internal-error");
	assert_string_equal(wifi_answer_name((enum wifi_answer)4), "unknown");
	assert_string_equal(wifi_state_name(WIFI_STATE_DISCONNECTED), "disconnected");
	assert_string_equal(wifi_state_name(WIFI_STATE_AUTHENTICATION), "authentication");
	assert_string_equal(wifi_state_name(WIFI_STATE_ASSOCIATION), "association");
	assert_string_equal(wifi_state_name(WIFI_STATE_OBTAINING_IP), "obtaining-ip");
	assert_string_equal(wifi_state_name(WIFI_STATE_CONNECTED), "connected");
	assert_string_equal(wifi_state_name(WIFI_STATE_CONNECTION_FAILED), "connection-failed");
	assert_string_equal(wifi_state_name((enum wifi_state)6), "unknown");
	assert_string_equal(wifi_reason_name(WIFI_REASON_AUTH_ERROR), "auth-error");
	assert_string_equal(wifi_reason_name(WIFI_REASON_NETWORK_NOT_FOUND), "network-not-found");
	assert_string_equal(wifi_reason_name(WIFI_REASON_TIMEOUT), "timeout");
	assert_string_equal(wifi_reason_name(WIFI_REASON_FAIL_IP), "fail-ip");
	assert_string_equal(wifi_reason_name(WIFI_REASON_FAIL_CONN), "fail-conn");
	assert_string_equal(wifi_reason_name((enum wifi_reason)5), "unknown");
	assert_string_equal(wifi_band_name(WIFI_BAND_ANY), "any");
	assert_string_equal(wifi_band_name(WIFI_BAND_2_4_GHZ), "2.4 GHz");
	assert_string_equal(wifi_band_name(WIFI_BAND_5_GHZ), "5 GHz");
	assert_string_equal(wifi_band_name((enum wifi_band)3), "unknown");
	assert_string_equal(wifi_auth_name(WIFI_AUTH_OPEN), "open");
	assert_string_equal(wifi_auth_name(WIFI_AUTH_WEP), "wep");
	assert_string_equal(wifi_auth_name(WIFI_AUTH_WPA_PSK), "wpa-psk");
	assert_string_equal(wifi_auth_name(WIFI_AUTH_WPA2_PSK), "wpa2-psk");
	assert_string_equal(wifi_auth_name(WIFI_AUTH_WPA_WPA2_PSK), "wpa-wpa2-psk");
	assert_string_equal(wifi_auth_name(WIFI_AUTH_WPA2_ENTERPRISE), "wpa2-enterprise");
	assert_string_equal(wifi_auth_name(WIFI_AUTH_WPA3_PSK), "wpa3-psk");
	assert_string_equal(wifi_auth_name(WIFI_AUTH_UNKNOWN), "unknown");
	assert_string_equal(wifi_auth_name((enum wifi_auth)7), "unknown");
}

static void a_network_name_is_fit_to_be_shown(void **state)
{
	static const struct {
		const char *ssid, *text;
	} rows[] = {
		{"", ""},
		{"lab-wpa2", "lab-wpa2"},
		{"caf\xc3\xa9 \xe2\x98\x95 \xf0\x9f\x93\xb6",
		 "caf\xc3\xa9 \xe2\x98\x95 \xf0\x9f\x93\xb6"},
		{"a\nb\x1b[31m\x7f", "a\\x0ab\\x1b[31m\\x7f"},
		{"\xff"
		 "a\xc3",
		 "\\xffa\\xc3"},
		{"\xc0\xaf", "\\xc0\\xaf"},
		{"\xc2\x9b"
		 "31m",
		 "\\xc2\\x9b31m"}, /* C1 */
		{"a\xe2\x80\xae"
		 "b",
		 "a\\xe2\\x80\\xaeb"}, /* right to left from here */
		{"a\xe2\x81\xa6"
		 "b",
		 "a\\xe2\\x81\\xa6"
		 "b"},
		{"a\xe2\x80\xa8"
		 "b",
		 "a\\xe2\\x80\\xa8"
		 "b"}, /* a line separator */
		{"a\xe2\x80\xa6", "a\xe2\x80\xa6"},
	};
	char text[WIFI_SSID_TEXT_MAX];
	struct wifi_network n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		n = wifi_lab(rows[i].ssid, WIFI_AUTH_OPEN);
		assert_string_equal(wifi_ssid_text(&n, text), rows[i].text);
	}
	/* NUL is a byte of a name as any other. */
	n = (struct wifi_network){.ssid_len = 3, .ssid = "a\0b"};
	assert_string_equal(wifi_ssid_text(&n, text), "a\\x00b");
	/* A character cut off at the end of the longest name. */
	n.ssid_len = WIFI_SSID_MAX;
	memset(n.ssid, 'a', sizeof(n.ssid));
	n.ssid[WIFI_SSID_MAX - 1] = 0xc3;
	assert_string_equal(wifi_ssid_text(&n, text), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\xc3");
	memset(n.ssid, 0xff, sizeof(n.ssid));
	assert_int_equal(strlen(wifi_ssid_text(&n, text)), WIFI_SSID_TEXT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passphrases_are_judged_by_the_authentication),
		cmocka_unit_test(an_unknown_authentication_is_taken_from_the_passphrase),
		cmocka_unit_test(authentications_without_credentials_here_are_refused),
		cmocka_unit_test(certificates_are_never_taken_for_an_open_network),
		cmocka_unit_test(a_passphrase_is_text),
		cmocka_unit_test(a_network_without_a_name_is_refused),
		cmocka_unit_test(a_refusal_never_repeats_the_passphrase),
		cmocka_unit_test(names_are_stable_words),
		cmocka_unit_test(a_network_name_is_fit_to_be_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
