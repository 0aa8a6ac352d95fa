/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates and keys of the moment, made by libcrypto. */

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(X509_REQ *, X509_REQ_free);

static inline char *pki_take_text(BIO *bio)
{
	char *data, *text;
	long len = BIO_get_mem_data(bio, &data);

	text = strndup(data, (size_t)len);
	BIO_free(bio);
	return text;
}

/* A certificate of a public key, signed by another, as PEM (owned). */
static inline char *pki_issue(EVP_PKEY *key, const char *cn, EVP_PKEY *issuer)
{
	X509 *cert = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_sign(cert, issuer, EVP_sha256());
	PEM_write_bio_X509(bio, cert);
	pem = pki_take_text(bio);
	X509_free(cert);
	return pem;
}

/* A self-signed certificate as PEM (owned). */
static inline char *pki_certificate(void)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");

	return pki_issue(key, "test", key);
}

/* An unencrypted private key as PEM (owned). */
static inline char *pki_private_key(const char *curve)
{
	EVP_PKEY *key = EVP_EC_gen(curve);
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	EVP_PKEY_free(key);
	return pki_take_text(bio);
}
