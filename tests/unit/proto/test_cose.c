/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "proto/cose.h"
#include "proto/item.h"
#include "tests/unit/proto/mutate.h"

static void make(struct cose_sign1 *c, const uint8_t *payload, size_t payload_len)
{
	*c = (struct cose_sign1){
		.kid = {COSE_KID_IDENTITY},
		.kid_len = 1,
		.payload = payload,
		.payload_len = payload_len,
	};
	for (size_t i = 0; i < sizeof(c->signature); i++)
		c->signature[i] = (uint8_t)(i + 1);
}

static void a_detached_message_has_the_documented_77_bytes(void **state)
{
	/* docs/protocol.md §2.3 */
	static const uint8_t head[] = {0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa1,
				       0x04, 0x41, 0x21, 0xf6, 0x58, 0x40};
	struct cose_sign1 c, back;
	uint8_t data[128];
	size_t len;

	(void)state;
	make(&c, NULL, 0);
	assert_int_equal(cose_sign1_encode(&c, data, sizeof(data), &len), 0);
	assert_int_equal(len, 77);
	assert_memory_equal(data, head, sizeof(head));
	assert_memory_equal(data + sizeof(head), c.signature, 64);
	for (size_t size = 0; size < len; size++)
		assert_int_equal(cose_sign1_encode(&c, data, size, &len), -ENOBUFS);

	assert_int_equal(cose_sign1_encode(&c, data, 77, &len), 0);
	assert_int_equal(cose_sign1_parse(data, len, &back), 0);
	assert_null(back.payload);
	assert_int_equal(back.kid_len, 1);
	assert_int_equal(back.kid[0], COSE_KID_IDENTITY);
	assert_memory_equal(back.signature, c.signature, 64);
}

static void signed_bytes_have_their_two_forms(void **state)
{
	static const char rfc[] = "\x84\x6aSignature1\x43\xa1\x01\x26\x40\x58\x39";
	static const char modem[] = "\x84\x6aSignature1\x43\xa1\x01\x26\x58\x39";
	uint8_t payload[57], data[128];
	size_t len;

	(void)state;
	memset(payload, 7, sizeof(payload));
	assert_int_equal(cose_tbs(COSE_FORM_RFC9052, payload, 57, data, sizeof(data), &len), 0);
	assert_int_equal(len, sizeof(rfc) - 1 + 57);
	assert_memory_equal(data, rfc, sizeof(rfc) - 1);
	assert_memory_equal(data + sizeof(rfc) - 1, payload, 57);
	for (size_t size = 0; size < sizeof(rfc) - 1 + 57; size++)
		assert_int_equal(cose_tbs(COSE_FORM_RFC9052, payload, 57, data, size, &len),
				 -ENOBUFS);

	assert_int_equal(cose_tbs(COSE_FORM_MODEM, payload, 57, data, sizeof(data), &len), 0);
	assert_int_equal(len, 76);
	assert_memory_equal(data, modem, sizeof(modem) - 1);
	assert_memory_equal(data + sizeof(modem) - 1, payload, 57);
	assert_int_equal(data[75], 0xf6);
	assert_int_equal(cose_tbs(COSE_FORM_MODEM, payload, 57, data, 75, &len), -ENOBUFS);
}

