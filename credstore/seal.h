/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One value under AES-256-GCM, bound to the row it belongs to: a sealed credential that is moved to
 * another tag or type, or beside another digest, does not open, nor does a secret under another
 * name. The format says which of the two it is, so neither opens as the other.
 *
 *   sealed = format (1 byte) || nonce (12, random) || ciphertext || tag (16)
 *   AAD    = 01 || tag (be32) || type (be32) || sha256 (32)    a credential
 *            02 || name                                        a secret
 *
 * Random 96-bit nonces stay below a collision chance of 2^-32 for 2^32 values (NIST SP 800-38D
 * §8.3); a device writes thousands. */

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

#define SEAL_KEY_LEN 32
#define SEAL_OVERHEAD (1 + 12 + 16)

#define SEAL_NAME_MAX 63

struct seal_place {
	const char
		*name; /* of a secret, borrowed; NULL for a credential, whose place is the rest */
	uint32_t tag, type;
	uint8_t sha256[32];
};

enum { SEAL_E_AUTHENTICATION = 1 };

/* ret has room for len + SEAL_OVERHEAD. -EIO; -EINVAL for a name that is empty or too long. */
int seal_close(const uint8_t key[static SEAL_KEY_LEN], const struct seal_place *place,
	       const void *value, size_t len, uint8_t *ret) _must_check_;
/* -ENOMEM, -EIO; SEAL_E_AUTHENTICATION when key, place or a bit is not what it was. */
int seal_open(const uint8_t key[static SEAL_KEY_LEN], const struct seal_place *place,
	      const uint8_t *sealed, size_t len, struct secret *ret) _must_check_;
