/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of several blocks: RFC 7959, rule by rule, driven through the exchange. */
#include "tests/unit/session/exchange_sim.h"

#include <errno.h>

static uint8_t pattern[6000];

static int fill_pattern(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 13 + i / 256);
	return 0;
}

static int finished(struct sim *s, struct reply *reply, uint8_t *body)
{
	return sim_result(s, reply, body, 70000);
}

static void assert_ends(struct sim *s, int wanted)
{
	static uint8_t body[70000];
	struct reply reply;

	assert_int_equal(finished(s, &reply, body), wanted);
}

static void begin_get(struct sim *s, size_t block_size)
{
	sim_init_with(s, block_size);
	sim_submit(s, 1, "big", NULL, 0);
	assert_true(sim_sends(s));
}

/* Answers the GET on the wire with len bytes of the pattern from offset, under this Block2 value.
 */
static void answer_block(struct sim *s, uint32_t value, size_t offset, size_t len, const char *etag)
{
	struct message m = sim_answer(s, MESSAGE_ACK, 0x45, s->out.mid);

	if (etag)
		message_add(&m, MESSAGE_OPTION_ETAG, etag, strlen(etag));
	message_add_uint(&m, MESSAGE_OPTION_BLOCK2, value);
	m.payload = pattern + offset;
	m.payload_len = len;
	sim_input(s, &m);
}

static void assert_body(struct sim *s, size_t len)
{
	static uint8_t body[70000];
	struct reply reply;

	assert_int_equal(finished(s, &reply, body), 0);
	assert_int_equal(reply.code, 0x45);
	assert_int_equal(reply.payload_len, len);
	assert_memory_equal(body, pattern, len);
}

static void every_get_says_which_block_size_it_wishes(void **state)
{
	const struct {
		size_t size;
		uint32_t value;
	} rows[] = {{16, 0}, {256, 4}, {512, 5}, {1024, 6}};
	struct sim s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin_get(&s, rows[i].size);
		assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), rows[i].value);
		sim_done(&s);
	}
}

static void a_post_does_not(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	sim_submit(&s, 2, "p", "x", 1);
	assert_true(sim_sends(&s));
	assert_null(message_find(&s.out, MESSAGE_OPTION_BLOCK2));
	assert_null(message_find(&s.out, MESSAGE_OPTION_BLOCK1));
	sim_done(&s);
}

static void blocks_are_assembled_by_their_offset(void **state)
{
	struct sim s;

	(void)state;
	begin_get(&s, 1024);
	answer_block(&s, block(0, true, 6), 0, 1024, "v1");
	assert_true(sim_sends(&s));
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), block(1, false, 6));
	answer_block(&s, block(1, true, 6), 1024, 1024, "v1");
	assert_true(sim_sends(&s));
	answer_block(&s, block(2, false, 6), 2048, 100, "v1");
	assert_body(&s, 2148);
	sim_done(&s);
}

static void a_server_that_chooses_smaller_blocks_is_followed(void **state)
{
	struct sim s;

	(void)state;
	begin_get(&s, 1024);
	answer_block(&s, block(0, true, 2), 0, 64, NULL);
	assert_true(sim_sends(&s));
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), block(1, false, 2));
	answer_block(&s, block(2, true, 1), 64, 32, NULL); /* and smaller still on the way */
	assert_true(sim_sends(&s));
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), block(3, false, 1));
	answer_block(&s, block(3, false, 1), 96, 1, NULL);
	assert_body(&s, 97);
	sim_done(&s);
}

/* docs/protocol.md §9.2 defect 35 */
static void defect_35_an_empty_last_block_keeps_the_body(void **state)
{
	struct sim s;

	(void)state;
	begin_get(&s, 1024);
	answer_block(&s, block(0, true, 6), 0, 1024, NULL);
	assert_true(sim_sends(&s));
	answer_block(&s, block(1, false, 6), 1024, 0, NULL);
	assert_body(&s, 1024);
	sim_done(&s);
}

