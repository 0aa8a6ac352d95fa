/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/attest.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/text.h"
#include "proto/item.h"

#define TAG_CBOR 55799 /* RFC 8949 §3.4.6: says of itself that it is CBOR */
#define SIGN1_LEN 77   /* of this shape: detached, a kid of one byte */
/* With a chain: the label, the array's head and each certificate's. */
#define SIGN1_MAX (SIGN1_LEN + 2 + 1 + 3 * X5CHAIN_CERTS_MAX + X5CHAIN_MAX)

_Static_assert(BASE64URL_LEN(ATTEST_MESSAGE_MAX) + 1 + BASE64URL_LEN(SIGN1_MAX) <= CLAIM_TEXT_MAX,
	       "every token fits the documented maximum");

int attest_message(struct attest *a)
{
	struct writer w;

	if (a->message_type != ATTEST_TYPE_IDENTITY)
		return -EINVAL;
	writer_init(&w, a->message, sizeof(a->message));
	item_write_tag(&w, TAG_CBOR);
	item_write_array(&w, 5);
	item_write_uint(&w, a->message_type);
	item_write_bytes(&w, a->uuid, sizeof(a->uuid));
	item_write_uint(&w, a->device_type);
	item_write_bytes(&w, a->firmware, sizeof(a->firmware));
	item_write_bytes(&w, a->nonce, sizeof(a->nonce));
	if (!writer_ok(&w))
		return -ENOBUFS;
	a->message_len = w.len;
	return 0;
}

static void view_chain(const struct x5chain *chain, struct cose_sign1 *c)
{
	size_t at = 0;

	for (; c->n_chain < chain->n; c->n_chain++) {
		c->chain[c->n_chain].data = chain->der + at;
		c->chain[c->n_chain].len = chain->lens[c->n_chain];
		at += chain->lens[c->n_chain];
	}
}

int attest_format(const struct attest *a, char *ret, size_t size)
{
	struct cose_sign1 c = {.kid = {COSE_KID_IDENTITY}, .kid_len = 1};
	uint8_t sign1[SIGN1_MAX];
	size_t sign1_len, message_text_len;
	int r;

	if (a->message_len == 0 || a->message_len > sizeof(a->message) ||
	    a->chain.n > X5CHAIN_CERTS_MAX || x5chain_size(&a->chain) > sizeof(a->chain.der))
		return -EINVAL;
	memcpy(c.signature, a->signature, sizeof(c.signature));
	view_chain(&a->chain, &c);
	r = cose_sign1_encode(&c, sign1, sizeof(sign1), &sign1_len);
	if (r < 0)
		return r;
	message_text_len = BASE64URL_LEN(a->message_len);
	if (message_text_len + 1 + BASE64URL_LEN(sign1_len) >= size)
		return -ENOBUFS;
	base64url_encode(a->message, a->message_len, ret);
	ret[message_text_len] = '.';
	base64url_encode(sign1, sign1_len, ret + message_text_len + 1);
	return 0;
}

static int message_parse(const uint8_t *data, size_t len, struct attest *ret)
{
	struct item tag, array, message_type, uuid, device_type, firmware, nonce;
	struct reader r;

	reader_init(&r, data, len);
	tag = item_next(&r);
	array = item_next(&r);
	message_type = item_next(&r);
	uuid = item_next(&r);
	device_type = item_next(&r);
	firmware = item_next(&r);
	nonce = item_next(&r);
	if (!reader_done(&r) || !item_is(&tag, ITEM_TAG, TAG_CBOR) ||
	    !item_is(&array, ITEM_ARRAY, 5) ||
	    !item_is(&message_type, ITEM_UINT, ATTEST_TYPE_IDENTITY) ||
	    !item_is(&uuid, ITEM_BYTES, sizeof(ret->uuid)) ||
	    !item_is(&device_type, ITEM_UINT, device_type.value) || device_type.value > UINT8_MAX ||
	    !item_is(&firmware, ITEM_BYTES, sizeof(ret->firmware)) ||
	    !item_is(&nonce, ITEM_BYTES, sizeof(ret->nonce)))
		return ATTEST_E_SYNTAX;
	ret->message_type = ATTEST_TYPE_IDENTITY;
	ret->device_type = (uint8_t)device_type.value;
	memcpy(ret->uuid, uuid.data, sizeof(ret->uuid));
	memcpy(ret->firmware, firmware.data, sizeof(ret->firmware));
	memcpy(ret->nonce, nonce.data, sizeof(ret->nonce));
	return 0;
}

int attest_parse(const char *text, size_t len, struct attest *ret)
{
	uint8_t sign1[SIGN1_MAX + 1];
	struct attest a = {.message_len = 0};
	struct cose_sign1 c;
	const char *dot = memchr(text, '.', MIN(len, (size_t)TOKEN_TEXT_MAX));
	size_t message_text_len, sign1_text_len, sign1_len;

	if (!dot)
		return ATTEST_E_SYNTAX;
	message_text_len = (size_t)(dot - text);
	sign1_text_len = len - message_text_len - 1;
	if (message_text_len > BASE64URL_LEN(ATTEST_MESSAGE_MAX) ||
	    sign1_text_len > BASE64URL_LEN(SIGN1_MAX) ||
	    base64url_decode(text, message_text_len, a.message, &a.message_len) < 0 ||
	    base64url_decode(dot + 1, sign1_text_len, sign1, &sign1_len) < 0)
		return ATTEST_E_SYNTAX;
	if (message_parse(a.message, a.message_len, &a) != 0 ||
	    cose_sign1_parse(sign1, sign1_len, &c) != 0)
		return ATTEST_E_SYNTAX;
	if (c.payload || c.kid_len != 1 || c.kid[0] != COSE_KID_IDENTITY)
		return ATTEST_E_SYNTAX;
	for (size_t i = 0; i < c.n_chain; i++)
		if (x5chain_add(&a.chain, c.chain[i].data, c.chain[i].len) != 0)
			return ATTEST_E_SYNTAX;
	memcpy(a.signature, c.signature, sizeof(a.signature));
	*ret = a;
	return 0;
}
