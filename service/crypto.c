/* SPDX-License-Identifier: Apache-2.0 */
#include "service/crypto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "service/crypto_private.h"

#define ITERATIONS_MAX 100000 /* of PBKDF2: some 50 ms */

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free);
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free);
DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free);
DEFINE_CLEANUP(BIO *, BIO_free);
DEFINE_CLEANUP(X509_REQ *, X509_REQ_free);
DEFINE_CLEANUP(X509 *, X509_free);

/* RFC 5480 §2: SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { 04 ... */
static const uint8_t p256_prefix[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
	0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};

/* Looked up once: EVP_sha256() is looked up at each use. */
static const EVP_MD *sha256(void)
{
	static EVP_MD *md; /* for the life of the process */

	if (!md)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	return md ? md : EVP_sha256();
}

void crypto_sha256(const void *data, size_t len, uint8_t ret[static 32])
{
	if (EVP_Digest(data, len, ret, NULL, sha256(), NULL) != 1)
		abort(); /* only when libcrypto itself is broken */
}

/* A key whose curve is known, for one point after the other. libcrypto's decoders try every format
 * that they know, a quarter of a millisecond a key, three times what verifying with it costs; and
 * copies of a key cost twice what reading its point does. */
static EVP_PKEY *p256(void)
{
	static EVP_PKEY *curve; /* for the life of the process */
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = NULL;

	if (curve)
		return curve;
	ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
	if (!ctx || EVP_PKEY_paramgen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1) != 1 ||
	    EVP_PKEY_paramgen(ctx, &curve) != 1)
		return NULL;
	return curve;
}

/* *ret is good until the next call. */
static int key_read(const uint8_t *spki, size_t len, EVP_PKEY **ret)
{
	const size_t point = sizeof(p256_prefix) - 1;

	if (len != CRYPTO_SPKI_LEN || memcmp(spki, p256_prefix, sizeof(p256_prefix)) != 0)
		return CRYPTO_E_KEY;
	ERR_clear_error();
	*ret = p256();
	if (!*ret)
		return -ENOMEM;
	/* Refuses points off the curve. */
	if (EVP_PKEY_set1_encoded_public_key(*ret, spki + point, CRYPTO_SPKI_LEN - point) != 1)
		return CRYPTO_E_KEY;
	return 0;
}

int crypto_key_check(const uint8_t *spki, size_t len)
{
	EVP_PKEY *key;

	return key_read(spki, len, &key);
}

/* Raw r || s (RFC 7518 §3.4) as the DER that libcrypto verifies. */
static int signature_der(const uint8_t raw[static 64], unsigned char *ret, size_t size,
			 int *ret_len)
{
	_cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, 32, NULL), *s = BN_bin2bn(raw + 32, 32, NULL);
	unsigned char *p = ret;
	int len;

	if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return -ENOMEM;
	}
	len = i2d_ECDSA_SIG(sig, NULL);
	if (len <= 0 || (size_t)len > size)
		return -ENOMEM;
	*ret_len = i2d_ECDSA_SIG(sig, &p);
	return 0;
}

int crypto_verify(const uint8_t spki[static CRYPTO_SPKI_LEN], const void *data, size_t len,
		  const uint8_t signature[static 64])
{
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = NULL;
	unsigned char der[80];
	EVP_PKEY *key;
	int r, der_len;

	r = key_read(spki, CRYPTO_SPKI_LEN, &key);
	if (r != 0)
		return r;
	r = signature_der(signature, der, sizeof(der), &der_len);
	if (r < 0)
		return r;
	ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, sha256(), NULL, key) != 1)
		return -ENOMEM;
	return EVP_DigestVerify(ctx, der, (size_t)der_len, data, len) == 1 ? 0 : CRYPTO_E_SIGNATURE;
}

#define PEM_LINE 48 /* bytes in 64 characters: RFC 7468 §2 */

int crypto_key_pem(const uint8_t spki[static CRYPTO_SPKI_LEN], char **ret)
{
	unsigned char lines[BASE64_LEN(CRYPTO_SPKI_LEN) + 3], *at = lines;
	int r;

	r = crypto_key_check(spki, CRYPTO_SPKI_LEN);
	if (r != 0)
		return r;
	for (size_t i = 0; i < CRYPTO_SPKI_LEN; i += PEM_LINE) {
		at += EVP_EncodeBlock(at, spki + i, (int)MIN(CRYPTO_SPKI_LEN - i, PEM_LINE));
		*at++ = '\n';
	}
	*at = '\0';
	return asprintf(ret, "-----BEGIN PUBLIC KEY-----\n%s-----END PUBLIC KEY-----\n",
			(const char *)lines) < 0
		       ? -ENOMEM
		       : 0;
}