static void limits_hold_at_their_maximum_and_break_above(void **state)
{
	static uint8_t payload[COSE_PAYLOAD_MAX + 1], data[2 * COSE_PAYLOAD_MAX];
	struct cose_sign1 c, back;
	size_t len;

	(void)state;
	make(&c, payload, COSE_PAYLOAD_MAX);
	c.kid_len = sizeof(c.kid);
	assert_int_equal(cose_sign1_encode(&c, data, sizeof(data), &len), 0);
	assert_int_equal(cose_sign1_parse(data, len, &back), 0);
	assert_int_equal(back.payload_len, COSE_PAYLOAD_MAX);
	assert_int_equal(back.kid_len, sizeof(back.kid));

	c.payload_len++;
	assert_int_equal(cose_sign1_encode(&c, data, sizeof(data), &len), -EINVAL);
	make(&c, NULL, 0);
	c.kid_len = 0;
	assert_int_equal(cose_sign1_encode(&c, data, sizeof(data), &len), -EINVAL);
	c.kid_len = sizeof(c.kid) + 1;
	assert_int_equal(cose_sign1_encode(&c, data, sizeof(data), &len), -EINVAL);

	for (size_t kid = 0; kid <= 17; kid += 17) {
		struct writer w;

		writer_init(&w, data, sizeof(data));
		writer_bytes(&w, "\xd2\x84\x43\xa1\x01\x26\xa1\x04", 8);
		item_write_bytes(&w, payload, kid);
		item_write_null(&w);
		item_write_bytes(&w, payload, 64);
		assert_int_equal(cose_sign1_parse(data, w.len, &back), COSE_E_SYNTAX);
	}
	for (size_t over = 0; over < 2; over++) {
		struct writer w;

		writer_init(&w, data, sizeof(data));
		writer_bytes(&w, "\xd2\x84\x43\xa1\x01\x26\xa1\x04\x41\x21", 10);
		item_write_bytes(&w, payload, COSE_PAYLOAD_MAX + over);
		item_write_bytes(&w, payload, 64);
		assert_int_equal(cose_sign1_parse(data, w.len, &back),
				 over > 0 ? COSE_E_SYNTAX : 0);
	}
}

/* What stands before the 64 bytes of a signature, and what becomes of the message. */
struct head {
	const char *hex;
	int result;
};

static void assert_heads(const struct head *heads, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t data[128] = {0};
		struct cose_sign1 c;
		const size_t len = strlen(heads[i].hex) / 2;

		assert_int_equal(hex_decode(heads[i].hex, 2 * len, data, len), 0);
		if (cose_sign1_parse(data, len + 64, &c) != heads[i].result)
			fail_msg("row %zu", i);
	}
}

static void only_the_shortest_form_is_taken(void **state)
{
	static const struct head heads[] = {
		{"d28443a10126a1044121f65840", 0},
		{"d28443a10126a1044121405840", 0},                 /* empty, but there */
		{"d8128443a10126a1044121f65840", COSE_E_SYNTAX},   /* tag in two bytes */
		{"d2980443a10126a1044121f65840", COSE_E_SYNTAX},   /* array head in two */
		{"d2845803a10126a1044121f65840", COSE_E_SYNTAX},   /* protected in two */
		{"d28443a10126b801044121f65840", COSE_E_SYNTAX},   /* map head in two */
		{"d28443a10126a118044121f65840", COSE_E_SYNTAX},   /* label in two */
		{"d28443a10126a104580121f65840", COSE_E_SYNTAX},   /* kid length in two */
		{"d28443a10126a1044121f6590040", COSE_E_SYNTAX},   /* signature length in three */
		{"8443a10126a1044121f65840", COSE_E_SYNTAX},       /* no tag */
		{"d28443a10127a1044121f65840", COSE_E_SYNTAX},     /* another algorithm */
		{"d28440a1044121f65840", COSE_E_SYNTAX},           /* none */
		{"d28443a10126a0f65840", COSE_E_SYNTAX},           /* no kid */
		{"d28443a10126a1044121f75840", COSE_E_SYNTAX},     /* undefined payload */
		{"d28443a10126a1044121605840", COSE_E_SYNTAX},     /* text payload */
		{"d28443a10126a1046121f65840", COSE_E_SYNTAX},     /* text kid */
		{"d2845f43a10126ffa1044121f65840", COSE_E_SYNTAX}, /* indefinite protected */
		{"d29f43a10126a1044121f65840", COSE_E_SYNTAX},     /* indefinite array */
	};

	(void)state;
	assert_heads(heads, ARRAY_SIZE(heads));
}

static void add_certs(struct cose_sign1 *c, const uint8_t *data, size_t len, size_t n)
{
	for (size_t i = 0; i < n; i++)
		c->chain[c->n_chain++] = (struct cose_cert){.data = data, .len = len};
}

