/* SPDX-License-Identifier: Apache-2.0 */
#include "service/crypto_chain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "service/crypto_private.h"

#define SECURITY_LEVEL 2 /* of libcrypto: 112 bits, so neither SHA-1 nor RSA below 2048 */
#define IS_CA 1          /* of X509_check_ca(): by its basic constraints; others are guesses */
#define NAME_MAX_SHOWN 160

DEFINE_CLEANUP(BIO *, BIO_free);
DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free);

struct crypto_makers {
	X509_STORE *store;
};

/* The chain as libcrypto has it: leaf and those above. */
struct parsed {
	X509 *leaf;
	STACK_OF(X509) * above;
};

static void parsed_done(struct parsed *p)
{
	X509_free(p->leaf);
	sk_X509_pop_free(p->above, X509_free);
}

static int refuse(char **ret_detail, const char *format, ...) _printf_(2, 3);

static int refuse(char **ret_detail, const char *format, ...)
{
	va_list ap;
	int n;

	ERR_clear_error();
	va_start(ap, format);
	n = vasprintf(ret_detail, format, ap);
	va_end(ap);
	if (n >= 0)
		return CRYPTO_E_CERTIFICATE;
	*ret_detail = NULL;
	return -ENOMEM;
}

/* A name in ASCII (RFC 4514), cut where it gets long: who wrote it is not known. */
static const char *name_text(const X509_NAME *name, char ret[static NAME_MAX_SHOWN])
{
	_cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long len;

	ret[0] = '\0';
	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		len = BIO_get_mem_data(bio, &data);
		snprintf(ret, NAME_MAX_SHOWN, "%.*s", (int)MIN(len, NAME_MAX_SHOWN - 1), data);
	}
	return ret;
}

int crypto_makers_new(struct crypto_makers **ret)
{
	_cleanup_(crypto_makers_freep) struct crypto_makers *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->store = X509_STORE_new();
	if (!m->store)
		return -ENOMEM;
	*ret = TAKE_PTR(m);
	return 0;
}

struct crypto_makers *crypto_makers_free(struct crypto_makers *m)
{
	if (!m)
		return NULL;
	X509_STORE_free(m->store);
	free(m);
	return NULL;
}

struct adding {
	X509_STORE *store;
	const char *why;
};

static int add(X509 *cert, void *userdata)
{
	struct adding *a = userdata;

	if (X509_check_ca(cert) != IS_CA) {
		a->why = "a certificate in it is not one of a CA";
		return CRYPTO_E_CERTIFICATE;
	}
	return X509_STORE_add_cert(a->store, cert) == 1 ? 0 : -ENOMEM;
}

int crypto_makers_add(struct crypto_makers *m, const char *pem, const char **ret_why)
{
	struct adding a = {m->store, "no PEM certificate, or a damaged one"};
	int r = crypto_certificates_each(pem, add, &a);

	ERR_clear_error();
	if (r == CRYPTO_E_CERTIFICATE)
		*ret_why = a.why;
	return r;
}

/* Exactly one certificate. */
static X509 *cert_parse(const uint8_t *der, size_t len)
{
	const unsigned char *p = der;
	X509 *cert = d2i_X509(NULL, &p, (long)len);

	if (cert && p == der + len)
		return cert;
	X509_free(cert);
	return NULL;
}

static int chain_parse(const struct x5chain *chain, struct parsed *ret, char **ret_detail)
{
	size_t at = 0;

	ret->above = sk_X509_new_null();
	if (!ret->above)
		return -ENOMEM;
	for (size_t i = 0; i < chain->n; i++) {
		X509 *cert = cert_parse(chain->der + at, chain->lens[i]);

		at += chain->lens[i];
		if (!cert)
			return refuse(ret_detail, "certificate %zu cannot be read", i + 1);
		if (i == 0) {
			ret->leaf = cert;
		} else if (sk_X509_push(ret->above, cert) == 0) {
			X509_free(cert);
			return -ENOMEM;
		}
	}
	return 0;
}

static int leaf_key(X509 *leaf, uint8_t ret[static CRYPTO_SPKI_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);

	return crypto_spki_take(der, len, ret);
}

int crypto_chain_key(const struct x5chain *chain, uint8_t ret_spki[static CRYPTO_SPKI_LEN])
{
	_cleanup_(X509_freep) X509 *leaf = NULL;

	ERR_clear_error();
	leaf = chain->n > 0 ? cert_parse(chain->der, chain->lens[0]) : NULL;
	if (!leaf)
		return CRYPTO_E_CERTIFICATE;
	return leaf_key(leaf, ret_spki);
}

static bool has_entry(const X509_NAME *name, int nid, const char *uuid)
{
	const size_t len = strlen(uuid);
	bool found = false;

	for (int i = -1; !found && (i = X509_NAME_get_index_by_NID(name, nid, i)) >= 0;) {
		unsigned char *text = NULL;
		int n = ASN1_STRING_to_UTF8(&text,
					    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));

		found = n >= 0 && (size_t)n == len && strncasecmp((char *)text, uuid, len) == 0;
		OPENSSL_free(text);
	}
	return found;
}

