/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Block-wise transfer (RFC 7959) as a server needs it: request bodies put together from Block1,
 * response bodies cut for Block2. Pure. libcoap 4.3.1 does this only for clients that announce
 * Size1, which stock devices do not. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define BLOCK_SZX_MAX 6 /* 1024 bytes; 7 is reserved outside TCP (RFC 7959 §2.2) */
#define BLOCK_NUM_MAX 0xfffffU
#define BLOCK_OPTION_MAX 3 /* bytes of a block option's value */
#define REQUEST_TAG_MAX 8  /* bytes (RFC 9175 §3.2) */

struct block {
	uint32_t num;
	bool more;
	uint8_t szx;
};

/* Bytes of a full block. */
static inline size_t block_size(const struct block *b)
{
	return (size_t)16 << b->szx;
}

/* -EINVAL: longer than three bytes, or the reserved size 7. */
int block_decode(const uint8_t *value, size_t len, struct block *ret) _must_check_;
/* The length of the shortest form; ret has room for BLOCK_OPTION_MAX. */
size_t block_encode(const struct block *b, uint8_t ret[static BLOCK_OPTION_MAX]);

/* ---- Block1 ---- */

/* What tells one request body from another within a session. */
struct assembly_key {
	const void *resource; /* identity only */
	uint8_t tag[REQUEST_TAG_MAX];
	uint8_t tag_len;
	bool has_tag; /* an empty Request-Tag differs from none */
};

/* The body of one request, as far as its blocks came in order. One per session: a first block with
 * another key takes the place of what was there. */
struct assembly {
	struct assembly_key key;
	uint8_t *data; /* owned */
	size_t len, size;
	bool active;
};

enum assembly_verdict {
	ASSEMBLY_COMPLETE,   /* data and len are the whole body */
	ASSEMBLY_CONTINUE,   /* 2.31 */
	ASSEMBLY_INVALID,    /* 4.00: a block whose length is not what its option says */
	ASSEMBLY_INCOMPLETE, /* 4.08: an earlier block is missing */
	ASSEMBLY_TOO_LARGE,  /* 4.13: the body would exceed max */
	ASSEMBLY_NO_MEMORY,  /* 5.00 */
};

void assembly_done(struct assembly *a);

/* Takes one block. A block seen before changes nothing, so every retransmission is answered like
 * the first copy, the last block included: the body stays until the next transfer. A block that
 * differs from what was there before at its place belongs to a new transfer with the same key and
 * replaces the rest. announced is Size1, 0 when absent. */
enum assembly_verdict assembly_add(struct assembly *a, const struct assembly_key *key,
				   const struct block *b, size_t announced, const uint8_t *data,
				   size_t len, size_t max);

/* ---- Block2 ---- */

struct slice {
	struct block block;
	bool is_whole; /* the body fits in this one message: no option needed */
	size_t offset, len;
};

/* The part of a body of body_len bytes that answers wanted (NULL: no Block2 in the request). Never
 * an empty block but for an empty body. -ERANGE: wanted lies behind the end. */
int slice_body(size_t body_len, const struct block *wanted, struct slice *ret) _must_check_;
