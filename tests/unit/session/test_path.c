/* SPDX-License-Identifier: Apache-2.0 */
/* Messages keep below what the path carries, said or found out. */
#include "tests/unit/session/exchange_sim.h"

#include "session/pathmtu.h"

static const size_t narrow = EXCHANGE_ROOM(PATHMTU_SURE4);
static uint8_t body[3000];

static void answer_block2(struct sim *s, uint32_t value, size_t len)
{
	struct message m = sim_answer(s, MESSAGE_ACK, 0x45, s->out.mid);

	message_add_uint(&m, MESSAGE_OPTION_BLOCK2, value);
	m.payload = body;
	m.payload_len = len;
	sim_input(s, &m);
}

static void answer_block1(struct sim *s, uint32_t value)
{
	struct message m = sim_answer(s, MESSAGE_ACK, MESSAGE_CODE_CONTINUE, s->out.mid);

	message_add_uint(&m, MESSAGE_OPTION_BLOCK1, value);
	sim_input(s, &m);
}

/* Up to and with the n-th time that the message is sent. */
static void stay_silent(struct sim *s, int n)
{
	int dead;

	for (int i = 1; i < n; i++) {
		(void)sim_wait(s, &dead);
		assert_int_equal(dead, 0);
		assert_true(sim_sends(s));
	}
}

static void the_path_decides_on_the_blocks(void **state)
{
	const struct {
		size_t datagram;
		unsigned int szx;
	} rows[] = {{PATHMTU_SURE4, 4}, {PATHMTU_SURE6, 6}, {1280 - 28, 6}, {1500 - 28, 6},
		    {640, 5},           {639, 4},           {256, 3}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sim s;

		sim_init(&s);
		exchange_set_room(s.x, EXCHANGE_ROOM(rows[i].datagram), true);
		sim_submit(&s, MESSAGE_CODE_GET, "p/cmd", NULL, 0);
		assert_true(sim_sends(&s));
		assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2),
				 block(0, false, rows[i].szx));
		sim_done(&s);
	}
}

static void no_message_of_an_upload_is_larger_than_the_path_carries(void **state)
{
	size_t sent = 0;
	struct sim s;

	(void)state;
	sim_init(&s);
	exchange_set_room(s.x, narrow, true);
	sim_submit(&s, MESSAGE_CODE_POST, "p/rsp", body, sizeof(body));
	while (sim_sends(&s)) {
		const uint32_t value = option_uint(&s.out, MESSAGE_OPTION_BLOCK1);

		assert_true(s.datagram_len <= narrow);
		assert_int_equal(value & 7, 4);
		assert_int_equal(value >> 4, sent / 256);
		sent += s.out.payload_len;
		answer_block1(&s, value);
		if (!(value & 8))
			break;
	}
	assert_int_equal(sent, sizeof(body));
	sim_done(&s);
}

static void a_payload_that_fits_goes_whole(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	exchange_set_room(s.x, narrow, true);
	sim_submit(&s, MESSAGE_CODE_POST, "p/auth-jwt", body, 400);
	assert_true(sim_sends(&s));
	assert_null(message_find(&s.out, MESSAGE_OPTION_BLOCK1));
	assert_int_equal(s.out.payload_len, 400);
	sim_done(&s);
}

static void a_path_that_swallows_large_answers_is_found_out(void **state)
{
	struct reply reply;
	uint8_t got[300];
	uint16_t mid;
	struct sim s;

	(void)state;
	sim_init(&s);
	sim_submit(&s, MESSAGE_CODE_GET, "p/cmd", NULL, 0);
	assert_true(sim_sends(&s));
	mid = s.out.mid;
	stay_silent(&s, 3);
	assert_int_equal(s.out.mid, mid);
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), block(0, false, 6));
	stay_silent(&s, 2);
	/* Another message, so another id: a server may answer the old one from what it remembers.
	 */
	assert_int_not_equal(s.out.mid, mid);
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), block(0, false, 4));
	answer_block2(&s, block(0, true, 4), 256);
	assert_true(sim_sends(&s));
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), block(1, false, 4));
	answer_block2(&s, block(1, false, 4), 10);
	assert_int_equal(sim_result(&s, &reply, got, sizeof(got)), 0);
	assert_int_equal(reply.payload_len, 266);

	/* What was found out holds, until there is another path. */
	sim_submit(&s, MESSAGE_CODE_GET, "p/cmd", NULL, 0);
	assert_true(sim_sends(&s));
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), block(0, false, 4));
	answer_block2(&s, block(0, false, 4), 1);
	assert_int_equal(sim_result(&s, &reply, got, sizeof(got)), 0);
	exchange_set_room(s.x, EXCHANGE_ROOM(1472), true);
	sim_submit(&s, MESSAGE_CODE_GET, "p/cmd", NULL, 0);
	assert_true(sim_sends(&s));
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK2), block(0, false, 6));
	sim_done(&s);
}

