/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "service/crypto_private.h"

DEFINE_CLEANUP(X509_CRL *, X509_CRL_free);
DEFINE_CLEANUP(X509_REVOKED *, X509_REVOKED_free);
DEFINE_CLEANUP(ASN1_INTEGER *, ASN1_INTEGER_free);
DEFINE_CLEANUP(ASN1_ENUMERATED *, ASN1_ENUMERATED_free);
DEFINE_CLEANUP(ASN1_TIME *, ASN1_TIME_free);
DEFINE_CLEANUP(BIGNUM *, BN_free);

static int serial_parse(const char *text, ASN1_INTEGER **ret)
{
	_cleanup_(BN_freep) BIGNUM *bn = NULL;
	uint8_t bytes[20];

	if (hex_decode(text, strlen(text), bytes, sizeof(bytes)) < 0)
		return -EBADMSG;
	bn = BN_bin2bn(bytes, sizeof(bytes), NULL);
	*ret = bn ? BN_to_ASN1_INTEGER(bn, NULL) : NULL;
	return *ret ? 0 : -ENOMEM;
}

static int reason_add(X509_REVOKED *entry, unsigned int reason)
{
	_cleanup_(ASN1_ENUMERATED_freep) ASN1_ENUMERATED *value = NULL;

	/* RFC 5280 §5.3.1: "the reason code CRL entry extension SHOULD be absent instead of using
	 * the unspecified (0) reasonCode value". */
	if (reason == 0)
		return 0;
	value = ASN1_ENUMERATED_new();
	if (!value || ASN1_ENUMERATED_set(value, (long)reason) != 1 ||
	    X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, 0) != 1)
		return -ENOMEM;
	return 0;
}

static int entry_add(X509_CRL *crl, const struct crypto_revoked *item)
{
	_cleanup_(X509_REVOKED_freep) X509_REVOKED *entry = X509_REVOKED_new();
	_cleanup_(ASN1_INTEGER_freep) ASN1_INTEGER *serial = NULL;
	_cleanup_(ASN1_TIME_freep) ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)item->at);
	int r;

	if (!entry || !at)
		return -ENOMEM;
	r = serial_parse(item->serial, &serial);
	if (r < 0)
		return r;
	if (X509_REVOKED_set_serialNumber(entry, serial) != 1 ||
	    X509_REVOKED_set_revocationDate(entry, at) != 1)
		return -ENOMEM;
	r = reason_add(entry, item->reason);
	if (r < 0)
		return r;
	if (X509_CRL_add0_revoked(crl, entry) != 1)
		return -ENOMEM;
	entry = NULL;
	return 0;
}

static int number_add(X509_CRL *crl, uint64_t number)
{
	_cleanup_(ASN1_INTEGER_freep) ASN1_INTEGER *value = ASN1_INTEGER_new();

	if (!value || ASN1_INTEGER_set_uint64(value, number) != 1 ||
	    X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) != 1)
		return -ENOMEM;
	return 0;
}

static int issuer_add(X509_CRL *crl, X509 *issuer)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	int ok;

	X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	if (!e)
		return -ENOMEM;
	ok = X509_CRL_add_ext(crl, e, -1);
	X509_EXTENSION_free(e);
	return ok == 1 ? 0 : -ENOMEM;
}

static int times_set(X509_CRL *crl, int64_t this_update, int64_t next_update)
{
	_cleanup_(ASN1_TIME_freep) ASN1_TIME *this = ASN1_TIME_set(NULL, (time_t)this_update);
	_cleanup_(ASN1_TIME_freep) ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)next_update);

	if (!this || !next || X509_CRL_set1_lastUpdate(crl, this) != 1 ||
	    X509_CRL_set1_nextUpdate(crl, next) != 1)
		return -ENOMEM;
	return 0;
}

int crypto_ca_crl(struct crypto_ca *ca, const struct crypto_crl *list, uint8_t **ret,
		  size_t *ret_len)
{
	_cleanup_(X509_CRL_freep) X509_CRL *crl = X509_CRL_new();
	unsigned char *der = NULL;
	int len, r;

	ERR_clear_error();
	if (!crl || X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 ||
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)) != 1)
		return -ENOMEM;
	r = times_set(crl, list->this_update, list->next_update);
	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = entry_add(crl, &list->items[i]);
	if (r == 0)
		r = issuer_add(crl, ca->cert);
	if (r == 0)
		r = number_add(crl, list->number);
	if (r < 0)
		return r;
	if (X509_CRL_sort(crl) != 1 || X509_CRL_sign(crl, ca->key, EVP_sha256()) <= 0)
		return -EIO;
	len = i2d_X509_CRL(crl, &der);
	if (len <= 0)
		return -ENOMEM;
	*ret = malloc((size_t)len);
	if (*ret)
		memcpy(*ret, der, (size_t)len);
	OPENSSL_free(der);
	if (!*ret)
		return -ENOMEM;
	*ret_len = (size_t)len;
	return 0;
}
