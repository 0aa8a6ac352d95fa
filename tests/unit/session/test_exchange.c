/* SPDX-License-Identifier: Apache-2.0 */
/* The message layer: RFC 7252 §4 and §5.2, RFC 9175, rule by rule. */
#include "tests/unit/session/exchange_sim.h"

#include <errno.h>

static void assert_reply(struct sim *s, uint8_t code, const char *text)
{
	uint8_t body[2048];
	struct reply reply;

	assert_int_equal(sim_result(s, &reply, body, sizeof(body)), 0);
	assert_int_equal(reply.code, code);
	assert_int_equal(reply.payload_len, strlen(text));
	assert_memory_equal(body, text, strlen(text));
}

static void assert_failed(struct sim *s, int wanted)
{
	uint8_t body[64];
	struct reply reply;

	assert_int_equal(sim_result(s, &reply, body, sizeof(body)), wanted);
}

static int set_up(void **state)
{
	static struct sim s;

	sim_init(&s);
	*state = &s;
	return 0;
}

static int tear_down(void **state)
{
	sim_done(*state);
	return 0;
}

static void begin(struct sim *s)
{
	sim_submit(s, 1, "a", NULL, 0);
	assert_true(sim_sends(s));
	assert_false(sim_sends(s));
}

static void a_request_is_confirmable_with_a_token_of_eight_bytes(void **state)
{
	struct sim *s = *state;

	begin(s);
	assert_int_equal(s->out.type, MESSAGE_CON);
	assert_int_equal(s->out.token_len, 8);
}

static void a_piggybacked_response_ends_the_request(void **state)
{
	struct sim *s = *state;

	begin(s);
	sim_piggyback(s, 0x45, "yes");
	assert_reply(s, 0x45, "yes");
	assert_true(exchange_deadline(s->x) == EXCHANGE_NEVER);
	assert_false(sim_sends(s));
}

static void message_ids_count_up_and_tokens_never_repeat(void **state)
{
	struct sim *s = *state;
	struct message first;

	begin(s);
	first = s->out;
	sim_piggyback(s, 0x45, NULL);
	assert_reply(s, 0x45, "");
	sim_submit(s, 1, "a", NULL, 0);
	assert_true(sim_sends(s));
	assert_int_equal(s->out.mid, (uint16_t)(first.mid + 1));
	assert_memory_not_equal(s->out.token, first.token, 8);
}

static void one_request_is_on_the_wire_and_the_next_waits_for_its_end(void **state)
{
	struct sim *s = *state;

	begin(s);
	sim_submit(s, 1, "b", NULL, 0);
	assert_false(sim_sends(s));
	sim_piggyback(s, 0x45, "first");
	assert_true(sim_sends(s));
	assert_memory_equal(message_find(&s->out, MESSAGE_OPTION_URI_PATH)->value, "b", 1);
	sim_piggyback(s, 0x45, "second");
	assert_reply(s, 0x45, "first");
	assert_reply(s, 0x45, "second");
	assert_true(exchange_idle(s->x));
}

static void it_retransmits_the_same_bytes_with_doubled_waits_and_gives_up_after_four(void **state)
{
	struct sim *s = *state;
	uint8_t first[MESSAGE_MAX];
	size_t first_len;
	uint64_t waited;
	int dead;

	sim_submit(s, MESSAGE_CODE_POST, "p/rsp", "x", 1);
	assert_true(sim_sends(s));
	memcpy(first, s->datagram, s->datagram_len);
	first_len = s->datagram_len;
	waited = sim_wait(s, &dead);
	/* RFC 7252 §4.2: between ACK_TIMEOUT and 1.5 times that */
	assert_in_range(waited, 2000, 3000);
	for (int i = 0; i < 4; i++) {
		uint64_t next;

		assert_int_equal(dead, 0);
		assert_true(sim_sends(s));
		assert_int_equal(s->datagram_len, first_len);
		assert_memory_equal(s->datagram, first, first_len);
		next = sim_wait(s, &dead);
		assert_int_equal(next, 2 * waited);
		waited = next;
	}
	assert_int_equal(dead, SESSION_E_TIMEOUT);
	assert_false(sim_sends(s));
	assert_failed(s, SESSION_E_TIMEOUT);
	assert_int_equal(exchange_stats(s->x)->retransmissions, 4);
}

