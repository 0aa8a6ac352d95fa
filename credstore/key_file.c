/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <mbedtls/asn1.h>
#include <mbedtls/pk.h>
#include <string.h>

#include "credstore/key_ops.h"
#include "credstore/mbed.h"

#define PEM_MAX 8192

struct key_file {
	struct key key;
	mbedtls_pk_context pk;
	uint8_t spki[KEY_SPKI_LEN];
};

static int mbed_error(int r)
{
	if (r >= 0)
		return 0;
	return r == MBEDTLS_ERR_PK_ALLOC_FAILED ? -ENOMEM : -EIO;
}

/* Keeps the public half; -EINVAL when it is not of P-256. */
static int set_spki(struct key_file *k)
{
	uint8_t der[KEY_SPKI_MAX];
	int n;

	n = mbedtls_pk_write_pubkey_der(&k->pk, der, sizeof(der));
	if (n != KEY_SPKI_LEN)
		return -EINVAL;
	memcpy(k->spki, der + sizeof(der) - KEY_SPKI_LEN, KEY_SPKI_LEN);
	return key_spki_is_p256(k->spki) ? 0 : -EINVAL;
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

static int file_sign_digest(struct key *key, const uint8_t digest[static 32],
			    uint8_t ret[static 64])
{
	struct key_file *k = (struct key_file *)key;
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

static int file_spki(struct key *key, uint8_t ret[static KEY_SPKI_LEN])
{
	struct key_file *k = (struct key_file *)key;

	memcpy(ret, k->spki, KEY_SPKI_LEN);
	return 0;
}

static void file_free(struct key *key)
{
	struct key_file *k = (struct key_file *)key;

	mbedtls_pk_free(&k->pk);
	free(k);
}

static const struct key_ops ops = {
	.sign_digest = file_sign_digest,
	.spki = file_spki,
	.free = file_free,
};

static struct key_file *key_file_new(void)
{
	struct key_file *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->key.ops = &ops;
	mbedtls_pk_init(&k->pk);
	return k;
}

static void key_file_freep(struct key_file **k)
{
	if (*k)
		file_free(&(*k)->key);
}

int key_generate(struct key **ret, struct secret *ret_der)
{
	_cleanup_(key_file_freep) struct key_file *k = key_file_new();
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
	secret_wipe_stack();
	if (r < 0)
		return r;
	secret_done(ret_der);
	*ret_der = der;
	der = SECRET_INIT;
	*ret = &TAKE_PTR(k)->key;
	return 0;
}

int key_load(const void *data, size_t len, struct key **ret)
{
	_cleanup_(key_file_freep) struct key_file *k = NULL;
	_cleanup_(secret_done) struct secret copy = SECRET_INIT;
	int r;

	if (len == 0 || len > PEM_MAX)
		return -EINVAL;
	k = key_file_new();
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
	*ret = &TAKE_PTR(k)->key;
	return 0;
}
