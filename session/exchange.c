/* SPDX-License-Identifier: Apache-2.0 */
#include "session/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session/blocks.h"
#include "session/history.h"
#include "session/pathmtu.h"

#define CLASS(code) ((code) >> 5)
#define CONTROL_MAX 8
#define NON_MAX 256
/* RFC 7252 §4.2: the first wait is up to so much longer (ACK_RANDOM_FACTOR 1.25), lest devices that
 * began together go on together. */
#define ACK_RANDOM_PERCENT 25

/* A message that was sent this often without an answer may be too large for the path, or its answer
 * (RFC 8899 §5.1.2: MAX_PROBES); what is in NARROW_ROOM passes everywhere. */
#define NARROW_ATTEMPT 3
#define NARROW_ROOM EXCHANGE_ROOM(PATHMTU_SURE4)

struct exchange_request {
	struct blocks blocks;
	bool echo_used;
	int result;
	void *owner; /* borrowed */
	struct exchange_request *next;
};

enum wire_state {
	WIRE_IDLE,
	WIRE_SENT,  /* neither acknowledged nor answered */
	WIRE_ACKED, /* the server works on a separate response */
};

struct control {
	enum message_type type; /* MESSAGE_ACK or MESSAGE_RST */
	uint16_t mid;
};

struct exchange {
	struct exchange_config config;
	struct rto rto;
	struct exchange_stats stats;
	bool probing;
	uint16_t next_mid;
	uint8_t echo[BLOCKS_ECHO_MAX]; /* goes with the next message */
	size_t echo_len;

	size_t room;    /* bytes of a message, as far as anybody said */
	bool is_narrow; /* nobody said, but larger ones do not arrive */

	struct exchange_request *queue; /* the head is on the wire unless state is WIRE_IDLE */
	struct exchange_request *finished;

	/* the message on the wire */
	enum wire_state state;
	uint16_t mid;
	uint8_t token[MESSAGE_TOKEN_MAX];
	uint8_t datagram[BLOCKS_SEND_MAX];
	size_t datagram_len;
	bool to_send;
	unsigned int attempts; /* retransmissions of this message */
	uint64_t sent_ms, first_ms, timeout_ms, deadline_ms;

	struct control control[CONTROL_MAX];
	size_t n_control;
	uint8_t non[NON_MAX];
	size_t non_len; /* 0 when none waits */
	struct history history;
};

int exchange_new(const struct exchange_config *config, struct exchange **ret)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->config = *config;
	x->room = BLOCKS_SEND_MAX;
	x->config.random(&x->next_mid, sizeof(x->next_mid));
	*ret = x;
	return 0;
}

void exchange_request_free(struct exchange_request *request)
{
	if (!request)
		return;
	blocks_done(&request->blocks);
	free(request);
}

static void free_list(struct exchange_request *at)
{
	while (at) {
		struct exchange_request *next = at->next;

		exchange_request_free(at);
		at = next;
	}
}

struct exchange *exchange_free(struct exchange *x)
{
	if (!x)
		return NULL;
	free_list(x->queue);
	free_list(x->finished);
	secret_wipe(x->datagram, sizeof(x->datagram));
	free(x);
	return NULL;
}

static void list_append(struct exchange_request **list, struct exchange_request *request)
{
	while (*list)
		list = &(*list)->next;
	request->next = NULL;
	*list = request;
}

static bool list_remove(struct exchange_request **list, struct exchange_request *request)
{
	for (; *list; list = &(*list)->next) {
		if (*list == request) {
			*list = request->next;
			return true;
		}
	}
	return false;
}

int exchange_submit(struct exchange *x, const struct request *request, void *owner,
		    struct exchange_request **ret)
{
	struct exchange_request *made = calloc(1, sizeof(*made));
	int r;

	if (!made)
		return -ENOMEM;
	r = blocks_init(&made->blocks, request, x->config.block_size, x->config.random);
	if (r < 0) {
		free(made);
		return r;
	}
	made->owner = owner;
	list_append(&x->queue, made);
	*ret = made;
	return 0;
}

static bool token_equals(const struct message *m, const uint8_t token[static MESSAGE_TOKEN_MAX])
{
	return m->token_len == MESSAGE_TOKEN_MAX && memcmp(m->token, token, MESSAGE_TOKEN_MAX) == 0;
}