static void an_ack_with_another_message_id_is_ignored(void **state)
{
	struct sim *s = *state;
	struct message m;

	begin(s);
	m = sim_answer(s, MESSAGE_ACK, 0x45, (uint16_t)(s->out.mid + 1));
	sim_input(s, &m);
	sim_assert_pending(s);
}

static void an_ack_with_another_token_is_ignored(void **state)
{
	struct sim *s = *state;
	struct message m;

	begin(s);
	m = sim_answer(s, MESSAGE_ACK, 0x45, s->out.mid);
	m.token[7] ^= 1;
	sim_input(s, &m);
	m = sim_answer(s, MESSAGE_ACK, 0x45, s->out.mid);
	m.token_len = 7;
	sim_input(s, &m);
	sim_assert_pending(s);
	sim_piggyback(s, 0x45, "the real one");
	assert_reply(s, 0x45, "the real one");
}

static void an_empty_ack_stops_retransmission_and_a_separate_con_is_acknowledged(void **state)
{
	struct sim *s = *state;
	struct message m;
	uint16_t mid;

	begin(s);
	mid = s->out.mid;
	sim_empty(s, MESSAGE_ACK, mid);
	assert_int_equal(exchange_deadline(s->x), s->now_ms + 30000);
	s->now_ms += 20000;
	assert_int_equal(exchange_advance(s->x, s->now_ms), 0);
	assert_false(sim_sends(s));
	m = sim_answer(s, MESSAGE_CON, 0x45, 0x7777);
	m.payload = (const uint8_t *)"late";
	m.payload_len = 4;
	sim_input(s, &m);
	assert_true(sim_sends(s));
	assert_int_equal(s->out.type, MESSAGE_ACK);
	assert_int_equal(s->out.code, MESSAGE_CODE_EMPTY);
	assert_int_equal(s->out.mid, 0x7777);
	assert_reply(s, 0x45, "late");
	/* Our ACK was lost: the duplicate is acknowledged again and read once. */
	sim_input(s, &m);
	assert_true(sim_sends(s));
	assert_int_equal(s->out.type, MESSAGE_ACK);
	assert_int_equal(s->out.mid, 0x7777);
	sim_assert_pending(s);
}

static void a_separate_response_before_the_ack_counts_as_the_ack(void **state)
{
	struct sim *s = *state;
	struct message m;

	begin(s);
	m = sim_answer(s, MESSAGE_NON, 0x45, 0x7777);
	sim_input(s, &m);
	assert_reply(s, 0x45, "");
	assert_true(exchange_deadline(s->x) == EXCHANGE_NEVER);
	assert_false(sim_sends(s)); /* a NON is not acknowledged */
}

static void a_separate_response_that_never_comes_ends_in_a_timeout(void **state)
{
	struct sim *s = *state;
	int dead;

	begin(s);
	sim_empty(s, MESSAGE_ACK, s->out.mid);
	assert_int_equal(sim_wait(s, &dead), 30000);
	assert_int_equal(dead, SESSION_E_TIMEOUT);
	assert_failed(s, SESSION_E_TIMEOUT);
}

static void a_second_empty_ack_does_not_prolong_the_wait(void **state)
{
	struct sim *s = *state;
	uint64_t deadline;

	begin(s);
	sim_empty(s, MESSAGE_ACK, s->out.mid);
	deadline = exchange_deadline(s->x);
	s->now_ms += 5000;
	sim_empty(s, MESSAGE_ACK, s->out.mid);
	assert_int_equal(exchange_deadline(s->x), deadline);
}

static void a_reset_ends_the_request(void **state)
{
	struct sim *s = *state;

	begin(s);
	sim_empty(s, MESSAGE_RST, (uint16_t)(s->out.mid + 9));
	sim_assert_pending(s);
	sim_empty(s, MESSAGE_RST, s->out.mid);
	assert_failed(s, SESSION_E_RESET);
}

