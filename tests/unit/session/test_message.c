/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "session/message.h"

static const uint8_t token[8] = {0x90, 0x4a, 0x50, 0x61, 0xbf, 0x40, 0x33, 0x40};

#define TOKEN "904a5061bf403340"
#define C1 "8182782639363835656638342d386361632d343235372d623563632d3934626334313661316331642e6402"
#define R1                                                                                         \
	"8182782639363835656638342d386361632d343235372d623563632d3934626334313661316331642e641866"

struct vector {
	const char *what, *hex;
	enum message_type type;
	uint8_t code;
	uint16_t mid;
	const char *path, *query;
	int content_format, max_age, block2; /* -1: absent */
	const char *payload_hex;
};

/* docs/protocol.md §3.5 */
static const struct vector vectors[] = {
	{"authenticate",
	 "48021001" TOKEN "b17008617574682d6a7774113c3d09"
	 "6d7665723d6d66775f6e7266393178315f322e302e31"
	 "0b637665723d76332e312e30ff65794a",
	 MESSAGE_CON, 0x02, 0x1001, "p/auth-jwt", "mver=mfw_nrf91x1_2.0.1&cver=v3.1.0", 60, -1, -1,
	 "65794a"},
	{"authenticated", "68411001" TOKEN "d301278d00", MESSAGE_ACK, 0x41, 0x1001, NULL, NULL, -1,
	 2592000, -1, ""},
	{"fetch",
	 "48011002" TOKEN "b17003636d644661667465723d0d0172784d617853697a653d32353630"
	 "0d0174784d617853697a653d32303438076c696d69743d358106",
	 MESSAGE_CON, 0x01, 0x1002, "p/cmd", "after=&rxMaxSize=2560&txMaxSize=2048&limit=5", -1, -1,
	 6, ""},
	{"no commands", "68451002" TOKEN, MESSAGE_ACK, 0x45, 0x1002, NULL, NULL, -1, -1, -1, ""},
	{"one command", "68451002" TOKEN "c13cff" C1, MESSAGE_ACK, 0x45, 0x1002, NULL, NULL, 60, -1,
	 -1, C1},
	{"suspend", "58021003" TOKEN "b52e64746c730773757370656e64", MESSAGE_NON, 0x02, 0x1003,
	 ".dtls/suspend", NULL, -1, -1, -1, ""},
	{"report", "48021004" TOKEN "b17003727370113cff" R1, MESSAGE_CON, 0x02, 0x1004, "p/rsp",
	 NULL, 60, -1, -1, R1},
	{"reported", "68441004" TOKEN, MESSAGE_ACK, 0x44, 0x1004, NULL, NULL, -1, -1, -1, ""},
	{"cloud", "48021005" TOKEN "b461757468036a777410ff65794a", MESSAGE_CON, 0x02, 0x1005,
	 "auth/jwt", NULL, 0, -1, -1, "65794a"},
};

static size_t unhex(const char *hex, uint8_t *ret)
{
	size_t len = strlen(hex) / 2;

	assert_int_equal(hex_decode(hex, 2 * len, ret, len), 0);
	return len;
}

static void fill(const struct vector *v, struct message *m, uint8_t *payload)
{
	message_init(m, v->type, v->code, v->mid, token, sizeof(token));
	message_add_parts(m, MESSAGE_OPTION_URI_PATH, v->path, '/');
	if (v->content_format >= 0)
		message_add_uint(m, MESSAGE_OPTION_CONTENT_FORMAT, (uint32_t)v->content_format);
	if (v->max_age >= 0)
		message_add_uint(m, MESSAGE_OPTION_MAX_AGE, (uint32_t)v->max_age);
	message_add_parts(m, MESSAGE_OPTION_URI_QUERY, v->query, '&');
	if (v->block2 >= 0)
		message_add_uint(m, MESSAGE_OPTION_BLOCK2, (uint32_t)v->block2);
	m->payload = payload;
	m->payload_len = unhex(v->payload_hex, payload);
}

static void every_vector_of_the_protocol_is_written_as_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint8_t wanted[512], payload[256], got[512];
		size_t wanted_len = unhex(vectors[i].hex, wanted), len;
		struct message m;

		fill(&vectors[i], &m, payload);
		assert_int_equal(message_encode(&m, got, sizeof(got), &len), 0);
		assert_int_equal(len, wanted_len);
		assert_memory_equal(got, wanted, len);
	}
}

static void join(const struct message *m, uint16_t number, char separator, char *ret)
{
	*ret = '\0';
	for (size_t i = 0; i < m->n_options; i++) {
		const struct message_option *o = &m->options[i];

		if (o->number == number)
			ret += sprintf(ret, "%.*s%c", (int)o->len, (const char *)o->value,
				       separator);
	}
	if (ret[-1] == separator)
		ret[-1] = '\0';
}

