/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One request of a device, judged and answered without a socket or libcoap: which resource, whether
 * this session may, its body from blocks, core's answer, the block that was asked for. Default
 * deny: what the table in device_dispatch.c does not name is 4.04 or 4.05, what the session has not
 * proved is 4.01. Every request may come twice with the same effect: libcoap does not deduplicate.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/assemble.h"
#include "service/core.h"

/* Methods and response codes of RFC 7252 §12.1 and RFC 8132; 2.05 is DEVICE_CODE(2, 5). */
#define DEVICE_CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))
enum device_method {
	DEVICE_GET = 1,
	DEVICE_POST = 2,
	DEVICE_PATCH = 6,
};

#define DEVICE_FORMAT_JSON 50
#define DEVICE_FORMAT_CBOR 60

/* What a DTLS session has proved about one of the two services behind it; the two never stand in
 * for each other. */
enum device_proof {
	DEVICE_PROOF_NONE,
	DEVICE_PROOF_UNCLAIMED, /* genuine, but nobody's: may do no more than with NONE */
	DEVICE_PROOF_GIVEN,
};

struct device_access {
	enum device_proof proof;
	char device[CORE_UUID_TEXT];
	char trace[CORE_TRACE_TEXT];
	uint64_t until_ms; /* on the clock that now_ms comes from */
};

struct device_route;

/* Lives as long as its DTLS session. Starts as all zero. */
struct device_session {
	char address[CORE_ADDRESS_TEXT]; /* of the peer; the front's to set */
	struct device_access provisioning, cloud;
	struct assembly upload;
	/* the body whose blocks are being fetched, and which request it answers */
	uint8_t *body; /* owned */
	size_t body_len;
	bool body_is_kept;
	uint16_t body_format;
	char *body_query; /* owned */
	const struct device_route *body_route;
};

void device_session_done(struct device_session *s);

#define DEVICE_QUERY_MAX 16

struct device_query_item {
	const char *text; /* borrowed, no NUL at the end */
	size_t len;
};

struct device_request {
	uint8_t method;
	const char *path; /* segments joined by "/", no leading one */
	bool is_confirmable;
	struct device_query_item query[DEVICE_QUERY_MAX];
	size_t n_query;
	int format, accept;                  /* -1 when absent */
	const struct block *block1, *block2; /* NULL when absent */
	size_t size1;                        /* 0 when absent */
	uint8_t tag[REQUEST_TAG_MAX];
	uint8_t tag_len;
	bool has_tag;
	const uint8_t *payload;
	size_t len;
};

struct device_answer {
	uint8_t code;
	const uint8_t *payload; /* borrowed from the session until device_answer_sent() */
	size_t len;
	bool has_format, has_max_age, has_block1, has_block2, has_size1, has_etag;
	uint16_t format;
	uint32_t max_age, size1, etag;
	struct block block1, block2;

	const char *resource; /* static: the path in the table, or "none" */
	/* for the log: static text or NULL when all is well, and who it was as far as known */
	const char *reason;
	char device[CORE_UUID_TEXT];
	char trace[CORE_TRACE_TEXT];
};

struct device_dispatch {
	struct core *core;          /* borrowed */
	uint32_t session_max_age_s; /* how long an authentication is good for */
};

/* Always answers. now_ms must not go backwards. */
void device_dispatch(const struct device_dispatch *d, struct device_session *s,
		     const struct device_request *request, uint64_t now_ms,
		     struct device_answer *ret);
/* The answer's payload has been copied: lets go of what no later block needs. */
void device_answer_sent(struct device_session *s);