static void a_reset_with_message_id_0_ends_the_request_as_libcoap_means_it(void **state)
{
	struct sim *s = *state;

	begin(s);
	sim_empty(s, MESSAGE_RST, 0);
	assert_failed(s, SESSION_E_RESET);
}

static void a_response_with_an_unknown_token_is_reset_when_confirmable(void **state)
{
	struct sim *s = *state;
	struct message m;

	begin(s);
	m = sim_answer(s, MESSAGE_CON, 0x45, 0x7777);
	m.token[0] ^= 1;
	for (int i = 0; i < 2; i++) { /* also its duplicate */
		sim_input(s, &m);
		assert_true(sim_sends(s));
		assert_int_equal(s->out.type, MESSAGE_RST);
		assert_int_equal(s->out.mid, 0x7777);
	}
	m.mid = 0x7778;
	m.type = MESSAGE_NON;
	sim_input(s, &m);
	assert_false(sim_sends(s));
	sim_assert_pending(s);
}

static void a_ping_is_answered_with_reset(void **state)
{
	struct sim *s = *state;

	begin(s);
	sim_empty(s, MESSAGE_CON, 0x1234);
	assert_true(sim_sends(s));
	assert_int_equal(s->out.type, MESSAGE_RST);
	assert_int_equal(s->out.mid, 0x1234);
}

static void a_request_of_the_server_is_reset(void **state)
{
	struct sim *s = *state;
	struct message m;

	begin(s);
	m = sim_answer(s, MESSAGE_CON, MESSAGE_CODE_GET, 0x4321);
	sim_input(s, &m);
	assert_true(sim_sends(s));
	assert_int_equal(s->out.type, MESSAGE_RST);
	sim_assert_pending(s);
}

static void garbage_is_reset_when_it_claims_to_be_confirmable_and_else_ignored(void **state)
{
	struct sim *s = *state;
	const uint8_t con[] = {0x4f, 0x45, 0x12, 0x34, 0xff};
	const uint8_t ack[] = {0x6f, 0x45, 0x12, 0x34, 0xff};
	const uint8_t short_one[] = {0x40, 0x45};

	begin(s);
	assert_int_equal(exchange_input(s->x, con, sizeof(con), s->now_ms), 0);
	assert_true(sim_sends(s));
	assert_int_equal(s->out.type, MESSAGE_RST);
	assert_int_equal(s->out.mid, 0x1234);
	assert_int_equal(exchange_input(s->x, ack, sizeof(ack), s->now_ms), 0);
	assert_int_equal(exchange_input(s->x, short_one, sizeof(short_one), s->now_ms), 0);
	assert_int_equal(exchange_input(s->x, con, 0, s->now_ms), 0);
	assert_false(sim_sends(s));
	sim_assert_pending(s);
}

static void an_unknown_critical_option_fails_the_request_and_resets_a_con(void **state)
{
	struct sim *s = *state;
	struct message m;

	begin(s);
	m = sim_answer(s, MESSAGE_CON, 0x45, 0x7777);
	message_add_uint(&m, 9, 1); /* OSCORE */
	sim_input(s, &m);
	assert_true(sim_sends(s));
	assert_int_equal(s->out.type, MESSAGE_RST);
	assert_failed(s, SESSION_E_PROTOCOL);
	sim_submit(s, 1, "a", NULL, 0);
	assert_true(sim_sends(s));
	m = sim_answer(s, MESSAGE_ACK, 0x45, s->out.mid);
	message_add_uint(&m, MESSAGE_OPTION_BLOCK2, 0);
	message_add_uint(&m, MESSAGE_OPTION_BLOCK2, 0); /* repeated: as good as unknown */
	sim_input(s, &m);
	assert_failed(s, SESSION_E_PROTOCOL);
}

