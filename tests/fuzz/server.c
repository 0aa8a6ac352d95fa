/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/command.h"
#include "proto/response.h"
#include "session/dtls.h"
#include "session/message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/line.h"

#define CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))
#define OPEN_MAX 12
#define BLOCK 1024

/* A command, from when it is made to when its result is acknowledged. */
struct entry {
	struct command command;
	bool is_open, is_acknowledged;
};

static struct {
	struct reader *input;
	struct dtls *line; /* used last */
	unsigned int n_heard, n_made;
	uint16_t mid;

	struct entry entries[OPEN_MAX];
	size_t n_entries;

	uint8_t body[BODY_MAX]; /* of the last answer to p/cmd */
	size_t body_len;
	uint8_t up[BODY_MAX]; /* of the report that is under way */
	size_t up_len;

	/* The last answer, for its request once more. */
	unsigned int answered_line;
	uint16_t answered_mid;
	uint8_t answer[MESSAGE_MAX];
	size_t answer_len;
} server;

void server_begin(struct reader *input)
{
	for (size_t i = 0; i < server.n_entries; i++)
		command_done(&server.entries[i].command);
	memset(&server, 0, sizeof(server));
	server.input = input;
}

static uint8_t next(void)
{
	return reader_left(server.input) > 0 ? reader_u8(server.input) : 0;
}

static const uint8_t *next_bytes(size_t *len)
{
	*len = MIN(*len, reader_left(server.input));
	return reader_bytes(server.input, *len);
}

unsigned int server_heard(void)
{
	return server.n_heard;
}

bool server_may_save(void)
{
	return next() != 0xee;
}

void server_leave(struct dtls *d)
{
	if (server.line == d)
		server.line = NULL;
}

int server_greet(struct dtls *d)
{
	static const int results[] = {-EAGAIN, DTLS_E_CERTIFICATE, DTLS_E_REFUSED, -ETIMEDOUT};
	uint8_t how = next();

	server.line = d;
	return how >= 0xf0 ? results[how % 4] : 0;
}

/* ---- commands ---- */

bool server_waits(void)
{
	for (size_t i = 0; i < server.n_entries; i++)
		if (server.entries[i].is_open)
			return true;
	return false;
}

bool server_has_result(const char *correlation)
{
	for (size_t i = 0; i < server.n_entries; i++)
		if (strcmp(server.entries[i].command.correlation, correlation) == 0)
			return server.entries[i].is_acknowledged;
	return true; /* none of ours: bytes of the target */
}

/* Half of them as owners send them, half with parameters of the input. */
static void fill_command(struct command *c, uint8_t kind)
{
	static const struct {
		const char *verb, *parameters;
	} usual[] = {
		{"%KEYGEN", "16842753,2,0"},
		{"%KEYGEN", "17,2,1,\"CN=a\",\"101010000\""},
		{"%CMNG", "0,16842753,0,\"-----BEGIN CERTIFICATE-----\nYQ==\n-----END "
			  "CERTIFICATE-----\""},
		{"%CMNG", "1"},
		{"%CMNG", "3,16842753,2"},
		{"%ATTESTTOKEN", ""},
		{"%CMNG", "0,17,1,\"x\""},
		{"%KEYINJECT", "1"},
	};
	size_t i = kind % ARRAY_SIZE(usual), len;
	const uint8_t *text;

	c->type = kind < 0x40 ? COMMAND_FINISHED : kind < 0x60 ? COMMAND_CONFIG : COMMAND_AT;
	if (c->type == COMMAND_CONFIG) {
		c->pairs[0].key = strdup(kind & 1 ? "provisioning/interval-sec" : "other");
		c->pairs[0].value = strdup(kind & 2 ? "3600" : "x");
		c->n_pairs = 1;
	}
	if (c->type != COMMAND_AT)
		return;
	c->verb = strdup(usual[i].verb);
	if (kind < 0xa0) {
		c->parameters = strdup(usual[i].parameters);
		return;
	}
	len = next();
	text = next_bytes(&len);
	c->parameters = strndup(len > 0 ? (const char *)text : "", len);
}

static void make_commands(void)
{
	size_t n = next() % 4;

	for (size_t i = 0; i < n && server.n_entries < OPEN_MAX; i++) {
		struct entry *e = &server.entries[server.n_entries];
		uint8_t one[BODY_MAX];
		size_t len;

		*e = (struct entry){.is_open = true};
		snprintf(e->command.correlation, sizeof(e->command.correlation), "c%u",
			 server.n_made++);
		fill_command(&e->command, next());
		/* Only what can be written is a command. */
		if (command_list_encode(&e->command, 1, one, sizeof(one), &len) == 0)
			server.n_entries++;
		else
			command_done(&e->command);
	}
}