static void a_chain_stands_behind_the_kid_one_certificate_bare_and_more_in_an_array(void **state)
{
	/* RFC 9360 §2, label 33 */
	static const char one[] = "\xd2\x84\x43\xa1\x01\x26\xa2\x04\x41\x21"
				  "\x18\x21\x43\x30\x01\x05\xf6\x58\x40";
	static const char two[] = "\xd2\x84\x43\xa1\x01\x26\xa2\x04\x41\x21"
				  "\x18\x21\x82\x43\x30\x01\x05\x43\x30\x01\x05\xf6\x58\x40";
	static const uint8_t cert[] = {0x30, 0x01, 0x05};
	struct cose_sign1 c, back;
	uint8_t data[128];
	size_t len;

	(void)state;
	make(&c, NULL, 0);
	add_certs(&c, cert, sizeof(cert), 1);
	assert_int_equal(cose_sign1_encode(&c, data, sizeof(data), &len), 0);
	assert_int_equal(len, sizeof(one) - 1 + 64);
	assert_memory_equal(data, one, sizeof(one) - 1);
	add_certs(&c, cert, sizeof(cert), 1);
	for (size_t size = 0; size < sizeof(two) - 1 + 64; size++)
		assert_int_equal(cose_sign1_encode(&c, data, size, &len), -ENOBUFS);
	assert_int_equal(cose_sign1_encode(&c, data, sizeof(data), &len), 0);
	assert_int_equal(len, sizeof(two) - 1 + 64);
	assert_memory_equal(data, two, sizeof(two) - 1);

	assert_int_equal(cose_sign1_parse(data, len, &back), 0);
	assert_int_equal(back.n_chain, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(back.chain[i].len, sizeof(cert));
		assert_memory_equal(back.chain[i].data, cert, sizeof(cert));
	}
	assert_memory_equal(back.signature, c.signature, 64);
}

/* The result of reading a chain of n certificates of len bytes, after encoding it said expected. */
static int chain_of(size_t n, size_t len, size_t last, int expected)
{
	static uint8_t cert[X5CHAIN_MAX + 1], data[3 * X5CHAIN_MAX];
	struct cose_sign1 c, back;
	struct writer w;
	size_t encoded;
	int r;

	writer_init(&w, data, sizeof(data));
	writer_bytes(&w, "\xd2\x84\x43\xa1\x01\x26\xa2\x04\x41\x21\x18\x21", 12);
	if (n != 1)
		item_write_array(&w, n);
	for (size_t i = 0; i < n; i++)
		item_write_bytes(&w, cert, i + 1 < n ? len : last);
	item_write_null(&w);
	item_write_bytes(&w, cert, 64);
	assert_true(writer_ok(&w));
	r = cose_sign1_parse(data, w.len, &back);
	if (n > X5CHAIN_CERTS_MAX)
		return r;

	make(&c, NULL, 0);
	add_certs(&c, cert, len, n);
	if (n > 0)
		c.chain[n - 1].len = last;
	assert_int_equal(cose_sign1_encode(&c, data, sizeof(data), &encoded), expected);
	return r;
}

static void a_chain_is_bounded_in_certificates_and_in_bytes(void **state)
{
	(void)state;
	assert_int_equal(chain_of(1, 0, X5CHAIN_MAX, 0), 0);
	assert_int_equal(chain_of(1, 0, X5CHAIN_MAX + 1, -EINVAL), COSE_E_SYNTAX);
	assert_int_equal(chain_of(X5CHAIN_CERTS_MAX, 1024, X5CHAIN_MAX - 3 * 1024, 0), 0);
	assert_int_equal(chain_of(X5CHAIN_CERTS_MAX, 1024, X5CHAIN_MAX - 3 * 1024 + 1, -EINVAL),
			 COSE_E_SYNTAX);
	assert_int_equal(chain_of(X5CHAIN_CERTS_MAX + 1, 10, 10, -EINVAL), COSE_E_SYNTAX);
	/* Empty ones, and no empty array. */
	assert_int_equal(chain_of(1, 0, 0, -EINVAL), COSE_E_SYNTAX);
	assert_int_equal(chain_of(2, 5, 0, -EINVAL), COSE_E_SYNTAX);
	assert_int_equal(chain_of(0, 0, 0, 0), COSE_E_SYNTAX);
}

