/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "proto/jwt.h"
#include "tests/unit/proto/failing.h"
#include "tests/unit/proto/mutate.h"

#define UUID_TEXT "50363154-3931-44f0-8022-121b6401627d"
#define HEADER "{\"alg\":\"ES256\",\"typ\":\"JWT\"}"

static const struct jwt_claims claims = {
	.iss = "nRF9160." UUID_TEXT,
	.jti = "nRF9160.1aff3acb-f1a6-4764-a263-4c2646c1c654.00ff",
	.iat = 1800000000,
	.exp = 1800000300,
};

/* Not a signature: 64 bytes that depend on the last bytes signed. */
static int fake_sign(void *userdata, const uint8_t *data, size_t len, uint8_t ret[static 64])
{
	int *calls = userdata;

	if (calls)
		++*calls;
	for (size_t i = 0; i < 64; i++)
		ret[i] = (uint8_t)(data[len - 1 - i % len] + i);
	return 0;
}

static int failing_sign(void *userdata, const uint8_t *data, size_t len, uint8_t ret[static 64])
{
	(void)userdata, (void)data, (void)len, (void)ret;
	return -EKEYREJECTED;
}

/* A token of these two JSON texts and a signature of sig_len bytes. */
static void token_of(const char *header, const char *payload, size_t sig_len, char *ret)
{
	const uint8_t signature[128] = {1, 2, 3};

	base64url_encode(header, strlen(header), ret);
	strcat(ret, ".");
	base64url_encode(payload, strlen(payload), ret + strlen(ret));
	strcat(ret, ".");
	base64url_encode(signature, sig_len, ret + strlen(ret));
}

static int parse_of(const char *header, const char *payload, struct jwt *ret)
{
	char text[2 * JWT_MAX];

	token_of(header, payload, 64, text);
	return jwt_parse(text, strlen(text), ret);
}