/* What is open, and sometimes what was done long ago. */
static void make_body(void)
{
	struct command list[OPEN_MAX];
	size_t n = 0;
	uint8_t again;

	if (!server_waits())
		make_commands();
	again = next();
	if (again > 0xc0 && server.n_entries > 0)
		server.entries[again % server.n_entries].is_open = true;
	for (size_t i = 0; i < server.n_entries && n < 4; i++) {
		if (!server.entries[i].is_open)
			continue;
		server.entries[i].is_acknowledged = false;
		list[n++] = server.entries[i].command;
	}
	server.body_len = 0;
	if (n > 0)
		FUZZ_ASSERT(command_list_encode(list, n, server.body, sizeof(server.body),
						&server.body_len) == 0);
}

/* It has the results of the report, and says so. */
static void acknowledge(void)
{
	_cleanup_(response_list_done) struct response_list list = RESPONSE_LIST_INIT;

	if (response_list_decode(server.up, server.up_len, &list) != 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		for (size_t k = 0; k < server.n_entries; k++)
			if (strcmp(server.entries[k].command.correlation,
				   list.items[i].correlation) == 0) {
				server.entries[k].is_open = false;
				server.entries[k].is_acknowledged = true;
			}
}

/* ---- requests ---- */

struct question {
	struct message m;
	char path[64];
	size_t up_at, down_at;
	bool up_more, has_up;
	uint32_t up_block, down_szx;
};

static void read_question(struct question *q)
{
	const struct message_option *o;
	size_t len = 0;
	uint32_t v;

	for (size_t i = 0; i < q->m.n_options; i++)
		if (q->m.options[i].number == MESSAGE_OPTION_URI_PATH)
			len += (size_t)snprintf(q->path + len, sizeof(q->path) - len, "%s%.*s",
						len > 0 ? "/" : "", (int)q->m.options[i].len,
						(const char *)q->m.options[i].value);
	o = message_find(&q->m, MESSAGE_OPTION_BLOCK1);
	if (o && message_uint(o, &v) == 0) {
		q->has_up = true;
		q->up_block = v;
		q->up_more = v & 8;
		q->up_at = (size_t)(v >> 4) << ((v & 7) + 4);
	}
	q->down_szx = 6;
	o = message_find(&q->m, MESSAGE_OPTION_BLOCK2);
	if (o && message_uint(o, &v) == 0) {
		q->down_szx = v & 7;
		q->down_at = (size_t)(v >> 4) << ((v & 7) + 4);
	}
}

static void take_report(const struct question *q)
{
	FUZZ_ASSERT(q->up_at + q->m.payload_len <= sizeof(server.up));
	if (q->m.payload_len > 0)
		memcpy(server.up + q->up_at, q->m.payload, q->m.payload_len);
	server.up_len = q->up_at + q->m.payload_len;
}

/* What an honest service answers. */
static uint8_t honest_code(const struct question *q)
{
	if (q->up_more)
		return CODE(2, 31);
	if (strcmp(q->path, "p/auth-jwt") == 0 || strcmp(q->path, "auth/jwt") == 0)
		return CODE(2, 1);
	return q->m.code == MESSAGE_CODE_GET ? CODE(2, 5) : CODE(2, 4);
}

/* payload NULL: the honest one. */
static void answer(struct dtls *d, const struct question *q, enum message_type type, uint16_t mid,
		   uint8_t code, const uint8_t *payload, size_t len)
{
	struct message m;

	message_init(&m, type, code, mid, q->m.token, q->m.token_len);
	m.payload = payload;
	m.payload_len = len;
	if (code >> 5 == 2 && code != CODE(2, 31) && strstr(q->path, "auth"))
		message_add_uint(&m, MESSAGE_OPTION_MAX_AGE, 2592000);
	else if (code >> 5 == 4)
		message_add_uint(&m, MESSAGE_OPTION_MAX_AGE, next());
	if (code == CODE(2, 5) && !payload && strcmp(q->path, "p/cmd") == 0) {
		const size_t size = (size_t)16 << q->down_szx, at = q->down_at;
		const bool more = server.body_len > at + size;

		m.payload_len = server.body_len > at ? MIN(size, server.body_len - at) : 0;
		m.payload = m.payload_len > 0 ? server.body + at : NULL;
		if (server.body_len > size)
			message_add_uint(&m, MESSAGE_OPTION_BLOCK2,
					 (uint32_t)(at >> (q->down_szx + 4)) << 4 |
						 (more ? 8U : 0) | q->down_szx);
	}
	if (q->has_up)
		message_add_uint(&m, MESSAGE_OPTION_BLOCK1, q->up_block);
	if (message_encode(&m, server.answer, sizeof(server.answer), &server.answer_len) != 0)
		return;
	server.answered_line = line_number(d);
	server.answered_mid = q->m.mid;
	line_say(d, server.answer, server.answer_len);
	/* Whoever answers a report with success has it. */
	if (code >> 5 == 2 && !q->up_more && strcmp(q->path, "p/rsp") == 0)
		acknowledge();
}

static void say_empty(struct dtls *d, enum message_type type, uint16_t mid)
{
	const uint8_t bytes[4] = {(uint8_t)(0x40 | type << 4), 0, (uint8_t)(mid >> 8),
				  (uint8_t)mid};

	line_say(d, bytes, sizeof(bytes));
}

static void say_raw(struct dtls *d)
{
	size_t len = next();
	const uint8_t *data = next_bytes(&len);

	/* It may look like anything, also like the answer to a report. */
	acknowledge();
	if (len > 0)
		line_say(d, data, len);
}

static void answer_lying(struct dtls *d, const struct question *q, uint8_t how)
{
	static const uint8_t codes[] = {CODE(2, 1), CODE(2, 4),  CODE(2, 5),  CODE(2, 31),
					CODE(4, 0), CODE(4, 1),  CODE(4, 3),  CODE(4, 4),
					CODE(4, 8), CODE(4, 13), CODE(4, 29), CODE(5, 0),
					CODE(5, 3), CODE(2, 17), CODE(6, 1),  CODE(4, 5)};
	const uint8_t code = honest_code(q);
	struct question other = *q;
	size_t len;
	const uint8_t *data;

	switch (how % 12) {
	case 0: /* lost */
		return;
	case 1:
		answer(d, q, MESSAGE_ACK, q->m.mid, codes[how / 12 % ARRAY_SIZE(codes)], NULL, 0);
		return;
	case 2: /* separate */
		say_empty(d, MESSAGE_ACK, q->m.mid);
		answer(d, q, how & 1 ? MESSAGE_CON : MESSAGE_NON, ++server.mid, code, NULL, 0);
		return;
	case 3: /* twice */
		answer(d, q, MESSAGE_ACK, q->m.mid, code, NULL, 0);
		line_say(d, server.answer, server.answer_len);
		return;
	case 4: /* to somebody else */
		other.m.token[0] ^= 1;
		other.path[0] = 'x';
		answer(d, &other, MESSAGE_ACK, q->m.mid, code, NULL, 0);
		return;
	case 5:
		say_empty(d, MESSAGE_RST, q->m.mid);
		return;
	case 6:
		len = (size_t)next() << 2;
		data = next_bytes(&len);
		answer(d, q, MESSAGE_ACK, q->m.mid, code, data, len);
		return;
	case 7:
		say_raw(d);
		return;
	case 8:
		line_end(d, DTLS_E_CLOSED);
		return;
	case 9:
		line_end(d, DTLS_E_BROKEN);
		return;
	case 10:
		line_refuse(d);
		return;
	case 11: /* taken, and the answer is lost for now */
		answer(d, &other, MESSAGE_ACK, (uint16_t)(q->m.mid + 1), code, NULL, 0);
		return;
	}
}

void server_take(struct dtls *d, const uint8_t *data, size_t len)
{
	struct question q = {.path = ""};
	uint8_t how;

	server.n_heard++;
	server.line = d;
	FUZZ_ASSERT(message_decode(data, len, &q.m) == 0);
	if (q.m.type != MESSAGE_CON)
		return;
	/* RFC 7252 §4.5: the same message again has the same answer. */
	if (server.answer_len > 0 && server.answered_line == line_number(d) &&
	    server.answered_mid == q.m.mid) {
		line_say(d, server.answer, server.answer_len);
		return;
	}
	read_question(&q);
	if (strcmp(q.path, "p/rsp") == 0)
		take_report(&q);
	if (strcmp(q.path, "p/cmd") == 0 && q.down_at == 0)
		make_body();
	how = next();
	if (how < 0x60)
		answer(d, &q, MESSAGE_ACK, q.m.mid, honest_code(&q), NULL, 0);
	else
		answer_lying(d, &q, how);
}

void server_disturb(void)
{
	if (server.line)
		say_raw(server.line);
}
