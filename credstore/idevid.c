/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/idevid.h"

#include <errno.h>
#include <mbedtls/pem.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "credstore/detail.h"
#include "credstore/key.h"
#include "credstore/mbed.h"

#define FILE_MAX 32768 /* room for what openssl x509 -text writes around them */
#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

static int refuse(char **ret_detail, const char *path, int r)
{
	switch (r) {
	case X5CHAIN_E_TOO_MANY:
		return detail_set(ret_detail, IDEVID_E_UNUSABLE,
				  "%s: more than %d certificates: leave the maker's root out", path,
				  X5CHAIN_CERTS_MAX);
	case X5CHAIN_E_TOO_LONG:
		return detail_set(ret_detail, IDEVID_E_UNUSABLE,
				  "%s: its certificates have more than %d bytes of DER", path,
				  X5CHAIN_MAX);
	}
	return detail_set(ret_detail, IDEVID_E_UNUSABLE,
			  "%s: no PEM certificates, the device's first, or damaged ones", path);
}

/* One PEM block, and where the text goes on behind it. */
static int add_block(const char *text, struct x5chain *chain, const char **ret_end)
{
	_cleanup_(mbedtls_pem_free) mbedtls_pem_context pem;
	const unsigned char *der;
	size_t len, used = 0;
	int r;

	mbedtls_pem_init(&pem);
	if (mbedtls_pem_read_buffer(&pem, BEGIN, END, (const unsigned char *)text, NULL, 0,
				    &used) != 0)
		return X5CHAIN_E_SYNTAX;
	der = mbed_pem_data(&pem, &len);
	r = x5chain_add(chain, der, len);
	*ret_end = text + used;
	return r;
}

int idevid_load(const char *path, struct x5chain *ret, char **ret_detail)
{
	_cleanup_(secret_done) struct secret file = SECRET_INIT;
	struct x5chain chain = {.n = 0};
	uint8_t digest[32];
	const char *at;
	int r;

	r = file_read(path, FILE_MAX, &file);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return detail_set(ret_detail, IDEVID_E_UNUSABLE, "%s: %s", path, strerror(-r));
	at = (const char *)file.data;
	if (!at || strlen(at) != file.len)
		return refuse(ret_detail, path, X5CHAIN_E_SYNTAX);
	while ((at = strstr(at, BEGIN))) {
		r = add_block(at, &chain, &at);
		if (r != 0)
			return refuse(ret_detail, path, r);
	}
	if (chain.n == 0 || idevid_leaf_digest(&chain, digest) < 0)
		return refuse(ret_detail, path, X5CHAIN_E_SYNTAX);
	*ret = chain;
	return 0;
}

static int parse(const struct x5chain *chain, size_t i, mbedtls_x509_crt *ret)
{
	size_t at = 0;

	if (i >= chain->n)
		return -EINVAL;
	for (size_t k = 0; k < i; k++)
		at += chain->lens[k];
	return mbedtls_x509_crt_parse_der(ret, chain->der + at, chain->lens[i]) == 0 &&
			       ret->raw.len == chain->lens[i]
		       ? 0
		       : -EINVAL;
}

int idevid_leaf_digest(const struct x5chain *chain, uint8_t ret[static 32])
{
	_cleanup_(mbedtls_x509_crt_free) mbedtls_x509_crt leaf;
	int r;

	mbedtls_x509_crt_init(&leaf);
	r = parse(chain, 0, &leaf);
	if (r < 0)
		return r;
	return sha256(leaf.pk_raw.p, leaf.pk_raw.len, ret);
}

int idevid_describe(const struct x5chain *chain, size_t i, struct idevid_text *ret)
{
	_cleanup_(mbedtls_x509_crt_free) mbedtls_x509_crt cert;
	const mbedtls_x509_time *t = &cert.valid_to;
	int r;

	mbedtls_x509_crt_init(&cert);
	r = parse(chain, i, &cert);
	if (r < 0)
		return r;
	if (mbedtls_x509_dn_gets(ret->subject, sizeof(ret->subject), &cert.subject) < 0)
		snprintf(ret->subject, sizeof(ret->subject), "(too long)");
	if (mbedtls_x509_dn_gets(ret->issuer, sizeof(ret->issuer), &cert.issuer) < 0)
		snprintf(ret->issuer, sizeof(ret->issuer), "(too long)");
	snprintf(ret->not_after, sizeof(ret->not_after), "%04d-%02d-%02dT%02d:%02d:%02dZ", t->year,
		 t->mon, t->day, t->hour, t->min, t->sec);
	ret->has_no_end = strcmp(ret->not_after, "9999-12-31T23:59:59Z") == 0;
	return 0;
}
