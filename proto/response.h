/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The body of p/rsp: CBOR responses, device to service (docs/protocol.md §4.2).
 *
 *   body     = array of 1..N response
 *   response = [correlation: tstr, code: uint, items of the code ...]      (flattened)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/limits.h"

enum response_code {
	RESPONSE_ERROR = 99,     /* cme_error: uint, message: tstr */
	RESPONSE_AT = 100,       /* message: tstr */
	RESPONSE_CONFIG = 101,   /* no items */
	RESPONSE_FINISHED = 102, /* no items */
};

struct response {
	char correlation[CORRELATION_MAX + 1];
	enum response_code code;
	uint64_t cme_error; /* RESPONSE_ERROR; stock devices may send a negative number cast to
			       unsigned */
	char *message;      /* owned; RESPONSE_ERROR and RESPONSE_AT, never NULL there; at most
			       AT_ANSWER_MAX */
};

struct response_list {
	struct response *items; /* owned */
	size_t n;
};

#define RESPONSE_LIST_INIT                                                                         \
	(struct response_list)                                                                     \
	{                                                                                          \
		NULL, 0                                                                            \
	}

enum {
	RESPONSE_E_SYNTAX = 1,
	RESPONSE_E_EMPTY = 2,
	RESPONSE_E_TOO_MANY = 3,
};

/* Strict: any malformed response refuses the body. -ENOMEM or RESPONSE_E_*. */
int response_list_decode(const uint8_t *body, size_t len, struct response_list *ret) _must_check_;

/* Bytes this response takes inside the array, exactly. */
size_t response_size(const struct response *r);

/* Encodes the longest prefix of items that fits in size (array header included): a report larger
 * than the service takes is split by calling again from items + *ret_n. -ENOBUFS when not even one
 * fits, -EINVAL when a field breaks its limit, -ENOMEM. n >= 1. */
int response_list_encode(const struct response *items, size_t n, uint8_t *ret, size_t size,
			 size_t *ret_len, size_t *ret_n) _must_check_;

/* True when an AT answer (code 100) says success: stock devices report a bare ERROR as code 100. An
 * empty text is success, and so is one that contains OK on a line of its own or no final ERROR. */
bool response_at_ok(const char *message);

void response_done(struct response *r);
void response_list_done(struct response_list *l);
