/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which public key a device signs its cloud login (auth/jwt) with: always the one of the private
 * key that its cloud tag holds now, so what counts is the last generation, writing or deletion
 * there, in the order in which the device did them. The key before it, if it ever logged in, stays
 * good until its successor does, or until the owner deletes it: a device may return to it. */

#include "proto/command.h"
#include "service/core_private.h"
#include "service/crypto.h"

/* A key was generated in tag; always: a request for a cloud key names whatever tag it wants.
 * Returns whether it is the cloud key now. */
bool cloud_key_generated(const struct core *c, struct store_device *device, uint32_t tag,
			 bool always, const uint8_t spki[static CRYPTO_SPKI_LEN]);
/* A %CMNG was answered without failing its command: a private key may have been written or deleted,
 * unless the answer is an error that was to be ignored. is_wish: the owner asked for this, it does
 * not make room for another key. 0 or -errno. */
int cloud_key_credential(const struct core *c, struct store_device *device,
			 const struct command *step, const char *answer, bool is_wish) _must_check_;