static void an_unknown_elective_option_is_ignored(void **state)
{
	struct sim *s = *state;
	struct message m;

	begin(s);
	m = sim_answer(s, MESSAGE_ACK, 0x45, s->out.mid);
	message_add_uint(&m, 65000, 1);
	sim_input(s, &m);
	assert_reply(s, 0x45, "");
}

/* docs/protocol.md §9.2 defect 11 */
static void a_late_answer_to_a_cancelled_request_never_completes_the_next(void **state)
{
	struct sim *s = *state;
	struct exchange_request *first;
	struct message late, piggybacked;

	first = sim_submit(s, 1, "a", NULL, 0);
	assert_true(sim_sends(s));
	late = sim_answer(s, MESSAGE_CON, 0x84, 0x7777);
	piggybacked = sim_answer(s, MESSAGE_ACK, 0x84, s->out.mid);
	exchange_cancel(s->x, first);
	assert_true(exchange_idle(s->x));
	sim_submit(s, 1, "b", NULL, 0);
	assert_true(sim_sends(s));
	sim_input(s, &piggybacked);
	sim_input(s, &late);
	assert_true(sim_sends(s));
	/* recognised: acknowledged so that the server stops, and dropped */
	assert_int_equal(s->out.type, MESSAGE_ACK);
	assert_int_equal(s->out.mid, 0x7777);
	sim_assert_pending(s);
}

static void a_queued_request_can_be_cancelled(void **state)
{
	struct sim *s = *state;
	struct exchange_request *second;

	begin(s);
	second = sim_submit(s, 1, "b", NULL, 0);
	exchange_cancel(s->x, second);
	sim_piggyback(s, 0x45, "first");
	assert_reply(s, 0x45, "first");
	assert_false(sim_sends(s));
}

static void unauthorized_with_echo_is_repeated_once_with_it(void **state)
{
	struct sim *s = *state;
	const struct message_option *echo;
	struct message m;
	uint16_t mid;

	begin(s);
	mid = s->out.mid;
	for (int i = 0; i < 2; i++) {
		m = sim_answer(s, MESSAGE_ACK, MESSAGE_CODE_UNAUTHORIZED, s->out.mid);
		message_add(&m, MESSAGE_OPTION_ECHO, "fresh", 5);
		sim_input(s, &m);
		if (i > 0)
			break;
		assert_true(sim_sends(s));
		assert_int_equal(s->out.mid, (uint16_t)(mid + 1));
		echo = message_find(&s->out, MESSAGE_OPTION_ECHO);
		assert_non_null(echo);
		assert_int_equal(echo->len, 5);
		assert_memory_equal(echo->value, "fresh", 5);
	}
	assert_reply(s, MESSAGE_CODE_UNAUTHORIZED, "");
}

static void echo_in_any_other_response_goes_with_the_next_request_once(void **state)
{
	struct sim *s = *state;
	struct message m;

	begin(s);
	m = sim_answer(s, MESSAGE_ACK, 0x45, s->out.mid);
	message_add(&m, MESSAGE_OPTION_ECHO, "next", 4);
	sim_input(s, &m);
	assert_reply(s, 0x45, "");
	for (int i = 0; i < 2; i++) {
		sim_submit(s, 1, "b", NULL, 0);
		assert_true(sim_sends(s));
		assert_int_equal(message_find(&s->out, MESSAGE_OPTION_ECHO) != NULL, i == 0);
		sim_piggyback(s, 0x45, NULL);
		assert_reply(s, 0x45, "");
	}
}

static void an_echo_of_41_bytes_is_no_echo(void **state)
{
	struct message m;
	uint8_t value[41] = {1};
	struct sim s;

	(void)state;
	for (size_t len = 40; len <= 41; len++) {
		sim_init(&s);
		begin(&s);
		m = sim_answer(&s, MESSAGE_ACK, MESSAGE_CODE_UNAUTHORIZED, s.out.mid);
		message_add(&m, MESSAGE_OPTION_ECHO, value, len);
		sim_input(&s, &m);
		assert_int_equal(sim_sends(&s), len == 40);
		sim_done(&s);
	}
}

