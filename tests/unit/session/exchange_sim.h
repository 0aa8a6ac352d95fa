/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An exchange under simulated time, and the words to answer it with. Included by the tests of it
 * only. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/blocks.h"
#include "session/exchange.h"

struct sim {
	struct exchange *x;
	uint64_t now_ms;
	uint8_t datagram[MESSAGE_MAX];
	size_t datagram_len;
	struct message out; /* what was sent last; views into datagram */
};

/* A generator that repeats itself: tests must not depend on chance. */
static uint64_t sim_seed;

static void sim_random(void *buf, size_t len)
{
	uint8_t *at = buf;

	for (size_t i = 0; i < len; i++) {
		sim_seed = sim_seed * 6364136223846793005u + 1442695040888963407u;
		at[i] = (uint8_t)(sim_seed >> 33);
	}
}

static inline uint32_t option_uint(const struct message *m, uint16_t number)
{
	const struct message_option *o = message_find(m, number);
	uint32_t v = 0;

	assert_non_null(o);
	assert_int_equal(message_uint(o, &v), 0);
	return v;
}

/* The value of a block option. */
static inline uint32_t block(uint32_t num, bool more, unsigned int szx)
{
	return num << 4 | (more ? 8U : 0) | szx;
}

static inline void sim_init_with(struct sim *s, size_t block_size)
{
	const struct exchange_config config = {
		.ack_timeout_ms = 2000,
		.max_retransmit = 4,
		.answer_timeout_ms = 30000,
		.block_size = block_size,
		.random = sim_random,
	};

	memset(s, 0, sizeof(*s));
	sim_seed = 1;
	s->now_ms = 1000000;
	assert_int_equal(exchange_new(&config, &s->x), 0);
}

static inline void sim_init(struct sim *s)
{
	sim_init_with(s, 1024);
}

static inline void sim_done(struct sim *s)
{
	exchange_free(s->x);
}

static inline struct exchange_request *sim_submit(struct sim *s, uint8_t code, const char *path,
						  const void *payload, size_t len)
{
	const struct request request = {
		.code = code,
		.path = path,
		.content_format = len > 0 ? 60 : -1,
		.accept = -1,
		.payload = payload,
		.payload_len = len,
	};
	struct exchange_request *made = NULL;

	assert_int_equal(exchange_submit(s->x, &request, NULL, &made), 0);
	return made;
}

/* True when something is sent now; s->out is it. */
static inline bool sim_sends(struct sim *s)
{
	if (!exchange_output(s->x, s->now_ms, s->datagram, &s->datagram_len))
		return false;
	assert_int_equal(message_decode(s->datagram, s->datagram_len, &s->out), 0);
	return true;
}

/* Lets the time run to the next deadline. Returns how long that was. */
static inline uint64_t sim_wait(struct sim *s, int *ret_dead)
{
	uint64_t deadline = exchange_deadline(s->x), passed;

	assert_true(deadline != EXCHANGE_NEVER);
	passed = deadline - s->now_ms;
	s->now_ms = deadline;
	*ret_dead = exchange_advance(s->x, s->now_ms);
	return passed;
}

static inline void sim_input(struct sim *s, const struct message *m)
{
	uint8_t data[MESSAGE_MAX];
	size_t len;

	assert_int_equal(message_encode(m, data, sizeof(data), &len), 0);
	assert_int_equal(exchange_input(s->x, data, len, s->now_ms), 0);
}

/* An answer to s->out, still without options. */
static inline struct message sim_answer(const struct sim *s, enum message_type type, uint8_t code,
					uint16_t mid)
{
	struct message m;

	message_init(&m, type, code, mid, s->out.token, s->out.token_len);
	return m;
}

static inline void sim_piggyback(struct sim *s, uint8_t code, const char *text)
{
	struct message m = sim_answer(s, MESSAGE_ACK, code, s->out.mid);

	m.payload = (const uint8_t *)text;
	m.payload_len = text ? strlen(text) : 0;
	sim_input(s, &m);
}

static inline void sim_empty(struct sim *s, enum message_type type, uint16_t mid)
{
	struct message m;

	message_init(&m, type, MESSAGE_CODE_EMPTY, mid, NULL, 0);
	sim_input(s, &m);
}

/* The one request that has ended: its result, and a copy of its reply when there is one. */
static inline int sim_result(struct sim *s, struct reply *ret, uint8_t *body, size_t size)
{
	struct exchange_request *request = exchange_take_finished(s->x);
	const struct reply *reply = NULL;
	int r;

	assert_non_null(request);
	memset(ret, 0, sizeof(*ret));
	r = exchange_request_result(request, &reply);
	if (r == 0) {
		*ret = *reply;
		assert_true(reply->payload_len <= size);
		if (reply->payload_len > 0)
			memcpy(body, reply->payload, reply->payload_len);
	}
	exchange_request_free(request);
	return r;
}

static inline void sim_assert_pending(struct sim *s)
{
	assert_null(exchange_take_finished(s->x));
}
