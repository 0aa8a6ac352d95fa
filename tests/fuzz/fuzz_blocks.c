/* Targets: blocks_init(), blocks_encode(), blocks_accept(), blocks_critical_ok(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "session/blocks.h"
#include "tests/fuzz/fuzz.h"

#define UP_MAX 4096
#define DOWN_MAX 2048 /* max_reply */
#define BODY_LEN 4096
/* Up in blocks of 16, as often as a server can make it begin again; down the same. */
#define MESSAGES_MAX (9 * UP_MAX / 16 + 3 * DOWN_MAX / 16 + 16)

static uint8_t body[BODY_LEN];

static void count_up(void *buf, size_t len)
{
	static uint8_t next;

	memset(buf, next++, len);
}

struct server {
	struct reader input;
	uint8_t up[UP_MAX]; /* what came so far */
	size_t up_end, up_at, up_szx;
	bool has_block1, up_more, lied;
	size_t down_at, down_size;
};

/* The upload as RFC 7959 has it, in order and whole. */
static void take_request(struct server *s, const uint8_t *data, size_t len, const uint8_t *payload,
			 size_t payload_len)
{
	const struct message_option *option;
	struct message m;
	uint32_t v;

	FUZZ_ASSERT(len <= BLOCKS_SEND_MAX && message_decode(data, len, &m) == 0);
	option = message_find(&m, MESSAGE_OPTION_BLOCK1);
	s->has_block1 = option != NULL;
	s->up_at = 0;
	s->up_more = false;
	if (option) {
		FUZZ_ASSERT(message_uint(option, &v) == 0 && (v & 7) < 7);
		s->up_szx = v & 7;
		s->up_at = (size_t)(v >> 4) << (s->up_szx + 4);
		s->up_more = v & 8;
		FUZZ_ASSERT(m.payload_len == (size_t)16 << s->up_szx || !s->up_more);
	}
	FUZZ_ASSERT(s->up_at + m.payload_len <= payload_len);
	if (m.payload_len > 0) {
		FUZZ_ASSERT(memcmp(m.payload, payload + s->up_at, m.payload_len) == 0);
		s->up_end = s->up_at + m.payload_len;
	}
	option = message_find(&m, MESSAGE_OPTION_BLOCK2);
	s->down_at = 0;
	s->down_size = 1024;
	if (option) {
		FUZZ_ASSERT(message_uint(option, &v) == 0 && (v & 7) < 7);
		s->down_size = (size_t)16 << (v & 7);
		s->down_at = (size_t)(v >> 4) * s->down_size;
	}
}

static uint32_t block(size_t at, bool more, unsigned int szx)
{
	return (uint32_t)(at >> (szx + 4)) << 4 | (more ? 8U : 0) | szx;
}

static unsigned int szx_of(size_t size)
{
	unsigned int szx = 0;

	while ((size_t)16 << szx < size)
		szx++;
	return szx;
}

/* What an honest server says next, and then what the input changes of it: a bit of `how` each. */
static void make_response(struct server *s, size_t body_len, struct message *m)
{
	static const uint8_t codes[] = {0x45, 0x5f, 0x44, 0x88, 0x8d, 0x81, 0xa3, 0x41};
	const uint8_t how = reader_u8(&s->input), token[MESSAGE_TOKEN_MAX] = {0};
	const size_t left = body_len > s->down_at ? body_len - s->down_at : 0;
	unsigned int up_szx = (unsigned int)s->up_szx, szx = szx_of(s->down_size);
	size_t n = left < s->down_size ? left : s->down_size;
	uint8_t code = s->up_more ? 0x5f : 0x45, other = 0;

	if (how & 1) {
		other = reader_u8(&s->input);
		code = codes[other % 8];
		up_szx = other >> 5;
	}
	if (how & ~1U)
		s->lied = true;
	message_init(m, MESSAGE_ACK, code, 0, token, sizeof(token));
	if (!s->up_more && !(how & 2))
		message_add(m, MESSAGE_OPTION_ETAG, (how & 4) ? "other" : "etag", 4);
	if (how & 8)
		message_add_uint(m, MESSAGE_OPTION_CONTENT_FORMAT, how);
	if (how & 16)
		szx = reader_u8(&s->input) & 7;
	if (!s->up_more && (body_len > s->down_size || s->down_at > 0) && !(how & 32))
		message_add_uint(m, MESSAGE_OPTION_BLOCK2,
				 block(s->down_at, s->down_at + n < body_len, szx));
	if ((how & 64) || (s->has_block1 && code != 0x45))
		message_add_uint(
			m, MESSAGE_OPTION_BLOCK1,
			block((how & 64) ? reader_be16(&s->input) : s->up_at, s->up_more, up_szx));
	if (how & 128)
		n = reader_be16(&s->input) % 1100;
	if (s->up_more || s->down_at + n > sizeof(body))
		return;
	m->payload = n > 0 ? body + s->down_at : NULL;
	m->payload_len = n;
}

