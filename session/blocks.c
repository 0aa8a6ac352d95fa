/* SPDX-License-Identifier: Apache-2.0 */
#include "session/blocks.h"

#include <errno.h>
#include <string.h>

#define SZX_MAX 6       /* RFC 7959 §2.2: 7 is reserved */
#define NUM_MAX 0xfffff /* 20 bits */
#define CLASS(code) ((code) >> 5)

struct block {
	uint32_t num;
	bool more;
	unsigned int szx;
};

static size_t block_len(unsigned int szx)
{
	return (size_t)16 << szx;
}

/* How many whole blocks fit before offset: a block is 2^(SZX + 4) bytes (RFC 7959 §2.2). */
static size_t block_number(size_t offset, unsigned int szx)
{
	return offset >> (szx + 4);
}

static int parse_block(const struct message_option *option, struct block *ret)
{
	uint32_t v;

	/* RFC 7959 §2.1: 0 to 3 bytes */
	if (option->len > 3 || message_uint(option, &v) != 0 || (v & 7) > SZX_MAX)
		return SESSION_E_PROTOCOL;
	*ret = (struct block){.num = v >> 4, .more = v & 8, .szx = v & 7};
	return 0;
}

static uint32_t block_value(size_t offset, bool more, unsigned int szx)
{
	return (uint32_t)block_number(offset, szx) << 4 | (more ? 8U : 0) | szx;
}

static int copy_text(const char *text, char **ret)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static int szx_of(size_t size, unsigned int *ret)
{
	for (unsigned int szx = 0; szx <= SZX_MAX; szx++) {
		if (block_len(szx) == size) {
			*ret = szx;
			return 0;
		}
	}
	return -EINVAL;
}

static int try_encoding(struct blocks *b)
{
	const uint8_t token[MESSAGE_TOKEN_MAX] = {0};
	uint8_t buf[BLOCKS_SEND_MAX];
	size_t len;

	return blocks_encode(b, 0, token, sizeof(token), NULL, 0, buf, &len);
}

int blocks_init(struct blocks *b, const struct request *request, size_t block_size,
		blocks_random_fn random)
{
	int r;

	*b = (struct blocks){
		.code = request->code,
		.content_format = request->content_format,
		.accept = request->accept,
		.max_reply = request->max_reply > 0 ? request->max_reply : BLOCKS_REPLY_DEFAULT,
		.message_max = BLOCKS_SEND_MAX,
		.random = random,
		.reply.content_format = -1,
	};
	if (CLASS(request->code) != 0 || request->code == MESSAGE_CODE_EMPTY || !request->path ||
	    (request->payload_len > 0 && !request->payload) || request->content_format > 65535 ||
	    request->accept > 65535)
		return -EINVAL;
	r = szx_of(block_size, &b->wished_szx);
	if (r == 0)
		r = copy_text(request->path, &b->path);
	if (r == 0)
		r = copy_text(request->query, &b->query);
	if (r == 0)
		r = secret_set(&b->payload, request->payload, request->payload_len);
	if (r == 0) {
		b->up_szx = b->wished_szx;
		b->up = request->payload_len > block_size;
		b->random(b->tag, sizeof(b->tag));
		if (block_number(request->payload_len, b->up_szx) > NUM_MAX)
			r = -EMSGSIZE;
	}
	if (r == 0)
		r = try_encoding(b);
	if (r < 0)
		blocks_done(b);
	return r;
}

void blocks_done(struct blocks *b)
{
	free(b->path);
	free(b->query);
	b->path = b->query = NULL;
	secret_done(&b->payload);
	secret_done(&b->body);
}

/* The part of the payload that goes with the present message. */
static size_t up_len(const struct blocks *b)
{
	size_t left = b->payload.len - b->up_offset;

	if (b->up_done)
		return 0;
	return b->up ? MIN(left, block_len(b->up_szx)) : left;
}

static bool up_more(const struct blocks *b)
{
	return b->up_offset + up_len(b) < b->payload.len;
}

