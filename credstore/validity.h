/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How long a certificate is valid, for who renews it in time. */

#include <stdint.h>

#include "base/macros.h"

struct store;

struct validity {
	int64_t not_before_s, not_after_s; /* seconds since 1970 */
	uint8_t sha256[32];                /* of the stored value: tells one from the next */
};

/* Of the client certificate in the tag, the first one of its PEM. -ENOENT: there is none; -EINVAL:
 * it is no certificate, or its dates are not in order; else as the store failed. */
int validity_of_client_cert(struct store *s, uint32_t tag, struct validity *ret) _must_check_;