static void assert_uint(const struct message *m, uint16_t number, int wanted)
{
	const struct message_option *o = message_find(m, number);
	uint32_t v;

	if (wanted < 0) {
		assert_null(o);
		return;
	}
	assert_non_null(o);
	assert_int_equal(message_uint(o, &v), 0);
	assert_int_equal(v, wanted);
}

static void every_vector_of_the_protocol_is_read_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct vector *v = &vectors[i];
		uint8_t data[512], payload[256];
		size_t len = unhex(v->hex, data), payload_len = unhex(v->payload_hex, payload);
		char text[512] = "";
		struct message m;

		assert_int_equal(message_decode(data, len, &m), 0);
		assert_int_equal(m.type, v->type);
		assert_int_equal(m.code, v->code);
		assert_int_equal(m.mid, v->mid);
		assert_int_equal(m.token_len, 8);
		assert_memory_equal(m.token, token, 8);
		assert_int_equal(m.payload_len, payload_len);
		assert_memory_equal(m.payload ? m.payload : payload, payload, payload_len);
		assert_uint(&m, MESSAGE_OPTION_CONTENT_FORMAT, v->content_format);
		assert_uint(&m, MESSAGE_OPTION_MAX_AGE, v->max_age);
		assert_uint(&m, MESSAGE_OPTION_BLOCK2, v->block2);
		if (v->path) {
			join(&m, MESSAGE_OPTION_URI_PATH, '/', text);
			assert_string_equal(text, v->path);
		}
		if (v->query) {
			join(&m, MESSAGE_OPTION_URI_QUERY, '&', text);
			assert_string_equal(text, v->query);
		}
	}
}

/* A truncated message is refused or reads as a shorter one that is written back the same: never
 * past the end. */
static void every_truncation_is_refused_or_reads_as_what_is_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint8_t data[512], again[512];
		size_t full = unhex(vectors[i].hex, data), again_len;

		for (size_t len = 0; len < full; len++) {
			uint8_t *exact = test_malloc(len > 0 ? len : 1);
			struct message m;
			int r;

			memcpy(exact, data, len);
			r = message_decode(exact, len, &m);
			if (len < 12)
				assert_int_equal(r, MESSAGE_E_FORMAT);
			if (r == 0) {
				assert_int_equal(
					message_encode(&m, again, sizeof(again), &again_len), 0);
				assert_int_equal(again_len, len);
				assert_memory_equal(again, exact, len);
			}
			test_free(exact);
		}
	}
}

static void every_corrupted_byte_is_refused_or_survives_a_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint8_t data[512], again[512];
		size_t len = unhex(vectors[i].hex, data), again_len;

		for (size_t at = 0; at < len; at++) {
			for (unsigned int bit = 0; bit < 8; bit++) {
				struct message m;

				data[at] ^= (uint8_t)(1U << bit);
				if (message_decode(data, len, &m) == 0)
					assert_int_equal(message_encode(&m, again, sizeof(again),
									&again_len),
							 0);
				data[at] ^= (uint8_t)(1U << bit);
			}
		}
	}
}

static void assert_refused(const char *hex)
{
	uint8_t data[512];
	size_t len = unhex(hex, data);
	struct message m;

	assert_int_equal(message_decode(data, len, &m), MESSAGE_E_FORMAT);
}

static void what_is_no_message_is_refused(void **state)
{
	(void)state;
	assert_refused("08451002");                   /* version 0 */
	assert_refused("88451002");                   /* version 2 */
	assert_refused("49451002904a5061bf40334011"); /* nine bytes of token */
	assert_refused("4f451002904a5061bf40334011"); /* RFC 7252 §3: lengths 9-15 are reserved */
	assert_refused("6845100290");                 /* token longer than the message */
	assert_refused("68451002" TOKEN "ff");        /* marker without payload */
	assert_refused("68451002" TOKEN "c2");        /* option longer than the message */
	assert_refused("68451002" TOKEN "f0");        /* delta 15 is no marker */
	assert_refused("68451002" TOKEN "cf");        /* length 15 */
	assert_refused("68451002" TOKEN "e0ffff"
		       "e0ffff");                    /* number above 65535 */
	assert_refused("68451002" TOKEN "e1feffd0"); /* a delta that 16 bits cannot hold */
	assert_refused("60001002ff");                /* Empty with more than a header */
	assert_refused("61001002aa");                /* Empty with a token */
}

static void a_zero_length_uint_is_zero(void **state)
{
	uint8_t data[64];
	struct message m;

	(void)state;
	assert_int_equal(message_decode(data, unhex("68451002" TOKEN "c0", data), &m), 0);
	assert_uint(&m, MESSAGE_OPTION_CONTENT_FORMAT, 0);
}

