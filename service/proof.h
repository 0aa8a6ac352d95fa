/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a device proves with its identity key: the attestation token of its claim, and that a key or
 * request it generated is its own. */

#include <stdbool.h>

#include "base/macros.h"
#include "proto/attest.h"
#include "proto/keygen.h"
#include "service/crypto.h"

enum { PROOF_E_SIGNATURE = 1, PROOF_E_SYNTAX = 2, PROOF_E_MISMATCH = 3 };

/* 0, -errno, PROOF_E_SIGNATURE. */
int proof_attest(const struct attest *a,
		 const uint8_t identity[static CRYPTO_SPKI_LEN]) _must_check_;

struct proof_key {
	uint8_t spki[CRYPTO_SPKI_LEN];
	bool is_request; /* the device sent a CSR, itself verified */
};

/* The output (text) of generating a key in tag on device. 0, -errno, or PROOF_E_* with *ret_detail,
 * a static sentence. */
int proof_keygen(const char *text, size_t len, const char *device, uint32_t tag,
		 const uint8_t identity[static CRYPTO_SPKI_LEN], struct proof_key *ret,
		 const char **ret_detail) _must_check_;
