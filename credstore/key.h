/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* P-256 keys behind one interface: sign a SHA-256 digest, tell the public key, be generated and be
 * destroyed. Private keys never leave credstore/. Two back ends: a file key is a PKCS#8 or SEC1
 * value, sealed in the store or given by a factory; a token key is named by a PKCS#11 URI (RFC
 * 7512) and never leaves its token.
 *
 * What touches a token may take seconds, and is safe on any thread: a keyring has one lock. A file
 * key belongs to one thread at a time.
 *
 * Results: 0, -errno, or KEY_E_*. A caller that forwards only negative numbers takes a failing
 * token for success: compare with 0. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

#define KEY_SPKI_LEN 91 /* SubjectPublicKeyInfo of a P-256 key, uncompressed, DER */
#define KEY_SPKI_MAX 128
#define KEY_CSR_MAX 1024
#define KEY_URI_MAX 2048  /* characters of a URI that is accepted or made */
#define KEY_LABEL_MAX 128 /* bytes of a label */

struct key;     /* one P-256 key, whatever holds it */
struct keyring; /* how tokens are reached: module, PIN, sessions */

enum {
	KEY_E_TOKEN_ABSENT = 100, /* module missing, no such token, or pulled out */
	KEY_E_PIN_MISSING,        /* no PIN file, or an empty one */
	KEY_E_PIN_WRONG,          /* refused; not tried again until the file changes */
	KEY_E_PIN_LOCKED,         /* the token takes no PIN any more, or has one try left */
	KEY_E_NOT_FOUND,          /* the token is there, the key is not */
	KEY_E_AMBIGUOUS,          /* the URI matches several keys or tokens */
	KEY_E_TOKEN,              /* the token failed otherwise */
};

/* One line for people, of KEY_E_* or -errno: what is wrong and what to do. Static. */
const char *key_strerror(int r);

/* --- tokens */

struct keyring_config {
	const char *module;   /* path of the PKCS#11 module; NULL: those that p11-kit registered */
	const char *pin_file; /* NULL: $CREDENTIALS_DIRECTORY/onboardd.pin */
};

/* Touches no token and loads no module yet. -ENOMEM. */
int keyring_new(const struct keyring_config *c, struct keyring **ret) _must_check_;
/* For a holder of its own on another thread. Returns r. */
struct keyring *keyring_ref(struct keyring *r);
/* Drops one reference; keys hold their own. The last one closes the sessions. */
struct keyring *keyring_free(struct keyring *r);
DEFINE_CLEANUP(struct keyring *, keyring_free);
/* What went wrong last, in words: which token, which call, what the module answered. For logs, next
 * to key_strerror(); "" when nothing did. Never blocks. */
void keyring_detail(struct keyring *r, char *ret, size_t size);

/* Whether a token has refused a PIN of ours. A new process would try it once more, and a few such
 * tries lock the token: whoever restarts programs that end must not restart this one. */
bool keyring_was_refused(struct keyring *r);

/* --- keys */

/* Whether what a store or a configuration holds of a key is a URI. */
bool key_is_uri(const void *value, size_t len);
/* value: PKCS#8 or SEC1, DER or PEM, or the text of a pkcs11: URI that names one private key. spki:
 * KEY_SPKI_LEN bytes, or NULL when the public key is not known yet. ring may be NULL when value is
 * no URI. Touches no token. -EINVAL, -ENOMEM. */
int key_open(struct keyring *ring, const void *value, size_t len, const uint8_t *spki,
	     struct key **ret) _must_check_;
/* home: a pkcs11: URI that names one token, or NULL for a key that the store will seal. In a token
 * the key is sensitive, not extractable, for signing only, and its objects bear `label` (UTF-8, 1
 * to KEY_LABEL_MAX bytes) and a random id. With label NULL home names the key to be, by object and
 * if need be id: -EEXIST when there is one. *ret_value is what the store is to keep of it, DER or a
 * URI without NUL. Slow in a token. -EINVAL, -ENOMEM, -EIO, KEY_E_*. */
int key_generate_at(struct keyring *ring, const char *home, const char *label, struct key **ret,
		    struct secret *ret_value) _must_check_;
/* Destroys the objects of a token's key, both halves; for any other value does nothing. A key that
 * is gone already is success. Slow. -EINVAL, KEY_E_*. */
int key_destroy(struct keyring *ring, const void *value, size_t len) _must_check_;
/* Destroys the keys in the token of home whose label begins with prefix and that no URI of keep[n]
 * names. Other objects are left alone. Slow. prefix is not empty: -EINVAL. KEY_E_*; *ret_destroyed
 * counts keys and is set in any case. */
int key_sweep(struct keyring *ring, const char *home, const char *prefix, const char *const *keep,
	      size_t n, size_t *ret_destroyed) _must_check_;

/* Generates a key of the file back end and its sealed-to-be form (PKCS#8 or SEC1 DER). -errno. */
int key_generate(struct key **ret, struct secret *ret_der) _must_check_;
/* Loads one of the file back end: PEM or DER, PKCS#8 or SEC1, P-256 only, unencrypted. -EINVAL. */
int key_load(const void *data, size_t len, struct key **ret) _must_check_;
struct key *key_free(struct key *k);
DEFINE_CLEANUP(struct key *, key_free);

/* It lives in a token: what may take seconds is called on a worker thread. */
bool key_is_slow(const struct key *k);
/* Raw r || s. -errno, KEY_E_*. */
int key_sign_digest(struct key *k, const uint8_t digest[static 32],
		    uint8_t ret[static 64]) _must_check_;
/* SHA-256 and sign; fits jwt_sign_fn with the key as userdata. */
int key_sign(void *key, const uint8_t *data, size_t len, uint8_t ret[static 64]) _must_check_;
/* SubjectPublicKeyInfo, DER, KEY_SPKI_LEN bytes. Asks the token once when it was not known. */
int key_spki(struct key *k, uint8_t ret[static KEY_SPKI_MAX], size_t *ret_len) _must_check_;
/* PKCS#10. attributes: "O=…,CN=…" or NULL for CN=<default_cn>; key_usage: up to nine '0'/'1'
 * characters, the bits of RFC 5280 §4.2.1.3 in order ("111010000" is NULL's default:
 * digitalSignature, nonRepudiation, keyEncipherment, keyAgreement). -EINVAL on either being
 * malformed; else as key_sign_digest(). */
int key_csr(struct key *k, const char *default_cn, const char *attributes, const char *key_usage,
	    uint8_t ret[static KEY_CSR_MAX], size_t *ret_len) _must_check_;

int sha256(const void *data, size_t len, uint8_t ret[static 32]) _must_check_;
