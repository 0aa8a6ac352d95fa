/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/interop/pki.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct pki {
	EVP_PKEY *key;
	X509 *root;
	char pem[4096];
	long serial;
};

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "pki.c:%d: %s\n", __LINE__, #condition);                   \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void extend(X509 *crt, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, crt, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	CHECK(extension && X509_add_ext(crt, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

static X509 *certificate(struct pki *pki, EVP_PKEY *key, const char *name, long from_s, long to_s)
{
	X509 *crt = X509_new();
	X509_NAME *subject;

	CHECK(crt && X509_set_version(crt, 2) == 1);
	CHECK(ASN1_INTEGER_set(X509_get_serialNumber(crt), ++pki->serial) == 1);
	CHECK(X509_gmtime_adj(X509_getm_notBefore(crt), from_s));
	CHECK(X509_gmtime_adj(X509_getm_notAfter(crt), to_s));
	subject = X509_get_subject_name(crt);
	CHECK(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
					 -1, -1, 0) == 1);
	CHECK(X509_set_pubkey(crt, key) == 1);
	return crt;
}

struct pki *pki_new(const char *common_name)
{
	struct pki *pki = calloc(1, sizeof(*pki));
	BIO *bio = BIO_new(BIO_s_mem());
	int n;

	CHECK(pki && bio);
	pki->key = EVP_EC_gen("P-256");
	CHECK(pki->key);
	pki->root = certificate(pki, pki->key, common_name, -86400, 86400);
	CHECK(X509_set_issuer_name(pki->root, X509_get_subject_name(pki->root)) == 1);
	extend(pki->root, pki->root, NID_basic_constraints, "critical,CA:TRUE");
	extend(pki->root, pki->root, NID_key_usage, "critical,keyCertSign");
	extend(pki->root, pki->root, NID_subject_key_identifier, "hash");
	CHECK(X509_sign(pki->root, pki->key, EVP_sha256()) > 0);
	CHECK(PEM_write_bio_X509(bio, pki->root) == 1);
	n = BIO_read(bio, pki->pem, sizeof(pki->pem) - 1);
	CHECK(n > 0);
	pki->pem[n] = '\0';
	BIO_free(bio);
	return pki;
}

void pki_free(struct pki *pki)
{
	if (!pki)
		return;
	X509_free(pki->root);
	EVP_PKEY_free(pki->key);
	free(pki);
}

const char *pki_root_pem(const struct pki *pki)
{
	return pki->pem;
}

void pki_issue(struct pki *pki, const char *dir, const char *stem, const char *dns, long from_s,
	       long to_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char path[512], san[256];
	X509 *crt;
	FILE *f;

	CHECK(key);
	crt = certificate(pki, key, dns, from_s, to_s);
	CHECK(X509_set_issuer_name(crt, X509_get_subject_name(pki->root)) == 1);
	snprintf(san, sizeof(san), "DNS:%s", dns);
	extend(crt, pki->root, NID_basic_constraints, "CA:FALSE");
	extend(crt, pki->root, NID_key_usage, "critical,digitalSignature");
	extend(crt, pki->root, NID_ext_key_usage, "serverAuth");
	extend(crt, pki->root, NID_subject_alt_name, san);
	CHECK(X509_sign(crt, pki->key, EVP_sha256()) > 0);
	snprintf(path, sizeof(path), "%s/%s.pem", dir, stem);
	f = fopen(path, "we");
	CHECK(f && PEM_write_X509(f, crt) == 1 && fclose(f) == 0);
	snprintf(path, sizeof(path), "%s/%s.key", dir, stem);
	f = fopen(path, "we");
	CHECK(f && fchmod(fileno(f), 0600) == 0);
	CHECK(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(f) == 0);
	X509_free(crt);
	EVP_PKEY_free(key);
}
