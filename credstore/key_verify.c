/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <mbedtls/ecdsa.h>

#include "credstore/key_ops.h"

#define POINT_AT (KEY_SPKI_LEN - 65)

/* A token is another computer's word; what it says of a key is checked before it goes on. */

static int load_point(mbedtls_ecp_group *group, mbedtls_ecp_point *q,
		      const uint8_t spki[static KEY_SPKI_LEN])
{
	int r;

	if (!key_spki_is_p256(spki))
		return -EINVAL;
	r = mbedtls_ecp_group_load(group, MBEDTLS_ECP_DP_SECP256R1);
	if (r != 0)
		return -ENOMEM;
	r = mbedtls_ecp_point_read_binary(group, q, spki + POINT_AT, KEY_SPKI_LEN - POINT_AT);
	if (r == 0)
		r = mbedtls_ecp_check_pubkey(group, q);
	if (r == 0)
		return 0;
	return r == MBEDTLS_ERR_MPI_ALLOC_FAILED ? -ENOMEM : -EINVAL;
}

int key_spki_check(const uint8_t spki[static KEY_SPKI_LEN])
{
	mbedtls_ecp_group group;
	mbedtls_ecp_point q;
	int r;

	mbedtls_ecp_group_init(&group);
	mbedtls_ecp_point_init(&q);
	r = load_point(&group, &q, spki);
	mbedtls_ecp_point_free(&q);
	mbedtls_ecp_group_free(&group);
	return r;
}

int key_spki_verify(const uint8_t spki[static KEY_SPKI_LEN], const uint8_t digest[static 32],
		    const uint8_t signature[static 64])
{
	mbedtls_ecp_group group;
	mbedtls_ecp_point q;
	mbedtls_mpi r, s;
	int k;

	mbedtls_ecp_group_init(&group);
	mbedtls_ecp_point_init(&q);
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);
	k = load_point(&group, &q, spki);
	if (k == 0 && (mbedtls_mpi_read_binary(&r, signature, 32) != 0 ||
		       mbedtls_mpi_read_binary(&s, signature + 32, 32) != 0))
		k = -ENOMEM;
	if (k == 0) {
		k = mbedtls_ecdsa_verify(&group, digest, 32, &q, &r, &s);
		if (k != 0)
			k = k == MBEDTLS_ERR_MPI_ALLOC_FAILED ? -ENOMEM : -EINVAL;
	}
	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	mbedtls_ecp_point_free(&q);
	mbedtls_ecp_group_free(&group);
	return k;
}
