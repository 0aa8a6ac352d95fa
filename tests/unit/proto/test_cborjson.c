/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/cborjson.h"
#include "tests/unit/proto/failing.h"
#include "tests/unit/proto/mutate.h"

/* Shadows of docs/protocol.md §8.4, and values of RFC 8949 Appendix A. */
static const struct {
	const char *json, *hex;
} vectors[] = {
	{"{\"command\":[1,1]}", "a167636f6d6d616e64820101"},
	{"{\"config\":null}", "a166636f6e666967f6"},
	{"{\"config\":{\"sample_interval\":4294967295},\"command\":[1,4294967295]}",
	 "a266636f6e666967a16f73616d706c655f696e74657276616c1affffffff67636f6d6d616e6482011affffff"
	 "ff"},
	{"0", "00"},
	{"23", "17"},
	{"24", "1818"},
	{"1000", "1903e8"},
	{"1000000", "1a000f4240"},
	{"1000000000000", "1b000000e8d4a51000"},
	{"9223372036854775807", "1b7fffffffffffffff"},
	{"-1", "20"},
	{"-100", "3863"},
	{"-9223372036854775808", "3b7fffffffffffffff"},
	{"1.1", "fb3ff199999999999a"},
	{"-4.1", "fbc010666666666666"},
	{"false", "f4"},
	{"true", "f5"},
	{"null", "f6"},
	{"\"\"", "60"},
	{"\"\xc3\xbc\"", "62c3bc"},
	{"\"\xf0\x90\x85\x91\"", "64f0908591"},
	{"[]", "80"},
	{"[1,[2,3],[4,5]]", "8301820203820405"},
	{"{}", "a0"},
	{"{\"\":\"b\"}", "a1606162"},
};

static json_t *json_of(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(value);
	return value;
}

static void vectors_decode_and_encode(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(json_decrefp) json_t *expected = json_of(vectors[i].json), *got = NULL;
		_cleanup_(freep) uint8_t *data = NULL;
		uint8_t out[128];
		size_t len, out_len;

		data = mutate_unhex(vectors[i].hex, &len);
		assert_int_equal(cborjson_decode(data, len, &got), 0);
		assert_true(json_equal(got, expected));
		for (size_t size = 0; size < len; size++)
			assert_int_equal(cborjson_encode(expected, out, size, &out_len), -ENOBUFS);
		assert_int_equal(cborjson_encode(expected, out, len, &out_len), 0);
		assert_int_equal(out_len, len);
		assert_memory_equal(out, data, len);
	}
}

static void floats_of_every_width_are_read(void **state)
{
	static const struct {
		const char *hex;
		double value;
	} rows[] = {
		{"f93e00", 1.5},          {"f90001", 5.960464477539063e-8}, {"f98000", -0.0},
		{"fa47c35000", 100000.0}, {"fb7e37e43c8800759c", 1.0e+300},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(json_decrefp) json_t *got = NULL;
		_cleanup_(freep) uint8_t *data = NULL;
		size_t len;

		data = mutate_unhex(rows[i].hex, &len);
		assert_int_equal(cborjson_decode(data, len, &got), 0);
		assert_true(json_is_real(got));
		assert_true(json_real_value(got) == rows[i].value);
	}
}

static void what_json_cannot_hold_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"0000",               /* a byte behind */
		"1b8000000000000000", /* 2^63 */
		"3b8000000000000000", /* -2^63 - 1 */
		"40",                 /* bytes */
		"c000",               /* a tag */
		"f7",                 /* undefined */
		"f0",                 /* a simple value */
		"f820",               /* and one in two bytes */
		"ff",                 /* break */
		"f97c00",             /* infinities and not-a-number in three widths */
		"f97e00",
		"faff800000",
		"fb7ff0000000000000",
		"fb7ff8000000000000",
		"6100",           /* NUL */
		"61ff",           /* not UTF-8 */
		"62c080",         /* overlong */
		"63eda080",       /* a surrogate */
		"64f4908080",     /* beyond U+10FFFF */
		"a10000",         /* a number as name */
		"a1610000",       /* NUL in a name */
		"a2616100616101", /* a name twice */
		"9fff",           /* indefinite, four times */
		"bfff",
		"7fff",
		"5fff",
		"9bffffffffffffffff", /* claims */
		"9a7fffffff00",
		"bb7fffffffffffffff",
		"bb8000000000000000",
		"7bffffffffffffffff",
		"7a7fffffff",
		"1c", /* reserved */
		"8201",
		"a16161",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(freep) uint8_t *data = NULL;
		json_t *got;
		size_t len;

		data = mutate_unhex(bad[i], &len);
		if (cborjson_decode(data, len, &got) != CBORJSON_E_SYNTAX)
			fail_msg("row %zu: %s", i, bad[i]);
	}
}

