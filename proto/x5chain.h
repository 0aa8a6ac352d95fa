/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The certificates that a claim token carries (RFC 9360 x5chain): DER, leaf first, one behind the
 * other. What is in them is read by others; this only cuts them apart. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/limits.h"

struct x5chain {
	uint8_t der[X5CHAIN_MAX];
	size_t lens[X5CHAIN_CERTS_MAX];
	size_t n; /* 0: no chain */
};

enum {
	X5CHAIN_E_SYNTAX = 1,   /* not DER SEQUENCEs one behind the other */
	X5CHAIN_E_TOO_MANY = 2, /* certificates */
	X5CHAIN_E_TOO_LONG = 3, /* bytes in all */
};

/* Bytes of all certificates. */
size_t x5chain_size(const struct x5chain *c);
/* X5CHAIN_E_SYNTAX when it is empty, X5CHAIN_E_TOO_MANY, X5CHAIN_E_TOO_LONG. */
int x5chain_add(struct x5chain *c, const uint8_t *der, size_t len) _must_check_;
/* Concatenated DER, as the identity's import row has it: cut at the length that each certificate
 * says of itself (X.690 §8.1.3, definite and shortest). One at least. */
int x5chain_split(const uint8_t *der, size_t len, struct x5chain *ret) _must_check_;
