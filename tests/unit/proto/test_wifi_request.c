/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/proto/failing.h"
#include "tests/unit/proto/wifi_request.h"

static void assert_request(const struct wifi_request *r)
{
	if (r->has_config)
		assert_wifi_config(&r->config);
	assert_true(r->has_config || !r->has_network);
	assert_true(r->scan_params.band <= WIFI_BAND_5_GHZ);
	assert_true(r->label_code_len <= WIFI_LABEL_CODE_MAX);
}

WIFI_TRY(try_request, struct wifi_request, wifi_request_decode, wifi_request_encode, assert_request)

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
		assert_int_equal(request_of(rows[i].hex, &r), 0);
		assert_int_equal(r.op, rows[i].op);
		assert_false(r.has_scan_params || r.has_config || r.has_network);
		assert_int_equal(r.label_code_len, 0);
		assert_request_is(&(struct wifi_request){.op = rows[i].op}, rows[i].hex);
	}
}

static void operations_that_nobody_knows_are_kept(void **state)
{
	struct wifi_request r;

	(void)state;
	assert_int_equal(request_of("0806", &r), 0);
	assert_int_equal(r.op, 6);
	assert_int_equal(request_of("08ffffffff0f", &r), 0);
	assert_int_equal(r.op, UINT32_MAX);
	assert_request_is(&r, "08ffffffff0f");
	/* As an enum that is negative. */
	assert_int_equal(request_of("08ffffffffffffffffff01", &r), 0);
	assert_int_equal(r.op, UINT32_MAX);
}

static void the_android_app_sets_a_configuration(void **state)
{
	struct wifi_request r = {.op = WIFI_OP_SET_CONFIG,
				 .has_config = true,
				 .has_network = true,
				 .config = wifi_secured("correct horse")};

	(void)state;
	r.config.has_any_channel = true;
	assert_request_is(&r, ANDROID_SET_CONFIG);

	memset(&r, 0xee, sizeof(r));
	assert_int_equal(request_of(ANDROID_SET_CONFIG, &r), 0);
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
	assert_request_is(&r, ANDROID_SET_CONFIG);
}

static void the_ios_app_sets_an_open_network_with_an_empty_passphrase(void **state)
{
	struct wifi_request r = {.op = WIFI_OP_SET_CONFIG,
				 .has_config = true,
				 .has_network = true,
				 .config = {.network = wifi_lab("lab-open", WIFI_AUTH_OPEN),
					    .has_passphrase = true}};

	(void)state;
	assert_request_is(&r, IOS_SET_CONFIG);
	assert_int_equal(request_of(IOS_SET_CONFIG, &r), 0);
	assert_int_equal(r.config.network.auth, WIFI_AUTH_OPEN);
	assert_true(r.config.has_passphrase);
	assert_int_equal(r.config.passphrase_len, 0);
	assert_false(r.config.has_any_channel || r.config.is_volatile);
	assert_request_is(&r, IOS_SET_CONFIG);
}

static void the_ios_app_scans_with_a_band(void **state)
{
	struct wifi_request r = {.op = WIFI_OP_START_SCAN, .has_scan_params = true};

	(void)state;
	assert_request_is(&r, IOS_START_SCAN);
	assert_int_equal(request_of(IOS_START_SCAN, &r), 0);
	assert_true(r.has_scan_params);
	assert_int_equal(r.scan_params.band, WIFI_BAND_ANY);

	r.scan_params = (struct wifi_scan_params){
		.band = WIFI_BAND_5_GHZ, .passive = true, .period_ms = 300, .group_channels = 2};
	assert_request_is(&r, "080252090802100118ac022002");
}

static void the_label_code_has_at_most_32_bytes(void **state)
{
	struct wifi_request r = {.op = WIFI_OP_GET_STATUS, .label_code_len = WIFI_LABEL_CODE_MAX};
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len;

	(void)state;
	memset(r.label_code, 'c', sizeof(r.label_code));
	assert_int_equal(wifi_request_encode(&r, data, sizeof(data) - 1, &len), 0);
	assert_int_equal(len, 2 + 3 + WIFI_LABEL_CODE_MAX);
	assert_int_equal(wifi_request_decode(data, len, &r), 0);
	assert_int_equal(r.label_code_len, WIFI_LABEL_CODE_MAX);
	assert_int_equal(r.label_code[WIFI_LABEL_CODE_MAX - 1], 'c');

	data[4]++;
	data[len++] = 'c';
	assert_int_equal(wifi_request_decode(data, len, &r), -EBADMSG);

	assert_int_equal(request_of("0801" LABEL_12345678, &r), 0);
	assert_int_equal(r.label_code_len, 8);
	assert_memory_equal(r.label_code, "12345678", 8);
	assert_request_is(&r, "0801" LABEL_12345678);
	assert_int_equal(request_of("0801a20600", &r), 0);
	assert_int_equal(r.label_code_len, 0);
}

