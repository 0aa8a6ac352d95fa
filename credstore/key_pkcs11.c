/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "credstore/key_ops.h"

struct key_pkcs11 {
	struct key key;
	struct keyring *ring; /* a reference */
	char *uri;            /* owned */
	bool has_spki;
	uint8_t spki[KEY_SPKI_LEN];
};

static int pkcs11_sign_digest(struct key *k, const uint8_t digest[static 32],
			      uint8_t ret[static 64])
{
	(void)k;
	(void)digest;
	(void)ret;
	return KEY_E_TOKEN_ABSENT;
}

static int pkcs11_spki(struct key *key, uint8_t ret[static KEY_SPKI_LEN])
{
	struct key_pkcs11 *k = (struct key_pkcs11 *)key;

	if (!k->has_spki)
		return KEY_E_TOKEN_ABSENT;
	memcpy(ret, k->spki, KEY_SPKI_LEN);
	return 0;
}

static void pkcs11_free(struct key *key)
{
	struct key_pkcs11 *k = (struct key_pkcs11 *)key;

	keyring_free(k->ring);
	free(k->uri);
	free(k);
}

static const struct key_ops ops = {
	.is_slow = true,
	.sign_digest = pkcs11_sign_digest,
	.spki = pkcs11_spki,
	.free = pkcs11_free,
};

int key_pkcs11_open(struct keyring *ring, const char *uri, const uint8_t *spki, struct key **ret)
{
	struct key_pkcs11 *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->key.ops = &ops;
	k->ring = keyring_ref(ring);
	k->uri = strdup(uri);
	if (!k->uri) {
		pkcs11_free(&k->key);
		return -ENOMEM;
	}
	if (spki) {
		memcpy(k->spki, spki, KEY_SPKI_LEN);
		k->has_spki = true;
	}
	*ret = &k->key;
	return 0;
}

int key_pkcs11_generate(struct keyring *ring, const char *home, const char *label, struct key **ret,
			struct secret *ret_value)
{
	(void)ring;
	(void)home;
	(void)label;
	(void)ret;
	(void)ret_value;
	return KEY_E_TOKEN_ABSENT;
}

int key_pkcs11_destroy(struct keyring *ring, const char *uri)
{
	(void)ring;
	(void)uri;
	return KEY_E_TOKEN_ABSENT;
}

int key_pkcs11_sweep(struct keyring *ring, const char *home, const char *prefix,
		     const char *const *keep, size_t n, size_t *ret_destroyed)
{
	(void)ring;
	(void)home;
	(void)prefix;
	(void)keep;
	(void)n;
	(void)ret_destroyed;
	return KEY_E_TOKEN_ABSENT;
}
