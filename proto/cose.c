/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cose.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "proto/item.h"

#define TAG_SIGN1 18
#define HEADER_KID 4

static const uint8_t protected_es256[] = {0xa1, 0x01, 0x26}; /* {1: -7} */
static const char context[] = "Signature1";

static bool is_es256(const struct item *i)
{
	return item_is(i, ITEM_BYTES, sizeof(protected_es256)) &&
	       memcmp(i->data, protected_es256, sizeof(protected_es256)) == 0;
}

int cose_sign1_parse(const uint8_t *data, size_t len, struct cose_sign1 *ret)
{
	struct cose_sign1 c = {.kid_len = 0};
	struct item tag, array, protected, map, label, kid, payload, signature;
	struct reader r;

	reader_init(&r, data, len);
	tag = item_next(&r);
	array = item_next(&r);
	protected = item_next(&r);
	map = item_next(&r);
	label = item_next(&r);
	kid = item_next(&r);
	payload = item_next(&r);
	signature = item_next(&r);
	if (!reader_done(&r) || !item_is(&tag, ITEM_TAG, TAG_SIGN1) ||
	    !item_is(&array, ITEM_ARRAY, 4) || !is_es256(&protected) ||
	    !item_is(&map, ITEM_MAP, 1) || !item_is(&label, ITEM_UINT, HEADER_KID) ||
	    !item_is(&signature, ITEM_BYTES, sizeof(c.signature)))
		return COSE_E_SYNTAX;
	if (!item_is(&kid, ITEM_BYTES, kid.value) || kid.value == 0 || kid.value > sizeof(c.kid))
		return COSE_E_SYNTAX;
	if (payload.kind != ITEM_NULL) {
		if (!item_is(&payload, ITEM_BYTES, payload.value) ||
		    payload.value > COSE_PAYLOAD_MAX)
			return COSE_E_SYNTAX;
		c.payload = payload.data;
		c.payload_len = payload.value;
	}
	memcpy(c.kid, kid.data, kid.value);
	c.kid_len = kid.value;
	memcpy(c.signature, signature.data, sizeof(c.signature));
	*ret = c;
	return 0;
}

int cose_sign1_encode(const struct cose_sign1 *c, uint8_t *ret, size_t size, size_t *ret_len)
{
	struct writer w;

	if (c->kid_len == 0 || c->kid_len > sizeof(c->kid) || c->payload_len > COSE_PAYLOAD_MAX)
		return -EINVAL;
	writer_init(&w, ret, size);
	item_write_tag(&w, TAG_SIGN1);
	item_write_array(&w, 4);
	item_write_bytes(&w, protected_es256, sizeof(protected_es256));
	item_write_map(&w, 1);
	item_write_uint(&w, HEADER_KID);
	item_write_bytes(&w, c->kid, c->kid_len);
	if (c->payload)
		item_write_bytes(&w, c->payload, c->payload_len);
	else
		item_write_null(&w);
	item_write_bytes(&w, c->signature, sizeof(c->signature));
	if (!writer_ok(&w))
		return -ENOBUFS;
	*ret_len = w.len;
	return 0;
}

int cose_tbs(enum cose_form form, const uint8_t *payload, size_t payload_len, uint8_t *ret,
	     size_t size, size_t *ret_len)
{
	struct writer w;

	writer_init(&w, ret, size);
	item_write_array(&w, 4);
	item_write_text(&w, context, strlen(context));
	item_write_bytes(&w, protected_es256, sizeof(protected_es256));
	switch (form) {
	case COSE_FORM_RFC9052:
		item_write_bytes(&w, NULL, 0);
		item_write_bytes(&w, payload, payload_len);
		break;
	case COSE_FORM_MODEM:
		item_write_bytes(&w, payload, payload_len);
		item_write_null(&w);
		break;
	}
	if (!writer_ok(&w))
		return -ENOBUFS;
	*ret_len = w.len;
	return 0;
}
