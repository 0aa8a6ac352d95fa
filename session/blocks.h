/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One request and its whole reply over as many messages as it takes (RFC 7959): what the next
 * message says, and what a response to it means. Pure: no time, no message ids, no tokens, no
 * retransmission. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/secret.h"
#include "session/message.h"
#include "session/session.h"

#define BLOCKS_ECHO_MAX 40 /* RFC 9175 §2.2.1 */
#define BLOCKS_TAG_LEN 8
#define BLOCKS_ETAG_MAX 8
#define BLOCKS_REPLY_DEFAULT 65536

/* With DTLS around it (13 + 8 + 16 bytes) a message fills libcoap's datagram of 1152 bytes; it
 * answers a larger one with Reset. */
#define BLOCKS_SEND_MAX (MESSAGE_MAX - 37)
/* What a message has besides a block, as a rule: 4 bytes, token, path or ETag, Block, Size. */
#define BLOCKS_HEAD 64

typedef void (*blocks_random_fn)(void *buf, size_t len);

struct blocks {
	/* the request */
	uint8_t code;
	char *path, *query; /* owned */
	int content_format, accept;
	struct secret payload;
	size_t max_reply;
	unsigned int wished_szx;
	size_t message_max; /* of those that are sent, and, roughly, of the answers */
	blocks_random_fn random;

	/* the way up */
	bool up;             /* Block1 is in use */
	bool up_done;        /* the whole payload was accepted */
	bool up_restarted;   /* after 4.08 */
	unsigned int up_szx; /* block size 16 << szx */
	size_t up_offset;    /* of the block that is on its way */
	uint8_t tag[BLOCKS_TAG_LEN];

	/* the way down */
	bool down;           /* a further block is asked for: NUM > 0 or a restart */
	bool down_restarted; /* after a changed ETag */
	unsigned int down_szx;
	uint8_t etag[BLOCKS_ETAG_MAX];
	size_t etag_len;

	/* the reply so far */
	struct reply reply;
	struct secret body; /* allocated; reply.payload_len of it in use */
};

enum blocks_next {
	BLOCKS_SEND,     /* blocks_encode() gives the next message */
	BLOCKS_COMPLETE, /* reply is the answer */
};

/* -EINVAL: block_size is no power of two in 16 … 1024, or path or query cannot be sent; -EMSGSIZE:
 * they leave no room for a payload; -ENOMEM. */
int blocks_init(struct blocks *b, const struct request *request, size_t block_size,
		blocks_random_fn random) _must_check_;
void blocks_done(struct blocks *b);

/* Messages are to have at most message_max bytes from now on, where there are blocks that small:
 * chooses smaller ones, never larger ones. A body that is on its way up begins anew. */
void blocks_fit(struct blocks *b, size_t message_max);
/* Whether smaller blocks than now could make a difference to the message that is due or its answer.
 */
bool blocks_may_shrink(const struct blocks *b, size_t message_max);

/* The message to send now; echo_len 0 for none. Makes blocks smaller when the message does not fit.
 * buf holds BLOCKS_SEND_MAX. */
int blocks_encode(struct blocks *b, uint16_t mid, const uint8_t *token, size_t token_len,
		  const uint8_t *echo, size_t echo_len, uint8_t *buf, size_t *ret_len) _must_check_;

/* True when every critical option of a response is one that we know, and there once (RFC 7252
 * §5.4). */
bool blocks_critical_ok(const struct message *response);
/* Takes a response whose critical options are fine. SESSION_E_PROTOCOL, SESSION_E_TOO_LARGE,
 * -ENOMEM. */
int blocks_accept(struct blocks *b, const struct message *response,
		  enum blocks_next *ret_next) _must_check_;