static bool names_device(X509 *leaf, const char *uuid)
{
	const X509_NAME *subject = X509_get_subject_name(leaf);

	return has_entry(subject, NID_serialNumber, uuid) ||
	       has_entry(subject, NID_commonName, uuid);
}

/* What the leaf has to be, whoever signed it. */
static int leaf_check(X509 *leaf, const char *uuid, uint8_t ret_spki[static CRYPTO_SPKI_LEN],
		      char **ret_detail)
{
	char name[NAME_MAX_SHOWN];
	int r = leaf_key(leaf, ret_spki);

	if (r < 0)
		return r;
	if (r > 0)
		return refuse(ret_detail, "the device's certificate is not for a P-256 key");
	if (X509_check_ca(leaf) != 0)
		return refuse(ret_detail, "the device's certificate is one of a CA");
	/* All bits when the extension is absent. */
	if (!(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
		return refuse(ret_detail,
			      "the device's certificate does not let its key sign (key usage)");
	if (!names_device(leaf, uuid))
		return refuse(ret_detail,
			      "the device's certificate (%s) names another device: neither "
			      "serialNumber nor CN is %s",
			      name_text(X509_get_subject_name(leaf), name), uuid);
	return 0;
}

static int time_refuse(X509 *cert, int depth, bool is_over, char **ret_detail)
{
	const ASN1_TIME *t = is_over ? X509_get0_notAfter(cert) : X509_get0_notBefore(cert);
	char name[NAME_MAX_SHOWN], when[32] = "?";
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) == 1)
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return refuse(ret_detail, "certificate %d (%s) %s %s", depth + 1,
		      name_text(X509_get_subject_name(cert), name),
		      is_over ? "expired at" : "is not valid before", when);
}

static int verify_refuse(X509_STORE_CTX *ctx, char **ret_detail)
{
	const int error = X509_STORE_CTX_get_error(ctx);
	const int depth = X509_STORE_CTX_get_error_depth(ctx);
	X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
	char name[NAME_MAX_SHOWN];

	if (error == X509_V_ERR_OUT_OF_MEM)
		return -ENOMEM;
	if (!cert)
		return refuse(ret_detail, "%s", X509_verify_cert_error_string(error));
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return time_refuse(cert, depth, true, ret_detail);
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return time_refuse(cert, depth, false, ret_detail);
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return refuse(ret_detail,
			      "it does not end in a manufacturer CA of this service: certificate "
			      "%d was issued by %s",
			      depth + 1, name_text(X509_get_issuer_name(cert), name));
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return refuse(ret_detail,
			      "certificate %d (%s) is not signed by the CA that it names as its "
			      "issuer",
			      depth + 1, name_text(X509_get_subject_name(cert), name));
	}
	return refuse(ret_detail, "certificate %d (%s): %s", depth + 1,
		      name_text(X509_get_subject_name(cert), name),
		      X509_verify_cert_error_string(error));
}

/* libcrypto also takes for CAs what only looks like one. */
static int issuers_check(X509_STORE_CTX *ctx, char **ret_detail)
{
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	char name[NAME_MAX_SHOWN];

	for (int i = 1; i < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);

		if (X509_check_ca(cert) != IS_CA)
			return refuse(ret_detail, "certificate %d (%s) is not one of a CA", i + 1,
				      name_text(X509_get_subject_name(cert), name));
	}
	return 0;
}

static int verify(struct crypto_makers *m, const struct parsed *p, int64_t now_s, char **ret_detail)
{
	_cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;

	if (!ctx || X509_STORE_CTX_init(ctx, m->store, p->leaf, p->above) != 1)
		return -ENOMEM;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	/* A maker may be trusted for one of its lines: the CA given need not be a root. */
	if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		return -ENOMEM;
	if (X509_verify_cert(ctx) != 1)
		return verify_refuse(ctx, ret_detail);
	return issuers_check(ctx, ret_detail);
}

int crypto_chain_verify(struct crypto_makers *m, const struct x5chain *chain, int64_t now_s,
			const char *uuid, uint8_t ret_spki[static CRYPTO_SPKI_LEN],
			char **ret_detail)
{
	_cleanup_(parsed_done) struct parsed p = {NULL, NULL};
	int r;

	ERR_clear_error();
	*ret_detail = NULL;
	r = chain_parse(chain, &p, ret_detail);
	if (r == 0 && !p.leaf)
		r = refuse(ret_detail, "there is no certificate");
	if (r == 0)
		r = verify(m, &p, now_s, ret_detail);
	if (r == 0)
		r = leaf_check(p.leaf, uuid, ret_spki, ret_detail);
	ERR_clear_error();
	return r;
}
