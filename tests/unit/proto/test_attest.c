/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "proto/attest.h"
#include "tests/unit/proto/mutate.h"

/* docs/protocol.md §2.3 */
static const struct {
	const char *token, *uuid, *firmware, *nonce;
} vectors[] = {
	{"2dn3hQFQUDYxVDkxRPCAIhIbZAFifQNQGv86y_GmR2SiY0wmRsHGVFDT791_BPH8YOWFiyCHND1q."
	 "0oRDoQEmoQRBIfZYQGuXwJliinHc6xDPruiyjsaXyXZbZVpUuOhHG9YS8L05VuglCcJhMN4EUhWVGpaHgNnHHno6a"
	 "h"
	 "i-d5tOeZmAcNY",
	 "50363154-3931-44f0-8022-121b6401627d", "1aff3acb-f1a6-4764-a263-4c2646c1c654",
	 "d3efdd7f04f1fc60e5858b2087343d6a"},
	{"2dn3hQFQSWHIc0CMRc6xunwNmdiBeQNQpNWAuar7SSW8jduV9zfUrlDi2RpLvSI7Lpj6UEpyjZUy."
	 "0oRDoQEmoQRBIfZYQOOK3tk8JPbQj97vYSUwvg2l4RWnI-HkW870dxWy6pirvWJ5ZfjLtJsP-"
	 "R5C9MJNtMHkZEZNjI"
	 "1bmMaMLInZWTE",
	 "4961c873-408c-45ce-b1ba-7c0d99d88179", "a4d580b9-aafb-4925-bc8d-db95f737d4ae", NULL},
};

static void vectors_parse_to_their_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint8_t expected[16];
		struct attest a;

		assert_int_equal(attest_parse(vectors[i].token, strlen(vectors[i].token), &a), 0);
		assert_int_equal(a.message_type, ATTEST_TYPE_IDENTITY);
		assert_int_equal(a.device_type, 3);
		assert_int_equal(a.message_len, 57);
		assert_int_equal(uuid_parse(vectors[i].uuid, 36, expected), 0);
		assert_memory_equal(a.uuid, expected, 16);
		assert_int_equal(uuid_parse(vectors[i].firmware, 36, expected), 0);
		assert_memory_equal(a.firmware, expected, 16);
		if (!vectors[i].nonce)
			continue;
		assert_int_equal(hex_decode(vectors[i].nonce, 32, expected, 16), 0);
		assert_memory_equal(a.nonce, expected, 16);
	}
}

static void vectors_format_to_the_same_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const size_t len = strlen(vectors[i].token);
		char text[256] = "untouched";
		struct attest a, b;

		assert_int_equal(attest_parse(vectors[i].token, len, &a), 0);
		b = a;
		memset(b.message, 0, sizeof(b.message));
		b.message_len = 0;
		assert_int_equal(attest_format(&b, text, sizeof(text)), -EINVAL);
		assert_int_equal(attest_message(&b), 0);
		assert_int_equal(b.message_len, a.message_len);
		assert_memory_equal(b.message, a.message, a.message_len);
		for (size_t size = 0; size <= len; size++)
			assert_int_equal(attest_format(&b, text, size), -ENOBUFS);
		assert_string_equal(text, "untouched");
		assert_int_equal(attest_format(&b, text, len + 1), 0);
		assert_string_equal(text, vectors[i].token);
	}
}

static void every_device_type_round_trips(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		struct attest a = {.message_type = ATTEST_TYPE_IDENTITY}, b;
		char text[256];

		a.device_type = (uint8_t)type;
		assert_int_equal(attest_message(&a), 0);
		assert_int_equal(a.message_len, type < 24 ? 57 : ATTEST_MESSAGE_MAX);
		assert_int_equal(attest_format(&a, text, sizeof(text)), 0);
		assert_int_equal(attest_parse(text, strlen(text), &b), 0);
		assert_int_equal(b.device_type, type);
	}
}

