/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/jwt.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "proto/item.h"

#define SIGNATURE_LEN 64
#define SIGNATURE_TEXT_LEN BASE64URL_LEN(SIGNATURE_LEN)

static const char header_json[] = "{\"alg\":\"ES256\",\"typ\":\"JWT\"}";

static int text_put(json_t *object, const char *name, const char *value, size_t max)
{
	if (!value)
		return 0;
	if (value[0] == '\0' || strlen(value) > max || !item_text_is_clean(value, strlen(value)))
		return -EINVAL;
	return json_object_set_new_nocheck(object, name, json_string_nocheck(value)) < 0 ? -ENOMEM
											 : 0;
}

static int date_put(json_t *object, const char *name, int64_t value)
{
	return json_object_set_new_nocheck(object, name, json_integer(value)) < 0 ? -ENOMEM : 0;
}

/* The claims as compact JSON, in a fixed order. */
static int claims_format(const struct jwt_claims *c, char **ret)
{
	static const struct jwt *limits;
	_cleanup_(json_decrefp) json_t *object = json_object();
	char *text;
	int r;

	if (!object)
		return -ENOMEM;
	r = text_put(object, "iss", c->iss, sizeof(limits->iss) - 1);
	if (r == 0)
		r = text_put(object, "sub", c->sub, sizeof(limits->sub) - 1);
	if (r == 0)
		r = text_put(object, "jti", c->jti, sizeof(limits->jti) - 1);
	if (r == 0 && (c->iat != 0 || c->exp != 0)) {
		r = date_put(object, "iat", c->iat);
		if (r == 0)
			r = date_put(object, "exp", c->exp);
	}
	if (r < 0)
		return r;
	text = json_dumps(object, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

int jwt_build(const struct jwt_claims *claims, jwt_sign_fn sign, void *userdata, char *ret,
	      size_t size)
{
	_cleanup_(freep) char *payload = NULL;
	const size_t header_len = BASE64URL_LEN(sizeof(header_json) - 1);
	uint8_t signature[SIGNATURE_LEN];
	char text[JWT_MAX + 1];
	size_t signed_len;
	int r;

	r = claims_format(claims, &payload);
	if (r < 0)
		return r;
	signed_len = header_len + 1 + BASE64URL_LEN(strlen(payload));
	if (signed_len + 1 + SIGNATURE_TEXT_LEN > JWT_MAX)
		return -EINVAL;
	if (signed_len + 1 + SIGNATURE_TEXT_LEN >= size)
		return -ENOBUFS;
	base64url_encode(header_json, sizeof(header_json) - 1, text);
	text[header_len] = '.';
	base64url_encode(payload, strlen(payload), text + header_len + 1);
	r = sign(userdata, (const uint8_t *)text, signed_len, signature);
	if (r != 0)
		return r;
	text[signed_len] = '.';
	base64url_encode(signature, sizeof(signature), text + signed_len + 1);
	memcpy(ret, text, signed_len + 1 + SIGNATURE_TEXT_LEN + 1);
	return 0;
}

/* Decodes one base64url part into a JSON object without duplicate names. */
static int object_parse(const char *text, size_t len, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *value = NULL;
	uint8_t data[JWT_MAX * 3 / 4 + 1];
	json_error_t error = {0};
	size_t data_len;

	if (base64url_decode(text, len, data, &data_len) < 0)
		return JWT_E_SYNTAX;
	value = json_loadb((const char *)data, data_len, JSON_REJECT_DUPLICATES, &error);
	if (!value) {
		/* jansson leaves the text empty when it ran out of memory at once. */
		if (error.text[0] == '\0' || json_error_code(&error) == json_error_out_of_memory)
			return -ENOMEM;
		return JWT_E_SYNTAX;
	}
	if (!json_is_object(value))
		return JWT_E_SYNTAX;
	*ret = TAKE_PTR(value);
	return 0;
}

static int header_check(const char *text, size_t len)
{
	_cleanup_(json_decrefp) json_t *header = NULL;
	const char *alg;
	int r;

	r = object_parse(text, len, &header);
	if (r != 0)
		return r;
	/* RFC 7515 §4.1.11: what crit names must be understood, and we understand no extension. */
	if (json_object_get(header, "crit"))
		return JWT_E_ALGORITHM;
	alg = json_string_value(json_object_get(header, "alg"));
	return alg && strcmp(alg, "ES256") == 0 ? 0 : JWT_E_ALGORITHM;
}

static int text_get(const json_t *object, const char *name, char *ret, size_t size)
{
	const json_t *value = json_object_get(object, name);
	size_t len;

	if (!value)
		return 0;
	len = json_string_length(value);
	if (!json_is_string(value) || len == 0 || len >= size)
		return JWT_E_SYNTAX;
	memcpy(ret, json_string_value(value), len);
	return 0;
}

static int date_get(const json_t *object, const char *name, bool *ret_has, int64_t *ret)
{
	const json_t *value = json_object_get(object, name);

	if (!value)
		return 0;
	if (!json_is_integer(value))
		return JWT_E_SYNTAX;
	*ret_has = true;
	*ret = json_integer_value(value);
	return 0;
}

static int claims_parse(const char *text, size_t len, struct jwt *ret)
{
	_cleanup_(json_decrefp) json_t *object = NULL;
	int r;

	r = object_parse(text, len, &object);
	if (r != 0)
		return r;
	if (text_get(object, "iss", ret->iss, sizeof(ret->iss)) != 0 ||
	    text_get(object, "sub", ret->sub, sizeof(ret->sub)) != 0 ||
	    text_get(object, "jti", ret->jti, sizeof(ret->jti)) != 0 ||
	    date_get(object, "iat", &ret->has_iat, &ret->iat) != 0 ||
	    date_get(object, "exp", &ret->has_exp, &ret->exp) != 0)
		return JWT_E_SYNTAX;
	return 0;
}

int jwt_parse(const char *text, size_t len, struct jwt *ret)
{
	struct jwt jwt = {.signed_data = (const uint8_t *)text};
	const char *payload, *signature;
	size_t left, got;
	int r;

	if (len > JWT_MAX)
		return JWT_E_SYNTAX;
	payload = memchr(text, '.', len);
	if (!payload)
		return JWT_E_SYNTAX;
	payload++;
	left = len - (size_t)(payload - text);
	signature = memchr(payload, '.', left);
	if (!signature)
		return JWT_E_SYNTAX;
	jwt.signed_len = (size_t)(signature - text);
	signature++;
	left = len - (size_t)(signature - text);
	/* A third dot is outside of the alphabet. */
	if (left != SIGNATURE_TEXT_LEN ||
	    base64url_decode(signature, left, jwt.signature, &got) < 0)
		return JWT_E_SYNTAX;
	r = header_check(text, (size_t)(payload - text) - 1);
	if (r != 0)
		return r;
	r = claims_parse(payload, jwt.signed_len - (size_t)(payload - text), &jwt);
	if (r != 0)
		return r;
	*ret = jwt;
	return 0;
}

int jwt_iss_uuid(const char *iss, uint8_t ret[static 16])
{
	const size_t hardware_len = strcspn(iss, ".");

	if (hardware_len == 0 || hardware_len > HARDWARE_MAX || iss[hardware_len] == '\0')
		return -EINVAL;
	iss += hardware_len + 1;
	return uuid_parse(iss, strlen(iss), ret);
}

bool jwt_trace(const char *jti, char ret[static JWT_TRACE_TEXT])
{
	const char *last = strrchr(jti, '.');
	uint8_t bytes[(JWT_TRACE_TEXT - 1) / 2];

	ret[0] = '\0';
	last = last ? last + 1 : jti;
	if (strlen(last) < JWT_TRACE_TEXT - 1 ||
	    strspn(last, "0123456789abcdefABCDEF") != strlen(last) ||
	    hex_decode(last, JWT_TRACE_TEXT - 1, bytes, sizeof(bytes)) < 0)
		return false;
	hex_encode(bytes, sizeof(bytes), ret);
	return true;
}
