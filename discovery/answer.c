/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "discovery/links.h"
#include "proto/limits.h"

#define CORE_PATH ".well-known/core"
#define PATH_MAX_LEN 64
#define SHORT_MAX 256
#define SZX_MAX 6 /* blocks of 1024 */
#define BLOCK_NUM_MAX 0xfffff

enum {
	CODE_CONTENT = 0x45,
	CODE_BAD_OPTION = 0x82,
	CODE_NOT_FOUND = 0x84,
	CODE_NOT_ALLOWED = 0x85,
	CODE_NOT_ACCEPTABLE = 0x86,
	CODE_BAD_REQUEST = 0x80,
};

enum {
	OPTION_URI_HOST = 3,
	OPTION_URI_PORT = 7,
	FORMAT_TEXT = 0,
	FORMAT_LINKS = 40,
	FORMAT_JSON = 50,
};

static const struct link links[] = {
	{"/" ANSWER_PATH, "onboardd"},
	{"/" ANSWER_TOKEN_PATH, "onboardd.token"},
};

/* What a request is answered with, before it is a message. */
struct content {
	uint8_t code; /* no body unless CODE_CONTENT */
	uint32_t format;
	const char *body;
	size_t len;
	char text[SHORT_MAX]; /* of those that are made here */
};

/* Values of options that a message refers to until it is encoded. */
struct marks {
	uint8_t etag[ECHO_TAG_LEN], echo[ECHO_LEN];
};

static bool is_known_critical(uint16_t number)
{
	return number == OPTION_URI_HOST || number == OPTION_URI_PORT ||
	       number == MESSAGE_OPTION_URI_PATH || number == MESSAGE_OPTION_URI_QUERY ||
	       number == MESSAGE_OPTION_ACCEPT || number == MESSAGE_OPTION_BLOCK2;
}

/* RFC 7252 §5.4.1: odd numbers are critical. */
static bool critical_ok(const struct message *m)
{
	for (size_t i = 0; i < m->n_options; i++)
		if ((m->options[i].number & 1) && !is_known_critical(m->options[i].number))
			return false;
	return true;
}

/* "a/b"; "" when it is longer than any path here. */
static void read_path(const struct message *m, char ret[static PATH_MAX_LEN])
{
	struct writer w;

	writer_init(&w, ret, PATH_MAX_LEN - 1);
	for (size_t i = 0; i < m->n_options; i++) {
		if (m->options[i].number != MESSAGE_OPTION_URI_PATH)
			continue;
		if (w.len > 0)
			writer_u8(&w, '/');
		writer_bytes(&w, m->options[i].value, m->options[i].len);
		/* It is not part of any path here, and must not end one. */
		if (memchr(m->options[i].value, '\0', m->options[i].len))
			w.failed = true;
	}
	ret[writer_ok(&w) ? w.len : 0] = '\0';
}

static bool is_wanted(const struct message *m, const struct link *link)
{
	for (size_t i = 0; i < m->n_options; i++)
		if (m->options[i].number == MESSAGE_OPTION_URI_QUERY &&
		    !link_matches(link, (const char *)m->options[i].value, m->options[i].len))
			return false;
	return true;
}

static void list_links(const struct answer *a, const struct message *m, bool is_multicast,
		       struct content *ret)
{
	size_t n = a->token && !is_multicast ? ARRAY_SIZE(links) : 1;

	ret->code = CODE_CONTENT;
	ret->format = FORMAT_LINKS;
	ret->body = ret->text;
	for (size_t i = 0; i < n; i++)
		if (is_wanted(m, &links[i]) &&
		    link_append(&links[i], ret->text, sizeof(ret->text), &ret->len) < 0)
			return;
}