static void a_built_token_parses_to_its_claims(void **state)
{
	uint8_t expected[64];
	char text[JWT_MAX + 1];
	struct jwt jwt;
	int calls = 0;

	(void)state;
	assert_int_equal(jwt_build(&claims, fake_sign, &calls, text, sizeof(text)), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(jwt_parse(text, strlen(text), &jwt), 0);
	assert_string_equal(jwt.iss, claims.iss);
	assert_string_equal(jwt.sub, "");
	assert_string_equal(jwt.jti, claims.jti);
	assert_true(jwt.has_iat && jwt.has_exp);
	assert_int_equal(jwt.iat, claims.iat);
	assert_int_equal(jwt.exp, claims.exp);
	assert_ptr_equal(jwt.signed_data, text);
	assert_int_equal(jwt.signed_len, strlen(text) - 1 - 86);
	assert_int_equal(fake_sign(NULL, jwt.signed_data, jwt.signed_len, expected), 0);
	assert_memory_equal(jwt.signature, expected, 64);
}

static void a_built_token_has_the_documented_json(void **state)
{
	static const char payload[] =
		"{\"iss\":\"nRF9160." UUID_TEXT
		"\",\"jti\":\"nRF9160.1aff3acb-f1a6-4764-a263-4c2646c1c654.00ff\","
		"\"iat\":1800000000,\"exp\":1800000300}";
	char text[JWT_MAX + 1], expected[JWT_MAX + 1];

	(void)state;
	token_of(HEADER, payload, 0, expected);
	assert_int_equal(jwt_build(&claims, fake_sign, NULL, text, sizeof(text)), 0);
	assert_memory_equal(text, expected, strlen(expected));
}

static void dates_that_are_zero_are_left_out(void **state)
{
	const struct jwt_claims few = {.sub = "device-1"};
	char text[JWT_MAX + 1], expected[JWT_MAX + 1];
	struct jwt jwt;

	(void)state;
	token_of(HEADER, "{\"sub\":\"device-1\"}", 0, expected);
	assert_int_equal(jwt_build(&few, fake_sign, NULL, text, sizeof(text)), 0);
	assert_memory_equal(text, expected, strlen(expected));
	assert_int_equal(jwt_parse(text, strlen(text), &jwt), 0);
	assert_string_equal(jwt.sub, "device-1");
	assert_false(jwt.has_iat || jwt.has_exp);
}

static void a_buffer_too_small_is_told_before_anything_is_signed(void **state)
{
	char text[JWT_MAX + 1], copy[JWT_MAX + 1] = "untouched";
	int calls = 0;
	size_t len;

	(void)state;
	assert_int_equal(jwt_build(&claims, fake_sign, NULL, text, sizeof(text)), 0);
	len = strlen(text);
	for (size_t size = 0; size <= len; size++)
		assert_int_equal(jwt_build(&claims, fake_sign, &calls, copy, size), -ENOBUFS);
	assert_int_equal(calls, 0);
	assert_string_equal(copy, "untouched");
	assert_int_equal(jwt_build(&claims, fake_sign, NULL, copy, len + 1), 0);
	assert_string_equal(copy, text);
	assert_int_equal(jwt_build(&claims, failing_sign, NULL, copy, sizeof(copy)), -EKEYREJECTED);
}

static void building_and_parsing_survive_each_failed_allocation(void **state)
{
	char text[JWT_MAX + 1];
	struct jwt jwt;
	int r = -1;

	(void)state;
	for (size_t k = 0; r != 0; k++) {
		failing_arm(k);
		r = jwt_build(&claims, fake_sign, NULL, text, sizeof(text));
		failing_disarm();
		assert_true(r == 0 || r == -ENOMEM);
	}
	r = -1;
	for (size_t k = 0; r != 0; k++) {
		failing_arm(k);
		r = jwt_parse(text, strlen(text), &jwt);
		failing_disarm();
		/* jansson may call a token that it has no memory for invalid. */
		assert_true(r == 0 || r == -ENOMEM || r == JWT_E_SYNTAX);
	}
}

static void only_es256_without_crit_is_taken(void **state)
{
	static const char *const headers[] = {
		"{}",
		"{\"alg\":\"none\"}",
		"{\"alg\":\"HS256\"}",
		"{\"alg\":\"es256\"}",
		"{\"alg\":\"ES256 \"}",
		"{\"alg\":\"ES384\"}",
		"{\"alg\":null}",
		"{\"alg\":[\"ES256\"]}",
		"{\"alg\":\"ES256\",\"crit\":[\"exp\"]}",
		"{\"alg\":\"ES256\",\"crit\":null}",
	};
	struct jwt jwt;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		assert_int_equal(parse_of(headers[i], "{}", &jwt), JWT_E_ALGORITHM);
	assert_int_equal(parse_of("{\"alg\":\"ES256\",\"kid\":\"00\"}", "{}", &jwt), 0);
}

static void foreign_json_is_refused(void **state)
{
	static const char *const payloads[] = {
		"",
		"[]",
		"1",
		"null",
		"{",
		"{}{}",
		"{} x",
		"{\"iss\":1}",
		"{\"iss\":null}",
		"{\"iss\":\"\"}",
		"{\"iss\":\"a\\u0000b\"}",
		"{\"iss\":\"\xff\"}",
		"{\"iss\":\"a\",\"iss\":\"a\"}",
		"{\"x\":{\"y\":1,\"y\":2}}",
		"{\"exp\":1.0}",
		"{\"exp\":1e3}",
		"{\"exp\":\"1\"}",
		"{\"exp\":true}",
		"{\"exp\":null}",
		"{\"exp\":9223372036854775808}",
		"{\"iat\":1.5}",
	};
	struct jwt jwt;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(payloads); i++) {
		if (parse_of(HEADER, payloads[i], &jwt) != JWT_E_SYNTAX)
			fail_msg("taken: %s", payloads[i]);
	}
	assert_int_equal(parse_of("{\"alg\":\"ES256\",\"alg\":\"ES256\"}", "{}", &jwt),
			 JWT_E_SYNTAX);
	assert_int_equal(parse_of("[]", "{}", &jwt), JWT_E_SYNTAX);
	assert_int_equal(parse_of(HEADER, "{\"exp\":9223372036854775807}", &jwt), 0);
	assert_true(jwt.exp == INT64_MAX);
}

static void a_signature_has_64_bytes(void **state)
{
	char text[JWT_MAX + 1];
	struct jwt jwt;

	(void)state;
	for (size_t len = 0; len < 80; len++) {
		token_of(HEADER, "{}", len, text);
		assert_int_equal(jwt_parse(text, strlen(text), &jwt), len == 64 ? 0 : JWT_E_SYNTAX);
	}
}