static void max_age_and_content_format_are_told_and_absence_too(void **state)
{
	struct sim *s = *state;
	uint8_t body[8];
	struct reply reply;
	struct message m;

	begin(s);
	m = sim_answer(s, MESSAGE_ACK, 0x41, s->out.mid);
	message_add_uint(&m, MESSAGE_OPTION_CONTENT_FORMAT, 60);
	message_add_uint(&m, MESSAGE_OPTION_MAX_AGE, 2592000);
	sim_input(s, &m);
	assert_int_equal(sim_result(s, &reply, body, sizeof(body)), 0);
	assert_int_equal(reply.content_format, 60);
	assert_true(reply.has_max_age);
	assert_int_equal(reply.max_age_s, 2592000);
	sim_submit(s, 1, "a", NULL, 0);
	assert_true(sim_sends(s));
	sim_piggyback(s, 0x45, NULL);
	assert_int_equal(sim_result(s, &reply, body, sizeof(body)), 0);
	assert_int_equal(reply.content_format, -1);
	assert_false(reply.has_max_age);
}

static void a_probe_has_short_timers_one_retransmission_and_ends_as_lost(void **state)
{
	struct sim *s = *state;
	int dead;

	*exchange_rto(s->x) = rto_restored(1);
	exchange_probe(s->x);
	sim_submit(s, 1, "a", NULL, 0);
	assert_true(sim_sends(s));
	assert_int_equal(sim_wait(s, &dead), 300);
	assert_int_equal(dead, 0);
	assert_true(sim_sends(s));
	assert_int_equal(sim_wait(s, &dead), 600);
	assert_int_equal(dead, SESSION_E_LOST);
	assert_failed(s, SESSION_E_LOST);
}

static void an_answer_ends_the_probing(void **state)
{
	struct sim *s = *state;

	*exchange_rto(s->x) = rto_restored(1);
	exchange_probe(s->x);
	sim_submit(s, 1, "a", NULL, 0);
	assert_true(sim_sends(s));
	sim_empty(s, MESSAGE_ACK, s->out.mid); /* also one without a response yet */
	assert_false(exchange_probing(s->x));
	assert_int_equal(exchange_deadline(s->x), s->now_ms + 30000);
}

static void a_sign_that_the_server_is_gone_turns_the_request_into_a_probe(void **state)
{
	struct sim *s = *state;
	int dead;

	begin(s);
	*exchange_rto(s->x) = rto_restored(1);
	exchange_doubt(s->x, s->now_ms);
	assert_int_equal(sim_wait(s, &dead), 300);
	assert_true(sim_sends(s));
	exchange_doubt(s->x, s->now_ms);
	assert_int_equal(sim_wait(s, &dead), 600);
	assert_int_equal(dead, SESSION_E_LOST);
	assert_failed(s, SESSION_E_LOST);
}

static void a_round_trip_is_measured_only_without_retransmission(void **state)
{
	struct sim *s = *state;
	int dead;

	begin(s);
	s->now_ms += 80;
	sim_piggyback(s, 0x45, NULL);
	assert_reply(s, 0x45, "");
	assert_int_equal(exchange_rto(s->x)->srtt_ms, 80);
	sim_submit(s, 1, "a", NULL, 0);
	assert_true(sim_sends(s));
	sim_wait(s, &dead);
	assert_true(sim_sends(s));
	sim_piggyback(s, 0x45, NULL);
	assert_reply(s, 0x45, "");
	assert_int_equal(exchange_rto(s->x)->srtt_ms, 80);
}

static void the_suspend_message_is_a_non_post_whose_answer_is_dropped(void **state)
{
	struct sim *s = *state;
	struct message m;

	assert_int_equal(exchange_post_non(s->x, ".dtls/suspend"), 0);
	assert_true(sim_sends(s));
	assert_int_equal(s->out.type, MESSAGE_NON);
	assert_int_equal(s->out.code, MESSAGE_CODE_POST);
	assert_int_equal(s->out.payload_len, 0);
	assert_null(message_find(&s->out, MESSAGE_OPTION_CONTENT_FORMAT));
	assert_false(sim_sends(s));
	assert_true(exchange_idle(s->x));
	m = sim_answer(s, MESSAGE_NON, 0x45, 0x7777);
	sim_input(s, &m);
	sim_assert_pending(s);
	assert_false(sim_sends(s));
}

