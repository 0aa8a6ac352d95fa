/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/text.h"
#include "service/crypto_private.h"

#define CA_YEARS 20
#define DAY_S 86400
#define BACKDATE_S 300 /* clocks of devices run behind */
#define CRL_URL_MAX 255

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(BIO *, BIO_free);
DEFINE_CLEANUP(X509 *, X509_free);

struct crypto_ca *crypto_ca_free(struct crypto_ca *ca)
{
	if (!ca)
		return NULL;
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
	free(ca);
	return NULL;
}

static int extension_add(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	int ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (!e)
		return -ENOMEM;
	ok = X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
	return ok == 1 ? 0 : -ENOMEM;
}

struct extension {
	int nid;
	const char *value;
};

static int extensions_add(X509 *cert, X509 *issuer, const struct extension *items, size_t n)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		r = extension_add(cert, issuer, items[i].nid, items[i].value);
		if (r < 0)
			return r;
	}
	return 0;
}

/* RFC 5280 §4.1.2.2: positive, unique, at most 20 octets. 159 random bits make it unique. */
static int serial_set(X509 *cert)
{
	uint8_t bytes[20];
	BIGNUM *bn;
	ASN1_INTEGER *n;

	random_fill(bytes, sizeof(bytes));
	bytes[0] &= 0x7f;
	bn = BN_bin2bn(bytes, sizeof(bytes), NULL);
	n = bn ? BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) : NULL;
	BN_free(bn);
	return n ? 0 : -ENOMEM;
}

/* Everything that both kinds of certificate have in common. */
static int certificate_begin(X509 *cert, const char *name, const X509_NAME *issuer, EVP_PKEY *key,
			     int64_t not_before, int64_t not_after)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int r;

	r = serial_set(cert);
	if (r < 0)
		return r;
	if (X509_set_version(cert, X509_VERSION_3) != 1 ||
	    !ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)not_before) ||
	    !ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)not_after) ||
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
				       -1, -1, 0) != 1 ||
	    X509_set_issuer_name(cert, issuer ? issuer : subject) != 1 ||
	    X509_set_pubkey(cert, key) != 1)
		return -ENOMEM;
	return 0;
}

static int certificate_pem(X509 *cert, char **ret)
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());

	if (!bio || PEM_write_bio_X509(bio, cert) != 1)
		return -ENOMEM;
	return crypto_bio_text(bio, ret);
}

static int ca_self_sign(EVP_PKEY *key, const char *name, int64_t now_s, char **ret)
{
	static const struct extension extensions[] = {
		{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
		{NID_key_usage, "critical,keyCertSign,cRLSign"},
		{NID_subject_key_identifier, "hash"},
	};
	_cleanup_(X509_freep) X509 *cert = X509_new();
	int r;

	if (!cert)
		return -ENOMEM;
	r = certificate_begin(cert, name, NULL, key, now_s - BACKDATE_S,
			      now_s + (int64_t)CA_YEARS * 365 * DAY_S);
	if (r < 0)
		return r;
	r = extensions_add(cert, cert, extensions, ARRAY_SIZE(extensions));
	if (r < 0)
		return r;
	if (X509_sign(cert, key, EVP_sha256()) <= 0)
		return -EIO;
	return certificate_pem(cert, ret);
}

static int private_key_read(const struct secret *pem, EVP_PKEY **ret)
{
	_cleanup_(BIO_freep) BIO *bio = NULL;

	ERR_clear_error();
	bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	if (!bio)
		return -ENOMEM;
	*ret = PEM_read_bio_PrivateKey(bio, NULL, crypto_password, NULL);
	return *ret ? 0 : CRYPTO_E_KEY;
}

int crypto_ca_make(const char *name, int64_t now_s, struct secret *ret_key, char **ret_cert)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	_cleanup_(BIO_freep) BIO *bio = NULL;
	_cleanup_(freep) char *cert = NULL;
	char *data;
	long len;
	int r;

	ERR_clear_error();
	key = EVP_EC_gen("P-256");
	if (!key)
		return -EIO;
	r = ca_self_sign(key, name, now_s, &cert);
	if (r < 0)
		return r;
	bio = BIO_new(BIO_s_secmem());
	if (!bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return -ENOMEM;
	len = BIO_get_mem_data(bio, &data);
	if (len <= 0)
		return -ENOMEM;
	r = secret_set(ret_key, data, (size_t)len);
	if (r < 0)
		return r;
	*ret_cert = TAKE_PTR(cert);
	return 0;
}

int crypto_ca_renew(const struct secret *key_pem, const char *name, int64_t now_s, char **ret_cert)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	int r;

	r = private_key_read(key_pem, &key);
	if (r != 0)
		return r;
	return ca_self_sign(key, name, now_s, ret_cert);
}

