/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/cli/mask.h"
#include "base/macros.h"

static void assert_masked(const char *line, const char *expected)
{
	char *text = NULL;

	assert_int_equal(mask_line(line, &text), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void long_runs_that_look_random_are_masked(void **state)
{
	(void)state;
	assert_masked("token 2dn3hQFQUDYxVDkxRPCAIhIbZAFifUNYIKNhd0jZVkY.0oRDoQEmoQRBIVhM",
		      "token [masked]");
	/* 16 and 32 bytes in base64, with both alphabets. */
	assert_masked("x MDEyMzQ1Njc4OWFiY2RlZg== y", "x [masked] y");
	assert_masked("x 9jK/+ZsWm3Qf0aTtE1u8vB2nC4xYlIoPhGkRdSeMw7A= y", "x [masked] y");
	assert_masked("x=9jK_-ZsWm3Qf0aTtE1u8vB2nC4xYlIoPhGkRdSeMw7A", "[masked]");
	/* A key in hex. */
	assert_masked("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		      "[masked]");
	assert_masked("key 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", "key [masked]");
	/* As a file's name it is no better. */
	assert_masked("/tmp/9jKZsWm3Qf0aTtE1u8vB2nC4xYlIoPhGkRdSeMw7A", "[masked]");
}

static void hex_is_masked_whatever_is_glued_to_it(void **state)
{
#define HEX "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"
	(void)state;
	assert_masked(HEX, "[masked]");
	assert_masked("with key=" HEX ".", "with [masked]");
	assert_masked("on" HEX, "[masked]");
	assert_masked("/var/lib/" HEX "/x", "[masked]");
#undef HEX
}

static void what_is_no_secret_stays(void **state)
{
	static const char *const lines[] = {
		"",
		"state old=booting new=idle why=\"started\"",
		"uuid 50363154-3931-44f0-8022-121b6401627d",
		"suite ECDHE-ECDSA-AES128-GCM-SHA256",
		"trace 0123456789abcdef0123456789abcdef",
		"/usr/share/onboardd/nrf-cloud-root-ca.pem: No such file or directory",
		"/tmp/onboard-test-hbgsugzw/device-39/store.db.damaged",
		"pin-file = /etc/onboardd/pin",
		"key = pkcs11:token=onboard",
		"\"server\": \"provisioning.example.com\",",
		"16842753 private-key 0123456789abcdef0123456789abcdef "
		"0123456789abcdef0123456789abcdef",
		"mapping: 1",
		"2026-11-30T08:22:11Z the clock says 2026-11-30 08:22 UTC",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_masked(lines[i], lines[i]);
}

static void what_is_said_of_a_secrets_name_is_masked(void **state)
{
	(void)state;
	assert_masked("passphrase = correct horse battery", "passphrase = [masked]");
	assert_masked("  \"passkey\": \"123456\", \"a\": 1",
		      "  \"passkey\": \"[masked]\", \"a\": 1");
	assert_masked("pkcs11:token=a;pin-value=1234", "pkcs11:token=a;pin-value=[masked]");
	assert_masked("wifi psk=secret", "wifi psk=[masked]");
	assert_masked("PIN: 87654321", "PIN: [masked]");
	assert_masked("\"claim_token\": \"\"", "\"claim_token\": \"[masked]\"");
	assert_masked("passphrase =", "passphrase =");
}

static void a_passkey_that_is_told_in_words_is_masked(void **state)
{
	(void)state;
	assert_masked("passkey for the phone that is pairing now: 123456",
		      "passkey for the phone that is pairing now: [masked]");
	assert_masked("123456 is no passkey", "123456 is no passkey");
}

static void a_drawn_qr_code_is_masked(void **state)
{
	(void)state;
	assert_masked("  ##########  ##  ####    ##########", "[masked]");
	assert_masked("\xe2\x96\x88\xe2\x96\x80 \xe2\x96\x84", "[masked]");
	assert_masked("## heading ##", "## heading ##");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_runs_that_look_random_are_masked),
		cmocka_unit_test(hex_is_masked_whatever_is_glued_to_it),
		cmocka_unit_test(what_is_no_secret_stays),
		cmocka_unit_test(what_is_said_of_a_secrets_name_is_masked),
		cmocka_unit_test(a_passkey_that_is_told_in_words_is_masked),
		cmocka_unit_test(a_drawn_qr_code_is_masked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
