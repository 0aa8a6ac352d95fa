/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The certificates that the service's CA issued to devices: remembered, revoked, listed. Whoever
 * needs to know which ones are good asks for the revocation list. */

#include "service/core_private.h"
#include "service/crypto.h"

/* CRLReason of RFC 5280 §5.3.1. */
enum certificate_reason {
	CERTIFICATE_UNSPECIFIED = 0,
	CERTIFICATE_KEY_COMPROMISE = 1,
	CERTIFICATE_AFFILIATION_CHANGED = 3,
	CERTIFICATE_SUPERSEDED = 4,
	CERTIFICATE_CESSATION_OF_OPERATION = 5,
	CERTIFICATE_PRIVILEGE_WITHDRAWN = 9,
};

/* Inside a write transaction of the device: issues one for a proven key, and remembers it. *ret_pem
 * is owned. */
int certificates_issue(struct core *c, const struct store_device *device, uint32_t sec_tag,
		       const uint8_t spki[static CRYPTO_SPKI_LEN], const char *trace,
		       char **ret_pem) _must_check_;
/* Inside one, too: revokes all that the device holds. For a device that leaves its team. */
int certificates_revoke_all(struct core *c, const struct store_device *device,
			    enum certificate_reason reason) _must_check_;