static void a_single_block_needs_no_second_request(void **state)
{
	struct sim s;

	(void)state;
	begin_get(&s, 1024);
	answer_block(&s, block(0, false, 6), 0, 1000, NULL);
	assert_body(&s, 1000);
	assert_false(sim_sends(&s));
	sim_done(&s);
}

static void a_block_with_another_number_fails(void **state)
{
	const uint32_t wrong[] = {0, 2, 3};
	struct sim s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		begin_get(&s, 1024);
		answer_block(&s, block(0, true, 6), 0, 1024, NULL);
		assert_true(sim_sends(&s));
		answer_block(&s, block(wrong[i], true, 6), 1024, 1024, NULL);
		assert_ends(&s, SESSION_E_PROTOCOL);
		sim_done(&s);
	}
	begin_get(&s, 1024);
	answer_block(&s, block(1, true, 6), 0, 1024, NULL);
	assert_ends(&s, SESSION_E_PROTOCOL);
	sim_done(&s);
}

static void a_block_of_another_length_than_it_says_fails(void **state)
{
	struct sim s;

	(void)state;
	begin_get(&s, 1024);
	answer_block(&s, block(0, true, 6), 0, 1023, NULL);
	assert_ends(&s, SESSION_E_PROTOCOL);
	sim_done(&s);
	begin_get(&s, 1024);
	answer_block(&s, block(0, false, 5), 0, 513, NULL);
	assert_ends(&s, SESSION_E_PROTOCOL);
	sim_done(&s);
}

static void the_reserved_block_size_fails(void **state)
{
	struct sim s;

	(void)state;
	begin_get(&s, 1024);
	answer_block(&s, block(0, false, 7), 0, 10, NULL);
	assert_ends(&s, SESSION_E_PROTOCOL);
	sim_done(&s);
}

static void a_changed_etag_restarts_once_and_then_fails(void **state)
{
	struct sim s;

	(void)state;
	begin_get(&s, 1024);
	answer_block(&s, block(0, true, 6), 0, 1024, "v1");
	assert_true(sim_sends(&s));
	answer_block(&s, block(1, true, 6), 1024, 1024, "v2");
	assert_true(sim_sends(&s));
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), block(0, false, 6));
	answer_block(&s, block(0, true, 6), 0, 1024, "v2");
	assert_true(sim_sends(&s));
	answer_block(&s, block(1, false, 6), 1024, 7, "v3");
	assert_ends(&s, SESSION_E_PROTOCOL);
	sim_done(&s);
}

static void after_a_changed_etag_the_second_body_is_the_answer(void **state)
{
	struct sim s;

	(void)state;
	begin_get(&s, 1024);
	answer_block(&s, block(0, true, 6), 1, 1024, "v1");
	assert_true(sim_sends(&s));
	answer_block(&s, block(1, true, 6), 1024, 1024, "v2");
	assert_true(sim_sends(&s));
	answer_block(&s, block(0, true, 6), 0, 1024, "v2");
	assert_true(sim_sends(&s));
	answer_block(&s, block(1, false, 6), 1024, 7, "v2");
	assert_body(&s, 1031);
	sim_done(&s);
}

static void a_whole_body_where_a_further_block_was_asked_for_fails(void **state)
{
	struct sim s;

	(void)state;
	begin_get(&s, 1024);
	answer_block(&s, block(0, true, 6), 0, 1024, NULL);
	assert_true(sim_sends(&s));
	sim_piggyback(&s, 0x45, "all of it");
	assert_ends(&s, SESSION_E_PROTOCOL);
	sim_done(&s);
}

static void an_error_between_blocks_is_the_answer(void **state)
{
	static uint8_t body[70000];
	struct reply reply;
	struct sim s;

	(void)state;
	begin_get(&s, 1024);
	answer_block(&s, block(0, true, 6), 0, 1024, NULL);
	assert_true(sim_sends(&s));
	sim_piggyback(&s, 0x84, NULL);
	assert_int_equal(finished(&s, &reply, body), 0);
	assert_int_equal(reply.code, 0x84);
	assert_int_equal(reply.payload_len, 0);
	sim_done(&s);
}

