/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "tests/unit/proto/wifi_request.h"

WIFI_TRY(try_config, struct wifi_config, wifi_config_decode, wifi_config_encode, assert_wifi_config)

/* SET_CONFIG of the network "abc" with these fields behind it, as hex. */
static int decode_config(const char *fields, struct wifi_request *ret)
{
	char hex[2 * WIFI_MESSAGE_MAX];

	snprintf(hex, sizeof(hex), "08045a%02zx0a0b0a03616263120020002803%s",
		 13 + strlen(fields) / 2, fields);
	return request_of(hex, ret);
}

static void fields_that_changed_their_number_are_told_by_wire_type(void **state)
{
	static const struct {
		const char *fields;
		bool is_volatile, has_any_channel, any_channel, has_certs;
	} rows[] = {
		{"", false, false, false, false},
		{"1800", false, false, false, false},
		{"1801", true, false, false, false},
		{"18002001", false, true, true, false},
		{"18012000", true, true, false, false},
		{"20011801", true, true, true, false},
		/* Certificates as 5, as 4 and as 3, with something in them or not. */
		{"180120012a00", true, true, true, true},
		{"2a050a03616263", false, false, false, true},
		{"18012200", true, false, false, true},
		{"1a00", false, false, false, true},
		{"1a020a00", false, false, false, true},
		{"1a002001", false, true, true, true},
		/* Of no type that means anything: skipped. */
		{"2801", false, false, false, false},
		{"1d01000000", false, false, false, false},
		{"210100000000000000", false, false, false, false},
		{"3001", false, false, false, false},
		/* The last one counts; any bit makes it true. */
		{"18011800", false, false, false, false},
		{"18001801", true, false, false, false},
		{"18808001", true, false, false, false},
		{"18808000", false, false, false, false},
		{"1880808080808080808001", true, false, false, false},
	};
	struct wifi_request r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (decode_config(rows[i].fields, &r) != 0)
			fail_msg("refused: %s", rows[i].fields);
		if (r.config.is_volatile != rows[i].is_volatile ||
		    r.config.has_any_channel != rows[i].has_any_channel ||
		    r.config.any_channel != rows[i].any_channel ||
		    r.config.has_certs != rows[i].has_certs)
			fail_msg("misread: %s", rows[i].fields);
		assert_true(r.has_network);
		assert_int_equal(r.config.network.ssid_len, 3);
	}
}

static void certificates_are_not_kept(void **state)
{
	uint8_t data[WIFI_MESSAGE_MAX];
	struct wifi_request r;
	size_t len;

	(void)state;
	assert_int_equal(decode_config("2a050a03616263", &r), 0);
	assert_true(r.config.has_certs);
	assert_int_equal(wifi_request_encode(&r, data, sizeof(data), &len), 0);
	assert_int_equal(wifi_request_decode(data, len, &r), 0);
	assert_false(r.config.has_certs);
}

/* A WifiConfig whose network has a name and a BSSID of so many bytes, and a passphrase (none if
 * negative). */
static int decode_sizes(size_t ssid_len, size_t bssid_len, int passphrase_len,
			struct wifi_config *ret)
{
	uint8_t wifi[WIFI_MESSAGE_MAX], config[WIFI_MESSAGE_MAX];
	struct writer w, c;

	writer_init(&w, wifi, sizeof(wifi));
	writer_u8(&w, 0x0a);
	writer_u8(&w, (uint8_t)ssid_len);
	for (size_t i = 0; i < ssid_len; i++)
		writer_u8(&w, 's');
	writer_u8(&w, 0x12);
	writer_u8(&w, (uint8_t)bssid_len);
	for (size_t i = 0; i < bssid_len; i++)
		writer_u8(&w, 'b');
	writer_be16(&w, 0x2001);
	assert_true(writer_ok(&w) && w.len < 128);

	writer_init(&c, config, sizeof(config));
	writer_u8(&c, 0x0a);
	writer_u8(&c, (uint8_t)w.len);
	writer_bytes(&c, wifi, w.len);
	if (passphrase_len >= 0) {
		writer_u8(&c, 0x12);
		writer_u8(&c, (uint8_t)passphrase_len);
		for (int i = 0; i < passphrase_len; i++)
			writer_u8(&c, 'p');
	}
	assert_true(writer_ok(&c));
	return wifi_config_decode(config, c.len, ret);
}

