/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/answer.h"
#include "session/exchange.h"
#include "tests/unit/proto/mutate.h"

#define UUID "50363154-3931-44f0-8022-121b6401627d"
#define NOW_MS 1234567
#define CON "40"
#define NON "50"
#define WELL_KNOWN "bb2e77656c6c2d6b6e6f776e04636f7265" /* /.well-known/core */
#define ONBOARDD "b86f6e626f61726464"                   /* /onboardd */
#define TOKEN ONBOARDD "05746f6b656e"                   /* /onboardd/token */

static const char alice[] = "10.0.0.1:5683", bob[] = "10.0.0.2:5683";
static struct record record;

struct world {
	struct answer answer;
	struct answer_asker asker;
	uint8_t out[MESSAGE_MAX];
	size_t len;
	struct message m;
};

static void make(struct world *w, const char *token)
{
	*w = (struct world){.answer = {.record = &record, .token = token, .mid = 0x7001},
			    .asker = {.address = alice, .len = sizeof(alice)}};
	memset(w->answer.key, 7, sizeof(w->answer.key));
	assert_int_equal(record_make(UUID, "unclaimed", "0.1.0", &record), 0);
}

static void ask_bytes(struct world *w, const uint8_t *in, size_t len)
{
	w->len = answer_to(&w->answer, &w->asker, NOW_MS, in, len, w->out);
	if (w->len > 0)
		assert_int_equal(message_decode(w->out, w->len, &w->m), 0);
}

/* The answer to a datagram in hex. */
static void ask(struct world *w, const char *hex)
{
	uint8_t in[256];

	assert_int_equal(hex_decode(hex, strlen(hex), in, strlen(hex) / 2), 0);
	ask_bytes(w, in, strlen(hex) / 2);
}

/* The same request with the Echo of the answer before. */
static void ask_again(struct world *w, const char *hex)
{
	const struct message_option *echo = message_find(&w->m, MESSAGE_OPTION_ECHO);
	uint8_t in[256], out[MESSAGE_MAX];
	struct message m;
	size_t len;

	assert_int_equal(w->m.code, MESSAGE_CODE_UNAUTHORIZED);
	assert_non_null(echo);
	assert_int_equal(hex_decode(hex, strlen(hex), in, strlen(hex) / 2), 0);
	assert_int_equal(message_decode(in, strlen(hex) / 2, &m), 0);
	message_add(&m, MESSAGE_OPTION_ECHO, echo->value, echo->len);
	assert_int_equal(message_encode(&m, out, sizeof(out), &len), 0);
	ask_bytes(w, out, len);
}

static void assert_payload(const struct world *w, const char *text)
{
	assert_true(w->len > 0);
	assert_int_equal(w->m.payload_len, strlen(text));
	assert_memory_equal(w->m.payload, text, strlen(text));
}

static void multicast_gets_the_link_to_the_device(void **state)
{
	struct world w;

	(void)state;
	make(&w, "secret.token");
	w.asker.is_multicast = true;
	ask(&w, NON "011111" WELL_KNOWN);
	assert_payload(&w, "</onboardd>;rt=\"onboardd\"");
	assert_int_equal(w.m.code, 0x45);
	assert_int_equal(w.m.type, MESSAGE_NON);
	assert_int_equal(w.m.mid, 0x7001);
	ask(&w, NON "011111" WELL_KNOWN);
	assert_int_equal(w.m.mid, 0x7002);
}

static void multicast_gets_silence_for_everything_else(void **state)
{
	static const char *const requests[] = {
		CON "011111" WELL_KNOWN, /* RFC 7252 §8.1: no CON */
		NON "021111" WELL_KNOWN, /* POST */
		NON "011111" ONBOARDD,
		NON "011111" TOKEN,
		NON "011111b178", /* /x */
		NON "0111113141"
		    "8a2e77656c6c2d6b6e",             /* broken */
		NON "011111" WELL_KNOWN "4472743d78", /* ?rt=x */
		NON "011111" WELL_KNOWN "6132",       /* Accept: 50 */
		NON "011111" WELL_KNOWN "410a01",     /* what is not a query */
		NON "011111" WELL_KNOWN "c107",       /* Block2 with SZX 7 */
		NON "011111" WELL_KNOWN "c116",       /* a block behind the end */
		CON "001111",                         /* ping */
		"60001111",
		"70001111",
	};
	struct world w;

	(void)state;
	make(&w, "secret.token");
	w.asker.is_multicast = true;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		print_message("%s\n", requests[i]);
		ask(&w, requests[i]);
		assert_int_equal(w.len, 0);
	}
}