/* A token of these bytes before and behind the dot, as hex. */
static int parse_of(const char *message_hex, const char *sign1_head_hex, size_t signature_len)
{
	_cleanup_(freep) uint8_t *message = NULL, *head = NULL;
	uint8_t sign1[128] = {0};
	char text[512];
	struct attest a;
	size_t message_len, head_len;

	message = mutate_unhex(message_hex, &message_len);
	head = mutate_unhex(sign1_head_hex, &head_len);
	memcpy(sign1, head, head_len);
	base64url_encode(message, message_len, text);
	strcat(text, ".");
	base64url_encode(sign1, head_len + signature_len, text + strlen(text));
	return attest_parse(text, strlen(text), &a);
}

#define H16 "000102030405060708090a0b0c0d0e0f"
#define SIGN1 "d28443a10126a1044121f65840"

static void any_other_shape_is_refused(void **state)
{
	static const char good[] = "d9d9f7850150" H16 "0350" H16 "50" H16;
	static const char *const messages[] = {
		"",
		"850150" H16 "0350" H16 "50" H16,            /* no tag */
		"d9d9f6850150" H16 "0350" H16 "50" H16,      /* another tag */
		"d9d9f7840150" H16 "0350" H16,               /* four items */
		"d9d9f7860150" H16 "0350" H16 "50" H16 "00", /* six */
		"d9d9f7850250" H16 "0350" H16 "50" H16,      /* public key v1 */
		"d9d9f785180150" H16 "0350" H16 "50" H16,    /* type in two bytes */
		"d9d9f785014f"
		"000102030405060708090a0b0c0d0e"
		"0350" H16 "50" H16,
		"d9d9f7850170"
		"78787878787878787878787878787878"
		"0350" H16 "50" H16,
		"d9d9f7850150" H16 "180350" H16 "50" H16, /* device type in two bytes */
		"d9d9f7850150" H16 "2350" H16 "50" H16,   /* negative device type */
		"d9d9f7850150" H16 "0350" H16 "4f"
		"000102030405060708090a0b0c0d0e",
		"d9d9f79f0150" H16 "0350" H16 "50" H16 "ff", /* indefinite */
	};
	static const char *const sign1[] = {
		"d28443a10126a1044123f65840",   /* the production base key */
		"d28443a10126a104422121f65840", /* a kid of two bytes */
		"d28443a10126a1044121405840",   /* an empty payload, not none */
	};
	struct attest a;

	(void)state;
	assert_int_equal(parse_of(good, SIGN1, 64), 0);
	assert_int_equal(parse_of(good, SIGN1, 63), ATTEST_E_SYNTAX);
	assert_int_equal(parse_of(good, SIGN1, 65), ATTEST_E_SYNTAX);
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		if (parse_of(messages[i], SIGN1, 64) != ATTEST_E_SYNTAX)
			fail_msg("message %zu", i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sign1); i++) {
		if (parse_of(good, sign1[i], 64) != ATTEST_E_SYNTAX)
			fail_msg("signature %zu", i);
	}
	assert_int_equal(attest_parse("", 0, &a), ATTEST_E_SYNTAX);
	assert_int_equal(attest_parse(".", 1, &a), ATTEST_E_SYNTAX);
	a = (struct attest){.message_type = 2};
	assert_int_equal(attest_message(&a), -EINVAL);
}

/* The device type 256 would need three bytes, and a message of 59. */
static void a_device_type_beyond_a_byte_is_refused(void **state)
{
	(void)state;
	assert_int_equal(parse_of("d9d9f7850150" H16 "18ff50" H16 "50" H16, SIGN1, 64), 0);
	assert_int_equal(parse_of("d9d9f7850150" H16 "19010050" H16 "50" H16, SIGN1, 64),
			 ATTEST_E_SYNTAX);
}

