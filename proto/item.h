/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Single CBOR data items (RFC 8949) over base/cursor.h, on libcbor's stateless codec: nothing is
 * allocated, and a claimed length is held against the bytes that are left before anyone sees it.
 * Definite lengths only. Errors stick in the cursor. The codecs of this folder are built on it;
 * nobody else reads CBOR. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

enum item_kind {
	ITEM_BAD, /* not well-formed, indefinite, or cut off: the reader has failed */
	ITEM_UINT,
	ITEM_NEGINT, /* of the number -1 - value */
	ITEM_BYTES,
	ITEM_TEXT,
	ITEM_ARRAY, /* value items follow */
	ITEM_MAP,   /* value pairs follow */
	ITEM_TAG,   /* one item follows */
	ITEM_BOOL,
	ITEM_NULL,
	ITEM_UNDEFINED,
	ITEM_FLOAT,
};

struct item {
	enum item_kind kind;
	bool is_shortest;    /* its number or length is written in the fewest bytes */
	uint64_t value;      /* number, length, count, tag number or truth */
	const uint8_t *data; /* bytes or text: view, value long, not NUL-terminated */
	double real;
};

/* The next item's head, with its content when it is bytes or text. */
struct item item_next(struct reader *r);

/* Passes over one whole item, whatever is nested in it, and returns a reader of exactly its bytes
 * (failed when r is). */
struct reader item_skip(struct reader *r);

/* Valid UTF-8 (RFC 3629) without NUL: text that can be held as a C string. */
bool item_text_is_clean(const void *text, size_t len);

/* Text of min to max bytes, and clean. */
bool item_is_text(const struct item *i, size_t min, size_t max);

/* Of this kind and number, length or count, in its shortest form. */
bool item_is(const struct item *i, enum item_kind kind, uint64_t value);

/* Bytes that the head of an item with this number, length or count takes. */
size_t item_head_size(uint64_t value);

void item_write_uint(struct writer *w, uint64_t value);
/* Writes -1 - value. */
void item_write_negint(struct writer *w, uint64_t value);
void item_write_bytes(struct writer *w, const void *data, size_t len);
void item_write_text(struct writer *w, const char *text, size_t len);
void item_write_array(struct writer *w, size_t n);
void item_write_map(struct writer *w, size_t n_pairs);
void item_write_tag(struct writer *w, uint64_t tag);
void item_write_bool(struct writer *w, bool value);
void item_write_null(struct writer *w);
void item_write_double(struct writer *w, double value);
