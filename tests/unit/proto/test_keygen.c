/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/text.h"
#include "proto/item.h"
#include "proto/keygen.h"
#include "tests/unit/proto/mutate.h"

#define TEXT_MAX (2 * TOKEN_TEXT_MAX)

/* The values of docs/protocol.md §2.4: a CSR of 270 bytes for tag 17. */
static void make(struct keygen *k)
{
	*k = (struct keygen){.message_type = KEYGEN_CSR, .sec_tag = 17, .der_len = 270};
	assert_int_equal(uuid_parse("50363154-3931-44f0-8022-121b6401627d", 36, k->uuid), 0);
	assert_int_equal(
		hex_decode("702a3d56f05b2f72531d650825e20041e2e9d9318c34b6853ab9066e5c72e80c", 64,
			   k->digest, 32),
		0);
	for (size_t i = 0; i < k->der_len; i++)
		k->der[i] = (uint8_t)(i * 7);
	memset(k->nonce, 0x5a, sizeof(k->nonce));
	memset(k->signature, 0xa5, sizeof(k->signature));
}

static void the_proof_has_the_documented_bytes(void **state)
{
	static const char hex[] =
		"d9d9f7"
		"85"
		"09"
		"5050363154393144f08022121b6401627d"
		"4111"
		"5820702a3d56f05b2f72531d650825e20041e2e9d9318c34b6853ab9066e5c72e80c"
		"505a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
	_cleanup_(freep) uint8_t *expected = NULL;
	struct keygen k;
	size_t len;

	(void)state;
	expected = mutate_unhex(hex, &len);
	make(&k);
	assert_int_equal(keygen_proof(&k), 0);
	assert_int_equal(k.proof_len, len);
	assert_memory_equal(k.proof, expected, len);
	k.message_type = (enum keygen_message)4;
	assert_int_equal(keygen_proof(&k), -EINVAL);
}

static void assert_same(const struct keygen *a, const struct keygen *b)
{
	assert_int_equal(a->message_type, b->message_type);
	assert_int_equal(a->sec_tag, b->sec_tag);
	assert_memory_equal(a->uuid, b->uuid, 16);
	assert_memory_equal(a->digest, b->digest, 32);
	assert_memory_equal(a->nonce, b->nonce, 16);
	assert_memory_equal(a->signature, b->signature, 64);
	assert_int_equal(a->der_len, b->der_len);
	assert_memory_equal(a->der, b->der, a->der_len);
	assert_int_equal(a->proof_len, b->proof_len);
	assert_memory_equal(a->proof, b->proof, a->proof_len);
}

static void outputs_round_trip_for_every_type_and_tag(void **state)
{
	static const enum keygen_message types[] = {KEYGEN_PUBLIC_KEY_V1, KEYGEN_CSR_V1,
						    KEYGEN_PUBLIC_KEY, KEYGEN_CSR};
	static const uint32_t tags[] = {0,        17,          23,          24,
					255,      256,         65535,       65536,
					16842753, SEC_TAG_MAX, 2147483648U, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types) * ARRAY_SIZE(tags); i++) {
		char text[TEXT_MAX] = "untouched";
		struct keygen k, back;
		size_t len;

		make(&k);
		k.message_type = types[i % ARRAY_SIZE(types)];
		k.sec_tag = tags[i / ARRAY_SIZE(types)];
		assert_int_equal(keygen_proof(&k), 0);
		assert_int_equal(keygen_format(&k, text, sizeof(text)), 0);
		len = strlen(text);
		assert_int_equal(keygen_parse(text, len, &back), 0);
		assert_same(&back, &k);
	}
}

static void a_buffer_too_small_is_left_alone(void **state)
{
	char text[TEXT_MAX], copy[TEXT_MAX] = "untouched";
	struct keygen k;
	size_t len;

	(void)state;
	make(&k);
	assert_int_equal(keygen_format(&k, copy, sizeof(copy)), -EINVAL); /* no proof yet */
	assert_int_equal(keygen_proof(&k), 0);
	assert_int_equal(keygen_format(&k, text, sizeof(text)), 0);
	len = strlen(text);
	for (size_t size = 0; size <= len; size++)
		assert_int_equal(keygen_format(&k, copy, size), -ENOBUFS);
	assert_string_equal(copy, "untouched");
	assert_int_equal(keygen_format(&k, copy, len + 1), 0);
	assert_string_equal(copy, text);
}