int crypto_bio_text(BIO *bio, char **ret)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	if (len <= 0)
		return -ENOMEM;
	*ret = strndup(data, (size_t)len);
	return *ret ? 0 : -ENOMEM;
}

int crypto_spki_take(unsigned char *der, int len, uint8_t ret[static CRYPTO_SPKI_LEN])
{
	int r;

	if (len <= 0)
		return CRYPTO_E_KEY;
	r = crypto_key_check(der, (size_t)len);
	if (r == 0)
		memcpy(ret, der, CRYPTO_SPKI_LEN);
	OPENSSL_free(der);
	return r;
}

static int spki_of(EVP_PKEY *key, uint8_t ret[static CRYPTO_SPKI_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	return crypto_spki_take(der, len, ret);
}

int crypto_password(char *buf, int size, int is_writing, void *userdata)
{
	const char *password = userdata;
	size_t len = password ? strlen(password) : 0;

	(void)is_writing;
	if (!password || len > (size_t)size)
		return -1;
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): the length is the result */
	memcpy(buf, password, len);
	return (int)len;
}

/* Whoever encrypted the key chose how long decrypting takes, for everybody whom we serve. */
static bool is_quick_to_decrypt(const X509_SIG *sig)
{
	const X509_ALGOR *algorithm;
	PBE2PARAM *scheme = NULL;
	PBKDF2PARAM *derivation = NULL;
	int64_t iterations = INT64_MAX;

	X509_SIG_get0(sig, &algorithm, NULL);
	if (OBJ_obj2nid(algorithm->algorithm) == NID_pbes2)
		scheme = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
	if (scheme && OBJ_obj2nid(scheme->keyfunc->algorithm) == NID_id_pbkdf2)
		derivation = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM),
						       scheme->keyfunc->parameter);
	if (derivation && ASN1_INTEGER_get_int64(&iterations, derivation->iter) != 1)
		iterations = INT64_MAX;
	PBKDF2PARAM_free(derivation);
	PBE2PARAM_free(scheme);
	return iterations <= ITERATIONS_MAX;
}

static PKCS8_PRIV_KEY_INFO *info_decrypt(const uint8_t *der, long len, const char *password)
{
	PKCS8_PRIV_KEY_INFO *info = NULL;
	X509_SIG *sig = d2i_X509_SIG(NULL, &der, len);

	if (sig && password && is_quick_to_decrypt(sig))
		info = PKCS8_decrypt(sig, password, (int)strlen(password));
	X509_SIG_free(sig);
	return info;
}

/* Only keys of elliptic curves are looked into: others can be of any size. */
static EVP_PKEY *info_key(PKCS8_PRIV_KEY_INFO *info)
{
	const ASN1_OBJECT *algorithm;
	EVP_PKEY *key = NULL;

	if (info && PKCS8_pkey_get0(&algorithm, NULL, NULL, NULL, info) == 1 &&
	    OBJ_obj2nid(algorithm) == NID_X9_62_id_ecPublicKey)
		key = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	return key;
}

/* The key in one PEM block, whose text may have to be decrypted in place; NULL when it holds none.
 */
static EVP_PKEY *block_key(const char *name, char *header, uint8_t *der, long len,
			   const char *password)
{
	const unsigned char *p = der;
	EVP_CIPHER_INFO cipher;

	if (strcmp(name, PEM_STRING_PKCS8) == 0)
		return info_key(info_decrypt(der, len, password));
	if (strcmp(name, PEM_STRING_PKCS8INF) == 0)
		return info_key(d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, len));
	if (strcmp(name, PEM_STRING_ECPRIVATEKEY) != 0 ||
	    PEM_get_EVP_CIPHER_INFO(header, &cipher) != 1 ||
	    PEM_do_header(&cipher, der, &len, crypto_password, (void *)password) != 1)
		return NULL;
	return d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, len);
}

int crypto_key_of_private(const char *pem, const char *password,
			  uint8_t ret[static CRYPTO_SPKI_LEN])
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	_cleanup_(BIO_freep) BIO *bio = NULL;
	char *name, *header;
	uint8_t *der;
	long len;

	ERR_clear_error();
	bio = BIO_new_mem_buf(pem, -1);
	if (!bio)
		return -ENOMEM;
	/* Curve parameters may stand before the key. */
	while (!key && PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
		key = block_key(name, header, der, len, password);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)len);
	}
	ERR_clear_error();
	return key ? spki_of(key, ret) : CRYPTO_E_KEY;
}

