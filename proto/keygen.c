/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/keygen.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/text.h"
#include "proto/item.h"

#define TAG_CBOR 55799 /* RFC 8949 §3.4.6 */
#define SIGN1_MAX (KEYGEN_PROOF_MAX + 80)

static bool message_type_is_known(uint64_t type)
{
	return type == KEYGEN_PUBLIC_KEY_V1 || type == KEYGEN_CSR_V1 || type == KEYGEN_PUBLIC_KEY ||
	       type == KEYGEN_CSR;
}

int keygen_proof(struct keygen *k)
{
	uint8_t tag[5];
	struct writer w;
	size_t tag_len;

	if (!message_type_is_known((uint64_t)k->message_type))
		return -EINVAL;
	writer_init(&w, tag, sizeof(tag));
	item_write_uint(&w, k->sec_tag);
	tag_len = w.len;

	writer_init(&w, k->proof, sizeof(k->proof));
	item_write_tag(&w, TAG_CBOR);
	item_write_array(&w, 5);
	item_write_uint(&w, (uint64_t)k->message_type);
	item_write_bytes(&w, k->uuid, sizeof(k->uuid));
	item_write_bytes(&w, tag, tag_len);
	item_write_bytes(&w, k->digest, sizeof(k->digest));
	item_write_bytes(&w, k->nonce, sizeof(k->nonce));
	if (!writer_ok(&w))
		return -ENOBUFS;
	k->proof_len = w.len;
	return 0;
}

int keygen_format(const struct keygen *k, char *ret, size_t size)
{
	struct cose_sign1 c = {.kid = {COSE_KID_IDENTITY},
			       .kid_len = 1,
			       .payload = k->proof,
			       .payload_len = k->proof_len};
	uint8_t sign1[SIGN1_MAX];
	size_t sign1_len, der_text_len, text_len;
	int r;

	if (k->der_len == 0 || k->der_len > sizeof(k->der) || k->proof_len == 0 ||
	    k->proof_len > sizeof(k->proof))
		return -EINVAL;
	memcpy(c.signature, k->signature, sizeof(c.signature));
	r = cose_sign1_encode(&c, sign1, sizeof(sign1), &sign1_len);
	if (r < 0)
		return r;
	der_text_len = BASE64URL_LEN(k->der_len);
	text_len = der_text_len + 1 + BASE64URL_LEN(sign1_len);
	if (text_len > TOKEN_TEXT_MAX)
		return -EINVAL;
	if (text_len >= size)
		return -ENOBUFS;
	base64url_encode(k->der, k->der_len, ret);
	ret[der_text_len] = '.';
	base64url_encode(sign1, sign1_len, ret + der_text_len + 1);
	return 0;
}

/* The security tag is one CBOR integer inside a byte string; modems write large ones as negative
 * 32-bit numbers. */
static int sec_tag_parse(const struct item *bytes, uint32_t *ret)
{
	struct item number;
	struct reader r;

	reader_init(&r, bytes->data, bytes->value);
	number = item_next(&r);
	if (!reader_done(&r))
		return KEYGEN_E_SYNTAX;
	if (number.kind == ITEM_UINT && number.value <= UINT32_MAX)
		*ret = (uint32_t)number.value;
	else if (number.kind == ITEM_NEGINT && number.value <= INT32_MAX)
		*ret = ~(uint32_t)number.value;
	else
		return KEYGEN_E_SYNTAX;
	return 0;
}

static int proof_parse(const uint8_t *data, size_t len, struct keygen *ret)
{
	struct item tag, array, message_type, uuid, sec_tag, digest, nonce;
	struct reader r;

	reader_init(&r, data, len);
	tag = item_next(&r);
	array = item_next(&r);
	message_type = item_next(&r);
	uuid = item_next(&r);
	sec_tag = item_next(&r);
	digest = item_next(&r);
	nonce = item_next(&r);
	if (!reader_done(&r) || len > sizeof(ret->proof) || !item_is(&tag, ITEM_TAG, TAG_CBOR) ||
	    !item_is(&array, ITEM_ARRAY, 5) ||
	    !item_is(&message_type, ITEM_UINT, message_type.value) ||
	    !message_type_is_known(message_type.value) ||
	    !item_is(&uuid, ITEM_BYTES, sizeof(ret->uuid)) ||
	    !item_is(&sec_tag, ITEM_BYTES, sec_tag.value) ||
	    !item_is(&digest, ITEM_BYTES, sizeof(ret->digest)) ||
	    !item_is(&nonce, ITEM_BYTES, sizeof(ret->nonce)) ||
	    sec_tag_parse(&sec_tag, &ret->sec_tag) != 0)
		return KEYGEN_E_SYNTAX;
	ret->message_type = (enum keygen_message)message_type.value;
	memcpy(ret->uuid, uuid.data, sizeof(ret->uuid));
	memcpy(ret->digest, digest.data, sizeof(ret->digest));
	memcpy(ret->nonce, nonce.data, sizeof(ret->nonce));
	memcpy(ret->proof, data, len);
	ret->proof_len = len;
	return 0;
}

int keygen_parse(const char *text, size_t len, struct keygen *ret)
{
	uint8_t sign1[SIGN1_MAX];
	struct keygen k = {.der_len = 0};
	struct cose_sign1 c;
	const char *dot;
	size_t der_text_len, sign1_text_len, sign1_len;

	if (len > TOKEN_TEXT_MAX)
		return KEYGEN_E_SYNTAX;
	dot = memchr(text, '.', len);
	if (!dot)
		return KEYGEN_E_SYNTAX;
	der_text_len = (size_t)(dot - text);
	sign1_text_len = len - der_text_len - 1;
	if (der_text_len == 0 || der_text_len > BASE64URL_LEN(KEYGEN_DER_MAX) ||
	    sign1_text_len > BASE64URL_LEN(SIGN1_MAX) ||
	    base64url_decode(text, der_text_len, k.der, &k.der_len) < 0 ||
	    base64url_decode(dot + 1, sign1_text_len, sign1, &sign1_len) < 0)
		return KEYGEN_E_SYNTAX;
	if (cose_sign1_parse(sign1, sign1_len, &c) != 0 || !c.payload || c.kid_len != 1 ||
	    c.kid[0] != COSE_KID_IDENTITY || c.n_chain > 0 ||
	    proof_parse(c.payload, c.payload_len, &k) != 0)
		return KEYGEN_E_SYNTAX;
	memcpy(k.signature, c.signature, sizeof(k.signature));
	*ret = k;
	return 0;
}

int keygen_find(const char *answer, const char **ret_text, size_t *ret_len)
{
	static const char intro[] = "%KEYGEN: \"";
	const char *at = answer;
	size_t len;

	/* At the start of a line only: the words may also stand inside of another answer. */
	while ((at = strstr(at, intro)) && at != answer && at[-1] != '\n' && at[-1] != '\r')
		at++;
	if (!at)
		return -ENOENT;
	at += strlen(intro);
	len = strcspn(at, "\"\r\n");
	if (len == 0 || at[len] != '"')
		return -ENOENT;
	*ret_text = at;
	*ret_len = len;
	return 0;
}