static void failing_ends_every_request(void **state)
{
	struct sim *s = *state;

	begin(s);
	sim_submit(s, 1, "b", NULL, 0);
	exchange_fail(s->x, SESSION_E_CANCELLED);
	assert_failed(s, SESSION_E_CANCELLED);
	assert_failed(s, SESSION_E_CANCELLED);
	assert_true(exchange_idle(s->x));
	assert_false(sim_sends(s));
}

static void a_request_that_cannot_be_sent_is_refused_at_once(void **state)
{
	struct sim *s = *state;
	struct exchange_request *made;
	struct request request = {.code = 1, .path = "a//b", .content_format = -1, .accept = -1};
	char query[1200];

	assert_int_equal(exchange_submit(s->x, &request, NULL, &made), -EINVAL);
	request.path = NULL;
	assert_int_equal(exchange_submit(s->x, &request, NULL, &made), -EINVAL);
	request.path = "a";
	request.code = 0x45;
	assert_int_equal(exchange_submit(s->x, &request, NULL, &made), -EINVAL);
	request.code = 1;
	memset(query, 'q', sizeof(query));
	for (size_t i = 200; i < sizeof(query); i += 201)
		query[i] = '&';
	query[sizeof(query) - 1] = '\0';
	request.query = query;
	assert_int_equal(exchange_submit(s->x, &request, NULL, &made), -EMSGSIZE);
	assert_true(exchange_idle(s->x));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_request_is_confirmable_with_a_token_of_eight_bytes),
		STORY(a_piggybacked_response_ends_the_request),
		STORY(message_ids_count_up_and_tokens_never_repeat),
		STORY(one_request_is_on_the_wire_and_the_next_waits_for_its_end),
		STORY(it_retransmits_the_same_bytes_with_doubled_waits_and_gives_up_after_four),
		STORY(an_ack_with_another_message_id_is_ignored),
		STORY(an_ack_with_another_token_is_ignored),
		STORY(an_empty_ack_stops_retransmission_and_a_separate_con_is_acknowledged),
		STORY(a_separate_response_before_the_ack_counts_as_the_ack),
		STORY(a_separate_response_that_never_comes_ends_in_a_timeout),
		STORY(a_second_empty_ack_does_not_prolong_the_wait),
		STORY(a_reset_ends_the_request),
		STORY(a_reset_with_message_id_0_ends_the_request_as_libcoap_means_it),
		STORY(a_response_with_an_unknown_token_is_reset_when_confirmable),
		STORY(a_ping_is_answered_with_reset),
		STORY(a_request_of_the_server_is_reset),
		STORY(garbage_is_reset_when_it_claims_to_be_confirmable_and_else_ignored),
		STORY(an_unknown_critical_option_fails_the_request_and_resets_a_con),
		STORY(an_unknown_elective_option_is_ignored),
		STORY(a_late_answer_to_a_cancelled_request_never_completes_the_next),
		STORY(a_queued_request_can_be_cancelled),
		STORY(unauthorized_with_echo_is_repeated_once_with_it),
		STORY(echo_in_any_other_response_goes_with_the_next_request_once),
		cmocka_unit_test(an_echo_of_41_bytes_is_no_echo),
		STORY(max_age_and_content_format_are_told_and_absence_too),
		STORY(a_probe_has_short_timers_one_retransmission_and_ends_as_lost),
		STORY(an_answer_ends_the_probing),
		STORY(a_sign_that_the_server_is_gone_turns_the_request_into_a_probe),
		STORY(a_round_trip_is_measured_only_without_retransmission),
		STORY(the_suspend_message_is_a_non_post_whose_answer_is_dropped),
		STORY(failing_ends_every_request),
		STORY(a_request_that_cannot_be_sent_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
