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

#define RECORD "0a250a180a086c61622d77706132120602000000010018012001280310e2ffffffffffffffff01"

static void assert_result(const struct wifi_result *r)
{
	assert_true(r->state <= WIFI_STATE_CONNECTION_FAILED);
	assert_true(r->reason <= WIFI_REASON_FAIL_CONN);
	assert_wifi_network(&r->record.network);
}

WIFI_TRY(try_result, struct wifi_result, wifi_result_decode, wifi_result_encode, assert_result)

static int result_of(const char *hex, struct wifi_result *ret)
{
	size_t len;
	_cleanup_(freep) uint8_t *data = mutate_unhex(hex, &len);

	return wifi_result_decode(data, len, ret);
}

static void assert_result_is(const struct wifi_result *r, const char *expected)
{
	_cleanup_(freep) char *hex = NULL;
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len;

	assert_int_equal(wifi_result_encode(r, data, sizeof(data), &len), 0);
	hex = wifi_hex(data, len);
	assert_string_equal(hex, expected);
}

static void a_record_tells_network_and_signal(void **state)
{
	struct wifi_result r = {
		.has_record = true,
		.record = {.network = wifi_lab("lab-wpa2", WIFI_AUTH_WPA2_PSK), .rssi_dbm = -30}};

	(void)state;
	/* A negative number takes ten bytes: as a phone's decoder has it. */
	assert_result_is(&r, RECORD);
	memset(&r, 0xee, sizeof(r));
	assert_int_equal(result_of(RECORD, &r), 0);
	assert_true(r.has_record);
	assert_false(r.has_state || r.has_reason);
	assert_memory_equal(r.record.network.ssid, "lab-wpa2", 8);
	assert_int_equal(r.record.network.band, WIFI_BAND_2_4_GHZ);
	assert_int_equal(r.record.network.channel, 1);
	assert_int_equal(r.record.rssi_dbm, -30);
	assert_result_is(&r, RECORD);
}

static void an_open_network_says_so(void **state)
{
	struct wifi_result r = {.has_record = true,
				.record = {.network = wifi_lab("", WIFI_AUTH_OPEN)}};

	(void)state;
	assert_result_is(&r, "0a140a100a0012060200000001001801200128001000");
}

static void progress_and_failure_are_two_and_four_bytes(void **state)
{
	static const struct {
		const char *hex;
		enum wifi_state state;
		bool has_reason;
		enum wifi_reason reason;
	} rows[] = {
		{"1000", WIFI_STATE_DISCONNECTED, false, 0},
		{"1001", WIFI_STATE_AUTHENTICATION, false, 0},
		{"1002", WIFI_STATE_ASSOCIATION, false, 0},
		{"1003", WIFI_STATE_OBTAINING_IP, false, 0},
		{"1004", WIFI_STATE_CONNECTED, false, 0},
		{"10051800", WIFI_STATE_CONNECTION_FAILED, true, WIFI_REASON_AUTH_ERROR},
		{"10051801", WIFI_STATE_CONNECTION_FAILED, true, WIFI_REASON_NETWORK_NOT_FOUND},
		{"10051802", WIFI_STATE_CONNECTION_FAILED, true, WIFI_REASON_TIMEOUT},
		{"10051803", WIFI_STATE_CONNECTION_FAILED, true, WIFI_REASON_FAIL_IP},
		{"10051804", WIFI_STATE_CONNECTION_FAILED, true, WIFI_REASON_FAIL_CONN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wifi_result r = {.has_state = true,
					.state = rows[i].state,
					.has_reason = rows[i].has_reason,
					.reason = rows[i].reason};

		assert_result_is(&r, rows[i].hex);
		assert_int_equal(result_of(rows[i].hex, &r), 0);
		assert_true(r.has_state && !r.has_record);
		assert_int_equal(r.state, rows[i].state);
		assert_int_equal(r.has_reason, rows[i].has_reason);
		assert_int_equal(r.reason, rows[i].reason);
	}
}

static void any_signal_strength_comes_back(void **state)
{
	static const int strengths[] = {-30, -128, 0, 1, INT32_MAX, INT32_MIN};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strengths); i++) {
		struct wifi_result again, r = {.has_record = true,
					       .record = {.network = wifi_lab("a", WIFI_AUTH_OPEN),
							  .rssi_dbm = strengths[i]}};
		uint8_t data[WIFI_MESSAGE_MAX];
		size_t len;

		assert_int_equal(wifi_result_encode(&r, data, sizeof(data), &len), 0);
		assert_int_equal(wifi_result_decode(data, len, &again), 0);
		assert_int_equal(again.record.rssi_dbm, strengths[i]);
	}
}

