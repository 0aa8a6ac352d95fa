/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/key.h"

#include <errno.h>
#include <mbedtls/md.h>
#include <string.h>

#include "base/text.h"
#include "credstore/key_ops.h"

#define URI_SCHEME "pkcs11:"

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING 04 || x || y } (RFC 5480 §2): any
 * other curve or form of key has another beginning. */
static const uint8_t spki_prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

void key_spki_of_point(const uint8_t point[static 65], uint8_t ret[static KEY_SPKI_LEN])
{
	_Static_assert(sizeof(spki_prefix) - 1 + 65 == KEY_SPKI_LEN, "");

	memcpy(ret, spki_prefix, sizeof(spki_prefix) - 1);
	memcpy(ret + sizeof(spki_prefix) - 1, point, 65);
}

bool key_spki_is_p256(const uint8_t spki[static KEY_SPKI_LEN])
{
	return memcmp(spki, spki_prefix, sizeof(spki_prefix)) == 0;
}

bool key_is_uri(const void *value, size_t len)
{
	/* Schemes are case-insensitive, RFC 3986 §3.1. */
	return len >= strlen(URI_SCHEME) && strncasecmp(value, URI_SCHEME, strlen(URI_SCHEME)) == 0;
}

/* The text with its NUL; -EINVAL for what cannot be a URI. */
static int copy_uri(const void *value, size_t len, char ret[static KEY_URI_MAX + 1])
{
	if (len > KEY_URI_MAX || memchr(value, '\0', len))
		return -EINVAL;
	memcpy(ret, value, len);
	ret[len] = '\0';
	return 0;
}

int key_open(struct keyring *ring, const void *value, size_t len, const uint8_t *spki,
	     struct key **ret)
{
	char uri[KEY_URI_MAX + 1];
	int r;

	if (!key_is_uri(value, len))
		return key_load(value, len, ret);
	if (!ring || (spki && !key_spki_is_p256(spki)))
		return -EINVAL;
	r = copy_uri(value, len, uri);
	if (r < 0)
		return r;
	return key_pkcs11_open(ring, uri, spki, ret);
}

bool key_is_label(const void *label, size_t len)
{
	const char *at = label;
	size_t n;
	uint32_t point;

	if (len == 0 || len > KEY_LABEL_MAX || memchr(label, '\0', len))
		return false;
	for (; len > 0; at += n, len -= n) {
		n = utf8_char(at, len, &point);
		if (n == 0)
			return false;
	}
	return true;
}

int key_generate_at(struct keyring *ring, const char *home, const char *label, struct key **ret,
		    struct secret *ret_value)
{
	if (!home)
		return key_generate(ret, ret_value);
	if (!ring || !key_is_uri(home, strlen(home)) ||
	    (label && !key_is_label(label, strlen(label))))
		return -EINVAL;
	return key_pkcs11_generate(ring, home, label, ret, ret_value);
}

int key_destroy(struct keyring *ring, const void *value, size_t len)
{
	char uri[KEY_URI_MAX + 1];
	int r;

	if (!key_is_uri(value, len))
		return 0;
	if (!ring)
		return -EINVAL;
	r = copy_uri(value, len, uri);
	if (r < 0)
		return r;
	return key_pkcs11_destroy(ring, uri);
}

int key_sweep(struct keyring *ring, const char *home, const char *prefix, const char *const *keep,
	      size_t n, size_t *ret_destroyed)
{
	*ret_destroyed = 0;
	if (!home)
		return 0;
	if (!ring || !key_is_uri(home, strlen(home)) || !key_is_label(prefix, strlen(prefix)))
		return -EINVAL;
	return key_pkcs11_sweep(ring, home, prefix, keep, n, ret_destroyed);
}

struct key *key_free(struct key *k)
{
	if (k)
		k->ops->free(k);
	return NULL;
}

bool key_is_slow(const struct key *k)
{
	return k->ops->is_slow;
}

int key_sign_digest(struct key *k, const uint8_t digest[static 32], uint8_t ret[static 64])
{
	return k->ops->sign_digest(k, digest, ret);
}

int key_sign(void *key, const uint8_t *data, size_t len, uint8_t ret[static 64])
{
	uint8_t digest[32];
	int r;

	r = sha256(data, len, digest);
	if (r < 0)
		return r;
	return key_sign_digest(key, digest, ret);
}

int key_spki(struct key *k, uint8_t ret[static KEY_SPKI_MAX], size_t *ret_len)
{
	int r;

	r = k->ops->spki(k, ret);
	if (r != 0)
		return r;
	*ret_len = KEY_SPKI_LEN;
	return 0;
}

const char *key_strerror(int r)
{
	switch (r) {
	case KEY_E_TOKEN_ABSENT:
		return "the token is not there: plug it in, or check the module and the URI's "
		       "token attributes";
	case KEY_E_PIN_MISSING:
		return "the token wants a PIN and none is given: name a PIN file, or hand "
		       "onboardd.pin over as a credential";
	case KEY_E_PIN_WRONG:
		return "the token refused the PIN, which is not tried again until its file "
		       "changes: put the right one there";
	case KEY_E_PIN_LOCKED:
		return "the token's PIN is locked, or one wrong try away from it: its security "
		       "officer resets it";
	case KEY_E_NOT_FOUND:
		return "the token holds no such key: check the URI's object and id";
	case KEY_E_AMBIGUOUS:
		return "the URI matches several keys or tokens: add id, object, token or serial";
	case KEY_E_TOKEN:
		return "the token failed: see its own log or tools, then try again";
	case -EEXIST:
		return "the token holds a key of this name already: choose another object=";
	case -EINVAL:
		return "it is neither a P-256 key nor a usable pkcs11: URI (RFC 7512; "
		       "a PIN comes from a file, not by pin-value)";
	default:
		return strerror(r < 0 ? -r : EIO);
	}
}

int sha256(const void *data, size_t len, uint8_t ret[static 32])
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

	return info && mbedtls_md(info, data, len, ret) == 0 ? 0 : -EIO;
}
