/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One CoAP message (RFC 7252 §3) as bytes and as fields. Built on the public codec of libcoap,
 * whose types stay behind this header. Values are views: into the datagram when decoded, into the
 * caller's memory when built. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define MESSAGE_MAX                                                                                \
	1152 /* RFC 7252 §4.6: what fits one datagram when nothing is known of the path */
#define MESSAGE_MAX_OPTIONS 40
#define MESSAGE_TOKEN_MAX 8

enum message_type {
	MESSAGE_CON,
	MESSAGE_NON,
	MESSAGE_ACK,
	MESSAGE_RST,
};

/* Codes of RFC 7252 §12.1 and RFC 7959 §6 by which the exchange decides. */
enum {
	MESSAGE_CODE_EMPTY = 0x00,
	MESSAGE_CODE_GET = 0x01,
	MESSAGE_CODE_POST = 0x02,
	MESSAGE_CODE_CONTINUE = 0x5f,
	MESSAGE_CODE_UNAUTHORIZED = 0x81,
	MESSAGE_CODE_INCOMPLETE = 0x88,
	MESSAGE_CODE_TOO_LARGE = 0x8d,
};

enum {
	MESSAGE_OPTION_ETAG = 4,
	MESSAGE_OPTION_URI_PATH = 11,
	MESSAGE_OPTION_CONTENT_FORMAT = 12,
	MESSAGE_OPTION_MAX_AGE = 14,
	MESSAGE_OPTION_URI_QUERY = 15,
	MESSAGE_OPTION_ACCEPT = 17,
	MESSAGE_OPTION_BLOCK2 = 23,
	MESSAGE_OPTION_BLOCK1 = 27,
	MESSAGE_OPTION_SIZE2 = 28,
	MESSAGE_OPTION_SIZE1 = 60,
	MESSAGE_OPTION_ECHO = 252,
	MESSAGE_OPTION_REQUEST_TAG = 292,
};

struct message_option {
	uint16_t number;
	uint16_t len;
	const uint8_t *value; /* borrowed */
};

struct message {
	enum message_type type;
	uint8_t code;
	uint16_t mid;
	uint8_t token[MESSAGE_TOKEN_MAX];
	size_t token_len;
	struct message_option options[MESSAGE_MAX_OPTIONS];
	size_t n_options;
	const uint8_t *payload; /* borrowed; NULL without payload */
	size_t payload_len;

	/* building */
	uint8_t uints[MESSAGE_MAX_OPTIONS][4]; /* what message_add_uint() encoded */
	bool failed;
};

enum {
	MESSAGE_E_FORMAT = 1, /* not a CoAP message: RFC 7252 §3 "message format error" */
};

void message_init(struct message *m, enum message_type type, uint8_t code, uint16_t mid,
		  const uint8_t *token, size_t token_len);

/* Options are added in ascending order of their numbers. A wrong order, too many options and values
 * that no option can hold stick and fail the encoding. */
void message_add(struct message *m, uint16_t number, const void *value, size_t len);
/* RFC 7252 §3.2 uint: no leading zero bytes, so 0 is the empty value. */
void message_add_uint(struct message *m, uint16_t number, uint32_t value);
/* One option for each part of text between separators; leading separators are skipped; an empty
 * part elsewhere or one of more than 255 bytes fails the encoding. NULL and "" add nothing. */
void message_add_parts(struct message *m, uint16_t number, const char *text, char separator);

/* -EINVAL when the building failed, -EMSGSIZE when size is too small. */
int message_encode(const struct message *m, uint8_t *buf, size_t size,
		   size_t *ret_len) _must_check_;

/* MESSAGE_E_FORMAT, -ENOMEM. The views of ret point into data. */
int message_decode(const uint8_t *data, size_t len, struct message *ret) _must_check_;
/* Type and message id of a datagram that message_decode() refused, for the Reset that answers it.
 * True when the four bytes of the header are there and of version 1. */
bool message_peek(const uint8_t *data, size_t len, enum message_type *ret_type, uint16_t *ret_mid);

/* The first option of that number, or NULL. */
const struct message_option *message_find(const struct message *m, uint16_t number);
/* MESSAGE_E_FORMAT when longer than four bytes. */
int message_uint(const struct message_option *option, uint32_t *ret) _must_check_;
