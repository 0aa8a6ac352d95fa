/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange over a pipe that loses, duplicates and reorders, against a responder that answers
 * now and then separately: whatever happens, each request ends with its own answer. Simulated time.
 */
#include "tests/unit/session/exchange_sim.h"

#include <stdio.h>

#define PIPE_MAX 128
#define UP_LEN 2500
#define DOWN_LEN 3000
#define RUNS 150
#define SEPARATE_COPIES 4

struct parcel {
	bool used, to_server;
	uint64_t at_ms;
	uint8_t data[MESSAGE_MAX];
	size_t len;
};

struct world {
	struct sim sim;
	struct parcel pipe[PIPE_MAX];
	uint64_t dice;
	unsigned int loss_percent;
	uint16_t server_mid;
	uint8_t up[UP_LEN];
	size_t up_len;
	unsigned int request; /* which one runs: the answer names it */
};

static unsigned int roll(struct world *w, unsigned int sides)
{
	w->dice = w->dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(w->dice >> 33) % sides;
}

static void put(struct world *w, bool to_server, const uint8_t *data, size_t len, uint64_t delay_ms)
{
	unsigned int copies = roll(w, 100) < w->loss_percent ? 0 : roll(w, 100) < 20 ? 2 : 1;

	for (size_t i = 0; i < PIPE_MAX && copies > 0; i++) {
		struct parcel *p = &w->pipe[i];

		if (p->used)
			continue;
		*p = (struct parcel){.used = true,
				     .to_server = to_server,
				     .at_ms = w->sim.now_ms + delay_ms + 20 + roll(w, 200),
				     .len = len};
		memcpy(p->data, data, len);
		copies--;
	}
}

static void put_message(struct world *w, const struct message *m, uint64_t delay_ms)
{
	uint8_t data[MESSAGE_MAX];
	size_t len;

	assert_int_equal(message_encode(m, data, sizeof(data), &len), 0);
	put(w, false, data, len, delay_ms);
}

static uint32_t uint_of(const struct message *m, uint16_t number)
{
	const struct message_option *o = message_find(m, number);
	uint32_t v = 0;

	if (o)
		assert_int_equal(message_uint(o, &v), 0);
	return v;
}

/* A stateless responder: idempotent, as every handler of ours must be. */
static void serve(struct world *w, const struct message *m)
{
	const struct message_option *path = message_find(m, MESSAGE_OPTION_URI_PATH);
	bool separate = roll(w, 4) == 0;
	uint8_t body[1024];
	struct message r;

	if (m->type != MESSAGE_CON)
		return; /* an ACK or RST for us */
	if (separate) {
		message_init(&r, MESSAGE_ACK, 0, m->mid, NULL, 0);
		put_message(w, &r, 0);
	}
	message_init(&r, separate ? MESSAGE_CON : MESSAGE_ACK, 0x45,
		     separate ? w->server_mid++ : m->mid, m->token, m->token_len);
	if (path->value[0] == 'u') {
		uint32_t block1 = uint_of(m, MESSAGE_OPTION_BLOCK1);
		size_t offset = (size_t)(block1 >> 4) << ((block1 & 7) + 4);

		assert_true(offset + m->payload_len <= UP_LEN);
		memcpy(w->up + offset, m->payload, m->payload_len);
		w->up_len = MAX(w->up_len, offset + m->payload_len);
		r.code = block1 & 8 ? 0x5f : 0x44;
		message_add_uint(&r, MESSAGE_OPTION_BLOCK1, block1);
	} else {
		uint32_t block2 = uint_of(m, MESSAGE_OPTION_BLOCK2);
		size_t size = (size_t)16 << (block2 & 7);
		size_t offset = (block2 >> 4) * size;

		for (size_t i = 0; i < sizeof(body); i++)
			body[i] = (uint8_t)((offset + i) * 3 + path->value[1]);
		message_add_uint(&r, MESSAGE_OPTION_BLOCK2,
				 block2 | (offset + size < DOWN_LEN ? 8U : 0));
		r.payload = body;
		r.payload_len = MIN(size, DOWN_LEN - offset);
	}
	put_message(w, &r, 0);
	/* A separate response is confirmable: it comes again, wanted or not. */
	for (unsigned int i = 1; separate && i < SEPARATE_COPIES; i++)
		put_message(w, &r, i * 1000);
}

