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

/* What the Android app sends for a network with a passphrase, and the iOS app for an open one. */
#define ANDROID_SET_CONFIG                                                                         \
	"08045a2d0a180a086c61622d777061321206020000000100180120012803120d636f727265637420686f7273" \
	"6518002000"
#define IOS_SET_CONFIG "08045a1e0a180a086c61622d6f70656e120602000000010018012001280012001800"
#define LABEL_12345678 "a206083132333435363738"
#define IOS_START_SCAN "080252020800"

static void assert_request(const struct wifi_request *r)
{
	if (r->has_config)
		assert_wifi_config(&r->config);
	assert_true(r->has_config || !r->has_network);
	assert_true(r->scan_params.band <= WIFI_BAND_5_GHZ);
	assert_true(r->label_code_len <= WIFI_LABEL_CODE_MAX);
}

WIFI_TRY(try_request, struct wifi_request, wifi_request_decode, wifi_request_encode, assert_request)
WIFI_TRY(try_config, struct wifi_config, wifi_config_decode, wifi_config_encode, assert_wifi_config)

static int decode(const char *hex, struct wifi_request *ret)
{
	size_t len;
	_cleanup_(freep) uint8_t *data = mutate_unhex(hex, &len);

	return wifi_request_decode(data, len, ret);
}

static void assert_encodes(const struct wifi_request *r, const char *expected)
{
	_cleanup_(freep) char *hex = NULL;
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len;

	assert_int_equal(wifi_request_encode(r, data, sizeof(data), &len), 0);
	hex = wifi_hex(data, len);
	assert_string_equal(hex, expected);
}

static struct wifi_config secured(const char *passphrase)
{
	struct wifi_config c = {.network = wifi_lab("lab-wpa2", WIFI_AUTH_WPA2_PSK),
				.has_passphrase = true,
				.passphrase_len = strlen(passphrase)};

	memcpy(c.passphrase, passphrase, c.passphrase_len);
	return c;
}

static void operations_without_arguments_are_two_bytes(void **state)
{
	static const struct {
		uint32_t op;
		const char *hex;
	} rows[] = {
		{WIFI_OP_GET_STATUS, "0801"},    {WIFI_OP_START_SCAN, "0802"},
		{WIFI_OP_STOP_SCAN, "0803"},     {WIFI_OP_SET_CONFIG, "0804"},
		{WIFI_OP_FORGET_CONFIG, "0805"}, {0, ""},
	};
	struct wifi_request r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(decode(rows[i].hex, &r), 0);
		assert_int_equal(r.op, rows[i].op);
		assert_false(r.has_scan_params || r.has_config || r.has_network);
		assert_int_equal(r.label_code_len, 0);
		assert_encodes(&(struct wifi_request){.op = rows[i].op}, rows[i].hex);
	}
}

static void operations_that_nobody_knows_are_kept(void **state)
{
	struct wifi_request r;

	(void)state;
	assert_int_equal(decode("0806", &r), 0);
	assert_int_equal(r.op, 6);
	assert_int_equal(decode("08ffffffff0f", &r), 0);
	assert_int_equal(r.op, UINT32_MAX);
	assert_encodes(&r, "08ffffffff0f");
	/* As an enum that is negative. */
	assert_int_equal(decode("08ffffffffffffffffff01", &r), 0);
	assert_int_equal(r.op, UINT32_MAX);
}

static void the_android_app_sets_a_configuration(void **state)
{
	struct wifi_request r = {.op = WIFI_OP_SET_CONFIG,
				 .has_config = true,
				 .has_network = true,
				 .config = secured("correct horse")};

	(void)state;
	r.config.has_any_channel = true;
	assert_encodes(&r, ANDROID_SET_CONFIG);

	memset(&r, 0xee, sizeof(r));
	assert_int_equal(decode(ANDROID_SET_CONFIG, &r), 0);
	assert_int_equal(r.op, WIFI_OP_SET_CONFIG);
	assert_true(r.has_config && r.has_network);
	assert_int_equal(r.config.network.ssid_len, 8);
	assert_memory_equal(r.config.network.ssid, "lab-wpa2", 8);
	assert_memory_equal(r.config.network.bssid, "\x02\0\0\0\x01\0", 6);
	assert_int_equal(r.config.network.band, WIFI_BAND_2_4_GHZ);
	assert_int_equal(r.config.network.channel, 1);
	assert_int_equal(r.config.network.auth, WIFI_AUTH_WPA2_PSK);
	assert_true(r.config.has_passphrase);
	assert_int_equal(r.config.passphrase_len, 13);
	assert_memory_equal(r.config.passphrase, "correct horse", 13);
	assert_true(r.config.has_any_channel);
	assert_false(r.config.any_channel || r.config.is_volatile || r.config.has_certs);
	assert_encodes(&r, ANDROID_SET_CONFIG);
}

static void the_ios_app_sets_an_open_network_with_an_empty_passphrase(void **state)
{
	struct wifi_request r = {.op = WIFI_OP_SET_CONFIG,
				 .has_config = true,
				 .has_network = true,
				 .config = {.network = wifi_lab("lab-open", WIFI_AUTH_OPEN),
					    .has_passphrase = true}};

	(void)state;
	assert_encodes(&r, IOS_SET_CONFIG);
	assert_int_equal(decode(IOS_SET_CONFIG, &r), 0);
	assert_int_equal(r.config.network.auth, WIFI_AUTH_OPEN);
	assert_true(r.config.has_passphrase);
	assert_int_equal(r.config.passphrase_len, 0);
	assert_false(r.config.has_any_channel || r.config.is_volatile);
	assert_encodes(&r, IOS_SET_CONFIG);
}

static void the_ios_app_scans_with_a_band(void **state)
{
	struct wifi_request r = {.op = WIFI_OP_START_SCAN, .has_scan_params = true};

	(void)state;
	assert_encodes(&r, IOS_START_SCAN);
	assert_int_equal(decode(IOS_START_SCAN, &r), 0);
	assert_true(r.has_scan_params);
	assert_int_equal(r.scan_params.band, WIFI_BAND_ANY);

	r.scan_params = (struct wifi_scan_params){
		.band = WIFI_BAND_5_GHZ, .passive = true, .period_ms = 300, .group_channels = 2};
	assert_encodes(&r, "080252090802100118ac022002");
}

static void every_mutation_of_a_request_keeps_the_limits(void **state)
{
	(void)state;
	wifi_try_all(ANDROID_SET_CONFIG, try_request);
	wifi_try_all(IOS_SET_CONFIG, try_request);
	wifi_try_all(IOS_START_SCAN, try_request);
	wifi_try_all("080252090802100118ac022002", try_request);
	wifi_try_all("0804" LABEL_12345678, try_request);
}

static void every_mutation_of_a_stored_configuration_keeps_the_limits(void **state)
{
	(void)state;
	wifi_try_all(&ANDROID_SET_CONFIG[8], try_config);
	wifi_try_all(&IOS_SET_CONFIG[8], try_config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_without_arguments_are_two_bytes),
		cmocka_unit_test(operations_that_nobody_knows_are_kept),
		cmocka_unit_test(the_android_app_sets_a_configuration),
		cmocka_unit_test(the_ios_app_sets_an_open_network_with_an_empty_passphrase),
		cmocka_unit_test(the_ios_app_scans_with_a_band),
		cmocka_unit_test(every_mutation_of_a_request_keeps_the_limits),
		cmocka_unit_test(every_mutation_of_a_stored_configuration_keeps_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
