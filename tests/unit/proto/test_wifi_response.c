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

#define CONNECTED                                                                                  \
	"08011000522408045218"                                                                     \
	"0a086c61622d7770613212060200000001001801200128035a060a04c0a84d3e"

static void assert_response(const struct wifi_response *r)
{
	assert_true(r->answer <= WIFI_ANSWER_INTERNAL_ERROR);
	assert_true(r->device_status.state <= WIFI_STATE_CONNECTION_FAILED);
	assert_wifi_network(&r->device_status.network);
	assert_true(r->has_device_status ||
		    !(r->device_status.has_network || r->device_status.has_ip4));
}

WIFI_TRY(try_response, struct wifi_response, wifi_response_decode, wifi_response_encode,
	 assert_response)

static int response_of(const char *hex, struct wifi_response *ret)
{
	size_t len;
	_cleanup_(freep) uint8_t *data = mutate_unhex(hex, &len);

	return wifi_response_decode(data, len, ret);
}

static void assert_response_is(const struct wifi_response *r, const char *expected)
{
	_cleanup_(freep) char *hex = NULL;
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len;

	assert_int_equal(wifi_response_encode(r, data, sizeof(data), &len), 0);
	hex = wifi_hex(data, len);
	assert_string_equal(hex, expected);
}

static void answers_are_on_the_wire_even_when_they_are_zero(void **state)
{
	static const struct {
		const char *hex;
		struct wifi_response r;
	} rows[] = {
		{"08041000",
		 {.has_op = true, .op = 4, .has_answer = true, .answer = WIFI_ANSWER_SUCCESS}},
		{"08041001",
		 {.has_op = true,
		  .op = 4,
		  .has_answer = true,
		  .answer = WIFI_ANSWER_INVALID_ARGUMENT}},
		{"1001", {.has_answer = true, .answer = WIFI_ANSWER_INVALID_ARGUMENT}},
		{"1002", {.has_answer = true, .answer = WIFI_ANSWER_INVALID_PROTO}},
		{"08051003",
		 {.has_op = true,
		  .op = 5,
		  .has_answer = true,
		  .answer = WIFI_ANSWER_INTERNAL_ERROR}},
		{"080110005200",
		 {.has_op = true, .op = 1, .has_answer = true, .has_device_status = true}},
		{"0801100052020800",
		 {.has_op = true,
		  .op = 1,
		  .has_answer = true,
		  .has_device_status = true,
		  .device_status = {.has_state = true, .state = WIFI_STATE_DISCONNECTED}}},
	};
	struct wifi_response r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_response_is(&rows[i].r, rows[i].hex);
		assert_int_equal(response_of(rows[i].hex, &r), 0);
		assert_int_equal(r.has_op, rows[i].r.has_op);
		assert_int_equal(r.op, rows[i].r.op);
		assert_true(r.has_answer);
		assert_int_equal(r.answer, rows[i].r.answer);
		assert_int_equal(r.has_device_status, rows[i].r.has_device_status);
		assert_response_is(&r, rows[i].hex);
	}
}

static void a_connected_device_tells_network_and_address(void **state)
{
	struct wifi_response r = {
		.has_op = true,
		.op = WIFI_OP_GET_STATUS,
		.has_answer = true,
		.has_device_status = true,
		.device_status = {.has_state = true,
				  .state = WIFI_STATE_CONNECTED,
				  .has_network = true,
				  .network = wifi_lab("lab-wpa2", WIFI_AUTH_WPA2_PSK),
				  .has_ip4 = true,
				  .ip4 = {192, 168, 77, 62}}};

	(void)state;
	assert_response_is(&r, CONNECTED);
	memset(&r, 0xee, sizeof(r));
	assert_int_equal(response_of(CONNECTED, &r), 0);
	assert_true(r.has_op && r.has_answer && r.has_device_status);
	assert_true(r.device_status.has_state);
	assert_int_equal(r.device_status.state, WIFI_STATE_CONNECTED);
	assert_true(r.device_status.has_network);
	assert_int_equal(r.device_status.network.ssid_len, 8);
	assert_memory_equal(r.device_status.network.ssid, "lab-wpa2", 8);
	assert_int_equal(r.device_status.network.auth, WIFI_AUTH_WPA2_PSK);
	assert_true(r.device_status.has_ip4);
	assert_memory_equal(r.device_status.ip4, "\xc0\xa8\x4d\x3e", 4);
	assert_response_is(&r, CONNECTED);
}

static void a_network_of_which_little_is_known_has_all_required_fields(void **state)
{
	const struct wifi_response r = {.has_device_status = true,
					.device_status = {.has_network = true,
							  .network = {.channel = WIFI_CHANNEL_ANY,
								      .auth = WIFI_AUTH_OPEN}}};
	struct wifi_response unknown = r;

	(void)state;
	assert_response_is(&r, "521352110a001206000000000000180020ff012800");
	unknown.device_status.network.auth = WIFI_AUTH_UNKNOWN;
	assert_response_is(&unknown, "5211520f0a001206000000000000180020ff01");
}

static void an_address_has_four_bytes_or_is_not_there(void **state)
{
	struct wifi_response r = {.op = 77};

	(void)state;
	assert_int_equal(response_of("52045a020a00", &r), -EBADMSG);
	assert_int_equal(response_of("52075a050a03c0a84d", &r), -EBADMSG);
	assert_int_equal(response_of("52095a070a05c0a84d3e00", &r), -EBADMSG);
	assert_int_equal(r.op, 77);
	assert_int_equal(response_of("52085a060a04c0a84d3e", &r), 0);
	assert_true(r.device_status.has_ip4);
	assert_int_equal(response_of("52025a00", &r), 0);
	assert_true(r.has_device_status);
	assert_false(r.device_status.has_ip4);
}

