/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The sealing key under an RSA key pair that lives in a PKCS#11 token: wrapped by the public half
 * here, unwrapped by the private half there. May take seconds. Inside credstore/ only. */

#include "credstore/seal.h"
#include "credstore/store.h"

/* -ENOENT when the file is not there; STORE_E_SEALING_KEY when the token does not unwrap it, or
 * cannot be reached; -errno. ret_detail on any failure. */
int sealing_token_load(const char *path, const struct store_options *options,
		       uint8_t ret[static SEAL_KEY_LEN], char **ret_detail) _must_check_;
/* What is to be kept in the file, tried by unwrapping it. Generates the key pair when the token has
 * none. As above. */
int sealing_token_wrap(const struct store_options *options, const uint8_t key[static SEAL_KEY_LEN],
		       struct secret *ret, char **ret_detail) _must_check_;