static void a_token_has_three_parts(void **state)
{
	static const char *const bad[] = {"", ".", "..", "...", "e30", "e30.e30", "e30.e30."};
	char text[JWT_MAX + 1];
	struct jwt jwt;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(jwt_parse(bad[i], strlen(bad[i]), &jwt), JWT_E_SYNTAX);
	token_of(HEADER, "{}", 64, text);
	strcat(text, ".");
	assert_int_equal(jwt_parse(text, strlen(text), &jwt), JWT_E_SYNTAX);
	token_of(HEADER, "{}", 64, text);
	strcat(text, "=");
	assert_int_equal(jwt_parse(text, strlen(text), &jwt), JWT_E_SYNTAX);
}

static char *text_of(size_t len)
{
	char *text = malloc(len + 1);

	memset(text, 'x', len);
	text[len] = '\0';
	return text;
}

static void claims_hold_at_their_maximum_and_break_above(void **state)
{
	static const struct {
		const char *name;
		size_t max;
	} rows[] = {{"iss", 127}, {"sub", 127}, {"jti", 191}};
	static const struct jwt_claims none;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t over = 0; over < 2; over++) {
			_cleanup_(freep) char *value = text_of(rows[i].max + over);
			struct jwt_claims c = none;
			char payload[256], text[JWT_MAX + 1];
			struct jwt jwt;

			snprintf(payload, sizeof(payload), "{\"%s\":\"%s\"}", rows[i].name, value);
			assert_int_equal(parse_of(HEADER, payload, &jwt),
					 over > 0 ? JWT_E_SYNTAX : 0);
			*(i == 0 ? &c.iss : i == 1 ? &c.sub : &c.jti) = value;
			assert_int_equal(jwt_build(&c, fake_sign, NULL, text, sizeof(text)),
					 over > 0 ? -EINVAL : 0);
		}
	}
}

static void building_refuses_claims_no_parser_takes(void **state)
{
	_cleanup_(freep) char *control = text_of(191);
	char text[2 * JWT_MAX];

	(void)state;
	assert_int_equal(
		jwt_build(&(struct jwt_claims){.iss = ""}, fake_sign, NULL, text, sizeof(text)),
		-EINVAL);
	assert_int_equal(
		jwt_build(&(struct jwt_claims){.sub = "\xff"}, fake_sign, NULL, text, sizeof(text)),
		-EINVAL);
	/* Six characters each once escaped: together above JWT_MAX. */
	memset(control, 1, 191);
	assert_int_equal(jwt_build(&(struct jwt_claims){.jti = control,
							.iss = control + 64,
							.sub = control + 64},
				   fake_sign, NULL, text, sizeof(text)),
			 -EINVAL);
}

static void a_token_is_no_longer_than_its_limit(void **state)
{
	char text[2 * JWT_MAX], payload[JWT_MAX];
	struct jwt jwt;
	size_t pad = 1400;

	(void)state;
	/* White space in JSON fills a token to any length that base64url has. */
	do {
		snprintf(payload, sizeof(payload), "{%*s}", (int)pad++, "");
		token_of(HEADER, payload, 64, text);
		assert_int_equal(jwt_parse(text, strlen(text), &jwt),
				 strlen(text) > JWT_MAX ? JWT_E_SYNTAX : 0);
	} while (strlen(text) <= JWT_MAX);
	assert_true(strlen(text) <= JWT_MAX + 2);
}

/* What parses builds again, with the same meaning. */
static void try_token(const uint8_t *data, size_t len)
{
	struct jwt jwt, again;
	char text[JWT_MAX + 1];

	if (jwt_parse((const char *)data, len, &jwt) != 0)
		return;
	assert_int_equal(jwt_build(&(struct jwt_claims){.iss = jwt.iss[0] ? jwt.iss : NULL,
							.sub = jwt.sub[0] ? jwt.sub : NULL,
							.jti = jwt.jti[0] ? jwt.jti : NULL,
							.iat = jwt.iat,
							.exp = jwt.exp},
				   fake_sign, NULL, text, sizeof(text)),
			 0);
	assert_int_equal(jwt_parse(text, strlen(text), &again), 0);
	assert_string_equal(again.iss, jwt.iss);
	assert_string_equal(again.sub, jwt.sub);
	assert_string_equal(again.jti, jwt.jti);
	assert_int_equal(again.iat, jwt.iat);
	assert_int_equal(again.exp, jwt.exp);
}