static void a_path_that_swallows_a_block_in_the_middle_begins_the_body_anew(void **state)
{
	uint8_t tag[BLOCKS_TAG_LEN];
	struct sim s;

	(void)state;
	sim_init(&s);
	sim_submit(&s, MESSAGE_CODE_POST, "p/rsp", body, sizeof(body));
	assert_true(sim_sends(&s));
	memcpy(tag, message_find(&s.out, MESSAGE_OPTION_REQUEST_TAG)->value, sizeof(tag));
	answer_block1(&s, block(0, true, 6));
	assert_true(sim_sends(&s));
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK1), block(1, true, 6));
	stay_silent(&s, 4);
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK1), block(0, true, 4));
	assert_memory_not_equal(message_find(&s.out, MESSAGE_OPTION_REQUEST_TAG)->value, tag,
				sizeof(tag));
	sim_done(&s);
}

static void what_a_router_says_counts_from_the_next_time_it_is_sent(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	sim_submit(&s, MESSAGE_CODE_POST, "p/rsp", body, 900);
	assert_true(sim_sends(&s));
	assert_int_equal(s.out.payload_len, 900);
	exchange_set_room(s.x, narrow, false);
	stay_silent(&s, 2);
	assert_int_equal(s.out.payload_len, 256);
	assert_int_equal(option_uint(&s.out, MESSAGE_OPTION_BLOCK1), block(0, true, 4));
	sim_done(&s);
}

static void what_fits_in_no_piece_goes_all_the_same(void **state)
{
	char path[200];
	struct sim s;

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	sim_init(&s);
	exchange_set_room(s.x, 128, true);
	sim_submit(&s, MESSAGE_CODE_POST, path, body, 20);
	assert_true(sim_sends(&s));
	sim_done(&s);
}

static void silence_that_size_does_not_explain_changes_nothing(void **state)
{
	int dead;
	struct sim s;

	(void)state;
	sim_init(&s);
	sim_submit(&s, MESSAGE_CODE_POST, "p/rsp", body, 100);
	assert_true(sim_sends(&s));
	stay_silent(&s, 5);
	(void)sim_wait(&s, &dead);
	assert_int_equal(dead, SESSION_E_TIMEOUT);
	assert_int_equal(exchange_stats(s.x)->retransmissions, 4);
	sim_done(&s);
}

static void after_it_is_found_out_a_silent_server_still_ends_it(void **state)
{
	int dead;
	struct sim s;

	(void)state;
	sim_init(&s);
	sim_submit(&s, MESSAGE_CODE_GET, "p/cmd", NULL, 0);
	assert_true(sim_sends(&s));
	stay_silent(&s, 5);
	(void)sim_wait(&s, &dead);
	assert_int_equal(dead, SESSION_E_TIMEOUT);
	sim_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_path_decides_on_the_blocks),
		cmocka_unit_test(no_message_of_an_upload_is_larger_than_the_path_carries),
		cmocka_unit_test(a_payload_that_fits_goes_whole),
		cmocka_unit_test(a_path_that_swallows_large_answers_is_found_out),
		cmocka_unit_test(a_path_that_swallows_a_block_in_the_middle_begins_the_body_anew),
		cmocka_unit_test(what_a_router_says_counts_from_the_next_time_it_is_sent),
		cmocka_unit_test(what_fits_in_no_piece_goes_all_the_same),
		cmocka_unit_test(silence_that_size_does_not_explain_changes_nothing),
		cmocka_unit_test(after_it_is_found_out_a_silent_server_still_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