int crypto_key_of_public(const char *pem, uint8_t ret[static CRYPTO_SPKI_LEN])
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	_cleanup_(BIO_freep) BIO *bio = NULL;
	char *name, *header;
	uint8_t *der;
	const uint8_t *at;
	long len;

	ERR_clear_error();
	bio = BIO_new_mem_buf(pem, -1);
	if (!bio)
		return -ENOMEM;
	while (!key && PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
		at = der;
		if (strcmp(name, PEM_STRING_PUBLIC) == 0) {
			key = d2i_PUBKEY(NULL, &at, len);
		} else if (strcmp(name, PEM_STRING_X509) == 0) {
			X509 *cert = d2i_X509(NULL, &at, len);

			key = cert ? X509_get_pubkey(cert) : NULL;
			X509_free(cert);
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	ERR_clear_error();
	return key ? spki_of(key, ret) : CRYPTO_E_KEY;
}

int crypto_csr_check(const uint8_t *der, size_t len, uint8_t ret_spki[static CRYPTO_SPKI_LEN])
{
	_cleanup_(X509_REQ_freep) X509_REQ *req = NULL;
	const X509_ALGOR *algorithm = NULL;
	const ASN1_OBJECT *object = NULL;
	const unsigned char *p = der;
	EVP_PKEY *key;
	int r;

	ERR_clear_error();
	req = d2i_X509_REQ(NULL, &p, (long)len);
	if (!req || p != der + len)
		return CRYPTO_E_CSR;
	X509_REQ_get0_signature(req, NULL, &algorithm);
	if (!algorithm)
		return CRYPTO_E_CSR;
	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	if (OBJ_obj2nid(object) != NID_ecdsa_with_SHA256)
		return CRYPTO_E_CSR;
	key = X509_REQ_get0_pubkey(req);
	if (!key)
		return CRYPTO_E_KEY;
	r = spki_of(key, ret_spki);
	if (r != 0)
		return r;
	return X509_REQ_verify(req, key) == 1 ? 0 : CRYPTO_E_SIGNATURE;
}

int crypto_certificates_each(const char *pem, crypto_certificate_fn fn, void *userdata)
{
	_cleanup_(BIO_freep) BIO *bio = NULL;
	unsigned long e;
	size_t n = 0;
	int r;

	ERR_clear_error();
	bio = BIO_new_mem_buf(pem, -1);
	if (!bio)
		return -ENOMEM;
	for (;; n++) {
		_cleanup_(X509_freep) X509 *cert =
			PEM_read_bio_X509(bio, NULL, crypto_password, NULL);

		if (!cert)
			break;
		r = fn(cert, userdata);
		if (r != 0)
			return r;
	}
	e = ERR_peek_last_error();
	ERR_clear_error();
	/* The end of the text is the one error that is none. */
	if (n == 0 || ERR_GET_LIB(e) != ERR_LIB_PEM || ERR_GET_REASON(e) != PEM_R_NO_START_LINE)
		return CRYPTO_E_CERTIFICATE;
	return 0;
}

static int certificate_accept(X509 *cert, void *userdata)
{
	(void)cert;
	(void)userdata;
	return 0;
}

/* A rule gives all its devices the same text: what passed last need not be parsed again. */
int crypto_certificates_check(const char *pem)
{
	static uint8_t passed[32]; /* SHA-256 */
	uint8_t digest[sizeof(passed)];
	int r;

	crypto_sha256(pem, strlen(pem), digest);
	if (memcmp(digest, passed, sizeof(passed)) == 0)
		return 0;
	r = crypto_certificates_each(pem, certificate_accept, NULL);
	if (r == 0)
		memcpy(passed, digest, sizeof(passed));
	return r;
}

static int certificate_write(X509 *cert, void *out)
{
	return PEM_write_bio_X509(out, cert) == 1 ? 0 : -ENOMEM;
}

int crypto_certificates_clean(const char *pem, char **ret)
{
	_cleanup_(BIO_freep) BIO *out = BIO_new(BIO_s_mem());
	int r;

	if (!out)
		return -ENOMEM;
	r = crypto_certificates_each(pem, certificate_write, out);
	if (r != 0)
		return r;
	return crypto_bio_text(out, ret);
}