static void deliver_due(struct world *w)
{
	for (size_t i = 0; i < PIPE_MAX; i++) {
		struct parcel p = w->pipe[i];
		struct message m;

		if (!p.used || p.at_ms > w->sim.now_ms)
			continue;
		w->pipe[i].used = false;
		if (p.to_server) {
			assert_int_equal(message_decode(p.data, p.len, &m), 0);
			serve(w, &m);
		} else {
			assert_int_equal(exchange_input(w->sim.x, p.data, p.len, w->sim.now_ms), 0);
		}
	}
}

static uint64_t next_event(const struct world *w)
{
	uint64_t at = exchange_deadline(w->sim.x);

	for (size_t i = 0; i < PIPE_MAX; i++) {
		if (w->pipe[i].used)
			at = MIN(at, w->pipe[i].at_ms);
	}
	return at;
}

static struct exchange_request *run(struct world *w)
{
	struct exchange_request *ended;

	while (!(ended = exchange_take_finished(w->sim.x))) {
		uint64_t at;

		while (sim_sends(&w->sim))
			put(w, true, w->sim.datagram, w->sim.datagram_len, 0);
		at = next_event(w);
		assert_true(at != EXCHANGE_NEVER);
		w->sim.now_ms = MAX(w->sim.now_ms, at);
		deliver_due(w);
		(void)!exchange_advance(w->sim.x, w->sim.now_ms);
	}
	return ended;
}

static void submit(struct world *w, unsigned int n, const uint8_t *up)
{
	char path[3] = {n % 3 == 0 ? 'u' : 'd', (char)('a' + n), '\0'};

	w->request = n;
	w->up_len = 0;
	memset(w->up, 0, sizeof(w->up));
	if (path[0] == 'u')
		sim_submit(&w->sim, 2, path, up, UP_LEN);
	else
		sim_submit(&w->sim, 1, path, NULL, 0);
}

static bool ends_right(struct world *w, unsigned int n, const uint8_t *up)
{
	struct exchange_request *ended = run(w);
	const struct reply *reply;
	int r = exchange_request_result(ended, &reply);

	if (r == 0 && n % 3 == 0) {
		assert_int_equal(reply->code, 0x44);
		assert_int_equal(w->up_len, UP_LEN);
		assert_memory_equal(w->up, up, UP_LEN);
	} else if (r == 0) {
		assert_int_equal(reply->payload_len, DOWN_LEN);
		for (size_t i = 0; i < DOWN_LEN; i++)
			assert_int_equal(reply->payload[i], (uint8_t)(i * 3 + 'a' + n));
	} else {
		assert_int_equal(r, SESSION_E_TIMEOUT);
	}
	exchange_request_free(ended);
	return r == 0;
}

static unsigned int failures_at(unsigned int loss_percent)
{
	unsigned int failed = 0;
	uint8_t up[UP_LEN];

	for (size_t i = 0; i < UP_LEN; i++)
		up[i] = (uint8_t)(i * 5 + 1);
	for (unsigned int seed = 1; seed <= RUNS; seed++) {
		struct world *w = calloc(1, sizeof(*w));

		assert_non_null(w);
		sim_init_with(&w->sim, 256);
		w->dice = seed;
		w->loss_percent = loss_percent;
		w->server_mid = (uint16_t)(seed * 977);
		for (unsigned int n = 0; n < 6; n++) {
			submit(w, n, up);
			if (!ends_right(w, n, up)) {
				failed++;
				break;
			}
		}
		sim_done(&w->sim);
		free(w);
	}
	return failed;
}

static void duplication_and_reordering_alone_never_fail_a_request(void **state)
{
	(void)state;
	assert_int_equal(failures_at(0), 0);
}

static void under_ten_percent_loss_every_answer_is_the_right_one_and_nearly_all_arrive(void **state)
{
	(void)state;
	assert_true(failures_at(10) <= RUNS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duplication_and_reordering_alone_never_fail_a_request),
		cmocka_unit_test(
			under_ten_percent_loss_every_answer_is_the_right_one_and_nearly_all_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