static void numbers_without_a_name_read_as_absent(void **state)
{
	struct wifi_response r;

	(void)state;
	assert_int_equal(response_of("0864100452020806", &r), 0);
	assert_true(r.has_op);
	assert_int_equal(r.op, 100);
	assert_false(r.has_answer || r.device_status.has_state);
	assert_int_equal(response_of("10ffffffffffffffffff01", &r), 0);
	assert_false(r.has_answer);
}

static void scan_info_is_skipped(void **state)
{
	struct wifi_response r;

	(void)state;
	assert_int_equal(response_of("08011000520462020800", &r), 0);
	assert_response_is(&r, "080110005200");
}

static void a_network_that_breaks_a_limit_is_refused(void **state)
{
	struct wifi_response r;

	(void)state;
	assert_int_equal(response_of("520a52080a00120020012803", &r), 0);
	assert_int_equal(response_of("520852060a0012002803", &r), -EBADMSG);
	assert_int_equal(response_of("520d520b0a00120501020304052001", &r), -EBADMSG);
	assert_int_equal(response_of("522b52290a216161616161616161616161616161616161616161616161616"
				     "16161616161616161"
				     "120020012803",
				     &r),
			 -EBADMSG);
}

static void a_struct_that_breaks_a_limit_is_not_encoded(void **state)
{
	const struct wifi_response good = {
		.has_answer = true,
		.has_device_status = true,
		.device_status = {.has_state = true,
				  .has_network = true,
				  .network = wifi_lab("a", WIFI_AUTH_OPEN),
				  .has_ip4 = true}};
	struct wifi_response bad[4];
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t full, len = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].answer = (enum wifi_answer)4;
	bad[1].device_status.state = (enum wifi_state)6;
	bad[2].device_status.network.ssid_len = WIFI_SSID_MAX + 1;
	bad[3].device_status.network.auth = (enum wifi_auth)7;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(wifi_response_encode(&bad[i], data, sizeof(data), &len), -EINVAL);
	assert_int_equal(len, 77);
	assert_int_equal(wifi_response_encode(&good, data, sizeof(data), &full), 0);
	assert_int_equal(wifi_response_encode(&good, data, full, &len), 0);
	assert_int_equal(wifi_response_encode(&good, data, full - 1, &len), -ENOBUFS);
}

/* Phones agree on at least 185 bytes a packet, of which 3 are the packet's own. */
static void the_largest_response_fits_one_packet(void **state)
{
	struct wifi_response r = {.has_op = true,
				  .op = UINT32_MAX,
				  .has_answer = true,
				  .has_device_status = true,
				  .device_status = {.has_state = true,
						    .state = WIFI_STATE_CONNECTED,
						    .has_network = true,
						    .network = {.ssid_len = WIFI_SSID_MAX,
								.channel = UINT32_MAX,
								.auth = WIFI_AUTH_WPA3_PSK},
						    .has_ip4 = true}};
	uint8_t data[WIFI_MESSAGE_MAX];
	size_t len;

	(void)state;
	assert_int_equal(wifi_response_encode(&r, data, sizeof(data), &len), 0);
	assert_int_equal(len, 6 + 2 + 2 + 2 + 2 + 34 + 8 + 2 + 6 + 2 + 2 + 6);
	try_response(data, len);
}

static void the_version_is_field_one(void **state)
{
	uint8_t data[8];
	uint32_t version = 77;
	size_t len;

	(void)state;
	assert_int_equal(wifi_info_encode(WIFI_VERSION, data, sizeof(data), &len), 0);
	assert_int_equal(len, 2);
	assert_memory_equal(data, "\x08\x01", 2);
	assert_int_equal(wifi_info_encode(0, data, sizeof(data), &len), 0);
	assert_int_equal(len, 2);
	assert_memory_equal(data, "\x08\x00", 2);
	assert_int_equal(wifi_info_encode(WIFI_VERSION, data, 1, &len), -ENOBUFS);

	assert_int_equal(wifi_info_decode("", 0, &version), -EBADMSG);
	assert_int_equal(wifi_info_decode("\x10\x01", 2, &version), -EBADMSG); /* field 2 alone */
	assert_int_equal(wifi_info_decode("\x08", 1, &version), -EBADMSG);
	assert_int_equal(wifi_info_decode("\x0a\x01\x01", 3, &version), -EBADMSG);
	assert_int_equal(version, 77);
	assert_int_equal(wifi_info_decode("\x08\x01", 2, &version), 0);
	assert_int_equal(version, WIFI_VERSION);
	assert_int_equal(wifi_info_decode("\x10\x07\x08\xff\x01", 5, &version), 0);
	assert_int_equal(version, 255);
}

static void every_mutation_of_a_response_keeps_the_limits(void **state)
{
	(void)state;
	wifi_try_all(CONNECTED, try_response);
	wifi_try_all("080110005200", try_response);
	wifi_try_all("1002", try_response);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_on_the_wire_even_when_they_are_zero),
		cmocka_unit_test(a_connected_device_tells_network_and_address),
		cmocka_unit_test(a_network_of_which_little_is_known_has_all_required_fields),
		cmocka_unit_test(an_address_has_four_bytes_or_is_not_there),
		cmocka_unit_test(numbers_without_a_name_read_as_absent),
		cmocka_unit_test(scan_info_is_skipped),
		cmocka_unit_test(a_network_that_breaks_a_limit_is_refused),
		cmocka_unit_test(a_struct_that_breaks_a_limit_is_not_encoded),
		cmocka_unit_test(the_largest_response_fits_one_packet),
		cmocka_unit_test(the_version_is_field_one),
		cmocka_unit_test(every_mutation_of_a_response_keeps_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