static int encode(const struct blocks *b, uint16_t mid, const uint8_t *token, size_t token_len,
		  const uint8_t *echo, size_t echo_len, uint8_t *buf, size_t *ret_len)
{
	const bool up = b->up && !b->up_done;
	const size_t len = up_len(b);
	struct message m;

	message_init(&m, MESSAGE_CON, b->code, mid, token, token_len);
	message_add_parts(&m, MESSAGE_OPTION_URI_PATH, b->path, '/');
	if (len > 0 && b->content_format >= 0)
		message_add_uint(&m, MESSAGE_OPTION_CONTENT_FORMAT, (uint32_t)b->content_format);
	message_add_parts(&m, MESSAGE_OPTION_URI_QUERY, b->query, '&');
	if (b->accept >= 0)
		message_add_uint(&m, MESSAGE_OPTION_ACCEPT, (uint32_t)b->accept);
	if (b->down)
		message_add_uint(&m, MESSAGE_OPTION_BLOCK2,
				 block_value(b->reply.payload_len, false, b->down_szx));
	else if (b->code == MESSAGE_CODE_GET)
		message_add_uint(&m, MESSAGE_OPTION_BLOCK2, block_value(0, false, b->wished_szx));
	if (up) {
		message_add_uint(&m, MESSAGE_OPTION_BLOCK1,
				 block_value(b->up_offset, up_more(b), b->up_szx));
		/* libcoap 4.3.1 assembles a body only when it was told its size. */
		message_add_uint(&m, MESSAGE_OPTION_SIZE1, (uint32_t)b->payload.len);
	}
	if (echo_len > 0)
		message_add(&m, MESSAGE_OPTION_ECHO, echo, echo_len);
	/* Also while the answer comes in blocks: libcoap 4.3.4 knows it by the tag of its request
	 * (RFC 9175 §3: the option belongs to the cache key). */
	if (b->up)
		message_add(&m, MESSAGE_OPTION_REQUEST_TAG, b->tag, sizeof(b->tag));
	if (len > 0) {
		m.payload = b->payload.data + b->up_offset;
		m.payload_len = len;
	}
	return message_encode(&m, buf, b->message_max, ret_len);
}

int blocks_encode(struct blocks *b, uint16_t mid, const uint8_t *token, size_t token_len,
		  const uint8_t *echo, size_t echo_len, uint8_t *buf, size_t *ret_len)
{
	for (;;) {
		int r = encode(b, mid, token, token_len, echo, echo_len, buf, ret_len);

		if (r != -EMSGSIZE)
			return r;
		if (up_len(b) == 0 || b->up_szx == 0) {
			if (b->message_max == BLOCKS_SEND_MAX)
				return -EMSGSIZE;
			/* In no piece that small: IP has to cut it. */
			b->message_max = BLOCKS_SEND_MAX;
			continue;
		}
		/* A long path or query leaves less room: a smaller block divides every offset. */
		if (b->up || b->payload.len <= block_len(b->up_szx))
			b->up_szx--;
		b->up = b->payload.len > block_len(b->up_szx);
	}
}

bool blocks_critical_ok(const struct message *response)
{
	bool block1 = false, block2 = false;

	for (size_t i = 0; i < response->n_options; i++) {
		const uint16_t number = response->options[i].number;
		bool *seen = number == MESSAGE_OPTION_BLOCK1   ? &block1
			     : number == MESSAGE_OPTION_BLOCK2 ? &block2
							       : NULL;

		if (!(number & 1))
			continue;
		/* RFC 7252 §5.4.5: a repeated option counts as one that nobody knows. */
		if (!seen || *seen)
			return false;
		*seen = true;
	}
	return true;
}

static void restart_up(struct blocks *b, unsigned int szx)
{
	b->up = true;
	b->up_szx = szx;
	b->up_offset = 0;
	/* Another body, so another tag: RFC 9175 §3.4 */
	b->random(b->tag, sizeof(b->tag));
}

