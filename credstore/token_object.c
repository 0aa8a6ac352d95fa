/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "credstore/key_ops.h"
#include "credstore/token.h"

#define POINT_LEN 65

/* ECParameters: the named curve prime256v1. */
static const uint8_t p256_params[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

int token_find(struct token_session *s, CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE *ret,
	       size_t max, size_t *ret_n)
{
	CK_ULONG got;
	int r;

	*ret_n = 0;
	r = token_check(s, "C_FindObjectsInit", s->p11->C_FindObjectsInit(s->handle, template, n));
	if (r != 0)
		return r;
	while (r == 0 && *ret_n < max) {
		got = 0;
		r = token_check(s, "C_FindObjects",
				s->p11->C_FindObjects(s->handle, ret + *ret_n, max - *ret_n, &got));
		if (r != 0 || got == 0 || got > max - *ret_n)
			break;
		*ret_n += got;
	}
	(void)s->p11->C_FindObjectsFinal(s->handle);
	return r;
}

int token_attribute(struct token_session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		    void *ret, size_t size, size_t *ret_len)
{
	CK_ATTRIBUTE a = {type, ret, size};
	CK_RV rv;

	*ret_len = 0;
	rv = s->p11->C_GetAttributeValue(s->handle, object, &a, 1);
	switch (rv) {
	case CKR_ATTRIBUTE_TYPE_INVALID:
	case CKR_ATTRIBUTE_SENSITIVE:
	case CKR_BUFFER_TOO_SMALL:
		return 0;
	default:
		break;
	}
	/* "Unavailable" is the largest number. */
	if (rv == CKR_OK && a.ulValueLen <= size)
		*ret_len = a.ulValueLen;
	return token_check(s, "C_GetAttributeValue", rv);
}

int token_object_name(struct token_session *s, CK_OBJECT_HANDLE object, struct token_name *ret)
{
	int r;

	r = token_attribute(s, object, CKA_LABEL, ret->label, sizeof(ret->label), &ret->label_len);
	if (r != 0)
		return r;
	return token_attribute(s, object, CKA_ID, ret->id, sizeof(ret->id), &ret->id_len);
}

int token_find_one(struct token_session *s, CK_ATTRIBUTE *template, CK_ULONG n, const char *none,
		   const char *several, CK_OBJECT_HANDLE *ret)
{
	CK_OBJECT_HANDLE found[2];
	size_t n_found;
	int r;

	r = token_find(s, template, n, found, 2, &n_found);
	if (r != 0)
		return r;
	if (n_found == 0)
		return token_refuse(s, KEY_E_NOT_FOUND, none);
	if (n_found > 1)
		return token_refuse(s, KEY_E_AMBIGUOUS, several);
	*ret = found[0];
	return 0;
}

int token_find_private(struct token_session *s, const struct token_uri *uri, CK_OBJECT_HANDLE *ret)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type = CKK_EC;
	CK_ATTRIBUTE template[4] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_KEY_TYPE, &type, sizeof(type)},
	};
	CK_ULONG n = 2;

	if (token_uri_label(uri))
		template[n++] = *token_uri_label(uri);
	if (token_uri_id(uri))
		template[n++] = *token_uri_id(uri);
	return token_find_one(s, template, n, "no private EC key matches the URI",
			      "several private keys match the URI", ret);
}

int token_find_public(struct token_session *s, const struct token_name *name, CK_OBJECT_HANDLE *ret,
		      size_t max, size_t *ret_n)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE template[3] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_ULONG n = 1;

	*ret_n = 0;
	if (name->label_len > 0)
		template[n++] = (CK_ATTRIBUTE){CKA_LABEL, (void *)name->label, name->label_len};
	if (name->id_len > 0)
		template[n++] = (CK_ATTRIBUTE){CKA_ID, (void *)name->id, name->id_len};
	if (n == 1)
		return 0;
	return token_find(s, template, n, ret, max, ret_n);
}

/* PKCS#11 says that a point is in an OCTET STRING; some modules leave that away. */
static const uint8_t *find_point(const uint8_t *value, size_t len)
{
	if (len == 2 + POINT_LEN && value[0] == 0x04 && value[1] == POINT_LEN)
		value += 2;
	else if (len != POINT_LEN)
		return NULL;
	return value[0] == 0x04 ? value : NULL;
}

int token_object_public_key(struct token_session *s, CK_OBJECT_HANDLE object,
			    uint8_t ret[static KEY_SPKI_LEN])
{
	uint8_t params[sizeof(p256_params) + 1], value[2 * POINT_LEN], spki[KEY_SPKI_LEN];
	const uint8_t *point;
	size_t len;
	int r;

	r = token_attribute(s, object, CKA_EC_PARAMS, params, sizeof(params), &len);
	if (r != 0)
		return r;
	if (len != sizeof(p256_params) || memcmp(params, p256_params, sizeof(p256_params)) != 0)
		return token_refuse(s, KEY_E_TOKEN, "the key is not of the named curve P-256");
	r = token_attribute(s, object, CKA_EC_POINT, value, sizeof(value), &len);
	if (r != 0)
		return r;
	if (len == 0)
		return KEY_E_NOT_FOUND;
	point = find_point(value, len);
	if (!point)
		return token_refuse(s, KEY_E_TOKEN, "the public key is not an uncompressed point");
	key_spki_of_point(point, spki);
	r = key_spki_check(spki);
	if (r == -EINVAL)
		return token_refuse(s, KEY_E_TOKEN, "the public key is not a point of P-256");
	if (r < 0)
		return r;
	memcpy(ret, spki, sizeof(spki));
	return 0;
}

int token_public_key(struct token_session *s, CK_OBJECT_HANDLE private,
		     uint8_t ret[static KEY_SPKI_LEN])
{
	struct token_name name;
	CK_OBJECT_HANDLE found[2];
	size_t n;
	int r;

	r = token_object_name(s, private, &name);
	if (r != 0)
		return r;
	/* Halves go together by id; what people call them may differ. */
	if (name.id_len > 0)
		name.label_len = 0;
	r = token_find_public(s, &name, found, 2, &n);
	if (r != 0)
		return r;
	if (n > 1)
		return token_refuse(s, KEY_E_AMBIGUOUS, "several public keys belong to the key");
	if (n == 1)
		return token_object_public_key(s, found[0], ret);
	r = token_object_public_key(s, private, ret);
	if (r == KEY_E_NOT_FOUND)
		return token_refuse(s, r, "the key's public half is not there");
	return r;
}

int token_destroy(struct token_session *s, CK_OBJECT_HANDLE object)
{
	CK_RV rv = s->p11->C_DestroyObject(s->handle, object);

	return rv == CKR_OBJECT_HANDLE_INVALID ? 0 : token_check(s, "C_DestroyObject", rv);
}
