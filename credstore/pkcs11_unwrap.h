/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A few bytes under an RSA key pair of a token: RSAES-OAEP with SHA-1 (RFC 8017 §7.1, empty
 * label), the one hash that SoftHSM and TPMs both take. Inside credstore/ only. */

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

struct keyring;

#define PKCS11_WRAPPED_MAX 1024

/* uri names one key pair, or, when there is none yet, its token and the label it is to have: then
 * it is generated, RSA of 2048 bits, sensitive, not extractable, for decrypting only. The public
 * half wraps in software. -errno, KEY_E_*. */
int pkcs11_wrap(struct keyring *ring, const char *uri, const void *data, size_t len,
		struct secret *ret) _must_check_;
/* -errno, KEY_E_*. */
int pkcs11_unwrap(struct keyring *ring, const char *uri, const void *wrapped, size_t len,
		  struct secret *ret) _must_check_;