/* Parses an output whose proof is these bytes. */
static int parse_proof(const char *hex, struct keygen *ret)
{
	_cleanup_(freep) uint8_t *proof = NULL;
	char text[TEXT_MAX];
	struct keygen k;
	size_t len;

	proof = mutate_unhex(hex, &len);
	make(&k);
	assert_true(len <= sizeof(k.proof));
	memcpy(k.proof, proof, len);
	k.proof_len = len;
	assert_int_equal(keygen_format(&k, text, sizeof(text)), 0);
	return keygen_parse(text, strlen(text), ret);
}

#define H16 "000102030405060708090a0b0c0d0e0f"
#define PROOF(type, tag) "d9d9f785" type "50" H16 tag "5820" H16 H16 "50" H16

static void a_negative_tag_is_an_unsigned_one(void **state)
{
	static const struct {
		const char *hex;
		uint32_t tag;
	} rows[] = {
		{PROOF("09", "4111"), 17},
		{PROOF("09", "421811"), 17}, /* longer than need be */
		{PROOF("09", "451a01010001"), 16842753},
		{PROOF("09", "4120"), UINT32_MAX},          /* -1 */
		{PROOF("09", "453a7fffffff"), 2147483648U}, /* -2^31 */
	};
	static const char *const bad[] = {
		PROOF("09", "453a80000000"),         /* below -2^31 */
		PROOF("09", "491b0000000100000000"), /* above 2^32 - 1 */
		PROOF("09", "40"),                   /* nothing */
		PROOF("09", "421111"),               /* two numbers */
		PROOF("09", "4118"),                 /* half a number */
		PROOF("09", "4141"),                 /* bytes, cut off */
		PROOF("09", "4140"),                 /* bytes */
		PROOF("09", "11"),                   /* a number that is not wrapped */
		PROOF("09", "6111"),                 /* wrapped in text */
		PROOF("01", "4111"),                 /* identity */
		PROOF("05", "4111"),                 /* provisioning response */
		PROOF("1809", "4111"),               /* type in two bytes */
		PROOF("09", "4111") "00",            /* a byte behind */
	};
	struct keygen k;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(parse_proof(rows[i].hex, &k), 0);
		assert_int_equal(k.sec_tag, rows[i].tag);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse_proof(bad[i], &k) != KEYGEN_E_SYNTAX)
			fail_msg("row %zu", i);
	}
}

static void sizes_hold_at_their_maximum_and_break_above(void **state)
{
	char text[TEXT_MAX];
	struct keygen k, back;

	(void)state;
	make(&k);
	assert_int_equal(keygen_proof(&k), 0);
	k.der_len = KEYGEN_DER_MAX;
	assert_int_equal(keygen_format(&k, text, sizeof(text)), 0);
	assert_true(strlen(text) <= TOKEN_TEXT_MAX);
	assert_int_equal(keygen_parse(text, strlen(text), &back), 0);
	assert_int_equal(back.der_len, KEYGEN_DER_MAX);
	k.der_len = KEYGEN_DER_MAX + 1;
	assert_int_equal(keygen_format(&k, text, sizeof(text)), -EINVAL);
	k.der_len = 0;
	assert_int_equal(keygen_format(&k, text, sizeof(text)), -EINVAL);

	for (size_t over = 0; over < 2; over++) {
		static const uint8_t der[KEYGEN_DER_MAX + 1];
		char *dot;

		k.der_len = 1;
		assert_int_equal(keygen_format(&k, text, sizeof(text)), 0);
		dot = strdup(strchr(text, '.'));
		base64url_encode(der, KEYGEN_DER_MAX + over, text);
		strcat(text, dot);
		free(dot);
		assert_int_equal(keygen_parse(text, strlen(text), &back),
				 over > 0 ? KEYGEN_E_SYNTAX : 0);
	}
	memset(text, 'A', sizeof(text));
	assert_int_equal(keygen_parse(text, TOKEN_TEXT_MAX, &back), KEYGEN_E_SYNTAX);
	assert_int_equal(keygen_parse(text, TOKEN_TEXT_MAX + 1, &back), KEYGEN_E_SYNTAX);
}

