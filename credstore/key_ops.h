/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a back end of keys implements. Inside credstore/ only; everybody else sees key.h. */

#include "credstore/key.h"

struct key_ops {
	bool is_slow;
	int (*sign_digest)(struct key *k, const uint8_t digest[static 32], uint8_t ret[static 64]);
	int (*spki)(struct key *k, uint8_t ret[static KEY_SPKI_LEN]);
	void (*free)(struct key *k);
};

/* The first member of each back end's own struct. */
struct key {
	const struct key_ops *ops;
};

/* Writes the SubjectPublicKeyInfo of an uncompressed point (04 || x || y). */
void key_spki_of_point(const uint8_t point[static 65], uint8_t ret[static KEY_SPKI_LEN]);
/* Whether it is the SubjectPublicKeyInfo of an uncompressed point of P-256; that the point lies on
 * the curve is not checked. */
bool key_spki_is_p256(const uint8_t spki[static KEY_SPKI_LEN]);
/* Whether it is a point of the curve. -EINVAL, -ENOMEM. */
int key_spki_check(const uint8_t spki[static KEY_SPKI_LEN]) _must_check_;
/* Whether the raw signature is one of the key over the digest. -EINVAL, -ENOMEM. */
int key_spki_verify(const uint8_t spki[static KEY_SPKI_LEN], const uint8_t digest[static 32],
		    const uint8_t signature[static 64]) _must_check_;

/* Whether it can be the label of a key: UTF-8 without NUL, 1 to KEY_LABEL_MAX bytes. */
bool key_is_label(const void *label, size_t len);

/* The PKCS#11 back end (key_pkcs11.c), as in key.h; uri is NUL-terminated. */
int key_pkcs11_open(struct keyring *ring, const char *uri, const uint8_t *spki,
		    struct key **ret) _must_check_;
int key_pkcs11_generate(struct keyring *ring, const char *home, const char *label, struct key **ret,
			struct secret *ret_value) _must_check_;
int key_pkcs11_destroy(struct keyring *ring, const char *uri) _must_check_;
int key_pkcs11_sweep(struct keyring *ring, const char *home, const char *prefix,
		     const char *const *keep, size_t n, size_t *ret_destroyed) _must_check_;
