/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the key comes from that seals the store. In the order of preference: the credential
 * $CREDENTIALS_DIRECTORY/onboardd.seal (systemd puts it there, from TPM2 if the machine has one);
 * <dir>/seal.wrapped, which the RSA key pair of a PKCS#11 token unwraps; <dir>/seal.key. A
 * credential and seal.key hold the 32 bytes as they are. Inside credstore/ only. */

#include <stdbool.h>

#include "credstore/seal.h"
#include "credstore/store.h"

enum sealing_source { SEALING_CREDENTIAL, SEALING_TOKEN, SEALING_FILE, SEALING_N_SOURCES };

/* The source that a store should be sealed with as things are. */
enum sealing_source sealing_preferred(const struct store_options *options);
/* Its file in the state directory; NULL for a credential. */
const char *sealing_file(enum sealing_source source);

/* -ENOENT when there is none; STORE_E_SEALING_KEY when it is malformed or cannot be had; -errno.
 * ret_detail says so on any failure. A token may take seconds. */
int sealing_load(const char *dir, const struct store_options *options, enum sealing_source source,
		 uint8_t ret[static SEAL_KEY_LEN], char **ret_detail) _must_check_;
/* Makes a new key, whole or not at all and never over another one; ret is overwritten in any case.
 * Not for a credential: -ENOENT. As sealing_load(). */
int sealing_create(const char *dir, const struct store_options *options, enum sealing_source source,
		   uint8_t ret[static SEAL_KEY_LEN], char **ret_detail) _must_check_;

/* The same two for the key that is to follow, in the source's file with this ending: rekey.h. */
#define SEALING_NEXT ".next"
int sealing_load_next(const char *dir, const struct store_options *options,
		      enum sealing_source source, uint8_t ret[static SEAL_KEY_LEN]) _must_check_;
int sealing_create_next(const char *dir, const struct store_options *options,
			enum sealing_source source, uint8_t ret[static SEAL_KEY_LEN],
			char **ret_detail) _must_check_;