static void leading_zeros_of_a_uint_are_read(void **state)
{
	const uint8_t value[] = {0, 0, 0, 60};
	const struct message_option o = {12, sizeof(value), value};
	uint32_t v;

	(void)state;
	assert_int_equal(message_uint(&o, &v), 0);
	assert_int_equal(v, 60);
}

static void a_uint_of_five_bytes_is_refused(void **state)
{
	const uint8_t value[5] = {0, 0, 0, 0, 60};
	const struct message_option o = {12, sizeof(value), value};
	uint32_t v;

	(void)state;
	assert_int_equal(message_uint(&o, &v), MESSAGE_E_FORMAT);
}

static int encode_path(const char *path)
{
	uint8_t buf[MESSAGE_MAX];
	struct message m;
	size_t len;

	message_init(&m, MESSAGE_CON, 1, 1, token, sizeof(token));
	message_add_parts(&m, MESSAGE_OPTION_URI_PATH, path, '/');
	return message_encode(&m, buf, sizeof(buf), &len);
}

static void defect_26_a_path_segment_of_256_bytes_is_refused_not_cut(void **state)
{
	char path[300];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[255] = '\0';
	assert_int_equal(encode_path(path), 0);
	path[255] = 'a';
	path[256] = '\0';
	assert_int_equal(encode_path(path), -EINVAL);
}

static void a_leading_separator_is_skipped_and_an_empty_segment_refused(void **state)
{
	(void)state;
	assert_int_equal(encode_path("/p/cmd"), 0);
	assert_int_equal(encode_path("p//cmd"), -EINVAL);
	assert_int_equal(encode_path("p/cmd/"), -EINVAL);
}

static void options_out_of_order_are_refused(void **state)
{
	uint8_t buf[64];
	struct message m;
	size_t len;

	(void)state;
	message_init(&m, MESSAGE_CON, 1, 1, token, sizeof(token));
	message_add_uint(&m, MESSAGE_OPTION_BLOCK2, 6);
	message_add_uint(&m, MESSAGE_OPTION_CONTENT_FORMAT, 60);
	assert_int_equal(message_encode(&m, buf, sizeof(buf), &len), -EINVAL);
}

static void as_many_options_as_fit_are_taken_and_one_more_is_refused(void **state)
{
	uint8_t data[64] = {0x60, 0x45, 0, 1, 0x40};
	uint8_t buf[128];
	struct message m;
	size_t len;

	(void)state;
	/* delta 4, then zeros: MESSAGE_MAX_OPTIONS ETags without content */
	for (size_t n = MESSAGE_MAX_OPTIONS; n <= MESSAGE_MAX_OPTIONS + 1; n++) {
		message_init(&m, MESSAGE_ACK, 0x45, 1, NULL, 0);
		for (size_t i = 0; i < n; i++)
			message_add(&m, MESSAGE_OPTION_CONTENT_FORMAT, NULL, 0);
		assert_int_equal(message_encode(&m, buf, sizeof(buf), &len),
				 n <= MESSAGE_MAX_OPTIONS ? 0 : -EINVAL);
		memset(data + 4, 0, sizeof(data) - 4);
		data[4] = 0xc0;
		assert_int_equal(message_decode(data, 4 + n, &m),
				 n <= MESSAGE_MAX_OPTIONS ? 0 : MESSAGE_E_FORMAT);
	}
}

static void a_buffer_that_is_one_byte_short_is_told(void **state)
{
	uint8_t payload[256], buf[512];
	struct message m;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const size_t wanted = strlen(vectors[i].hex) / 2;

		fill(&vectors[i], &m, payload);
		for (size_t size = 0; size < wanted; size++)
			assert_int_equal(message_encode(&m, buf, size, &len), -EMSGSIZE);
		assert_int_equal(message_encode(&m, buf, wanted, &len), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_of_the_protocol_is_written_as_it_is),
		cmocka_unit_test(every_vector_of_the_protocol_is_read_back),
		cmocka_unit_test(every_truncation_is_refused_or_reads_as_what_is_there),
		cmocka_unit_test(every_corrupted_byte_is_refused_or_survives_a_round_trip),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(a_zero_length_uint_is_zero),
		cmocka_unit_test(leading_zeros_of_a_uint_are_read),
		cmocka_unit_test(a_uint_of_five_bytes_is_refused),
		cmocka_unit_test(defect_26_a_path_segment_of_256_bytes_is_refused_not_cut),
		cmocka_unit_test(a_leading_separator_is_skipped_and_an_empty_segment_refused),
		cmocka_unit_test(options_out_of_order_are_refused),
		cmocka_unit_test(as_many_options_as_fit_are_taken_and_one_more_is_refused),
		cmocka_unit_test(a_buffer_that_is_one_byte_short_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