/* The message on the wire is answered or given up. */
static void retire(struct exchange *x)
{
	if (x->state != WIRE_IDLE)
		history_add_token(&x->history, x->token);
	x->state = WIRE_IDLE;
	x->to_send = false;
	x->datagram_len = 0;
}

static void finish(struct exchange *x, int result)
{
	struct exchange_request *request = x->queue;

	retire(x);
	x->queue = request->next;
	request->result = result;
	list_append(&x->finished, request);
}

void exchange_cancel(struct exchange *x, struct exchange_request *request)
{
	if (request == x->queue)
		retire(x);
	if (list_remove(&x->queue, request) || list_remove(&x->finished, request))
		exchange_request_free(request);
}

int exchange_post_non(struct exchange *x, const char *path)
{
	uint8_t token[MESSAGE_TOKEN_MAX];
	struct message m;
	int r;

	x->config.random(token, sizeof(token));
	message_init(&m, MESSAGE_NON, MESSAGE_CODE_POST, x->next_mid, token, sizeof(token));
	message_add_parts(&m, MESSAGE_OPTION_URI_PATH, path, '/');
	r = message_encode(&m, x->non, sizeof(x->non), &x->non_len);
	if (r < 0)
		return -EINVAL;
	x->next_mid++;
	history_add_token(&x->history, token);
	return 0;
}

void exchange_set_room(struct exchange *x, size_t message_max, bool is_new_path)
{
	x->room = message_max;
	x->is_narrow = x->is_narrow && !is_new_path;
}

static size_t room(const struct exchange *x)
{
	return x->is_narrow ? MIN(x->room, NARROW_ROOM) : x->room;
}

/* The next message of the request at the head, under an id and a token of its own. */
static int make_message(struct exchange *x)
{
	struct blocks *blocks = &x->queue->blocks;
	int r;

	retire(x);
	x->mid = x->next_mid++;
	x->config.random(x->token, sizeof(x->token));
	blocks_fit(blocks, room(x));
	r = blocks_encode(blocks, x->mid, x->token, sizeof(x->token), x->echo, x->echo_len,
			  x->datagram, &x->datagram_len);
	x->echo_len = 0;
	if (r < 0)
		finish(x, r);
	return r;
}

static void send_message(struct exchange *x, uint64_t now_ms)
{
	if (make_message(x) < 0)
		return;
	x->timeout_ms = rto_ms(&x->rto, x->config.ack_timeout_ms);
	if (!x->probing) {
		uint32_t random;

		x->config.random(&random, sizeof(random));
		x->timeout_ms = MAX(x->timeout_ms, (uint64_t)RTO_POLITE_MS);
		x->timeout_ms += x->timeout_ms * (random % 1001) * ACK_RANDOM_PERCENT / 100000;
	}
	x->state = WIRE_SENT;
	x->to_send = true;
	x->attempts = 0;
	x->sent_ms = now_ms;
	x->first_ms = x->timeout_ms;
	x->deadline_ms = now_ms + x->timeout_ms;
}

static size_t write_control(const struct control *control, uint8_t *buf)
{
	struct message m;
	size_t len = 0;

	message_init(&m, control->type, MESSAGE_CODE_EMPTY, control->mid, NULL, 0);
	return message_encode(&m, buf, MESSAGE_MAX, &len) == 0 ? len : 0;
}

bool exchange_has_output(const struct exchange *x)
{
	return x->n_control > 0 || x->to_send || x->non_len > 0 ||
	       (x->state == WIRE_IDLE && x->queue);
}

bool exchange_output(struct exchange *x, uint64_t now_ms, uint8_t *buf, size_t *ret_len)
{
	if (x->n_control > 0) {
		*ret_len = write_control(&x->control[0], buf);
		x->n_control--;
		memmove(x->control, x->control + 1, x->n_control * sizeof(x->control[0]));
		return true;
	}
	while (x->state == WIRE_IDLE && x->queue)
		send_message(x, now_ms);
	if (x->to_send) {
		x->to_send = false;
		memcpy(buf, x->datagram, x->datagram_len);
		*ret_len = x->datagram_len;
		return true;
	}
	if (x->non_len > 0) {
		memcpy(buf, x->non, x->non_len);
		*ret_len = x->non_len;
		x->non_len = 0;
		return true;
	}
	return false;
}

