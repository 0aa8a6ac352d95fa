/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/mbed.h"

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

#endif
