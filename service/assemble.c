/* SPDX-License-Identifier: Apache-2.0 */
#include "service/assemble.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int block_decode(const uint8_t *value, size_t len, struct block *ret)
{
	uint32_t v = 0;

	if (len > BLOCK_OPTION_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | value[i];
	if ((v & 7) > BLOCK_SZX_MAX)
		return -EINVAL;
	*ret = (struct block){.num = v >> 4, .more = v >> 3 & 1, .szx = (uint8_t)(v & 7)};
	return 0;
}

size_t block_encode(const struct block *b, uint8_t ret[static BLOCK_OPTION_MAX])
{
	uint32_t v = b->num << 4 | (b->more ? 8U : 0U) | b->szx;
	size_t len = 0;

	for (unsigned int shift = 24; shift > 0;) {
		shift -= 8;
		if (len > 0 || v >> shift != 0)
			ret[len++] = (uint8_t)(v >> shift);
	}
	return len;
}

void assembly_done(struct assembly *a)
{
	free(a->data);
	*a = (struct assembly){0};
}

static bool same_key(const struct assembly_key *a, const struct assembly_key *b)
{
	return a->resource == b->resource && a->has_tag == b->has_tag && a->tag_len == b->tag_len &&
	       memcmp(a->tag, b->tag, a->tag_len) == 0;
}

/* Room for need bytes, never more than max. */
static bool reserve(struct assembly *a, size_t need, size_t max)
{
	uint8_t *data;
	size_t size;

	if (need <= a->size)
		return true;
	size = MIN(MAX(need, a->size * 2), max);
	data = realloc(a->data, size);
	if (!data)
		return false;
	a->data = data;
	a->size = size;
	return true;
}

enum assembly_verdict assembly_add(struct assembly *a, const struct assembly_key *key,
				   const struct block *b, size_t announced, const uint8_t *data,
				   size_t len, size_t max)
{
	size_t offset = (size_t)b->num * block_size(b);

	if (b->more ? len != block_size(b) : len > block_size(b))
		return ASSEMBLY_INVALID;
	/* A body of exactly max bytes still fits; more to come after max does not. */
	if (announced > max || offset > max || len > max - offset ||
	    (b->more && offset + len == max)) {
		assembly_done(a);
		return ASSEMBLY_TOO_LARGE;
	}
	if (!a->active || !same_key(&a->key, key)) {
		if (b->num > 0)
			return ASSEMBLY_INCOMPLETE;
		assembly_done(a);
		a->key = *key;
		a->active = true;
	}
	if (offset > a->len)
		return ASSEMBLY_INCOMPLETE;

	if (len <= a->len - offset && (len == 0 || memcmp(a->data + offset, data, len) == 0)) {
		/* A repeat; or the shorter end of a new body with the same beginning. */
		if (b->more)
			return ASSEMBLY_CONTINUE;
		a->len = offset + len;
		return ASSEMBLY_COMPLETE;
	}
	if (!reserve(a, offset + len, max))
		return ASSEMBLY_NO_MEMORY;
	memcpy(a->data + offset, data, len);
	a->len = offset + len;
	return b->more ? ASSEMBLY_CONTINUE : ASSEMBLY_COMPLETE;
}

int slice_body(size_t body_len, const struct block *wanted, struct slice *ret)
{
	struct block b = {.num = 0, .more = false, .szx = BLOCK_SZX_MAX};
	size_t offset, len;

	if (wanted) {
		b.num = wanted->num;
		b.szx = wanted->szx;
	}
	offset = (size_t)b.num * block_size(&b);
	if (b.num > 0 && offset >= body_len)
		return -ERANGE;
	len = MIN(block_size(&b), body_len - offset);
	b.more = offset + len < body_len;
	*ret = (struct slice){
		.block = b,
		.is_whole = b.num == 0 && !b.more,
		.offset = offset,
		.len = len,
	};
	return 0;
}
