/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the key comes from that seals the store: $CREDENTIALS_DIRECTORY/onboardd.seal (systemd puts
 * it there, from TPM2 if the machine has one), else <dir>/seal.key. Either holds 32 bytes. */

#include <stdbool.h>

#include "credstore/seal.h"

/* With `create` a missing seal.key is made, whole or not at all and never over another one. -errno
 * or STORE_E_SEALING_KEY; ret_detail names the file on any failure. */
int sealing_key_load(const char *dir, bool create, uint8_t ret[static SEAL_KEY_LEN],
		     char **ret_detail) _must_check_;