static void unknown_fields_are_skipped(void **state)
{
	struct wifi_request r;

	(void)state;
	assert_int_equal(request_of("0801"
				    "78ffffffffffffffffff01" /* 15, a number */
				    "fa0103616263"           /* 31, bytes */
				    "f9011122334455667788"   /* 31, 8 bytes */
				    "ed0111223344"           /* 29, 4 bytes */
				    "faffffff0f00",          /* the largest tag there is */
				    &r),
			 0);
	assert_request_is(&r, "0801");
}

static void lengths_and_tags_beyond_the_message_are_refused(void **state)
{
	static const char *const bad[] = {
		"5affffffff0f",
		"5affffffff07",
		"5a8080808008",
		"5affffffffffffffffff01",
		"5a02",
		"a20621616161",
		"7affffffff0f",
		"7a8080808080808080808001",
		"0a",
		"08ffffffffffffffffffff01",
		"08",
		"0880",
		"ffffffffffff01",
		"0b",
		"0c",
		"0e",
		"0f",
		"7901",
		"7d010203",
		"5a05180112ff07",
		"080180",
	};
	struct wifi_request r = {.op = 77};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (request_of(bad[i], &r) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
	}
	assert_int_equal(r.op, 77);
}

/* A message of exactly len bytes: unit, over and over, and at the end whatever fills it up. */
static int decode_repeated(const uint8_t *unit, size_t unit_len, size_t len)
{
	_cleanup_(freep) uint8_t *data = malloc(len);
	struct wifi_request r;

	assert_int_equal(len % unit_len, 0);
	for (size_t i = 0; i < len; i += unit_len)
		memcpy(data + i, unit, unit_len);
	return wifi_request_decode(data, len, &r);
}

static void a_message_is_at_most_one_attribute_value(void **state)
{
	(void)state;
	assert_int_equal(decode_repeated((const uint8_t *)"\x08\x01", 2, WIFI_MESSAGE_MAX), 0);
	assert_int_equal(decode_repeated((const uint8_t *)"\x08\x01", 2, WIFI_MESSAGE_MAX + 2),
			 -EBADMSG);
	assert_int_equal(decode_repeated((const uint8_t *)"\x08\x80\x01", 3, WIFI_MESSAGE_MAX + 1),
			 -EBADMSG);
}

/* As many parts as fit never take more memory than there is. */
static void the_densest_messages_are_read(void **state)
{
	static const struct {
		const char *unit;
		size_t len;
	} rows[] = {
		{"\x10\x01", 2},
		{"\x5a\x00", 2},
		{"\x52\x00", 2},
		{"\x5a\x02\x18\x01", 4},
		{"\x5a\x02\x1a\x00", 4},
		{"\xa2\x06\x01\x61", 4},
		{"\x7a\x00", 2},
		{"\x5a\x0e\x0a\x0c\x0a\x00\x12\x00\x20\x01\x30\x01\x32\x00\x30\x01", 16},
	};
	uint8_t inner[WIFI_MESSAGE_MAX] = {0x5a, 0xfc, 0x03}; /* 508 bytes */
	struct wifi_request r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint8_t *unit = (const uint8_t *)rows[i].unit;

		assert_int_equal(decode_repeated(unit, rows[i].len, WIFI_MESSAGE_MAX), 0);
	}
	for (size_t i = 3; i < 511; i += 2)
		memcpy(inner + i, "\x18\x01", 2);
	assert_int_equal(wifi_request_decode(inner, 511, &r), 0);
	assert_true(r.config.is_volatile);
}

static void parts_of_one_message_are_put_together(void **state)
{
	struct wifi_request r;

	(void)state;
	/* Protobuf allows a submessage in pieces, and a field twice: the last one counts. */
	assert_int_equal(request_of("0801"
				    "5a03120161"
				    "5a0b0a090a016e120020012803"
				    "0804",
				    &r),
			 0);
	assert_int_equal(r.op, WIFI_OP_SET_CONFIG);
	assert_true(r.has_network && r.config.has_passphrase);
	assert_int_equal(r.config.network.ssid[0], 'n');
	assert_int_equal(r.config.passphrase[0], 'a');
}