/* Its values need no escapes: record.h. */
static void describe(const struct answer *a, struct content *ret)
{
	int n = snprintf(ret->text, sizeof(ret->text),
			 "{\"uuid\":\"%s\",\"state\":\"%s\",\"version\":\"%s\"}", a->record->uuid,
			 a->record->state, a->record->version);

	ret->code = CODE_CONTENT;
	ret->format = FORMAT_JSON;
	ret->body = ret->text;
	ret->len = (size_t)n;
}

static void choose(const struct answer *a, const struct message *m, bool is_multicast,
		   struct content *ret)
{
	const struct message_option *accept = message_find(m, MESSAGE_OPTION_ACCEPT);
	char path[PATH_MAX_LEN];
	uint32_t format;

	*ret = (struct content){.code = CODE_NOT_FOUND};
	read_path(m, path);
	if (m->code != MESSAGE_CODE_GET) {
		ret->code = CODE_NOT_ALLOWED;
		return;
	}
	if (!critical_ok(m)) {
		ret->code = CODE_BAD_OPTION;
		return;
	}
	if (strcmp(path, CORE_PATH) == 0) {
		list_links(a, m, is_multicast, ret);
	} else if (strcmp(path, ANSWER_PATH) == 0) {
		describe(a, ret);
	} else if (strcmp(path, ANSWER_TOKEN_PATH) == 0 && a->token) {
		ret->code = CODE_CONTENT;
		ret->format = FORMAT_TEXT;
		ret->body = a->token;
		ret->len = strlen(a->token);
	} else {
		return;
	}
	if (accept && (message_uint(accept, &format) != 0 || format != ret->format))
		ret->code = CODE_NOT_ACCEPTABLE;
}

/* The Block2 option of a request: false when no block can be what it says. */
static bool read_block(const struct message *m, uint32_t *ret_num, uint32_t *ret_szx)
{
	const struct message_option *option = message_find(m, MESSAGE_OPTION_BLOCK2);
	uint32_t v;

	*ret_num = 0;
	*ret_szx = SZX_MAX;
	if (!option)
		return true;
	if (message_uint(option, &v) != 0 || option->len > 3 || (v & 7) > SZX_MAX)
		return false;
	*ret_num = v >> 4;
	*ret_szx = v & 7;
	return true;
}

/* RFC 7959 §2.4: the part of the body that was asked for; one that fits whole and was not asked for
 * in parts stays whole. False when the body does not reach that far. */
static bool add_block(struct answer *a, const struct answer_asker *asker, uint64_t now_ms,
		      const struct message *request, struct content *c, struct marks *marks,
		      struct message *m)
{
	uint32_t num, szx;
	size_t size, at;
	bool more;

	if (!read_block(request, &num, &szx))
		return false;
	size = (size_t)16 << szx;
	at = num * size;
	if (at > 0 && at >= c->len)
		return false;
	more = c->len - at > size;
	m->payload = (const uint8_t *)c->body + at;
	m->payload_len = more ? size : c->len - at;
	if (!more && at == 0 && !message_find(request, MESSAGE_OPTION_BLOCK2)) {
		message_add_uint(m, MESSAGE_OPTION_CONTENT_FORMAT, c->format);
		return true;
	}
	if (echo_tag(a->key, c->body, c->len, marks->etag) < 0 ||
	    echo_make(a->key, asker->address, asker->len, now_ms, marks->echo) < 0)
		return false;
	message_add(m, MESSAGE_OPTION_ETAG, marks->etag, ECHO_TAG_LEN);
	message_add_uint(m, MESSAGE_OPTION_CONTENT_FORMAT, c->format);
	message_add_uint(m, MESSAGE_OPTION_BLOCK2, num << 4 | (uint32_t)more << 3 | szx);
	/* RFC 9175 §2.3: what the request for the next block may show, without being asked back. */
	if (more)
		message_add(m, MESSAGE_OPTION_ECHO, marks->echo, ECHO_LEN);
	return true;
}

/* An acknowledgement that carries the answer for CON, a NON for NON. */
static void begin(struct answer *a, const struct message *request, uint8_t code,
		  struct message *ret)
{
	bool is_con = request->type == MESSAGE_CON;