static void a_record_without_a_network_is_none(void **state)
{
	struct wifi_result r;

	(void)state;
	assert_int_equal(result_of("0a00", &r), 0);
	assert_false(r.has_record);
	assert_int_equal(result_of("0a0210051001", &r), 0);
	assert_false(r.has_record);
	assert_true(r.has_state);
	/* But one without a signal is. */
	assert_int_equal(result_of("0a0a0a080a00120020012803", &r), 0);
	assert_true(r.has_record);
	assert_int_equal(r.record.rssi_dbm, 0);
}

static void numbers_without_a_name_read_as_absent(void **state)
{
	struct wifi_result r;

	(void)state;
	assert_int_equal(result_of("10061805", &r), 0);
	assert_false(r.has_state || r.has_reason || r.has_record);
	/* And the last one counts. */
	assert_int_equal(result_of("10061004", &r), 0);
	assert_true(r.has_state);
	assert_int_equal(r.state, WIFI_STATE_CONNECTED);
}

static void what_breaks_a_limit_is_refused_both_ways(void **state)
{
	struct wifi_result bad[4] = {
		{.has_record = true, .record.network.ssid_len = WIFI_SSID_MAX + 1},
		{.has_record = true, .record.network.auth = (enum wifi_auth)7},
		{.has_state = true, .state = (enum wifi_state)6},
		{.has_reason = true, .reason = (enum wifi_reason)5},
	};
	struct wifi_result r = {.reason = WIFI_REASON_TIMEOUT};
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(wifi_result_encode(&bad[i], data, sizeof(data), &len), -EINVAL);
	assert_int_equal(len, 77);
	assert_int_equal(result_of("0a0c0a0a0a001202aabb20012803", &r), -EBADMSG);
	assert_int_equal(result_of("0a080a060a0012002803", &r), -EBADMSG);
	assert_int_equal(result_of("0801", &r), -EBADMSG);
	assert_int_equal(r.reason, WIFI_REASON_TIMEOUT);
}

static void the_largest_result_fits(void **state)
{
	struct wifi_result r = {.has_record = true,
				.record = {.network = {.ssid_len = WIFI_SSID_MAX,
						       .channel = UINT32_MAX,
						       .auth = WIFI_AUTH_WPA3_PSK},
					   .rssi_dbm = INT32_MIN},
				.has_state = true,
				.has_reason = true};
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t full, len;

	(void)state;
	assert_int_equal(wifi_result_encode(&r, data, sizeof(data), &full), 0);
	assert_int_equal(full, 2 + 2 + 34 + 8 + 2 + 6 + 2 + 11 + 4);
	assert_int_equal(wifi_result_encode(&r, data, full - 1, &len), -ENOBUFS);
	try_result(data, full);
}

static void every_mutation_of_a_result_keeps_the_limits(void **state)
{
	(void)state;
	wifi_try_all(RECORD, try_result);
	wifi_try_all("10051802", try_result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_tells_network_and_signal),
		cmocka_unit_test(an_open_network_says_so),
		cmocka_unit_test(progress_and_failure_are_two_and_four_bytes),
		cmocka_unit_test(any_signal_strength_comes_back),
		cmocka_unit_test(a_record_without_a_network_is_none),
		cmocka_unit_test(numbers_without_a_name_read_as_absent),
		cmocka_unit_test(what_breaks_a_limit_is_refused_both_ways),
		cmocka_unit_test(the_largest_result_fits),
		cmocka_unit_test(every_mutation_of_a_result_keeps_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
