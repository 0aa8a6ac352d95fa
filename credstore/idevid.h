/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The certificate that this device's maker issued for the identity key (an IDevID, IEEE 802.1AR)
 * and those above it, as the device keeps them: a PEM file. Whether they are valid is for those to
 * judge who trust that maker; a device may have no clock yet. Here they are read, bounded, and
 * told. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/x5chain.h"

#define IDEVID_NAME_MAX 256

enum { IDEVID_E_UNUSABLE = 1 };

/* Certificates in PEM, leaf first; other text between them is passed over. At most
 * X5CHAIN_CERTS_MAX and X5CHAIN_MAX bytes of DER. IDEVID_E_UNUSABLE with an owned ret_detail that
 * names the file; -ENOMEM. */
int idevid_load(const char *path, struct x5chain *ret, char **ret_detail) _must_check_;
/* SHA-256 of the leaf's SubjectPublicKeyInfo. -EINVAL when it cannot be read. */
int idevid_leaf_digest(const struct x5chain *chain, uint8_t ret[static 32]) _must_check_;

/* One certificate for people. */
struct idevid_text {
	char subject[IDEVID_NAME_MAX], issuer[IDEVID_NAME_MAX];
	char not_after[32]; /* RFC 3339, UTC */
	bool has_no_end;    /* 99991231235959Z: what RFC 5280 §4.1.2.5 has for "never" */
};

/* Of certificate i. -EINVAL when it cannot be read here. */
int idevid_describe(const struct x5chain *chain, size_t i, struct idevid_text *ret) _must_check_;