static void a_struct_that_breaks_a_limit_is_not_encoded(void **state)
{
	const struct wifi_request good = {.op = WIFI_OP_SET_CONFIG,
					  .has_scan_params = true,
					  .has_config = true,
					  .has_network = true,
					  .config = wifi_secured("correct horse")};
	struct wifi_request bad[9];
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].config.network.ssid_len = WIFI_SSID_MAX + 1;
	bad[1].config.passphrase_len = WIFI_PASSPHRASE_MAX + 1;
	bad[2].config.has_passphrase = false;
	bad[3].config.network.band = (enum wifi_band)3;
	bad[4].config.network.auth = (enum wifi_auth)7;
	bad[5].config.network.auth = (enum wifi_auth)256;
	bad[6].scan_params.band = (enum wifi_band)3;
	bad[7].label_code_len = WIFI_LABEL_CODE_MAX + 1;
	bad[8].has_config = false;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(wifi_request_encode(&bad[i], data, sizeof(data), &len), -EINVAL);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(wifi_config_encode(&bad[i].config, data, sizeof(data), &len),
				 -EINVAL);
	assert_int_equal(len, 77);
	assert_int_equal(wifi_request_encode(&good, data, sizeof(data), &len), 0);
}

static void a_buffer_too_small_is_told_and_left_alone(void **state)
{
	struct wifi_request r = {.op = WIFI_OP_SET_CONFIG,
				 .has_config = true,
				 .has_network = true,
				 .config = wifi_secured("correct horse")};
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t full, len;

	(void)state;
	assert_int_equal(wifi_request_encode(&r, data, sizeof(data), &full), 0);
	for (size_t size = 0; size < full; size++) {
		_cleanup_(freep) uint8_t *small = malloc(size > 0 ? size : 1);

		assert_int_equal(wifi_request_encode(&r, small, size, &len), -ENOBUFS);
	}
	assert_int_equal(wifi_request_encode(&r, data, full, &len), 0);
	assert_int_equal(len, full);
}

static void the_largest_request_fits(void **state)
{
	struct wifi_request r = {.op = UINT32_MAX,
				 .has_scan_params = true,
				 .scan_params = {WIFI_BAND_5_GHZ, true, UINT32_MAX, UINT32_MAX},
				 .has_config = true,
				 .has_network = true,
				 .label_code_len = WIFI_LABEL_CODE_MAX};
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len;

	(void)state;
	r.config = (struct wifi_config){.network = {.ssid_len = WIFI_SSID_MAX,
						    .channel = UINT32_MAX,
						    .band = WIFI_BAND_5_GHZ,
						    .auth = WIFI_AUTH_WPA3_PSK},
					.has_passphrase = true,
					.passphrase_len = WIFI_PASSPHRASE_MAX,
					.has_any_channel = true,
					.any_channel = true,
					.is_volatile = true};
	assert_int_equal(wifi_request_encode(&r, data, sizeof(data), &len), 0);
	assert_int_equal(len, 6 + 2 + 16 + 2 + 124 + 3 + 32);
	try_request(data, len);
}

static void nothing_is_needed_from_the_heap(void **state)
{
	struct wifi_request r;
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len;

	(void)state;
	assert_int_equal(request_of(ANDROID_SET_CONFIG, &r), 0);
	assert_int_equal(wifi_request_encode(&r, data, sizeof(data), &len), 0);
	failing_arm(0);
	assert_int_equal(wifi_request_decode(data, len, &r), 0);
	assert_int_equal(wifi_request_encode(&r, data, sizeof(data), &len), 0);
	failing_disarm();
	assert_true(r.has_network);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_without_arguments_are_two_bytes),
		cmocka_unit_test(operations_that_nobody_knows_are_kept),
		cmocka_unit_test(the_android_app_sets_a_configuration),
		cmocka_unit_test(the_ios_app_sets_an_open_network_with_an_empty_passphrase),
		cmocka_unit_test(the_ios_app_scans_with_a_band),
		cmocka_unit_test(the_label_code_has_at_most_32_bytes),
		cmocka_unit_test(unknown_fields_are_skipped),
		cmocka_unit_test(lengths_and_tags_beyond_the_message_are_refused),
		cmocka_unit_test(a_message_is_at_most_one_attribute_value),
		cmocka_unit_test(the_densest_messages_are_read),
		cmocka_unit_test(parts_of_one_message_are_put_together),
		cmocka_unit_test(a_struct_that_breaks_a_limit_is_not_encoded),
		cmocka_unit_test(a_buffer_too_small_is_told_and_left_alone),
		cmocka_unit_test(the_largest_request_fits),
		cmocka_unit_test(nothing_is_needed_from_the_heap),
		cmocka_unit_test(every_mutation_of_a_request_keeps_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
