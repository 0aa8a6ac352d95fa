/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Claims a device over an nRF-Cloud-shaped REST service: POST <server>/claimed-devices. Blocking:
 * for onboardctl. The key goes to the named server only, over verified TLS (plain HTTP to this
 * machine alone); redirects are not followed. */

#include "base/secret.h"

struct claim_request {
	const char *server; /* base URL with version: "https://api.provisioning.nrfcloud.com/v1" */
	const struct secret *api_key;
	const char *ca_file;     /* PEM, or NULL for the system's */
	const char *token;       /* attestation token */
	const char *const *tags; /* NULL-terminated, or NULL */
	unsigned int timeout_ms; /* of the whole exchange; 0 = 60000 */
};

enum {
	CLAIM_E_TRANSPORT = 1, /* no answer: name, connection, TLS, size */
	CLAIM_E_REFUSED = 2,   /* an answer other than 200 and 201 with the device */
	CLAIM_E_INVALID = 3,   /* nothing was sent: URL, key, token or tag cannot be right */
	CLAIM_E_TIMEOUT = 4, /* connected, and no whole answer in time: it may have been claimed */
};

/* *ret_text, owned: on success the device id, on CLAIM_E_* what went wrong and what to do. -errno
 * or CLAIM_E_*. */
int claim_device(const struct claim_request *request, char **ret_text) _must_check_;