static void a_query_for_its_type_finds_the_device(void **state)
{
	struct world w;

	(void)state;
	make(&w, NULL);
	w.asker.is_multicast = true;
	ask(&w, NON "011111" WELL_KNOWN "4b72743d6f6e626f61726464"); /* ?rt=onboardd */
	assert_payload(&w, "</onboardd>;rt=\"onboardd\"");
}

static void the_token_is_listed_and_given_only_where_it_may_be(void **state)
{
	struct world w;

	(void)state;
	make(&w, NULL);
	ask(&w, CON "011111" WELL_KNOWN);
	assert_payload(&w, "</onboardd>;rt=\"onboardd\"");
	ask(&w, CON "011111" TOKEN);
	assert_int_equal(w.m.code, 0x84);
	make(&w, "abc.def");
	ask(&w, CON "011111" TOKEN);
	assert_payload(&w, "abc.def");
	ask(&w, CON "011111" WELL_KNOWN);
	ask_again(&w, CON "011111" WELL_KNOWN);
	assert_payload(&w, "</onboardd>;rt=\"onboardd\",</onboardd/token>;rt=\"onboardd.token\"");
}

static void a_con_is_acknowledged_with_its_answer(void **state)
{
	struct world w;

	(void)state;
	make(&w, NULL);
	ask(&w, "42011234abcd" WELL_KNOWN);
	assert_int_equal(w.m.type, MESSAGE_ACK);
	assert_int_equal(w.m.mid, 0x1234);
	assert_int_equal(w.m.token_len, 2);
	assert_memory_equal(w.m.token, "\xab\xcd", 2);
}

static void what_would_amplify_goes_to_an_address_that_showed_that_it_asked(void **state)
{
	struct world w;

	(void)state;
	make(&w, NULL);
	ask(&w, CON "011111" ONBOARDD);
	assert_int_equal(w.m.code, MESSAGE_CODE_UNAUTHORIZED);
	assert_null(w.m.payload);
	ask_again(&w, CON "011111" ONBOARDD);
	assert_payload(&w, "{\"uuid\":\"" UUID "\",\"state\":\"unclaimed\",\"version\":\"0.1.0\"}");
	assert_int_equal(w.m.code, 0x45);
}

static void an_echo_is_good_for_its_address_alone(void **state)
{
	struct world w;

	(void)state;
	make(&w, NULL);
	ask(&w, CON "011111" ONBOARDD);
	w.asker.address = bob;
	ask_again(&w, CON "011111" ONBOARDD);
	assert_int_equal(w.m.code, MESSAGE_CODE_UNAUTHORIZED);
}

static void an_echo_is_good_for_a_while_only(void **state)
{
	uint8_t key[ECHO_KEY_LEN] = {1}, value[ECHO_LEN];

	(void)state;
	assert_int_equal(echo_make(key, "a", 1, 60000, value), 0);
	assert_true(echo_is_fresh(key, "a", 1, 60000 + ECHO_FRESH_S * 1000, value, ECHO_LEN));
	assert_false(echo_is_fresh(key, "a", 1, 61000 + ECHO_FRESH_S * 1000, value, ECHO_LEN));
	assert_false(echo_is_fresh(key, "a", 1, 59000, value, ECHO_LEN)); /* of the future */
	assert_false(echo_is_fresh(key, "a", 1, 60000, value, ECHO_LEN - 1));
	for (size_t i = 0; i < ECHO_LEN; i++) {
		value[i] ^= 1;
		assert_false(echo_is_fresh(key, "a", 1, 60000, value, ECHO_LEN));
		value[i] ^= 1;
	}
	key[0] = 2;
	assert_false(echo_is_fresh(key, "a", 1, 60000, value, ECHO_LEN));
}

static void methods_paths_and_options_that_are_not_there_are_refused(void **state)
{
	static const struct {
		const char *request;
		uint8_t code;
	} rows[] = {
		{CON "021111" ONBOARDD, 0x85},            /* POST */
		{CON "031111" ONBOARDD, 0x85},            /* PUT */
		{CON "041111" TOKEN, 0x85},               /* DELETE */
		{CON "011111", 0x84},                     /* / */
		{CON "011111b96f6e626f6172646400", 0x84}, /* a NUL in the path */
		{CON "011111b4"
		     "6f6e626f",
		 0x84},
		{CON "011111" ONBOARDD "613c", 0x86}, /* Accept: 60 */
		{CON "011111"
		     "91ff",
		 0x82},                                 /* 9: critical, unknown */
		{CON "011111" WELL_KNOWN "c107", 0x80}, /* Block2 with SZX 7 */
		{CON "011111" WELL_KNOWN "c116", 0x80}, /* a block behind the end */
	};
	struct world w;

	(void)state;
	make(&w, "abc.def");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		print_message("%s\n", rows[i].request);
		ask(&w, rows[i].request);
		assert_true(w.len > 0);
		assert_int_equal(w.m.code, rows[i].code);
	}
}

