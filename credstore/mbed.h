/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The calls that mbedTLS 2.28 and 3.x spell differently, and its source of random bytes. Inside
 * credstore/ only. Results are mbedTLS's own numbers. */

#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* f_rng of every mbedTLS call: the kernel's generator. */
int mbed_rng(void *unused, unsigned char *out, size_t len);

int mbed_pk_parse_key(mbedtls_pk_context *pk, const uint8_t *data, size_t len) _must_check_;
/* Whether the public half belongs to the private one. */
int mbed_pk_check(mbedtls_pk_context *pk) _must_check_;
/* RSAES-OAEP with SHA-1 and an empty label, under the public key (n, e), big-endian; ret has n_len
 * bytes. */
int mbed_rsa_oaep_encrypt(const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len,
			  const void *data, size_t len, uint8_t *ret) _must_check_;
int mbed_pk_sign(mbedtls_pk_context *pk, const uint8_t digest[static 32], uint8_t *ret, size_t size,
		 size_t *ret_len) _must_check_;
/* What a PEM block holds: a view. */
const uint8_t *mbed_pem_data(const mbedtls_pem_context *pem, size_t *ret_len);