uint64_t exchange_deadline(const struct exchange *x)
{
	return x->state == WIRE_IDLE ? EXCHANGE_NEVER : x->deadline_ms;
}

int exchange_advance(struct exchange *x, uint64_t now_ms)
{
	const unsigned int max = x->probing ? 1 : x->config.max_retransmit;
	const int dead = x->probing ? SESSION_E_LOST : SESSION_E_TIMEOUT;
	int r;

	if (x->state == WIRE_IDLE || now_ms < x->deadline_ms)
		return 0;
	if (x->state == WIRE_SENT && x->attempts < max) {
		x->attempts++;
		x->stats.retransmissions++;
		x->is_narrow |= x->attempts == NARROW_ATTEMPT &&
				blocks_may_shrink(&x->queue->blocks, NARROW_ROOM);
		if (blocks_may_shrink(&x->queue->blocks, room(x))) {
			r = make_message(x);
			if (r < 0)
				return 0;
			x->state = WIRE_SENT;
		}
		x->timeout_ms =
			x->probing ? 2 * x->timeout_ms : rto_next_ms(x->first_ms, x->timeout_ms);
		x->deadline_ms = now_ms + x->timeout_ms;
		x->to_send = true;
		return 0;
	}
	finish(x, dead);
	return dead;
}

static void reply_control(struct exchange *x, enum message_type type, uint16_t mid)
{
	/* When the queue is full the server will ask again. */
	if (x->n_control < CONTROL_MAX)
		x->control[x->n_control++] = (struct control){type, mid};
}

/* The server lives and still has this session. */
static void prove(struct exchange *x, uint64_t now_ms)
{
	x->probing = false;
	if (x->state == WIRE_SENT && x->attempts > 0)
		rto_unsure(&x->rto);
	else if (x->state == WIRE_SENT && now_ms >= x->sent_ms)
		rto_sample(&x->rto, now_ms - x->sent_ms);
}

static void take_echo(struct exchange *x, const struct message *m)
{
	const struct message_option *option = message_find(m, MESSAGE_OPTION_ECHO);

	if (!option || option->len == 0 || option->len > BLOCKS_ECHO_MAX)
		return;
	memcpy(x->echo, option->value, option->len);
	x->echo_len = option->len;
}

static void on_response(struct exchange *x, const struct message *m, uint64_t now_ms)
{
	struct exchange_request *request = x->queue;
	enum blocks_next next = BLOCKS_SEND;
	int r;

	prove(x, now_ms);
	x->stats.answers++;
	x->echo_len = 0;
	take_echo(x, m);
	/* RFC 9175 §2.3: 4.01 with Echo wants the same message again with that value, once. */
	if (m->code == MESSAGE_CODE_UNAUTHORIZED && x->echo_len > 0 && !request->echo_used) {
		request->echo_used = true;
		send_message(x, now_ms);
		return;
	}
	r = blocks_accept(&request->blocks, m, &next);
	if (r == 0 && next == BLOCKS_SEND)
		send_message(x, now_ms);
	else
		finish(x, r);
}

static bool is_response(const struct message *m)
{
	return CLASS(m->code) == 2 || CLASS(m->code) == 4 || CLASS(m->code) == 5;
}

static void on_ack(struct exchange *x, const struct message *m, uint64_t now_ms)
{
	if (x->state == WIRE_IDLE || m->mid != x->mid) {
		x->stats.ignored++;
	} else if (m->code == MESSAGE_CODE_EMPTY) {
		prove(x, now_ms);
		if (x->state == WIRE_SENT) {
			x->state = WIRE_ACKED;
			x->to_send = false;
			x->deadline_ms = now_ms + x->config.answer_timeout_ms;
		}
	} else if (!is_response(m) || !token_equals(m, x->token)) {
		x->stats.ignored++;
	} else if (!blocks_critical_ok(m)) {
		finish(x, SESSION_E_PROTOCOL);
	} else {
		on_response(x, m, now_ms);
	}
}

