/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/item.h"

#include <cbor.h>

#include "base/text.h"

static void on_uint8(void *ctx, uint8_t v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_UINT, .value = v};
}

static void on_uint16(void *ctx, uint16_t v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_UINT, .value = v};
}

static void on_uint32(void *ctx, uint32_t v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_UINT, .value = v};
}

static void on_uint64(void *ctx, uint64_t v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_UINT, .value = v};
}

static void on_negint8(void *ctx, uint8_t v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_NEGINT, .value = v};
}

static void on_negint16(void *ctx, uint16_t v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_NEGINT, .value = v};
}

static void on_negint32(void *ctx, uint32_t v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_NEGINT, .value = v};
}

static void on_negint64(void *ctx, uint64_t v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_NEGINT, .value = v};
}

static void on_bytes(void *ctx, cbor_data data, size_t len)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_BYTES, .value = len, .data = data};
}

static void on_text(void *ctx, cbor_data data, size_t len)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_TEXT, .value = len, .data = data};
}

static void on_array(void *ctx, size_t n)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_ARRAY, .value = n};
}

static void on_map(void *ctx, size_t n)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_MAP, .value = n};
}

static void on_tag(void *ctx, uint64_t v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_TAG, .value = v};
}

static void on_float(void *ctx, float v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_FLOAT, .real = (double)v};
}

static void on_double(void *ctx, double v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_FLOAT, .real = v};
}

static void on_bool(void *ctx, bool v)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_BOOL, .value = v};
}

static void on_null(void *ctx)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_NULL};
}

static void on_undefined(void *ctx)
{
	*(struct item *)ctx = (struct item){.kind = ITEM_UNDEFINED};
}

/* Indefinite lengths and breaks: the item stays ITEM_BAD. */
static void on_refused(_unused_ void *ctx)
{
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.negint8 = on_negint8,
	.negint16 = on_negint16,
	.negint32 = on_negint32,
	.negint64 = on_negint64,
	.byte_string_start = on_refused,
	.byte_string = on_bytes,
	.string = on_text,
	.string_start = on_refused,
	.indef_array_start = on_refused,
	.array_start = on_array,
	.indef_map_start = on_refused,
	.map_start = on_map,
	.tag = on_tag,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.undefined = on_undefined,
	.null = on_null,
	.boolean = on_bool,
	.indef_break = on_refused,
};

size_t item_head_size(uint64_t value)
{
	if (value < 24)
		return 1;
	if (value <= UINT8_MAX)
		return 2;
	if (value <= UINT16_MAX)
		return 3;
	return value <= UINT32_MAX ? 5 : 9;
}

/* Every item takes a byte at least: a count above what is left is a lie. */
static bool count_fits(const struct item *i, size_t left)
{
	if (i->kind == ITEM_ARRAY)
		return i->value <= left;
	if (i->kind == ITEM_MAP)
		return i->value <= left / 2;
	return true;
}

/* libcbor calls the tags 6 to 20 in their one-byte form unassigned and refuses them; 18 is
 * COSE_Sign1. */
static bool is_short_tag(uint8_t head)
{
	return head >= 0xc0 && head < 0xd8;
}

struct item item_next(struct reader *r)
{
	struct item item = {.kind = ITEM_BAD};
	struct cbor_decoder_result result;
	size_t head;

	if (reader_left(r) == 0) {
		r->failed = true;
		return item;
	}
	if (is_short_tag(r->data[r->pos])) {
		item = (struct item){.kind = ITEM_TAG, .is_shortest = true};
		item.value = reader_u8(r) & 0x1f;
		return item;
	}
	result = cbor_stream_decode(r->data + r->pos, reader_left(r), &callbacks, &item);
	if (result.status != CBOR_DECODER_FINISHED || item.kind == ITEM_BAD ||
	    !reader_bytes(r, result.read) || !count_fits(&item, reader_left(r))) {
		r->failed = true;
		return (struct item){.kind = ITEM_BAD};
	}
	head = result.read - (item.data ? item.value : 0);
	item.is_shortest = head == item_head_size(item.value);
	return item;
}

struct reader item_skip(struct reader *r)
{
	const size_t start = r->pos;
	struct reader span = {.failed = true};
	uint64_t left = 1;

	while (left > 0) {
		const struct item item = item_next(r);

		if (r->failed)
			return span;
		left--;
		if (item.kind == ITEM_ARRAY)
			left += item.value;
		else if (item.kind == ITEM_MAP)
			left += 2 * item.value;
		else if (item.kind == ITEM_TAG)
			left++;
		if (left > reader_left(r)) {
			r->failed = true;
			return span;
		}
	}
	reader_init(&span, r->data + start, r->pos - start);
	return span;
}

bool item_text_is_clean(const void *text, size_t len)
{
	const uint8_t *at = text;
	uint32_t point;

	for (size_t i = 0; i < len;) {
		size_t n;

		if (at[i] > 0 && at[i] < 0x80) {
			i++;
			continue;
		}
		n = utf8_char(at + i, len - i, &point);
		if (n == 0 || point == 0)
			return false;
		i += n;
	}
	return true;
}

bool item_is(const struct item *i, enum item_kind kind, uint64_t value)
{
	return i->kind == kind && i->value == value && i->is_shortest;
}

bool item_is_text(const struct item *i, size_t min, size_t max)
{
	return i->kind == ITEM_TEXT && i->value >= min && i->value <= max &&
	       item_text_is_clean(i->data, i->value);
}

void item_write_uint(struct writer *w, uint64_t value)
{
	uint8_t b[9];

	writer_bytes(w, b, cbor_encode_uint(value, b, sizeof(b)));
}

void item_write_negint(struct writer *w, uint64_t value)
{
	uint8_t b[9];

	writer_bytes(w, b, cbor_encode_negint(value, b, sizeof(b)));
}

void item_write_bytes(struct writer *w, const void *data, size_t len)
{
	uint8_t b[9];

	writer_bytes(w, b, cbor_encode_bytestring_start(len, b, sizeof(b)));
	writer_bytes(w, data, len);
}

void item_write_text(struct writer *w, const char *text, size_t len)
{
	uint8_t b[9];

	writer_bytes(w, b, cbor_encode_string_start(len, b, sizeof(b)));
	writer_bytes(w, text, len);
}

void item_write_array(struct writer *w, size_t n)
{
	uint8_t b[9];

	writer_bytes(w, b, cbor_encode_array_start(n, b, sizeof(b)));
}

void item_write_map(struct writer *w, size_t n_pairs)
{
	uint8_t b[9];

	writer_bytes(w, b, cbor_encode_map_start(n_pairs, b, sizeof(b)));
}

void item_write_tag(struct writer *w, uint64_t tag)
{
	uint8_t b[9];

	writer_bytes(w, b, cbor_encode_tag(tag, b, sizeof(b)));
}

void item_write_bool(struct writer *w, bool value)
{
	uint8_t b[9];

	writer_bytes(w, b, cbor_encode_bool(value, b, sizeof(b)));
}

void item_write_null(struct writer *w)
{
	uint8_t b[9];

	writer_bytes(w, b, cbor_encode_null(b, sizeof(b)));
}

void item_write_double(struct writer *w, double value)
{
	uint8_t b[9];

	writer_bytes(w, b, cbor_encode_double(value, b, sizeof(b)));
}
