/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates that makers of devices issue for identity keys (IDevID, IEEE 802.1AR), verified
 * against the makers whom this service trusts. Part of the door to libcrypto: service/crypto.h. */

#include <stdint.h>

#include "base/macros.h"
#include "proto/x5chain.h"
#include "service/crypto.h"

/* The CAs of makers. Any certificate of a CA may be one, not only self-signed ones. */
struct crypto_makers;

int crypto_makers_new(struct crypto_makers **ret) _must_check_;
struct crypto_makers *crypto_makers_free(struct crypto_makers *m);
DEFINE_CLEANUP(struct crypto_makers *, crypto_makers_free);
/* All certificates of a PEM text. CRYPTO_E_CERTIFICATE, with *ret_why for people, when there is
 * none, one is damaged, or one is not of a CA; -ENOMEM. */
int crypto_makers_add(struct crypto_makers *m, const char *pem, const char **ret_why) _must_check_;

/* Whether the chain ends in a CA of m and is valid now in all its parts: signatures, times, CA
 * bits, path lengths, key usages, no algorithm below 112 bits; its leaf an end entity with a P-256
 * key that may sign, whose subject names the device: serialNumber or CN is the UUID, in either case
 * of letters. CRYPTO_E_CERTIFICATE with an owned text for people that says which of it, and of
 * which certificate; -ENOMEM. */
int crypto_chain_verify(struct crypto_makers *m, const struct x5chain *chain, int64_t now_s,
			const char *uuid, uint8_t ret_spki[static CRYPTO_SPKI_LEN],
			char **ret_detail) _must_check_;

/* The key of the leaf, which nothing vouches for yet. CRYPTO_E_CERTIFICATE when it cannot be read,
 * CRYPTO_E_KEY when it is not P-256. */
int crypto_chain_key(const struct x5chain *chain,
		     uint8_t ret_spki[static CRYPTO_SPKI_LEN]) _must_check_;