static unsigned int szx_below(size_t message_max)
{
	unsigned int szx = SZX_MAX;

	while (szx > 0 && block_len(szx) + BLOCKS_HEAD > message_max)
		szx--;
	return szx;
}

/* Of a body, part of which is on its way up. */
static size_t up_size(const struct blocks *b)
{
	return b->up ? block_len(b->up_szx) : b->payload.len;
}

bool blocks_may_shrink(const struct blocks *b, size_t message_max)
{
	if (!b->up_done && b->payload.len > 0)
		return up_size(b) + BLOCKS_HEAD > message_max;
	return (b->down || b->code == MESSAGE_CODE_GET) &&
	       block_len(b->down ? b->down_szx : b->wished_szx) + BLOCKS_HEAD > message_max;
}

void blocks_fit(struct blocks *b, size_t message_max)
{
	const unsigned int szx = szx_below(message_max);

	b->message_max = MIN(message_max, b->message_max);
	b->wished_szx = MIN(b->wished_szx, szx);
	b->down_szx = MIN(b->down_szx, szx);
	if (!b->up_done && up_size(b) + BLOCKS_HEAD > message_max)
		restart_up(b, szx);
}

/* Block1 of a response must echo the block that it answers; the server may have lowered SZX. */
static bool echoes_block(const struct blocks *b, const struct block *block)
{
	return block->num == block_number(b->up_offset, b->up_szx) ||
	       block->num * block_len(block->szx) == b->up_offset;
}

/* BLOCKS_SEND when the upload goes on, BLOCKS_COMPLETE when the response is the reply to it. */
static int accept_up(struct blocks *b, const struct message *m, enum blocks_next *ret_next)
{
	const struct message_option *option = message_find(m, MESSAGE_OPTION_BLOCK1);
	struct block block = {.szx = b->up_szx};

	*ret_next = BLOCKS_SEND;
	if (option && parse_block(option, &block) != 0)
		return SESSION_E_PROTOCOL;
	if (m->code == MESSAGE_CODE_INCOMPLETE && b->up && !b->up_restarted) {
		b->up_restarted = true;
		restart_up(b, b->up_szx);
		return 0;
	}
	/* RFC 7959 §2.9.3: 4.13 with a smaller SZX asks for smaller blocks. */
	if (m->code == MESSAGE_CODE_TOO_LARGE && option &&
	    block_len(block.szx) < (b->up ? block_len(b->up_szx) : b->payload.len)) {
		restart_up(b, block.szx);
		return 0;
	}
	if (CLASS(m->code) == 2 && b->up) {
		if (option && !echoes_block(b, &block))
			return SESSION_E_PROTOCOL;
		if (up_more(b)) {
			/* Without Block1 and with a final code the server took a part for all. */
			if (!option && m->code != MESSAGE_CODE_CONTINUE)
				return SESSION_E_PROTOCOL;
			b->up_offset += up_len(b);
			b->up_szx = MIN(b->up_szx, block.szx);
			return 0;
		}
	}
	if (m->code == MESSAGE_CODE_CONTINUE)
		return SESSION_E_PROTOCOL;
	b->up_done = true;
	*ret_next = BLOCKS_COMPLETE;
	return 0;
}

static void set_head(struct blocks *b, const struct message *m)
{
	const struct message_option *option;
	uint32_t v;

	b->reply = (struct reply){.code = m->code, .content_format = -1};
	option = message_find(m, MESSAGE_OPTION_CONTENT_FORMAT);
	if (option && option->len <= 2 && message_uint(option, &v) == 0)
		b->reply.content_format = (int)v;
	option = message_find(m, MESSAGE_OPTION_MAX_AGE);
	if (option && message_uint(option, &v) == 0) {
		b->reply.has_max_age = true;
		b->reply.max_age_s = v;
	}
	option = message_find(m, MESSAGE_OPTION_ETAG);
	b->etag_len = 0;
	if (option && option->len <= sizeof(b->etag)) {
		b->etag_len = option->len;
		memcpy(b->etag, option->value, option->len);
	}
}