static struct exchange_request *get_limited(struct sim *s, size_t max)
{
	const struct request request = {
		.code = 1, .path = "big", .content_format = -1, .accept = -1, .max_reply = max};
	struct exchange_request *made;

	assert_int_equal(exchange_submit(s->x, &request, NULL, &made), 0);
	assert_true(sim_sends(s));
	return made;
}

static void a_reply_of_max_reply_bytes_is_taken_and_one_more_is_too_large(void **state)
{
	struct sim s;

	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		sim_init(&s);
		get_limited(&s, 1030);
		answer_block(&s, block(0, true, 6), 0, 1024, NULL);
		assert_true(sim_sends(&s));
		answer_block(&s, block(1, false, 6), 1024, 6 + extra, NULL);
		if (extra)
			assert_ends(&s, SESSION_E_TOO_LARGE);
		else
			assert_body(&s, 1030);
		sim_done(&s);
	}
}

static void a_size2_above_max_reply_ends_it_at_the_first_block(void **state)
{
	struct message m;
	struct sim s;

	(void)state;
	sim_init(&s);
	get_limited(&s, 1030);
	m = sim_answer(&s, MESSAGE_ACK, 0x45, s.out.mid);
	message_add_uint(&m, MESSAGE_OPTION_BLOCK2, block(0, true, 6));
	message_add_uint(&m, MESSAGE_OPTION_SIZE2, 1031);
	m.payload = pattern;
	m.payload_len = 1024;
	sim_input(&s, &m);
	assert_ends(&s, SESSION_E_TOO_LARGE);
	sim_done(&s);
}

static void begin_post(struct sim *s, size_t len)
{
	sim_init(s);
	sim_submit(s, 2, "p", pattern, len);
	assert_true(sim_sends(s));
}

static void assert_up(const struct sim *s, uint32_t value, size_t offset, size_t len, size_t total)
{
	assert_int_equal(option_uint(&s->out, MESSAGE_OPTION_BLOCK1), value);
	assert_int_equal(option_uint(&s->out, MESSAGE_OPTION_SIZE1), total);
	assert_int_equal(option_uint(&s->out, MESSAGE_OPTION_CONTENT_FORMAT), 60);
	assert_int_equal(message_find(&s->out, MESSAGE_OPTION_REQUEST_TAG)->len, 8);
	assert_int_equal(s->out.payload_len, len);
	assert_memory_equal(s->out.payload, pattern + offset, len);
}

static void answer_up(struct sim *s, uint8_t code, int value)
{
	struct message m = sim_answer(s, MESSAGE_ACK, code, s->out.mid);

	if (value >= 0)
		message_add_uint(&m, MESSAGE_OPTION_BLOCK1, (uint32_t)value);
	sim_input(s, &m);
}

static void assert_code(struct sim *s, uint8_t code)
{
	static uint8_t body[70000];
	struct reply reply;

	assert_int_equal(finished(s, &reply, body), 0);
	assert_int_equal(reply.code, code);
}

static void a_payload_of_one_block_goes_whole_and_one_byte_more_in_blocks(void **state)
{
	struct sim s;

	(void)state;
	begin_post(&s, 1024);
	assert_null(message_find(&s.out, MESSAGE_OPTION_BLOCK1));
	assert_int_equal(s.out.payload_len, 1024);
	sim_done(&s);
	begin_post(&s, 1025);
	assert_up(&s, block(0, true, 6), 0, 1024, 1025);
	answer_up(&s, 0x5f, (int)block(0, true, 6));
	assert_true(sim_sends(&s));
	assert_up(&s, block(1, false, 6), 1024, 1, 1025);
	answer_up(&s, 0x44, (int)block(1, false, 6));
	assert_code(&s, 0x44);
	sim_done(&s);
}

