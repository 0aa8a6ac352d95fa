/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cose.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "proto/item.h"

#define TAG_SIGN1 18
#define HEADER_KID 4
#define HEADER_X5CHAIN 33

static const uint8_t protected_es256[] = {0xa1, 0x01, 0x26}; /* {1: -7} */
static const char context[] = "Signature1";

static bool is_es256(const struct item *i)
{
	return item_is(i, ITEM_BYTES, sizeof(protected_es256)) &&
	       memcmp(i->data, protected_es256, sizeof(protected_es256)) == 0;
}

static bool take_cert(struct cose_sign1 *c, const struct item *cert, size_t *total)
{
	if (!item_is(cert, ITEM_BYTES, cert->value) || cert->value == 0 ||
	    cert->value > X5CHAIN_MAX - *total)
		return false;
	*total += cert->value;
	c->chain[c->n_chain++] = (struct cose_cert){.data = cert->data, .len = cert->value};
	return true;
}

/* RFC 9360 §2: "COSE_X509 = bstr / [ 2*certs: bstr ]", so a chain of one has one form, too. */
static bool x5chain_parse(struct reader *r, struct cose_sign1 *c)
{
	const struct item label = item_next(r), value = item_next(r);
	size_t total = 0;

	if (!item_is(&label, ITEM_UINT, HEADER_X5CHAIN))
		return false;
	if (value.kind == ITEM_BYTES)
		return take_cert(c, &value, &total);
	if (!item_is(&value, ITEM_ARRAY, value.value) || value.value < 2 ||
	    value.value > X5CHAIN_CERTS_MAX)
		return false;
	for (uint64_t i = 0; i < value.value; i++) {
		const struct item cert = item_next(r);

		if (!take_cert(c, &cert, &total))
			return false;
	}
	return true;
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
	if (item_is(&map, ITEM_MAP, 2) && !x5chain_parse(&r, &c))
		return COSE_E_SYNTAX;
	payload = item_next(&r);
	signature = item_next(&r);
	if (!reader_done(&r) || !item_is(&tag, ITEM_TAG, TAG_SIGN1) ||
	    !item_is(&array, ITEM_ARRAY, 4) || !is_es256(&protected) ||
	    !item_is(&map, ITEM_MAP, c.n_chain > 0 ? 2 : 1) ||
	    !item_is(&label, ITEM_UINT, HEADER_KID) ||
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

static bool chain_is_valid(const struct cose_sign1 *c)
{
	size_t total = 0;

	if (c->n_chain > X5CHAIN_CERTS_MAX)
		return false;
	for (size_t i = 0; i < c->n_chain; i++) {
		if (c->chain[i].len == 0 || c->chain[i].len > X5CHAIN_MAX - total)
			return false;
		total += c->chain[i].len;
	}
	return true;
}

static void write_chain(struct writer *w, const struct cose_sign1 *c)
{
	item_write_uint(w, HEADER_X5CHAIN);
	if (c->n_chain > 1)
		item_write_array(w, c->n_chain);
	for (size_t i = 0; i < c->n_chain; i++)
		item_write_bytes(w, c->chain[i].data, c->chain[i].len);
}

int cose_sign1_encode(const struct cose_sign1 *c, uint8_t *ret, size_t size, size_t *ret_len)
{
	struct writer w;

	if (c->kid_len == 0 || c->kid_len > sizeof(c->kid) || c->payload_len > COSE_PAYLOAD_MAX ||
	    !chain_is_valid(c))
		return -EINVAL;
	writer_init(&w, ret, size);
	item_write_tag(&w, TAG_SIGN1);
	item_write_array(&w, 4);
	item_write_bytes(&w, protected_es256, sizeof(protected_es256));
	item_write_map(&w, c->n_chain > 0 ? 2 : 1);
	item_write_uint(&w, HEADER_KID);
	item_write_bytes(&w, c->kid, c->kid_len);
	if (c->n_chain > 0)
		write_chain(&w, c);
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
