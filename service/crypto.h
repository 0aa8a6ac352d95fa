/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The service's only door to libcrypto: P-256 public keys as SubjectPublicKeyInfo, ES256 over raw
 * r || s, SHA-256 and HMAC, passwords, certificate requests, and the signing of client
 * certificates. Errors of the library are CRYPTO_E_* when the input is at fault, negative errno
 * otherwise. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/secret.h"

#define CRYPTO_SPKI_LEN 91 /* DER of an uncompressed P-256 point: the only form that is taken */

enum {
	CRYPTO_E_KEY = 1,         /* not a P-256 public key in that form */
	CRYPTO_E_SIGNATURE = 2,   /* does not verify */
	CRYPTO_E_CSR = 3,         /* not one PKCS#10 request */
	CRYPTO_E_CERTIFICATE = 4, /* not PEM certificates */
};

void crypto_sha256(const void *data, size_t len, uint8_t ret[static 32]);
void crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
			uint8_t ret[static 32]);

/* scrypt (RFC 7914): takes 128 * r << log2_n bytes while it runs, on the caller's thread. */
struct crypto_scrypt_cost {
	unsigned int log2_n, r, p;
};

/* -ENOMEM. The caller has checked the cost: 1 to 20, 1 to 32, 1 to 16. */
int crypto_scrypt(const void *password, size_t len, const uint8_t *salt, size_t salt_len,
		  const struct crypto_scrypt_cost *cost, uint8_t ret[static 32]) _must_check_;

/* 0 or CRYPTO_E_KEY; -ENOMEM. */
int crypto_key_check(const uint8_t *spki, size_t len) _must_check_;
/* 0, CRYPTO_E_KEY, CRYPTO_E_SIGNATURE; -ENOMEM. */
int crypto_verify(const uint8_t spki[static CRYPTO_SPKI_LEN], const void *data, size_t len,
		  const uint8_t signature[static 64]) _must_check_;
/* "-----BEGIN PUBLIC KEY-----", owned. */
int crypto_key_pem(const uint8_t spki[static CRYPTO_SPKI_LEN], char **ret) _must_check_;
/* The public half of a PEM private key; password NULL when it is not encrypted. CRYPTO_E_KEY for
 * anything but P-256, and for one that would take long to decrypt. */
int crypto_key_of_private(const char *pem, const char *password,
			  uint8_t ret[static CRYPTO_SPKI_LEN]) _must_check_;

/* The key of a PEM public key or of the first certificate; what stands around it is ignored.
 * CRYPTO_E_KEY for anything but P-256. */
int crypto_key_of_public(const char *pem, uint8_t ret[static CRYPTO_SPKI_LEN]) _must_check_;

/* A request of a P-256 key, signed by that key with ECDSA and SHA-256. Modems write an explicit
 * NULL parameter into the signature algorithm; that is tolerated. 0, CRYPTO_E_CSR, CRYPTO_E_KEY,
 * CRYPTO_E_SIGNATURE. */
int crypto_csr_check(const uint8_t *der, size_t len,
		     uint8_t ret_spki[static CRYPTO_SPKI_LEN]) _must_check_;

/* Text with at least one certificate, all of them well-formed. 0 or CRYPTO_E_CERTIFICATE. */
int crypto_certificates_check(const char *pem) _must_check_;
/* The certificates alone: what people write between and around them is left out. */
int crypto_certificates_clean(const char *pem, char **ret) _must_check_;

/* A certification authority of one P-256 key. */
struct crypto_ca;

/* A fresh key and its self-signed certificate, both PEM. */
int crypto_ca_make(const char *name, int64_t now_s, struct secret *ret_key,
		   char **ret_cert) _must_check_;
/* A new certificate for a key that lost its own. */
int crypto_ca_renew(const struct secret *key, const char *name, int64_t now_s,
		    char **ret_cert) _must_check_;
/* CRYPTO_E_KEY, CRYPTO_E_CERTIFICATE (also when it is not of that key). */
int crypto_ca_load(const struct secret *key, const char *cert, struct crypto_ca **ret) _must_check_;
struct crypto_ca *crypto_ca_free(struct crypto_ca *ca);
DEFINE_CLEANUP(struct crypto_ca *, crypto_ca_free);
/* CRYPTO_E_KEY. */
int crypto_ca_key(const struct crypto_ca *ca,
		  uint8_t ret_spki[static CRYPTO_SPKI_LEN]) _must_check_;

struct crypto_profile {
	const char *name; /* the subject is CN=name, whatever the request asked for */
	unsigned int days;
	const char *crl_url; /* where the revocation list is found, or NULL */
};

/* Whether it may be a crl_url: http: or https:, and nothing that would need quoting. */
bool crypto_crl_url_check(const char *url);

#define CRYPTO_SERIAL_TEXT 41 /* 20 octets in hex, with NUL */

struct crypto_issued {
	char *pem; /* owned */
	char serial[CRYPTO_SERIAL_TEXT];
	int64_t not_before, not_after;
};

/* A client certificate for a checked public key: serial of 159 random bits; digitalSignature and
 * keyAgreement; clientAuth; key identifiers of itself and its issuer. */
int crypto_ca_issue(struct crypto_ca *ca, const uint8_t spki[static CRYPTO_SPKI_LEN],
		    const struct crypto_profile *profile, int64_t now_s,
		    struct crypto_issued *ret) _must_check_;

struct crypto_revoked {
	char serial[CRYPTO_SERIAL_TEXT];
	int64_t at;
	unsigned int reason; /* CRLReason of RFC 5280 §5.3.1; 0 is not written */
};

struct crypto_crl {
	int64_t this_update, next_update;
	uint64_t number; /* above that of every list before it */
	const struct crypto_revoked *items;
	size_t n;
};

/* The signed revocation list (RFC 5280 §5), DER, owned. */
int crypto_ca_crl(struct crypto_ca *ca, const struct crypto_crl *crl, uint8_t **ret,
		  size_t *ret_len) _must_check_;
