/* Targets: exchange_input(), exchange_output(), exchange_advance(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "session/exchange.h"
#include "tests/fuzz/fuzz.h"

#define REQUESTS 4
#define OUTPUTS_MAX                                                                                \
	16 /* that one call for datagrams may give: control messages, and one request              \
	    */

struct run {
	struct exchange *x;
	struct exchange_request *requests[REQUESTS]; /* NULL: ended, or not made yet */
	unsigned int n_made, n_ended;
	uint64_t now_ms;
	struct message last; /* sent, a request */
	uint8_t last_bytes[MESSAGE_MAX];
	bool has_last;
};

static uint64_t random_state;

static void next_random(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		random_state = random_state * 6364136223846793005U + 1442695040888963407U;
		((uint8_t *)buf)[i] = (uint8_t)(random_state >> 56);
	}
}

static void collect(struct run *r)
{
	struct exchange_request *ended;
	const struct reply *reply = NULL;

	while ((ended = exchange_take_finished(r->x))) {
		unsigned int *owner = exchange_request_owner(ended);
		int result = exchange_request_result(ended, &reply);

		/* Once, and with a reply or a reason. */
		FUZZ_ASSERT(r->requests[*owner] == ended);
		r->requests[*owner] = NULL;
		r->n_ended++;
		FUZZ_ASSERT(result >= 0 || result == -ENOMEM || result == -EMSGSIZE);
		if (result == 0)
			FUZZ_ASSERT(reply->payload_len <= 2048 && reply->code >= 0x40);
		exchange_request_free(ended);
	}
}

static void flush(struct run *r)
{
	uint8_t datagram[MESSAGE_MAX];
	struct message m;
	unsigned int n = 0;
	size_t len;

	while (exchange_output(r->x, r->now_ms, datagram, &len)) {
		FUZZ_ASSERT(++n <= OUTPUTS_MAX && len <= MESSAGE_MAX);
		FUZZ_ASSERT(message_decode(datagram, len, &m) == 0);
		FUZZ_ASSERT(m.type == MESSAGE_ACK || m.type == MESSAGE_RST || m.code != 0);
		if (m.type != MESSAGE_CON)
			continue;
		memcpy(r->last_bytes, datagram, len);
		FUZZ_ASSERT(message_decode(r->last_bytes, len, &r->last) == 0);
		r->has_last = true;
	}
	collect(r);
}

static void submit(struct run *r, unsigned int kind)
{
	static uint8_t payload[3000];
	static unsigned int numbers[REQUESTS] = {0, 1, 2, 3};
	struct request request = {.code = kind & 1 ? MESSAGE_CODE_POST : MESSAGE_CODE_GET,
				  .path = "p/cmd",
				  .content_format = 60,
				  .accept = -1,
				  .payload = payload,
				  .payload_len = kind & 1 ? (kind & 2 ? sizeof(payload) : 40) : 0,
				  .max_reply = 2048};

	if (r->n_made == REQUESTS)
		return;
	FUZZ_ASSERT(exchange_submit(r->x, &request, &numbers[r->n_made], &r->requests[r->n_made]) ==
		    0);
	r->n_made++;
}

/* An answer to what was sent last: how, code, options as they come, payload. */
static void respond(struct run *r, struct reader *input)
{
	const uint8_t how = reader_u8(input), code = reader_u8(input);
	uint16_t number = 0, mid = how & 4 ? reader_be16(input) : r->last.mid;
	size_t n = reader_u8(input) % 5, len;
	uint8_t out[MESSAGE_MAX];
	struct message m;

	message_init(&m, (enum message_type)(how & 3), code, mid, r->last.token,
		     how & 8 ? reader_u8(input) % 9 : r->last.token_len);
	for (size_t i = 0; i < n; i++) {
		uint8_t size;

		number = (uint16_t)(number + reader_u8(input));
		size = reader_u8(input) % 9;
		message_add(&m, number, reader_bytes(input, size), size);
	}
	m.payload_len = how & 16 ? (size_t)16 << (how >> 5 & 7) : reader_u8(input);
	m.payload_len = m.payload_len <= 1024 ? m.payload_len : 1024;
	m.payload = m.payload_len > 0 ? r->last_bytes : NULL;
	if (!input->failed && message_encode(&m, out, sizeof(out), &len) == 0)
		FUZZ_ASSERT(exchange_input(r->x, out, len, r->now_ms) == 0);
}

static void raw(struct run *r, struct reader *input)
{
	size_t len = reader_u8(input);

	len = len < reader_left(input) ? len : reader_left(input);
	FUZZ_ASSERT(exchange_input(r->x, reader_bytes(input, len), len, r->now_ms) == 0);
}

static void lapse(struct run *r)
{
	uint64_t deadline = exchange_deadline(r->x);
	int dead;

	if (deadline == EXCHANGE_NEVER)
		return;
	r->now_ms = deadline > r->now_ms ? deadline : r->now_ms;
	dead = exchange_advance(r->x, r->now_ms);
	FUZZ_ASSERT(dead == 0 || dead == SESSION_E_TIMEOUT || dead == SESSION_E_LOST);
}

static void cancel(struct run *r, unsigned int i)
{
	if (!r->requests[i])
		return;
	exchange_cancel(r->x, r->requests[i]);
	r->requests[i] = NULL;
	r->n_ended++;
}

static void step(struct run *r, struct reader *input)
{
	uint8_t op = reader_u8(input);

	switch (op % 10) {
	case 0:
		submit(r, op / 10);
		break;
	case 1:
	case 2:
		if (r->has_last)
			respond(r, input);
		break;
	case 3:
		raw(r, input);
		break;
	case 4:
		lapse(r);
		break;
	case 5:
		r->now_ms += (uint64_t)reader_u8(input) * 100;
		break;
	case 6:
		cancel(r, op / 10 % REQUESTS);
		break;
	case 7:
		exchange_probe(r->x);
		break;
	case 8:
		if (op / 10 & 1) /* another path, or what is known of it */
			exchange_set_room(r->x, (size_t)reader_u8(input) * 8, op / 20 & 1);
		else
			exchange_doubt(r->x, r->now_ms);
		break;
	case 9:
		FUZZ_ASSERT(exchange_post_non(r->x, ".dtls/suspend") == 0);
		break;
	}
	flush(r);
}

/* data: steps, an operation each with what it needs. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct exchange_config config = {.ack_timeout_ms = 2000,
					       .max_retransmit = 4,
					       .answer_timeout_ms = 30000,
					       .block_size = 1024,
					       .random = next_random};
	struct run r = {.now_ms = 1000000};
	struct reader input;

	random_state = 42;
	FUZZ_ASSERT(exchange_new(&config, &r.x) == 0);
	reader_init(&input, data, len);
	while (reader_left(&input) > 0 && !input.failed)
		step(&r, &input);
	/* Without a server everything ends, within what retransmission takes. */
	for (unsigned int i = 0; !exchange_idle(r.x); i++) {
		FUZZ_ASSERT(i < REQUESTS * (config.max_retransmit + 2));
		lapse(&r);
		flush(&r);
	}
	collect(&r);
	FUZZ_ASSERT(r.n_ended == r.n_made && exchange_deadline(r.x) == EXCHANGE_NEVER);
	exchange_free(r.x);
	return 0;
}
