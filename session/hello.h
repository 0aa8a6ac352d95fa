/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The first datagram of a DTLS 1.2 handshake at any size: an answer to it proves that datagrams of
 * this size arrive, and costs a server that asks for a cookie no state (RFC 6347 §4.2.1). Never the
 * beginning of a handshake of ours: that is session/dtls.h. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define HELLO_MIN 128
#define HELLO_MAX 1400
#define HELLO_RANDOM_LEN 32

/* A ClientHello of size bytes, filled up with padding (RFC 7685). -EINVAL: size out of its bounds.
 */
int hello_build(size_t size, const uint8_t random[static HELLO_RANDOM_LEN],
		uint8_t ret[static HELLO_MAX]) _must_check_;
/* Whether it begins as a record of DTLS that may answer a ClientHello: HelloVerifyRequest,
 * ServerHello or an alert. */
bool hello_is_answer(const uint8_t *data, size_t len);
