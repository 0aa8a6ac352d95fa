/* SPDX-License-Identifier: Apache-2.0 */
#include "service/crypto.h"

#include <errno.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

int crypto_scrypt(const void *password, size_t len, const uint8_t *salt, size_t salt_len,
		  const struct crypto_scrypt_cost *cost, uint8_t ret[static 32])
{
	uint64_t n = UINT64_C(1) << cost->log2_n, r = cost->r, p = cost->p;
	/* RFC 7914 §5 and §6: V, B, and what mixes one block. */
	uint64_t memory = 128 * r * (n + p + 2) + 4096;

	if (EVP_PBE_scrypt(password, len, salt, salt_len, n, r, p, memory, ret, 32) != 1)
		return -ENOMEM; /* the cost is ours and valid: nothing else can go wrong */
	return 0;
}

void crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
			uint8_t ret[static 32])
{
	unsigned int ret_len = 0;

	if (!HMAC(EVP_sha256(), key, (int)key_len, data, len, ret, &ret_len) || ret_len != 32)
		abort(); /* only when libcrypto itself is broken */
}