static void the_key_of_the_signature_is_the_identity_key(void **state)
{
	char text[TEXT_MAX];
	struct keygen k;
	size_t payload;

	(void)state;
	make(&k);
	assert_int_equal(keygen_proof(&k), 0);
	/* Detached, two bytes of kid, another kid, and with a chain. */
	for (payload = 0; payload < 4; payload++) {
		struct cose_sign1 c = {.kid = {COSE_KID_IDENTITY, 1}, .kid_len = 1};
		uint8_t sign1[256];
		size_t len;

		c.payload = payload == 0 ? NULL : k.proof;
		c.payload_len = payload == 0 ? 0 : k.proof_len;
		if (payload == 1)
			c.kid_len = 2;
		if (payload == 2)
			c.kid[0] = 0x23;
		if (payload == 3)
			c.chain[c.n_chain++] = (struct cose_cert){.data = k.proof, .len = 5};
		assert_int_equal(cose_sign1_encode(&c, sign1, sizeof(sign1), &len), 0);
		strcpy(text, "AA.");
		base64url_encode(sign1, len, text + 3);
		assert_int_equal(keygen_parse(text, strlen(text), &k), KEYGEN_E_SYNTAX);
	}
}

/* What parses formats to the same text. */
static void try_output(const uint8_t *data, size_t len)
{
	char text[TEXT_MAX];
	struct keygen k;

	if (keygen_parse((const char *)data, len, &k) != 0)
		return;
	assert_int_equal(keygen_format(&k, text, sizeof(text)), 0);
	assert_int_equal(strlen(text), len);
	assert_memory_equal(text, data, len);
}

static void try_refused(const uint8_t *data, size_t len)
{
	struct keygen k;

	assert_int_equal(keygen_parse((const char *)data, len, &k), KEYGEN_E_SYNTAX);
}

static void damaged_outputs_are_refused_or_mean_what_they_say(void **state)
{
	char text[TEXT_MAX];
	struct keygen k;

	(void)state;
	make(&k);
	assert_int_equal(keygen_proof(&k), 0);
	assert_int_equal(keygen_format(&k, text, sizeof(text)), 0);
	mutate_truncate((uint8_t *)text, strlen(text), try_refused);
	mutate_append((uint8_t *)text, strlen(text), try_refused);
	mutate_corrupt((uint8_t *)text, strlen(text), try_output);
}

static void an_output_is_found_inside_of_an_answer(void **state)
{
	static const char *const found[] = {
		"%KEYGEN: \"a.b\"\r\nOK\r\n",
		"%KEYGEN: \"a.b\"",
		"\r\n%KEYGEN: \"a.b\"\r\n\r\nOK\r\n",
		"x%KEYGEN: \"no\"\n%KEYGEN: \"a.b\"\nOK",
	};
	static const char *const absent[] = {
		"",
		"OK",
		"ERROR",
		"a.b",
		"%KEYGEN: a.b",
		"%KEYGEN: \"\"",
		"%KEYGEN: \"a.b",
		"%KEYGEN: \"a\nb\"",
		"x%KEYGEN: \"a.b\"",
		"%KEYGEN:\"a.b\"",
	};
	const char *text;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(found); i++) {
		assert_int_equal(keygen_find(found[i], &text, &len), 0);
		assert_int_equal(len, 3);
		assert_memory_equal(text, "a.b", 3);
	}
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		assert_int_equal(keygen_find(absent[i], &text, &len), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_proof_has_the_documented_bytes),
		cmocka_unit_test(outputs_round_trip_for_every_type_and_tag),
		cmocka_unit_test(a_buffer_too_small_is_left_alone),
		cmocka_unit_test(a_negative_tag_is_an_unsigned_one),
		cmocka_unit_test(sizes_hold_at_their_maximum_and_break_above),
		cmocka_unit_test(the_key_of_the_signature_is_the_identity_key),
		cmocka_unit_test(damaged_outputs_are_refused_or_mean_what_they_say),
		cmocka_unit_test(an_output_is_found_inside_of_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