static void try_refused(const uint8_t *data, size_t len)
{
	struct jwt jwt;

	assert_int_equal(jwt_parse((const char *)data, len, &jwt), JWT_E_SYNTAX);
}

static void damaged_tokens_are_refused_or_mean_what_they_say(void **state)
{
	char text[JWT_MAX + 1];

	(void)state;
	assert_int_equal(jwt_build(&claims, fake_sign, NULL, text, sizeof(text)), 0);
	mutate_truncate((uint8_t *)text, strlen(text), try_refused);
	mutate_append((uint8_t *)text, strlen(text), try_refused);
	mutate_corrupt((uint8_t *)text, strlen(text), try_token);
}

static void the_device_is_the_uuid_behind_the_first_dot_of_iss(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		UUID_TEXT,
		"." UUID_TEXT,
		"hw.",
		"hw." UUID_TEXT "x",
		"hw.x." UUID_TEXT,
		"hw.50363154-3931-44f0-8022-121b6401627",
		"123456789012345678901234567890123." UUID_TEXT,
	};
	uint8_t uuid[16], expected[16];

	(void)state;
	assert_int_equal(uuid_parse(UUID_TEXT, 36, expected), 0);
	assert_int_equal(jwt_iss_uuid("nRF9160." UUID_TEXT, uuid), 0);
	assert_memory_equal(uuid, expected, 16);
	assert_int_equal(jwt_iss_uuid("12345678901234567890123456789012." UUID_TEXT, uuid), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(jwt_iss_uuid(bad[i], uuid), -EINVAL);
}

static void the_trace_is_the_first_half_of_the_last_part(void **state)
{
	static const struct {
		const char *jti, *trace;
	} rows[] = {
		{"nRF9160.1aff3acb-f1a6-4764-a263-4c2646c1c654.00112233445566aaf0e1d2c3b4a59687",
		 "00112233445566aa"},
		{"nRF9251.v3.1.0.00112233445566AA", "00112233445566aa"},
		{"0123456789abcdef", "0123456789abcdef"},
		{"hw.fw.0123456789abcde", ""},  /* too short */
		{"hw.fw.0123456789abcdeg", ""}, /* no hex */
		{"hw.0123456789abcdef.x", ""},  /* not the last */
		{"hw.0123456789abcdef-ff", ""}, /* not all of it */
		{"board.1aff3acb-f1a6-4764-a263-4c2646c1c654", ""},
		{"hw.fw.", ""},
		{"", ""},
	};
	char trace[JWT_TRACE_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(trace, 'x', sizeof(trace));
		if (jwt_trace(rows[i].jti, trace) != (rows[i].trace[0] != '\0'))
			fail_msg("row %zu", i);
		assert_string_equal(trace, rows[i].trace);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_built_token_parses_to_its_claims),
		cmocka_unit_test(a_built_token_has_the_documented_json),
		cmocka_unit_test(dates_that_are_zero_are_left_out),
		cmocka_unit_test(a_buffer_too_small_is_told_before_anything_is_signed),
		cmocka_unit_test(building_and_parsing_survive_each_failed_allocation),
		cmocka_unit_test(only_es256_without_crit_is_taken),
		cmocka_unit_test(foreign_json_is_refused),
		cmocka_unit_test(a_signature_has_64_bytes),
		cmocka_unit_test(a_token_has_three_parts),
		cmocka_unit_test(claims_hold_at_their_maximum_and_break_above),
		cmocka_unit_test(building_refuses_claims_no_parser_takes),
		cmocka_unit_test(a_token_is_no_longer_than_its_limit),
		cmocka_unit_test(damaged_tokens_are_refused_or_mean_what_they_say),
		cmocka_unit_test(the_device_is_the_uuid_behind_the_first_dot_of_iss),
		cmocka_unit_test(the_trace_is_the_first_half_of_the_last_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
