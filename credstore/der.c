/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/der.h"

#include <string.h>

void der_init(struct der *d, void *data, size_t size)
{
	*d = (struct der){.data = data, .size = size};
}

void der_bytes(struct der *d, const void *data, size_t len)
{
	if (d->failed || len > d->size - d->len) {
		d->failed = true;
		return;
	}
	d->len += len;
	if (len > 0)
		memcpy(d->data + d->size - d->len, data, len);
}

void der_wrap(struct der *d, enum der_tag tag, size_t mark)
{
	size_t len = d->len - mark;
	uint8_t head[4];
	size_t n = 0;

	/* X.690 §8.1.3 and §10.1: the shortest form; nothing here is longer than 65535. */
	if (len > 0xffff)
		d->failed = true;
	head[n++] = (uint8_t)tag;
	if (len > 0xff) {
		head[n++] = 0x82;
		head[n++] = (uint8_t)(len >> 8);
	} else if (len > 0x7f) {
		head[n++] = 0x81;
	}
	head[n++] = (uint8_t)len;
	der_bytes(d, head, n);
}

void der_value(struct der *d, enum der_tag tag, const void *data, size_t len)
{
	size_t mark = d->len;

	der_bytes(d, data, len);
	der_wrap(d, tag, mark);
}

const uint8_t *der_done(const struct der *d)
{
	return d->failed ? NULL : d->data + d->size - d->len;
}