static void only_the_shortest_form_of_a_chain_is_taken(void **state)
{
	static const struct head heads[] = {
		{"d28443a10126a204412118214105f65840", 0},
		{"d28443a10126a204412118218241054105f65840", 0},
		{"d28443a10126a104412118214105f65840", COSE_E_SYNTAX},         /* not counted */
		{"d28443a10126a2044121f65840", COSE_E_SYNTAX},                 /* counted only */
		{"d28443a10126a218214105044121f65840", COSE_E_SYNTAX},         /* before the kid */
		{"d28443a10126a20441211900214105f65840", COSE_E_SYNTAX},       /* label in three */
		{"d28443a10126a204412118204105f65840", COSE_E_SYNTAX},         /* label 32, x5bag */
		{"d28443a10126a2044121204105f65840", COSE_E_SYNTAX},           /* label -1 */
		{"d28443a10126a2044121044121f65840", COSE_E_SYNTAX},           /* the kid twice */
		{"d28443a10126a30441211821410518214105f65840", COSE_E_SYNTAX}, /* the chain twice */
		{"d28443a10126a20441211821814105f65840", COSE_E_SYNTAX},       /* array of one */
		{"d28443a10126a20441211821980241054105f65840", COSE_E_SYNTAX}, /* its head in two */
		{"d28443a10126a20441211821580105f65840", COSE_E_SYNTAX},       /* length in two */
		{"d28443a10126a204412118218241056105f65840", COSE_E_SYNTAX},   /* text */
		{"d28443a10126a204412118218241814105f65840", 0},
		{"d28443a10126a20441211821828141054105f65840", COSE_E_SYNTAX}, /* nested */
		{"d28443a10126a20441211821f6f65840", COSE_E_SYNTAX},           /* null */
		{"d28443a10126a204412118219f41054105fff65840", COSE_E_SYNTAX}, /* indefinite */
		{"d28443a10126a204412118215f4105fff65840", COSE_E_SYNTAX},
		{"d28443a10126bf04412118214105fff65840", COSE_E_SYNTAX},
	};

	(void)state;
	assert_heads(heads, ARRAY_SIZE(heads));
}

/* There is one encoding: what parses encodes to the same bytes. */
static void try_message(const uint8_t *data, size_t len)
{
	struct cose_sign1 c;
	uint8_t again[256];
	size_t again_len;

	if (cose_sign1_parse(data, len, &c) != 0)
		return;
	assert_int_equal(cose_sign1_encode(&c, again, sizeof(again), &again_len), 0);
	assert_int_equal(again_len, len);
	assert_memory_equal(again, data, len);
}

static void try_refused(const uint8_t *data, size_t len)
{
	struct cose_sign1 c;

	assert_int_equal(cose_sign1_parse(data, len, &c), COSE_E_SYNTAX);
}

static void damaged_messages_are_refused_or_mean_what_they_say(void **state)
{
	static const uint8_t payload[] = "payload";
	uint8_t data[128];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		const size_t payload_len = i % 2 ? sizeof(payload) : 0;
		struct cose_sign1 c;
		size_t len;

		make(&c, payload_len > 0 ? payload : NULL, payload_len);
		add_certs(&c, payload, 5, i / 2);
		assert_int_equal(cose_sign1_encode(&c, data, sizeof(data), &len), 0);
		mutate_truncate(data, len, try_refused);
		mutate_append(data, len, try_refused);
		mutate_corrupt(data, len, try_message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_detached_message_has_the_documented_77_bytes),
		cmocka_unit_test(signed_bytes_have_their_two_forms),
		cmocka_unit_test(limits_hold_at_their_maximum_and_break_above),
		cmocka_unit_test(only_the_shortest_form_is_taken),
		cmocka_unit_test(
			a_chain_stands_behind_the_kid_one_certificate_bare_and_more_in_an_array),
		cmocka_unit_test(a_chain_is_bounded_in_certificates_and_in_bytes),
		cmocka_unit_test(only_the_shortest_form_of_a_chain_is_taken),
		cmocka_unit_test(damaged_messages_are_refused_or_mean_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