static void all_blocks_of_a_body_carry_the_same_request_tag(void **state)
{
	uint8_t tag[8];
	struct sim s;

	(void)state;
	begin_post(&s, 3000);
	memcpy(tag, message_find(&s.out, MESSAGE_OPTION_REQUEST_TAG)->value, 8);
	answer_up(&s, 0x5f, (int)block(0, true, 6));
	assert_true(sim_sends(&s));
	assert_memory_equal(message_find(&s.out, MESSAGE_OPTION_REQUEST_TAG)->value, tag, 8);
	sim_done(&s);
}

/* Which is a part of what the server knows the answer by (RFC 9175: it belongs to the cache key).
 */
static void the_rest_of_the_answer_is_asked_for_with_the_tag_of_the_body(void **state)
{
	uint8_t tag[8];
	struct sim s;

	(void)state;
	begin_post(&s, 1025);
	memcpy(tag, message_find(&s.out, MESSAGE_OPTION_REQUEST_TAG)->value, 8);
	answer_up(&s, 0x5f, (int)block(0, true, 6));
	assert_true(sim_sends(&s));
	answer_block(&s, block(0, true, 6), 0, 1024, NULL);
	assert_true(sim_sends(&s));
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), block(1, false, 6));
	assert_non_null(message_find(&s.out, MESSAGE_OPTION_REQUEST_TAG));
	assert_memory_equal(message_find(&s.out, MESSAGE_OPTION_REQUEST_TAG)->value, tag, 8);
	answer_block(&s, block(1, false, 6), 1024, 10, NULL);
	assert_body(&s, 1034);
	sim_done(&s);
}

/* RFC 7959 §3.2: 1:0/1/1024 answered with 1:0/1/256 goes on with 1:4/1/256. */
static void a_server_may_lower_the_block_size(void **state)
{
	struct sim s;

	(void)state;
	begin_post(&s, 1300);
	answer_up(&s, 0x5f, (int)block(0, true, 4));
	assert_true(sim_sends(&s));
	assert_up(&s, block(4, true, 4), 1024, 256, 1300);
	answer_up(&s, 0x5f, (int)block(4, true, 4));
	assert_true(sim_sends(&s));
	assert_up(&s, block(5, false, 4), 1280, 20, 1300);
	answer_up(&s, 0x44, (int)block(5, false, 4));
	assert_code(&s, 0x44);
	sim_done(&s);
}

static void a_server_may_not_raise_it(void **state)
{
	struct sim s;

	(void)state;
	sim_init_with(&s, 256);
	sim_submit(&s, 2, "p", pattern, 600);
	assert_true(sim_sends(&s));
	assert_up(&s, block(0, true, 4), 0, 256, 600);
	answer_up(&s, 0x5f, (int)block(0, true, 6));
	assert_true(sim_sends(&s));
	assert_up(&s, block(1, true, 4), 256, 256, 600);
	sim_done(&s);
}

static void incomplete_restarts_the_body_once_with_another_tag(void **state)
{
	uint8_t tag[8];
	struct sim s;

	(void)state;
	begin_post(&s, 2000);
	memcpy(tag, message_find(&s.out, MESSAGE_OPTION_REQUEST_TAG)->value, 8);
	answer_up(&s, 0x5f, (int)block(0, true, 6));
	assert_true(sim_sends(&s));
	answer_up(&s, 0x88, -1);
	assert_true(sim_sends(&s));
	assert_up(&s, block(0, true, 6), 0, 1024, 2000);
	assert_memory_not_equal(message_find(&s.out, MESSAGE_OPTION_REQUEST_TAG)->value, tag, 8);
	answer_up(&s, 0x88, -1);
	assert_code(&s, 0x88);
	sim_done(&s);
}

static void too_large_with_a_smaller_size_is_tried_with_that(void **state)
{
	struct sim s;

	(void)state;
	begin_post(&s, 1000); /* no Block1 yet */
	answer_up(&s, 0x8d, (int)block(0, false, 4));
	assert_true(sim_sends(&s));
	assert_up(&s, block(0, true, 4), 0, 256, 1000);
	answer_up(&s, 0x8d, (int)block(0, false, 2));
	assert_true(sim_sends(&s));
	assert_up(&s, block(0, true, 2), 0, 64, 1000);
	answer_up(&s, 0x8d, (int)block(0, false, 2)); /* no smaller: it means it */
	assert_code(&s, 0x8d);
	sim_done(&s);
}

