/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <mbedtls/asn1.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <string.h>

#include "credstore/key.h"
#include "credstore/mbed.h"

#define SPKI_LEN 91
#define PEM_MAX 8192

struct key {
	mbedtls_pk_context pk;
	uint8_t spki[SPKI_LEN];
};

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING 04 || x || y } (RFC 5480 §2): any
 * other curve or form of key has another beginning. */
static const uint8_t spki_prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

static int mbed_error(int r)
{
	if (r >= 0)
		return 0;
	return r == MBEDTLS_ERR_PK_ALLOC_FAILED ? -ENOMEM : -EIO;
}

static struct key *key_new(void)
{
	struct key *k = calloc(1, sizeof(*k));

	if (k)
		mbedtls_pk_init(&k->pk);
	return k;
}

struct key *key_free(struct key *k)
{
	if (k)
		mbedtls_pk_free(&k->pk);
	free(k);
	return NULL;
}

/* Keeps the public half; -EINVAL when it is not of P-256. */
static int set_spki(struct key *k)
{
	uint8_t der[KEY_SPKI_MAX];
	int n;

	n = mbedtls_pk_write_pubkey_der(&k->pk, der, sizeof(der));
	if (n != SPKI_LEN)
		return -EINVAL;
	memcpy(k->spki, der + sizeof(der) - SPKI_LEN, SPKI_LEN);
	return memcmp(k->spki, spki_prefix, sizeof(spki_prefix)) == 0 ? 0 : -EINVAL;
}

int key_generate(struct key **ret, struct secret *ret_der)
{
	_cleanup_(key_freep) struct key *k = key_new();
	_cleanup_(secret_done) struct secret buffer = SECRET_INIT, der = SECRET_INIT;
	int r, n;

	if (!k)
		return -ENOMEM;
	r = mbedtls_pk_setup(&k->pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
	if (r == 0)
		r = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(k->pk), mbed_rng,
					NULL);
	if (r != 0)
		return mbed_error(r);
	r = set_spki(k);
	if (r < 0)
		return -EIO;
	r = secret_alloc(&buffer, 256);
	if (r < 0)
		return r;
	n = mbedtls_pk_write_key_der(&k->pk, buffer.data, buffer.len);
	if (n <= 0)
		return mbed_error(n < 0 ? n : -1);
	r = secret_set(&der, buffer.data + buffer.len - (size_t)n, (size_t)n);
	if (r < 0)
		return r;
	secret_done(ret_der);
	*ret_der = der;
	der = SECRET_INIT;
	*ret = TAKE_PTR(k);
	return 0;
}

int key_load(const void *data, size_t len, struct key **ret)
{
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret copy = SECRET_INIT;
	int r;

	if (len == 0 || len > PEM_MAX)
		return -EINVAL;
	k = key_new();
	if (!k)
		return -ENOMEM;
	/* The parser takes text only with its NUL, which a secret always has behind it. */
	r = secret_set(&copy, data, len);
	if (r < 0)
		return r;
	if (memmem(copy.data, copy.len, "-----BEGIN", 10)) {
		if (memchr(copy.data, '\0', copy.len))
			return -EINVAL;
		len++;
	}
	r = mbed_pk_parse_key(&k->pk, copy.data, len);
	if (r == MBEDTLS_ERR_PK_ALLOC_FAILED)
		return -ENOMEM;
	if (r != 0 || !mbedtls_pk_can_do(&k->pk, MBEDTLS_PK_ECDSA))
		return -EINVAL;
	r = set_spki(k);
	if (r < 0)
		return r;
	if (mbed_pk_check(&k->pk) != 0)
		return -EINVAL;
	*ret = TAKE_PTR(k);
	return 0;
}

/* One positive INTEGER of a DER signature as 32 big-endian bytes. */
static int read_integer(unsigned char **at, const unsigned char *end, uint8_t ret[static 32])
{
	size_t len;

	if (mbedtls_asn1_get_tag(at, end, &len, MBEDTLS_ASN1_INTEGER) != 0)
		return -EIO;
	for (; len > 0 && **at == 0; len--)
		(*at)++;
	if (len > 32)
		return -EIO;
	memset(ret, 0, 32 - len);
	memcpy(ret + 32 - len, *at, len);
	*at += len;
	return 0;
}

int key_sign_digest(struct key *k, const uint8_t digest[static 32], uint8_t ret[static 64])
{
	uint8_t der[MBEDTLS_PK_SIGNATURE_MAX_SIZE], raw[64];
	unsigned char *at = der;
	size_t len;
	int r;

	r = mbed_pk_sign(&k->pk, digest, der, sizeof(der), &len);
	if (r != 0)
		return mbed_error(r);
	if (mbedtls_asn1_get_tag(&at, der + len, &len,
				 MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0)
		return -EIO;
	if (read_integer(&at, at + len, raw) < 0)
		return -EIO;
	if (read_integer(&at, der + sizeof(der), raw + 32) < 0)
		return -EIO;
	memcpy(ret, raw, sizeof(raw));
	return 0;
}

int key_sign(void *key, const uint8_t *data, size_t len, uint8_t ret[static 64])
{
	uint8_t digest[32];
	int r;

	r = sha256(data, len, digest);
	if (r < 0)
		return r;
	return key_sign_digest(key, digest, ret);
}

int key_spki(struct key *k, uint8_t ret[static KEY_SPKI_MAX], size_t *ret_len)
{
	memcpy(ret, k->spki, SPKI_LEN);
	*ret_len = SPKI_LEN;
	return 0;
}

int sha256(const void *data, size_t len, uint8_t ret[static 32])
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

	return info && mbedtls_md(info, data, len, ret) == 0 ? 0 : -EIO;
}