static void a_ping_and_a_broken_con_get_a_reset_and_nothing_else_does(void **state)
{
	struct world w;

	(void)state;
	make(&w, NULL);
	ask(&w, CON "001111");
	assert_int_equal(w.m.type, MESSAGE_RST);
	assert_int_equal(w.m.mid, 0x1111);
	ask(&w, CON "011111ff");
	assert_int_equal(w.m.type, MESSAGE_RST);
	ask(&w, NON "011111ff");
	assert_int_equal(w.len, 0);
	ask(&w, "60451111");
	assert_int_equal(w.len, 0);
	ask(&w, "70001111");
	assert_int_equal(w.len, 0);
	ask(&w, CON "451111");
	assert_int_equal(w.len, 0);
	ask(&w, "80011111");
	assert_int_equal(w.len, 0);
	ask(&w, "4001");
	assert_int_equal(w.len, 0);
}

static struct world hostile;

static void try_hostile(const uint8_t *data, size_t len)
{
	size_t n = answer_to(&hostile.answer, &hostile.asker, NOW_MS, data, len, hostile.out);

	assert_true(n <= ANSWER_FACTOR * len);
}

static void no_damaged_request_is_amplified(void **state)
{
	static const char *const requests[] = {CON "011111" WELL_KNOWN, CON "011111" ONBOARDD,
					       NON "011111" TOKEN,
					       "48011111"
					       "0102030405060708" TOKEN};

	(void)state;
	make(&hostile, "a token that is longer than three times any request of this list is "
		       "long, so that it would show: ......................................"
		       ".................................................................");
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		uint8_t in[128];
		size_t len = strlen(requests[i]) / 2;

		assert_int_equal(hex_decode(requests[i], 2 * len, in, len), 0);
		mutate_truncate(in, len, try_hostile);
		mutate_corrupt(in, len, try_hostile);
		mutate_append(in, len, try_hostile);
	}
}

static void fill_random(void *buf, size_t len)
{
	memset(buf, 0x5a, len);
}

/* The other side of a bench: as discovery/fetch.c does it. */
static void a_long_token_comes_in_blocks_each_of_which_shows_its_echo(void **state)
{
	const struct exchange_config config = {.ack_timeout_ms = 1000,
					       .max_retransmit = 4,
					       .answer_timeout_ms = 1000,
					       .block_size = 1024,
					       .random = fill_random};
	const struct request request = {.code = MESSAGE_CODE_GET,
					.path = ANSWER_TOKEN_PATH,
					.content_format = -1,
					.accept = -1};
	_cleanup_(exchange_freep) struct exchange *x = NULL;
	struct exchange_request *submitted, *finished = NULL;
	char token[5000];
	const struct reply *reply;
	uint8_t buf[MESSAGE_MAX];
	unsigned int n = 0;
	struct world w;
	size_t len;

	(void)state;
	memset(token, 'x', sizeof(token) - 1);
	token[sizeof(token) - 1] = '\0';
	make(&w, token);
	assert_int_equal(exchange_new(&config, &x), 0);
	assert_int_equal(exchange_submit(x, &request, NULL, &submitted), 0);
	while (!finished && exchange_output(x, NOW_MS, buf, &len)) {
		ask_bytes(&w, buf, len);
		assert_true(w.len > 0);
		n++;
		assert_int_equal(exchange_input(x, w.out, w.len, NOW_MS), 0);
		finished = exchange_take_finished(x);
	}
	assert_non_null(finished);
	assert_int_equal(exchange_request_result(finished, &reply), 0);
	assert_int_equal(reply->code, 0x45);
	assert_int_equal(reply->payload_len, strlen(token));
	assert_memory_equal(reply->payload, token, strlen(token));
	assert_int_equal(n, 6); /* asked back once, then five blocks */
	exchange_request_free(finished);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(multicast_gets_the_link_to_the_device),
		cmocka_unit_test(multicast_gets_silence_for_everything_else),
		cmocka_unit_test(a_query_for_its_type_finds_the_device),
		cmocka_unit_test(the_token_is_listed_and_given_only_where_it_may_be),
		cmocka_unit_test(a_con_is_acknowledged_with_its_answer),
		cmocka_unit_test(what_would_amplify_goes_to_an_address_that_showed_that_it_asked),
		cmocka_unit_test(an_echo_is_good_for_its_address_alone),
		cmocka_unit_test(an_echo_is_good_for_a_while_only),
		cmocka_unit_test(methods_paths_and_options_that_are_not_there_are_refused),
		cmocka_unit_test(a_ping_and_a_broken_con_get_a_reset_and_nothing_else_does),
		cmocka_unit_test(no_damaged_request_is_amplified),
		cmocka_unit_test(a_long_token_comes_in_blocks_each_of_which_shows_its_echo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