static void run(struct server *s, struct blocks *b, const uint8_t *payload, size_t payload_len,
		size_t body_len)
{
	uint8_t datagram[BLOCKS_SEND_MAX], answer[MESSAGE_MAX];
	enum blocks_next next = BLOCKS_SEND;
	struct message made, m;
	size_t len;

	for (size_t n = 0; next == BLOCKS_SEND && reader_left(&s->input) > 0; n++) {
		FUZZ_ASSERT(n < MESSAGES_MAX);
		if (blocks_encode(b, (uint16_t)n, (const uint8_t *)"tokenabc", 8, NULL, 0, datagram,
				  &len) != 0)
			return;
		take_request(s, datagram, len, payload, payload_len);
		make_response(s, body_len, &made);
		if (message_encode(&made, answer, sizeof(answer), &len) != 0 ||
		    message_decode(answer, len, &m) != 0 || !blocks_critical_ok(&m))
			return;
		if (blocks_accept(b, &m, &next) != 0)
			return;
		FUZZ_ASSERT(b->reply.payload_len <= DOWN_MAX);
	}
	if (next != BLOCKS_COMPLETE)
		return;
	FUZZ_ASSERT(b->reply.code != MESSAGE_CODE_CONTINUE);
	/* Done well means that all of the request has arrived. */
	if (b->reply.code >> 5 == 2)
		FUZZ_ASSERT(s->up_end == payload_len);
	if (!s->lied && b->reply.code == 0x45) {
		FUZZ_ASSERT(b->reply.payload_len == body_len);
		FUZZ_ASSERT(body_len == 0 || memcmp(b->reply.payload, body, body_len) == 0);
	}
}

/* data: the sizes of the request, of the body and of the blocks, a query, then for each answer how
 * it is to be. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t payload[UP_MAX];
	struct server s = {.up_end = 0};
	char query[512] = "";
	struct request request = {.path = "p/cmd",
				  .query = query,
				  .content_format = 60,
				  .accept = -1,
				  .payload = payload,
				  .max_reply = DOWN_MAX};
	struct blocks b;
	size_t body_len, block_size, n;

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = payload[sizeof(payload) - 1 - i] = (uint8_t)(i * 7 + i / 251);
	reader_init(&s.input, data, len);
	request.payload_len = reader_be16(&s.input) % (UP_MAX + 1);
	request.code = request.payload_len > 0 ? MESSAGE_CODE_POST : MESSAGE_CODE_GET;
	body_len = reader_be16(&s.input) % (DOWN_MAX + 2);
	block_size = (size_t)16 << reader_u8(&s.input) % 8;
	n = reader_be16(&s.input) % sizeof(query);
	memset(query, 'q', n - n % 2);
	for (size_t i = 200; i < n; i += 200)
		query[i] = '&';
	if (s.input.failed || blocks_init(&b, &request, block_size, count_up) != 0)
		return 0;
	run(&s, &b, payload, request.payload_len, body_len);
	blocks_done(&b);
	return 0;
}
