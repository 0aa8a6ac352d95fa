/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* P-256 keys behind one interface: what a back end must do is generate, sign a SHA-256 digest and
 * tell its public key. Private keys never leave credstore/. Back end "file": a PKCS#8 DER value,
 * sealed in the store or a factory's file; "pkcs11" joins it later. */

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

#define KEY_SPKI_MAX 128
#define KEY_CSR_MAX 1024

struct key;

/* Generates a key and returns its sealed-to-be form (PKCS#8 or SEC1 DER). -errno. */
int key_generate(struct key **ret, struct secret *ret_der) _must_check_;
/* PEM or DER, PKCS#8 or SEC1, P-256 only, unencrypted. -EINVAL. */
int key_load(const void *data, size_t len, struct key **ret) _must_check_;
struct key *key_free(struct key *k);
DEFINE_CLEANUP(struct key *, key_free);

/* Raw r || s. -errno. */
int key_sign_digest(struct key *k, const uint8_t digest[static 32],
		    uint8_t ret[static 64]) _must_check_;
/* SHA-256 and sign; fits jwt_sign_fn with the key as userdata. */
int key_sign(void *key, const uint8_t *data, size_t len, uint8_t ret[static 64]) _must_check_;
/* SubjectPublicKeyInfo, DER, 91 bytes. */
int key_spki(struct key *k, uint8_t ret[static KEY_SPKI_MAX], size_t *ret_len) _must_check_;
/* PKCS#10. attributes: "O=…,CN=…" or NULL for CN=<default_cn>; key_usage: up to nine '0'/'1'
 * characters, the bits of RFC 5280 §4.2.1.3 in order ("111010000" is NULL's default:
 * digitalSignature, nonRepudiation, keyEncipherment, keyAgreement). -EINVAL on either being
 * malformed. */
int key_csr(struct key *k, const char *default_cn, const char *attributes, const char *key_usage,
	    uint8_t ret[static KEY_CSR_MAX], size_t *ret_len) _must_check_;

int sha256(const void *data, size_t len, uint8_t ret[static 32]) _must_check_;