static int append(struct blocks *b, const uint8_t *data, size_t len)
{
	if (len > b->max_reply - b->reply.payload_len)
		return SESSION_E_TOO_LARGE;
	if (len > b->body.len - b->reply.payload_len) {
		size_t room = MIN(MAX(2 * b->body.len, b->reply.payload_len + len), b->max_reply);
		struct secret larger = SECRET_INIT;

		/* Not realloc(): a body may carry a key, and the old copy must be wiped. */
		if (secret_alloc(&larger, room) < 0)
			return -ENOMEM;
		if (b->reply.payload_len > 0)
			memcpy(larger.data, b->body.data, b->reply.payload_len);
		secret_done(&b->body);
		b->body = larger;
	}
	if (len > 0)
		memcpy(b->body.data + b->reply.payload_len, data, len);
	b->reply.payload_len += len;
	return 0;
}

static int finish(struct blocks *b, enum blocks_next *ret_next)
{
	b->reply.payload = b->body.data;
	*ret_next = BLOCKS_COMPLETE;
	return 0;
}

static bool same_etag(const struct blocks *b, const struct message *m)
{
	const struct message_option *option = message_find(m, MESSAGE_OPTION_ETAG);
	const size_t len = option ? option->len : 0;

	return len == b->etag_len && (len == 0 || memcmp(option->value, b->etag, len) == 0);
}

static int accept_block2(struct blocks *b, const struct message *m, const struct block *block,
			 enum blocks_next *ret_next)
{
	const struct message_option *size2 = message_find(m, MESSAGE_OPTION_SIZE2);
	const bool first = !b->down || b->reply.payload_len == 0;
	uint32_t total;
	int r;

	if (first) {
		set_head(b, m);
	} else if (!same_etag(b, m)) {
		/* RFC 7959 §2.4: blocks of two representations may not be mixed. */
		if (b->down_restarted)
			return SESSION_E_PROTOCOL;
		b->down_restarted = true;
		b->reply.payload_len = 0;
		*ret_next = BLOCKS_SEND;
		return 0;
	}
	if (m->code != b->reply.code || block->num * block_len(block->szx) != b->reply.payload_len)
		return SESSION_E_PROTOCOL;
	if (block->more ? m->payload_len != block_len(block->szx)
			: m->payload_len > block_len(block->szx))
		return SESSION_E_PROTOCOL;
	if (size2 && message_uint(size2, &total) == 0 && total > b->max_reply)
		return SESSION_E_TOO_LARGE;
	r = append(b, m->payload, m->payload_len);
	if (r != 0)
		return r;
	if (!block->more)
		return finish(b, ret_next);
	b->down = true;
	b->down_szx = MIN(block->szx, b->wished_szx);
	if (block_number(b->reply.payload_len, b->down_szx) > NUM_MAX)
		return SESSION_E_TOO_LARGE;
	*ret_next = BLOCKS_SEND;
	return 0;
}

int blocks_accept(struct blocks *b, const struct message *response, enum blocks_next *ret_next)
{
	const struct message_option *option;
	struct block block;
	int r;

	if (!b->up_done) {
		r = accept_up(b, response, ret_next);
		if (r != 0 || *ret_next == BLOCKS_SEND)
			return r;
	} else if (response->code == MESSAGE_CODE_CONTINUE) {
		return SESSION_E_PROTOCOL;
	}
	option = message_find(response, MESSAGE_OPTION_BLOCK2);
	if (CLASS(response->code) == 2 && option) {
		if (parse_block(option, &block) != 0)
			return SESSION_E_PROTOCOL;
		return accept_block2(b, response, &block, ret_next);
	}
	if (CLASS(response->code) == 2 && b->down)
		return SESSION_E_PROTOCOL; /* a whole body where a further block was asked for */
	set_head(b, response);
	r = append(b, response->payload, response->payload_len);
	if (r != 0)
		return r;
	return finish(b, ret_next);
}
