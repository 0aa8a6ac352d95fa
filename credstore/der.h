/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Writing DER (X.690) from the end of a buffer to its front, so that each length is known when its
 * turn comes: contents first, then der_wrap() around everything since a mark. A full buffer sticks
 * and is judged once. Inside credstore/ only. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_UTF8_STRING = 0x0c,
	DER_PRINTABLE_STRING = 0x13,
	DER_IA5_STRING = 0x16,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0 = 0xa0,
};

struct der {
	uint8_t *data; /* borrowed */
	size_t size;
	size_t len; /* written so far, at the end of data */
	bool failed;
};

void der_init(struct der *d, void *data, size_t size);
/* In front of what is there. */
void der_bytes(struct der *d, const void *data, size_t len);
/* Tag and length in front of what was written since `mark`, an earlier value of d->len. */
void der_wrap(struct der *d, enum der_tag tag, size_t mark);
/* bytes and wrap in one. */
void der_value(struct der *d, enum der_tag tag, const void *data, size_t len);
/* The start of what was written; NULL when the buffer was too small. */
const uint8_t *der_done(const struct der *d) _must_check_;
