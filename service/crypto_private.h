/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the door to libcrypto share: service/crypto.h. Inside service/crypto* only. */

#include <openssl/x509.h>

#include "base/macros.h"
#include "service/crypto.h"

/* One key that signs, and its certificate. */
struct crypto_ca {
	EVP_PKEY *key; /* owned, as below */
	X509 *cert;
};

/* A pem_password_cb over a text, or NULL for no password: the library would ask on the terminal. */
int crypto_password(char *buf, int size, int is_writing, void *password);

/* What libcrypto has encoded: len is its answer. Frees der. CRYPTO_E_KEY when it is not a P-256
 * key. */
int crypto_spki_take(unsigned char *der, int len, uint8_t ret[static CRYPTO_SPKI_LEN]) _must_check_;

/* What was written to a BIO in memory. *ret is the caller's. -ENOMEM. */
int crypto_bio_text(BIO *bio, char **ret) _must_check_;

/* Calls fn for every certificate of a PEM text; it keeps a reference of its own if it needs one. A
 * result that is not 0 ends the walk and is the result. CRYPTO_E_CERTIFICATE when there is none or
 * one is damaged; -ENOMEM. */
typedef int (*crypto_certificate_fn)(X509 *cert, void *userdata);
int crypto_certificates_each(const char *pem, crypto_certificate_fn fn,
			     void *userdata) _must_check_;