static void too_large_without_a_hint_is_the_answer(void **state)
{
	struct sim s;

	(void)state;
	begin_post(&s, 2000);
	answer_up(&s, 0x8d, -1);
	assert_code(&s, 0x8d);
	sim_done(&s);
}

static void an_error_ends_the_upload_at_any_block(void **state)
{
	struct sim s;

	(void)state;
	begin_post(&s, 3000);
	answer_up(&s, 0x5f, (int)block(0, true, 6));
	assert_true(sim_sends(&s));
	answer_up(&s, 0x81, -1);
	assert_code(&s, 0x81);
	assert_false(sim_sends(&s));
	sim_done(&s);
}

static void a_final_code_for_the_first_block_without_block1_fails(void **state)
{
	struct sim s;

	(void)state;
	begin_post(&s, 3000);
	answer_up(&s, 0x44, -1); /* took a part for all of it */
	assert_ends(&s, SESSION_E_PROTOCOL);
	sim_done(&s);
}

static void continue_after_the_last_block_fails(void **state)
{
	struct sim s;

	(void)state;
	begin_post(&s, 1025);
	answer_up(&s, 0x5f, (int)block(0, true, 6));
	assert_true(sim_sends(&s));
	answer_up(&s, 0x5f, (int)block(1, false, 6));
	assert_ends(&s, SESSION_E_PROTOCOL);
	sim_done(&s);
	begin_post(&s, 10);
	answer_up(&s, 0x5f, -1);
	assert_ends(&s, SESSION_E_PROTOCOL);
	sim_done(&s);
}

static void an_answer_to_another_block_fails(void **state)
{
	struct sim s;

	(void)state;
	begin_post(&s, 3000);
	answer_up(&s, 0x5f, (int)block(1, true, 6));
	assert_ends(&s, SESSION_E_PROTOCOL);
	sim_done(&s);
}

static void echo_in_the_middle_repeats_that_block(void **state)
{
	struct message m;
	struct sim s;

	(void)state;
	begin_post(&s, 2000);
	answer_up(&s, 0x5f, (int)block(0, true, 6));
	assert_true(sim_sends(&s));
	m = sim_answer(&s, MESSAGE_ACK, 0x81, s.out.mid);
	message_add(&m, MESSAGE_OPTION_ECHO, "e", 1);
	sim_input(&s, &m);
	assert_true(sim_sends(&s));
	assert_up(&s, block(1, false, 6), 1024, 976, 2000);
	assert_non_null(message_find(&s.out, MESSAGE_OPTION_ECHO));
	sim_done(&s);
}

static void a_reply_in_blocks_to_an_upload_is_fetched_without_its_payload(void **state)
{
	struct message m;
	struct sim s;

	(void)state;
	begin_post(&s, 1025);
	answer_up(&s, 0x5f, (int)block(0, true, 6));
	assert_true(sim_sends(&s));
	m = sim_answer(&s, MESSAGE_ACK, 0x45, s.out.mid);
	message_add_uint(&m, MESSAGE_OPTION_BLOCK2, block(0, true, 6));
	message_add_uint(&m, MESSAGE_OPTION_BLOCK1, block(1, false, 6));
	m.payload = pattern;
	m.payload_len = 1024;
	sim_input(&s, &m);
	assert_true(sim_sends(&s));
	assert_int_equal(s.out.code, 2);
	assert_int_equal(s.out.payload_len, 0);
	assert_null(message_find(&s.out, MESSAGE_OPTION_BLOCK1));
	assert_null(message_find(&s.out, MESSAGE_OPTION_CONTENT_FORMAT));
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), block(1, false, 6));
	answer_block(&s, block(1, false, 6), 1024, 1, NULL);
	assert_body(&s, 1025);
	sim_done(&s);
}

