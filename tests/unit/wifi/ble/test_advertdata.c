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

#include "wifi/ble/advertdata.h"

static const struct advertisement unprovisioned = {
	.name = "PV0A0B0C", .rssi_dbm = INT8_MIN, .is_fast = true};

static void the_advertisement_is_flags_service_and_name(void **state)
{
	static const uint8_t expected[] = {
		0x02, 0x01, 0x06, /* Flags: general discoverable, no BR/EDR */
		0x11, 0x07, 0x58, 0xb2, 0x9c, 0xc8, 0x81, 0x28, 0x77, 0xb8,
		0xe7, 0x49, 0x0c, 0x13, 0x00, 0x78, 0x38, 0x14,            /* UUIDs */
		0x09, 0x09, 'P',  'V',  '0',  'A',  '0',  'B',  '0',  'C', /* name */
	};
	struct advertdata d;

	(void)state;
	assert_int_equal(advertdata_encode(&unprovisioned, &d), 0);
	assert_int_equal(d.ad_len, sizeof(expected));
	assert_int_equal(d.ad_len, 31);
	assert_memory_equal(d.ad, expected, sizeof(expected));
}

static void the_scan_response_is_service_data_of_four_bytes(void **state)
{
	static const uint8_t expected[] = {
		0x15, 0x21, 0x58, 0xb2, 0x9c, 0xc8, 0x81, 0x28, 0x77, 0xb8, 0xe7,
		0x49, 0x0c, 0x13, 0x00, 0x78, 0x38, 0x14, 0x01, 0x00, 0x00, 0x80,
	};
	struct advertdata d;

	(void)state;
	assert_int_equal(advertdata_encode(&unprovisioned, &d), 0);
	assert_int_equal(d.scan_response_len, sizeof(expected));
	assert_memory_equal(d.scan_response, expected, sizeof(expected));
}

static void service_data_tells_provisioned_connected_and_signal(void **state)
{
	static const struct {
		bool is_provisioned, is_connected;
		int8_t rssi_dbm;
		uint8_t expected[4];
	} rows[] = {
		{false, false, INT8_MIN, {1, 0, 0, 0x80}},
		{true, false, INT8_MIN, {1, 1, 0, 0x80}},
		{true, true, -59, {1, 3, 0, 0xc5}},
		{false, true, 0, {1, 2, 0, 0}},
		/* What was measured before the connection was lost. */
		{true, false, -59, {1, 1, 0, 0x80}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct advertisement a = unprovisioned;
		struct advertdata d;
		uint8_t data[4];

		a.is_provisioned = rows[i].is_provisioned;
		a.is_connected = rows[i].is_connected;
		a.rssi_dbm = rows[i].rssi_dbm;
		advertdata_service_data(&a, data);
		assert_memory_equal(data, rows[i].expected, 4);
		assert_int_equal(advertdata_encode(&a, &d), 0);
		assert_memory_equal(d.scan_response + 18, rows[i].expected, 4);
	}
}

static void the_interval_is_100_ms_or_1_s(void **state)
{
	struct advertisement a = unprovisioned;
	struct advertdata d;
	uint32_t min_ms, max_ms;

	(void)state;
	assert_int_equal(advertdata_encode(&a, &d), 0);
	assert_int_equal(d.min_interval, 0x00a0);
	assert_int_equal(d.max_interval, 0x00f0);
	a.is_fast = false;
	assert_int_equal(advertdata_encode(&a, &d), 0);
	assert_int_equal(d.min_interval, 0x0640);
	assert_int_equal(d.max_interval, 0x0780);
	advertdata_interval_ms(&a, &min_ms, &max_ms);
	assert_int_equal(min_ms, 1000);
	assert_int_equal(max_ms, 1200);
}

static void a_name_of_another_length_is_refused(void **state)
{
	static const char *const names[] = {"", "PV0A0B0", "P"};
	struct advertdata d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct advertisement a = unprovisioned;

		(void)snprintf(a.name, sizeof(a.name), "%s", names[i]);
		assert_int_equal(advertdata_encode(&a, &d), -EINVAL);
	}
}

static void a_name_without_its_nul_is_refused(void **state)
{
	struct advertisement a = unprovisioned;
	struct advertdata d;

	(void)state;
	memset(a.name, 'X', sizeof(a.name));
	assert_int_equal(advertdata_encode(&a, &d), -EINVAL);
}

static void advertisements_are_equal_when_every_byte_and_the_interval_are(void **state)
{
	struct advertisement a = unprovisioned;
	struct advertdata one, other;

	(void)state;
	assert_int_equal(advertdata_encode(&a, &one), 0);
	assert_int_equal(advertdata_encode(&a, &other), 0);
	assert_true(advertdata_equal(&one, &other));
	a.is_provisioned = true;
	assert_int_equal(advertdata_encode(&a, &other), 0);
	assert_false(advertdata_equal(&one, &other));
	a = unprovisioned;
	a.is_fast = false;
	assert_int_equal(advertdata_encode(&a, &other), 0);
	assert_false(advertdata_equal(&one, &other));
	a = unprovisioned;
	a.name[7] = 'D';
	assert_int_equal(advertdata_encode(&a, &other), 0);
	assert_false(advertdata_equal(&one, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_advertisement_is_flags_service_and_name),
		cmocka_unit_test(the_scan_response_is_service_data_of_four_bytes),
		cmocka_unit_test(service_data_tells_provisioned_connected_and_signal),
		cmocka_unit_test(the_interval_is_100_ms_or_1_s),
		cmocka_unit_test(a_name_of_another_length_is_refused),
		cmocka_unit_test(a_name_without_its_nul_is_refused),
		cmocka_unit_test(advertisements_are_equal_when_every_byte_and_the_interval_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