/* A token of n certificates of len bytes, with the last one of its own length. */
static void make_chained(struct attest *a, size_t n, size_t len, size_t last)
{
	static const uint8_t cert[X5CHAIN_MAX] = {0x30};

	*a = (struct attest){.message_type = ATTEST_TYPE_IDENTITY, .device_type = 23};
	memset(a->signature, 7, sizeof(a->signature));
	assert_int_equal(attest_message(a), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(x5chain_add(&a->chain, cert, i + 1 < n ? len : last), 0);
}

static void a_chain_round_trips_and_its_longest_token_has_room(void **state)
{
	static const size_t lasts[] = {1, 23, 24, 255, 256, 1000, X5CHAIN_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lasts); i++) {
		for (size_t n = 1; n <= X5CHAIN_CERTS_MAX; n++) {
			const size_t len = MIN((X5CHAIN_MAX - lasts[i]) / 3, (size_t)300);
			char text[CLAIM_TEXT_MAX + 1], small[16];
			struct attest a, b;

			if (n > 1 && len == 0)
				continue;
			make_chained(&a, n, len, lasts[i]);
			assert_int_equal(attest_format(&a, small, sizeof(small)), -ENOBUFS);
			assert_int_equal(attest_format(&a, text, sizeof(text)), 0);
			assert_int_equal(attest_parse(text, strlen(text), &b), 0);
			assert_int_equal(b.chain.n, n);
			assert_int_equal(x5chain_size(&b.chain), x5chain_size(&a.chain));
			assert_memory_equal(b.chain.der, a.chain.der, x5chain_size(&a.chain));
			assert_memory_equal(b.chain.lens, a.chain.lens, sizeof(a.chain.lens));
			assert_memory_equal(b.signature, a.signature, 64);
			/* The message is what it is without one. */
			assert_memory_equal(b.message, a.message, a.message_len);
		}
	}
}

static void a_token_that_says_more_than_it_may_carry_is_not_made(void **state)
{
	char text[CLAIM_TEXT_MAX + 1];
	struct attest a;

	(void)state;
	make_chained(&a, X5CHAIN_CERTS_MAX, 10, 10);
	a.chain.n++;
	assert_int_equal(attest_format(&a, text, sizeof(text)), -EINVAL);
	make_chained(&a, 2, 10, 10);
	a.chain.lens[1] = X5CHAIN_MAX;
	assert_int_equal(attest_format(&a, text, sizeof(text)), -EINVAL);
}

/* There is one text for each content. */
static void try_token(const uint8_t *data, size_t len)
{
	struct attest a;
	char text[512];

	if (attest_parse((const char *)data, len, &a) != 0)
		return;
	assert_int_equal(attest_message(&a), 0);
	assert_int_equal(attest_format(&a, text, sizeof(text)), 0);
	assert_int_equal(strlen(text), len);
	assert_memory_equal(text, data, len);
}

static void try_refused(const uint8_t *data, size_t len)
{
	struct attest a;

	assert_int_equal(attest_parse((const char *)data, len, &a), ATTEST_E_SYNTAX);
}

static void damaged_vectors_are_refused_or_mean_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const uint8_t *data = (const uint8_t *)vectors[i].token;
		const size_t len = strlen(vectors[i].token);

		mutate_truncate(data, len, try_refused);
		mutate_append(data, len, try_refused);
		mutate_corrupt(data, len, try_token);
	}
}

static void a_damaged_chain_is_refused_or_means_what_it_says(void **state)
{
	(void)state;
	for (size_t n = 1; n <= X5CHAIN_CERTS_MAX; n++) {
		char text[512];
		struct attest a;

		make_chained(&a, n, 26, 25);
		assert_int_equal(attest_format(&a, text, sizeof(text)), 0);
		mutate_truncate((const uint8_t *)text, strlen(text), try_refused);
		mutate_append((const uint8_t *)text, strlen(text), try_refused);
		mutate_corrupt((const uint8_t *)text, strlen(text), try_token);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_parse_to_their_fields),
		cmocka_unit_test(vectors_format_to_the_same_text),
		cmocka_unit_test(every_device_type_round_trips),
		cmocka_unit_test(any_other_shape_is_refused),
		cmocka_unit_test(a_device_type_beyond_a_byte_is_refused),
		cmocka_unit_test(a_chain_round_trips_and_its_longest_token_has_room),
		cmocka_unit_test(a_token_that_says_more_than_it_may_carry_is_not_made),
		cmocka_unit_test(damaged_vectors_are_refused_or_mean_what_they_say),
		cmocka_unit_test(a_damaged_chain_is_refused_or_means_what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
