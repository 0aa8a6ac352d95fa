/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/x5chain.h"

#include <string.h>

#include "base/cursor.h"

#define TAG_SEQUENCE 0x30

size_t x5chain_size(const struct x5chain *c)
{
	size_t size = 0;

	for (size_t i = 0; i < c->n; i++)
		size += c->lens[i];
	return size;
}

int x5chain_add(struct x5chain *c, const uint8_t *der, size_t len)
{
	const size_t used = x5chain_size(c);

	if (len == 0)
		return X5CHAIN_E_SYNTAX;
	if (c->n == X5CHAIN_CERTS_MAX)
		return X5CHAIN_E_TOO_MANY;
	if (len > sizeof(c->der) - used)
		return X5CHAIN_E_TOO_LONG;
	memcpy(c->der + used, der, len);
	c->lens[c->n++] = len;
	return 0;
}

/* Passes over one SEQUENCE with a length of one to three bytes, more than a chain may have. */
static void skip_sequence(struct reader *r)
{
	size_t len;

	if (reader_u8(r) != TAG_SEQUENCE)
		r->failed = true;
	len = reader_u8(r);
	if (len == 0x81) {
		len = reader_u8(r);
		if (len < 0x80)
			r->failed = true;
	} else if (len == 0x82) {
		len = reader_be16(r);
		if (len < 0x100)
			r->failed = true;
	} else if (len >= 0x80) {
		r->failed = true;
	}
	(void)reader_bytes(r, len);
}

int x5chain_split(const uint8_t *der, size_t len, struct x5chain *ret)
{
	struct x5chain c = {.n = 0};
	struct reader reader;
	int r;

	reader_init(&reader, der, len);
	do {
		const size_t start = reader.pos;

		skip_sequence(&reader);
		if (reader.failed)
			return X5CHAIN_E_SYNTAX;
		r = x5chain_add(&c, der + start, reader.pos - start);
		if (r != 0)
			return r;
	} while (reader_left(&reader) > 0);
	*ret = c;
	return 0;
}