static void limits_hold_at_their_maximum(void **state)
{
	struct wifi_config c = {.passphrase_len = 77};

	(void)state;
	assert_int_equal(decode_sizes(WIFI_SSID_MAX + 1, 6, 8, &c), -EBADMSG);
	assert_int_equal(decode_sizes(8, 6, WIFI_PASSPHRASE_MAX + 1, &c), -EBADMSG);
	for (size_t n = 1; n < 12; n++) {
		if (n != WIFI_BSSID_LEN)
			assert_int_equal(decode_sizes(8, n, 8, &c), -EBADMSG);
	}
	assert_int_equal(c.passphrase_len, 77);

	assert_int_equal(decode_sizes(WIFI_SSID_MAX, 6, WIFI_PASSPHRASE_MAX, &c), 0);
	assert_int_equal(c.network.ssid_len, WIFI_SSID_MAX);
	assert_int_equal(c.network.ssid[WIFI_SSID_MAX - 1], 's');
	assert_memory_equal(c.network.bssid, "bbbbbb", 6);
	assert_int_equal(c.passphrase_len, WIFI_PASSPHRASE_MAX);
	assert_int_equal(c.passphrase[WIFI_PASSPHRASE_MAX - 1], 'p');

	assert_int_equal(decode_sizes(0, 0, 0, &c), 0);
	assert_int_equal(c.network.ssid_len, 0);
	assert_memory_equal(c.network.bssid, "\0\0\0\0\0\0", 6);
	assert_true(c.has_passphrase);
	assert_int_equal(decode_sizes(0, 0, -1, &c), 0);
	assert_false(c.has_passphrase);
}

static void a_network_without_a_required_field_is_refused(void **state)
{
	static const char *const bad[] = {
		"08045a040a020a00",           /* name alone */
		"08045a060a0412002001",       /* no name */
		"08045a060a040a002001",       /* no BSSID */
		"08045a060a040a001200",       /* no channel */
		"08045a020a00",               /* nothing */
		"08045a080a060a0012002801",   /* an authentication instead of the channel */
		"08045a080a0612001a002001",   /* a band of the wrong type instead of the name */
		"08045a090a0708011200200128", /* the name is a number */
	};
	struct wifi_request r = {.op = 77};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (request_of(bad[i], &r) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
	}
	assert_int_equal(r.op, 77);
	assert_int_equal(request_of("08045a080a060a0012002001", &r), 0);
	assert_true(r.has_network);
	assert_int_equal(r.config.network.auth, WIFI_AUTH_UNKNOWN);
}

static void a_configuration_without_a_network_is_a_request_all_the_same(void **state)
{
	struct wifi_config c;
	struct wifi_request r;

	(void)state;
	assert_int_equal(request_of("08045a00", &r), 0);
	assert_true(r.has_config);
	assert_false(r.has_network);
	assert_int_equal(request_of("08045a03120161", &r), 0);
	assert_true(r.has_config && r.config.has_passphrase);
	assert_false(r.has_network);
	assert_request_is(&r, "08045a051201611800");
	/* But nothing to store. */
	assert_int_equal(wifi_config_decode("\x12\x01\x61", 3, &c), -EBADMSG);
	assert_int_equal(wifi_config_decode(NULL, 0, &c), -EBADMSG);
}

static void numbers_without_a_name_read_as_absent(void **state)
{
	struct wifi_request r;

	(void)state;
	/* Authentication 7 and more comes from newer SDKs. */
	assert_int_equal(request_of("08045a0c0a0a0a001200180920012807", &r), 0);
	assert_int_equal(r.config.network.auth, WIFI_AUTH_UNKNOWN);
	assert_int_equal(r.config.network.band, WIFI_BAND_ANY);
	assert_int_equal(request_of("08045a0b0a090a001200200128ff01", &r), 0);
	assert_int_equal(r.config.network.auth, WIFI_AUTH_UNKNOWN);
	assert_int_equal(request_of("08045a130a110a00120020012886ffffffffffffffff01", &r), 0);
	assert_int_equal(r.config.network.auth, WIFI_AUTH_UNKNOWN);
	assert_int_equal(request_of("080252020803", &r), 0);
	assert_int_equal(r.scan_params.band, WIFI_BAND_ANY);
}

static void a_stored_configuration_comes_back(void **state)
{
	struct wifi_config c = wifi_secured("correct horse"), again;
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len;

	(void)state;
	c.is_volatile = c.has_any_channel = true;
	assert_int_equal(wifi_config_encode(&c, data, sizeof(data), &len), 0);
	assert_int_equal(wifi_config_decode(data, len, &again), 0);
	assert_memory_equal(again.network.ssid, c.network.ssid, WIFI_SSID_MAX);
	assert_memory_equal(again.network.bssid, c.network.bssid, WIFI_BSSID_LEN);
	assert_int_equal(again.network.auth, WIFI_AUTH_WPA2_PSK);
	assert_int_equal(again.passphrase_len, 13);
	assert_memory_equal(again.passphrase, c.passphrase, WIFI_PASSPHRASE_MAX);
	assert_true(again.is_volatile && again.has_any_channel);
	assert_false(again.any_channel);
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
		cmocka_unit_test(fields_that_changed_their_number_are_told_by_wire_type),
		cmocka_unit_test(certificates_are_not_kept),
		cmocka_unit_test(limits_hold_at_their_maximum),
		cmocka_unit_test(a_network_without_a_required_field_is_refused),
		cmocka_unit_test(a_configuration_without_a_network_is_a_request_all_the_same),
		cmocka_unit_test(numbers_without_a_name_read_as_absent),
		cmocka_unit_test(a_stored_configuration_comes_back),
		cmocka_unit_test(every_mutation_of_a_stored_configuration_keeps_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