static void on_rst(struct exchange *x, const struct message *m)
{
	/* libcoap resets a message that is larger than its buffer with message id 0. */
	if (x->state != WIRE_IDLE && (m->mid == x->mid || m->mid == 0))
		finish(x, SESSION_E_RESET);
	else
		x->stats.ignored++;
}

/* A message that the server began: a separate response, or something that is not for us. */
static void on_fresh(struct exchange *x, const struct message *m, uint64_t now_ms)
{
	const bool ours = x->state != WIRE_IDLE && is_response(m) && token_equals(m, x->token);
	const bool late = !ours && is_response(m) && history_has_token(&x->history, m);
	const bool legal = blocks_critical_ok(m);
	const struct history_message *seen = history_find(&x->history, m->mid, now_ms);
	enum message_type reply;

	if (seen) {
		if (m->type == MESSAGE_CON)
			reply_control(x, seen->reply, m->mid);
		return;
	}
	/* RFC 7252 §4.2: Reset is the answer to what we have no context for, and to a ping (§4.3).
	 */
	reply = (ours && legal) || late ? MESSAGE_ACK : MESSAGE_RST;
	if (m->type == MESSAGE_CON)
		reply_control(x, reply, m->mid);
	history_add(&x->history, m->mid, reply, now_ms);
	if (!ours)
		x->stats.ignored++;
	else if (legal)
		on_response(x, m, now_ms);
	else
		finish(x, SESSION_E_PROTOCOL);
}

int exchange_input(struct exchange *x, const uint8_t *data, size_t len, uint64_t now_ms)
{
	enum message_type type;
	struct message m;
	uint16_t mid;
	int r;

	r = message_decode(data, len, &m);
	if (r < 0)
		return r;
	if (r == MESSAGE_E_FORMAT) {
		x->stats.ignored++;
		if (message_peek(data, len, &type, &mid) && type == MESSAGE_CON)
			reply_control(x, MESSAGE_RST, mid);
		return 0;
	}
	switch (m.type) {
	case MESSAGE_ACK:
		on_ack(x, &m, now_ms);
		break;
	case MESSAGE_RST:
		on_rst(x, &m);
		break;
	case MESSAGE_CON:
	case MESSAGE_NON:
		on_fresh(x, &m, now_ms);
		break;
	}
	return 0;
}

struct exchange_request *exchange_take_finished(struct exchange *x)
{
	struct exchange_request *request = x->finished;

	if (request)
		x->finished = request->next;
	return request;
}

void *exchange_request_owner(const struct exchange_request *request)
{
	return request->owner;
}

int exchange_request_result(const struct exchange_request *request, const struct reply **ret_reply)
{
	if (request->result == 0)
		*ret_reply = &request->blocks.reply;
	return request->result;
}

void exchange_probe(struct exchange *x)
{
	x->probing = true;
}

void exchange_trust(struct exchange *x)
{
	x->probing = false;
}

void exchange_doubt(struct exchange *x, uint64_t now_ms)
{
	uint64_t patience = rto_ms(&x->rto, x->config.ack_timeout_ms);

	if (x->state != WIRE_SENT)
		return;
	if (!x->probing && x->attempts <= 1) {
		x->timeout_ms = patience << x->attempts;
		x->deadline_ms = MIN(x->deadline_ms, now_ms + x->timeout_ms);
	} else if (!x->probing) {
		x->deadline_ms = MIN(x->deadline_ms, now_ms + patience);
	}
	x->probing = true;
}

bool exchange_probing(const struct exchange *x)
{
	return x->probing;
}

bool exchange_is_doubtful(const struct exchange *x)
{
	return x->probing && x->state == WIRE_SENT && x->attempts > 0;
}

void exchange_fail(struct exchange *x, int r)
{
	while (x->queue)
		finish(x, r);
	x->n_control = 0;
	x->non_len = 0;
}

bool exchange_idle(const struct exchange *x)
{
	return !x->queue;
}

uint16_t exchange_next_mid(const struct exchange *x)
{
	return x->next_mid;
}

void exchange_set_next_mid(struct exchange *x, uint16_t mid)
{
	x->next_mid = mid;
}

struct rto *exchange_rto(struct exchange *x)
{
	return &x->rto;
}

const struct exchange_stats *exchange_stats(const struct exchange *x)
{
	return &x->stats;
}
