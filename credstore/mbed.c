/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/mbed.h"

#include <mbedtls/rsa.h>
#include <mbedtls/version.h>

#include "base/clock.h"
#include "base/secret.h"

int mbed_rng(void *unused, unsigned char *out, size_t len)
{
	(void)unused;
	random_fill(out, len);
	return 0;
}

/* Below, what mbedTLS leaves of a private key on the stack is wiped: 2.28's deterministic ECDSA
 * keeps a copy there. */

#if MBEDTLS_VERSION_NUMBER >= 0x03000000

int mbed_pk_parse_key(mbedtls_pk_context *pk, const uint8_t *data, size_t len)
{
	int r = mbedtls_pk_parse_key(pk, data, len, NULL, 0, mbed_rng, NULL);

	secret_wipe_stack();
	return r;
}

int mbed_pk_check(mbedtls_pk_context *pk)
{
	return mbedtls_pk_check_pair(pk, pk, mbed_rng, NULL);
}

int mbed_pk_sign(mbedtls_pk_context *pk, const uint8_t digest[static 32], uint8_t *ret, size_t size,
		 size_t *ret_len)
{
	int r = mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, digest, 32, ret, size, ret_len, mbed_rng,
				NULL);

	secret_wipe_stack();
	return r;
}

const uint8_t *mbed_pem_data(const mbedtls_pem_context *pem, size_t *ret_len)
{
	return mbedtls_pem_get_buffer((mbedtls_pem_context *)pem, ret_len);
}

static int oaep_begin(mbedtls_rsa_context *rsa)
{
	mbedtls_rsa_init(rsa);
	return mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA1);
}

static int oaep_encrypt(mbedtls_rsa_context *rsa, const void *data, size_t len, uint8_t *ret)
{
	return mbedtls_rsa_rsaes_oaep_encrypt(rsa, mbed_rng, NULL, NULL, 0, len, data, ret);
}

#else

int mbed_pk_parse_key(mbedtls_pk_context *pk, const uint8_t *data, size_t len)
{
	int r = mbedtls_pk_parse_key(pk, data, len, NULL, 0);

	secret_wipe_stack();
	return r;
}

int mbed_pk_check(mbedtls_pk_context *pk)
{
	return mbedtls_pk_check_pair(pk, pk);
}

int mbed_pk_sign(mbedtls_pk_context *pk, const uint8_t digest[static 32], uint8_t *ret, size_t size,
		 size_t *ret_len)
{
	int r;

	/* 2.28 trusts the buffer to be large enough. */
	if (size < MBEDTLS_PK_SIGNATURE_MAX_SIZE)
		return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
	r = mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, digest, 32, ret, ret_len, mbed_rng, NULL);
	secret_wipe_stack();
	return r;
}

const uint8_t *mbed_pem_data(const mbedtls_pem_context *pem, size_t *ret_len)
{
	*ret_len = pem->buflen;
	return pem->buf;
}

static int oaep_begin(mbedtls_rsa_context *rsa)
{
	mbedtls_rsa_init(rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA1);
	return 0;
}

static int oaep_encrypt(mbedtls_rsa_context *rsa, const void *data, size_t len, uint8_t *ret)
{
	return mbedtls_rsa_rsaes_oaep_encrypt(rsa, mbed_rng, NULL, MBEDTLS_RSA_PUBLIC, NULL, 0, len,
					      data, ret);
}

#endif

int mbed_rsa_oaep_encrypt(const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len,
			  const void *data, size_t len, uint8_t *ret)
{
	mbedtls_rsa_context rsa;
	int r = oaep_begin(&rsa);

	if (r == 0)
		r = mbedtls_rsa_import_raw(&rsa, n, n_len, NULL, 0, NULL, 0, NULL, 0, e, e_len);
	if (r == 0)
		r = mbedtls_rsa_complete(&rsa);
	if (r == 0)
		r = oaep_encrypt(&rsa, data, len, ret);
	mbedtls_rsa_free(&rsa);
	return r;
}