static void nesting_ends_at_its_limit(void **state)
{
	(void)state;
	for (int is_map = 0; is_map < 2; is_map++) {
		for (size_t depth = CBORJSON_DEPTH_MAX; depth <= CBORJSON_DEPTH_MAX + 1; depth++) {
			const bool is_within = depth <= CBORJSON_DEPTH_MAX;
			_cleanup_(json_decrefp) json_t *value = json_integer(0), *got = NULL;
			uint8_t data[128], out[128];
			size_t len = 0, out_len;

			for (size_t i = 0; i < depth; i++) {
				json_t *outer = is_map ? json_object() : json_array();

				if (is_map)
					json_object_set_new(outer, "k", value);
				else
					json_array_append_new(outer, value);
				value = outer;
				data[len++] = is_map ? 0xa1 : 0x81;
				if (is_map) {
					data[len++] = 0x61;
					data[len++] = 'k';
				}
			}
			data[len++] = 0;
			assert_int_equal(cborjson_decode(data, len, &got),
					 is_within ? 0 : CBORJSON_E_SYNTAX);
			assert_int_equal(cborjson_encode(value, out, sizeof(out), &out_len),
					 is_within ? 0 : -EINVAL);
			if (!is_within)
				continue;
			assert_true(json_equal(got, value));
			assert_int_equal(out_len, len);
			assert_memory_equal(out, data, len);
		}
	}
}

static void encoding_refuses_what_is_no_shadow(void **state)
{
	_cleanup_(json_decrefp) json_t *nul = json_stringn("a\0b", 3),
				       *bad = json_string_nocheck("\xff"), *named = json_object();
	uint8_t out[64];
	size_t len;

	(void)state;
	json_object_set_new_nocheck(named, "\xff", json_null());
	assert_int_equal(cborjson_encode(nul, out, sizeof(out), &len), -EINVAL);
	assert_int_equal(cborjson_encode(bad, out, sizeof(out), &len), -EINVAL);
	assert_int_equal(cborjson_encode(named, out, sizeof(out), &len), -EINVAL);
	assert_int_equal(cborjson_encode(NULL, out, sizeof(out), &len), -EINVAL);
}

static void the_order_of_names_is_kept(void **state)
{
	static const char text[] = "{\"z\":1,\"command\":[1,2],\"a\":{\"y\":0,\"b\":0}}";
	_cleanup_(json_decrefp) json_t *value = json_of(text), *got = NULL;
	_cleanup_(freep) char *back = NULL;
	uint8_t data[64];
	size_t len;

	(void)state;
	assert_int_equal(cborjson_encode(value, data, sizeof(data), &len), 0);
	assert_int_equal(cborjson_decode(data, len, &got), 0);
	back = json_dumps(got, JSON_COMPACT);
	assert_string_equal(back, text);
}

static void try_value(const uint8_t *data, size_t len)
{
	_cleanup_(json_decrefp) json_t *value = NULL, *again = NULL;
	uint8_t out[256];
	size_t out_len;

	if (cborjson_decode(data, len, &value) != 0)
		return;
	assert_int_equal(cborjson_encode(value, out, sizeof(out), &out_len), 0);
	assert_int_equal(cborjson_decode(out, out_len, &again), 0);
	assert_true(json_equal(value, again));
}

static void try_refused(const uint8_t *data, size_t len)
{
	json_t *value;

	assert_int_equal(cborjson_decode(data, len, &value), CBORJSON_E_SYNTAX);
}

static void damaged_values_are_refused_or_mean_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(freep) uint8_t *data = NULL;
		size_t len;

		data = mutate_unhex(vectors[i].hex, &len);
		mutate_truncate(data, len, try_refused);
		mutate_append(data, len, try_refused);
		mutate_corrupt(data, len, try_value);
	}
}

static void decoding_reports_each_failed_allocation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(freep) uint8_t *data = NULL;
		json_t *value = NULL;
		size_t len;
		int r = -1;

		data = mutate_unhex(vectors[i].hex, &len);
		for (size_t k = 0; r != 0; k++) {
			failing_arm(k);
			r = cborjson_decode(data, len, &value);
			failing_disarm();
			assert_true(r == 0 || (r == -ENOMEM && !value));
		}
		json_decref(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_decode_and_encode),
		cmocka_unit_test(floats_of_every_width_are_read),
		cmocka_unit_test(what_json_cannot_hold_is_refused),
		cmocka_unit_test(nesting_ends_at_its_limit),
		cmocka_unit_test(encoding_refuses_what_is_no_shadow),
		cmocka_unit_test(the_order_of_names_is_kept),
		cmocka_unit_test(damaged_values_are_refused_or_mean_what_they_say),
		cmocka_unit_test(decoding_reports_each_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