int crypto_ca_load(const struct secret *key, const char *cert, struct crypto_ca **ret)
{
	_cleanup_(crypto_ca_freep) struct crypto_ca *ca = calloc(1, sizeof(*ca));
	_cleanup_(BIO_freep) BIO *bio = NULL;
	int r;

	if (!ca)
		return -ENOMEM;
	r = private_key_read(key, &ca->key);
	if (r != 0)
		return r;
	bio = BIO_new_mem_buf(cert, -1);
	if (!bio)
		return -ENOMEM;
	ca->cert = PEM_read_bio_X509(bio, NULL, crypto_password, NULL);
	if (!ca->cert || X509_check_private_key(ca->cert, ca->key) != 1)
		return CRYPTO_E_CERTIFICATE;
	*ret = TAKE_PTR(ca);
	return 0;
}

/* No more than a URI, since the text below has a syntax of its own. */
bool crypto_crl_url_check(const char *url)
{
	return (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) &&
	       strlen(url) <= CRL_URL_MAX && strcspn(url, ",;\n\r\t \"\\") == strlen(url);
}

static int crl_url_add(X509 *cert, X509 *issuer, const char *url)
{
	char text[CRL_URL_MAX + sizeof("URI:")];

	if (!crypto_crl_url_check(url))
		return -EINVAL;
	snprintf(text, sizeof(text), "URI:%s", url);
	return extension_add(cert, issuer, NID_crl_distribution_points, text);
}

static int serial_text(X509 *cert, char ret[static CRYPTO_SERIAL_TEXT])
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	uint8_t bytes[20];
	int n = bn ? BN_bn2binpad(bn, bytes, sizeof(bytes)) : -1;

	BN_free(bn);
	if (n < 0)
		return -ENOMEM;
	hex_encode(bytes, sizeof(bytes), ret);
	return 0;
}

int crypto_ca_issue(struct crypto_ca *ca, const uint8_t spki[static CRYPTO_SPKI_LEN],
		    const struct crypto_profile *profile, int64_t now_s, struct crypto_issued *ret)
{
	static const struct extension extensions[] = {
		{NID_basic_constraints, "critical,CA:FALSE"},
		{NID_key_usage, "critical,digitalSignature,keyAgreement"},
		{NID_ext_key_usage, "clientAuth"},
		{NID_subject_key_identifier, "hash"},
		{NID_authority_key_identifier, "keyid:always"},
	};
	struct crypto_issued issued = {
		.not_before = now_s - BACKDATE_S,
		.not_after = now_s + (int64_t)profile->days * DAY_S,
	};
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	_cleanup_(X509_freep) X509 *cert = NULL;
	const unsigned char *p = spki;
	int r;

	r = crypto_key_check(spki, CRYPTO_SPKI_LEN);
	if (r != 0)
		return r;
	key = d2i_PUBKEY(NULL, &p, CRYPTO_SPKI_LEN);
	cert = X509_new();
	if (!key || !cert)
		return -ENOMEM;
	r = certificate_begin(cert, profile->name, X509_get_subject_name(ca->cert), key,
			      issued.not_before, issued.not_after);
	if (r == 0)
		r = extensions_add(cert, ca->cert, extensions, ARRAY_SIZE(extensions));
	if (r == 0 && profile->crl_url)
		r = crl_url_add(cert, ca->cert, profile->crl_url);
	if (r == 0)
		r = serial_text(cert, issued.serial);
	if (r < 0)
		return r;
	if (X509_sign(cert, ca->key, EVP_sha256()) <= 0)
		return -EIO;
	r = certificate_pem(cert, &issued.pem);
	if (r < 0)
		return r;
	*ret = issued;
	return 0;
}

int crypto_ca_key(const struct crypto_ca *ca, uint8_t ret_spki[static CRYPTO_SPKI_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(ca->key, &der);

	return crypto_spki_take(der, len, ret_spki);
}