/* docs/dtls.md: libcoap resets what does not fit its datagram. */
static void a_long_query_makes_the_blocks_smaller_and_every_message_fits(void **state)
{
	char query[400];
	struct request request = {.code = 2,
				  .path = "p",
				  .query = query,
				  .content_format = 60,
				  .accept = -1,
				  .payload = pattern,
				  .payload_len = 1000};
	struct exchange_request *made;
	struct sim s;

	(void)state;
	memset(query, 'q', sizeof(query));
	query[200] = '&';
	query[sizeof(query) - 1] = '\0';
	sim_init(&s);
	assert_int_equal(exchange_submit(s.x, &request, NULL, &made), 0);
	assert_true(sim_sends(&s));
	assert_true(s.datagram_len <= BLOCKS_SEND_MAX);
	assert_up(&s, block(0, true, 5), 0, 512, 1000);
	answer_up(&s, 0x5f, (int)block(0, true, 5));
	assert_true(sim_sends(&s));
	assert_up(&s, block(1, false, 5), 512, 488, 1000);
	sim_done(&s);
}

static void only_powers_of_two_from_16_to_1024_are_block_sizes(void **state)
{
	const size_t wrong[] = {0, 8, 15, 17, 1000, 2048};
	const struct request request = {.code = 1, .path = "a", .content_format = -1, .accept = -1};
	struct blocks b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(blocks_init(&b, &request, wrong[i], sim_random), -EINVAL);
	for (size_t size = 16; size <= 1024; size *= 2) {
		assert_int_equal(blocks_init(&b, &request, size, sim_random), 0);
		blocks_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_get_says_which_block_size_it_wishes),
		cmocka_unit_test(a_post_does_not),
		cmocka_unit_test(blocks_are_assembled_by_their_offset),
		cmocka_unit_test(a_server_that_chooses_smaller_blocks_is_followed),
		cmocka_unit_test(defect_35_an_empty_last_block_keeps_the_body),
		cmocka_unit_test(a_single_block_needs_no_second_request),
		cmocka_unit_test(a_block_with_another_number_fails),
		cmocka_unit_test(a_block_of_another_length_than_it_says_fails),
		cmocka_unit_test(the_reserved_block_size_fails),
		cmocka_unit_test(a_changed_etag_restarts_once_and_then_fails),
		cmocka_unit_test(after_a_changed_etag_the_second_body_is_the_answer),
		cmocka_unit_test(a_whole_body_where_a_further_block_was_asked_for_fails),
		cmocka_unit_test(an_error_between_blocks_is_the_answer),
		cmocka_unit_test(a_reply_of_max_reply_bytes_is_taken_and_one_more_is_too_large),
		cmocka_unit_test(a_size2_above_max_reply_ends_it_at_the_first_block),
		cmocka_unit_test(a_payload_of_one_block_goes_whole_and_one_byte_more_in_blocks),
		cmocka_unit_test(all_blocks_of_a_body_carry_the_same_request_tag),
		cmocka_unit_test(the_rest_of_the_answer_is_asked_for_with_the_tag_of_the_body),
		cmocka_unit_test(a_server_may_lower_the_block_size),
		cmocka_unit_test(a_server_may_not_raise_it),
		cmocka_unit_test(incomplete_restarts_the_body_once_with_another_tag),
		cmocka_unit_test(too_large_with_a_smaller_size_is_tried_with_that),
		cmocka_unit_test(too_large_without_a_hint_is_the_answer),
		cmocka_unit_test(an_error_ends_the_upload_at_any_block),
		cmocka_unit_test(a_final_code_for_the_first_block_without_block1_fails),
		cmocka_unit_test(continue_after_the_last_block_fails),
		cmocka_unit_test(an_answer_to_another_block_fails),
		cmocka_unit_test(echo_in_the_middle_repeats_that_block),
		cmocka_unit_test(a_reply_in_blocks_to_an_upload_is_fetched_without_its_payload),
		cmocka_unit_test(a_long_query_makes_the_blocks_smaller_and_every_message_fits),
		cmocka_unit_test(only_powers_of_two_from_16_to_1024_are_block_sizes),
	};

	return cmocka_run_group_tests(tests, fill_pattern, NULL);
}