	message_init(ret, is_con ? MESSAGE_ACK : MESSAGE_NON, code, is_con ? request->mid : a->mid,
		     request->token, request->token_len);
}

static size_t finish(struct answer *a, const struct message *m, uint8_t *out)
{
	size_t len;

	if (message_encode(m, out, MESSAGE_MAX, &len) < 0)
		return 0;
	if (m->type == MESSAGE_NON)
		a->mid++;
	return len;
}

static size_t encode(struct answer *a, const struct answer_asker *asker, uint64_t now_ms,
		     const struct message *request, struct content *c, uint8_t *out)
{
	struct marks marks;
	struct message m;

	begin(a, request, c->code, &m);
	if (c->code == CODE_CONTENT && !add_block(a, asker, now_ms, request, c, &marks, &m)) {
		if (asker->is_multicast)
			return 0;
		begin(a, request, CODE_BAD_REQUEST, &m);
	}
	return finish(a, &m, out);
}

/* RFC 9175 §2.3: the same request, with this value. */
static size_t ask_back(struct answer *a, const struct answer_asker *asker, uint64_t now_ms,
		       const struct message *request, uint8_t *out)
{
	uint8_t value[ECHO_LEN];
	struct message m;

	if (echo_make(a->key, asker->address, asker->len, now_ms, value) < 0)
		return 0;
	begin(a, request, MESSAGE_CODE_UNAUTHORIZED, &m);
	message_add(&m, MESSAGE_OPTION_ECHO, value, sizeof(value));
	return finish(a, &m, out);
}

static bool has_shown_its_address(const struct answer *a, const struct answer_asker *asker,
				  uint64_t now_ms, const struct message *m)
{
	const struct message_option *echo = message_find(m, MESSAGE_OPTION_ECHO);

	return echo &&
	       echo_is_fresh(a->key, asker->address, asker->len, now_ms, echo->value, echo->len);
}

/* RFC 7252 §4.2: what cannot be processed, and the ping of an Empty CON, is answered by Reset. */
static size_t reset(const uint8_t *in, size_t len, uint8_t *out)
{
	enum message_type type;
	struct message m;
	uint16_t mid;
	size_t n;

	if (!message_peek(in, len, &type, &mid) || type != MESSAGE_CON)
		return 0;
	message_init(&m, MESSAGE_RST, MESSAGE_CODE_EMPTY, mid, NULL, 0);
	return message_encode(&m, out, MESSAGE_MAX, &n) == 0 ? n : 0;
}

static bool is_request(const struct message *m)
{
	return m->code != MESSAGE_CODE_EMPTY && m->code >> 5 == 0 &&
	       (m->type == MESSAGE_CON || m->type == MESSAGE_NON);
}

size_t answer_to(struct answer *a, const struct answer_asker *asker, uint64_t now_ms,
		 const uint8_t *in, size_t len, uint8_t *out)
{
	struct content c;
	struct message m;
	size_t n;
	int r = len > MESSAGE_MAX ? MESSAGE_E_FORMAT : message_decode(in, len, &m);

	if (r < 0)
		return 0;
	if (r > 0 || m.code == MESSAGE_CODE_EMPTY)
		return asker->is_multicast ? 0 : reset(in, len, out);
	if (!is_request(&m))
		return 0;
	choose(a, &m, asker->is_multicast, &c);
	/* RFC 7252 §8.1 and §8.2: NON alone, and nothing but what is of use. */
	if (asker->is_multicast && (m.type != MESSAGE_NON || c.code != CODE_CONTENT ||
				    c.format != FORMAT_LINKS || c.len == 0))
		return 0;
	n = encode(a, asker, now_ms, &m, &c, out);
	if (n <= ANSWER_FACTOR * len || has_shown_its_address(a, asker, now_ms, &m))
		return n;
	return asker->is_multicast ? 0 : ask_back(a, asker, now_ms, &m, out);
}
