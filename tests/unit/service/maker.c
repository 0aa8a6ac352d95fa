/* SPDX-License-Identifier: Apache-2.0 */
#include "maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "fixture.h"

static void add_name(X509 *cert, const char *type, const char *text)
{
	if (text)
		assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), type,
							    MBSTRING_ASC,
							    (const unsigned char *)text, -1, -1, 0),
				 1);
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	if (!value)
		return;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

X509 *cert_make(const struct cert_spec *spec)
{
	static long serial = 1;
	X509 *cert = X509_new();

	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(cert), spec->not_before);
	if (spec->not_after == 0)
		assert_int_equal(ASN1_TIME_set_string(X509_getm_notAfter(cert), "99991231235959Z"),
				 1);
	else
		X509_gmtime_adj(X509_getm_notAfter(cert), spec->not_after);
	add_name(cert, "CN", spec->cn);
	add_name(cert, "serialNumber", spec->serial);
	X509_set_issuer_name(cert, X509_get_subject_name(spec->issuer ? spec->issuer : cert));
	assert_int_equal(X509_set_pubkey(cert, spec->key), 1);
	add_extension(cert, spec->issuer, NID_basic_constraints, spec->constraints);
	add_extension(cert, spec->issuer, NID_key_usage, spec->usage);
	assert_true(X509_sign(cert, spec->signer ? spec->signer : spec->key,
			      spec->digest ? spec->digest : EVP_sha256()) > 0);
	return cert;
}

void chain_make(X509 *const *certs, size_t n, struct x5chain *ret)
{
	*ret = (struct x5chain){.n = 0};
	for (size_t i = 0; i < n; i++) {
		unsigned char *der = NULL;
		int len = i2d_X509(certs[i], &der);

		assert_true(len > 0);
		assert_int_equal(x5chain_add(ret, der, (size_t)len), 0);
		OPENSSL_free(der);
	}
}

struct maker *maker_new(const char *root_name)
{
	struct maker *m = calloc(1, sizeof(*m));

	m->root_key = key_make();
	m->line_key = key_make();
	m->root = cert_make(&(struct cert_spec){.cn = root_name,
						.key = m->root_key,
						.constraints = "critical,CA:TRUE",
						.not_before = -60});
	m->line = cert_make(&(struct cert_spec){.cn = "Maker Line 1",
						.key = m->line_key,
						.issuer = m->root,
						.signer = m->root_key,
						.constraints = "critical,CA:TRUE,pathlen:0",
						.usage = "critical,keyCertSign",
						.not_before = -60});
	return m;
}

void maker_free(struct maker *m)
{
	EVP_PKEY_free(m->root_key);
	EVP_PKEY_free(m->line_key);
	X509_free(m->root);
	X509_free(m->line);
	free(m);
}

void maker_chain(const struct maker *m, EVP_PKEY *key, const char *uuid, struct x5chain *ret)
{
	X509 *leaf = cert_make(&(struct cert_spec){.serial = uuid,
						   .key = key,
						   .issuer = m->line,
						   .signer = m->line_key,
						   .usage = "critical,digitalSignature",
						   .not_before = -60});
	X509 *const certs[] = {leaf, m->line};

	chain_make(certs, 2, ret);
	X509_free(leaf);
}

char *cert_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;
	long len;

	PEM_write_bio_X509(bio, cert);
	len = BIO_get_mem_data(bio, &data);
	text = strndup(data, (size_t)len);
	BIO_free(bio);
	return text;
}
