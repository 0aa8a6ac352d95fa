/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* COSE_Sign1 (RFC 9052 §4.2; RFC 8152) in the exact shape of attestation tokens and key generation
 * outputs: 18([ h'a10126' {1: -7 ES256}, {4: kid bstr}, payload bstr or null, signature 64 ])
 * docs/protocol.md §2.3 and §2.4. The unprotected header may have one member more, 33: x5chain
 * (RFC 9360 §2). Pure: hashing and signing are the caller's. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/limits.h"

#define COSE_KID_IDENTITY 0x21 /* CBOR of -2: the device identity key */
#define COSE_PAYLOAD_MAX 1024

/* DER of one certificate: a view. */
struct cose_cert {
	const uint8_t *data;
	size_t len;
};

struct cose_sign1 {
	uint8_t kid[16];
	size_t kid_len;
	const uint8_t *payload; /* view; NULL when detached (null on the wire) */
	size_t payload_len;
	uint8_t signature[64];
	struct cose_cert chain[X5CHAIN_CERTS_MAX]; /* leaf first */
	size_t n_chain;                            /* 0: no x5chain */
};

enum { COSE_E_SYNTAX = 1 };

/* Exactly one COSE_Sign1 of that shape and no byte after it; what is in the certificates is not
 * looked at. -ENOMEM or COSE_E_SYNTAX. */
int cose_sign1_parse(const uint8_t *data, size_t len, struct cose_sign1 *ret) _must_check_;
/* payload NULL writes null. -ENOBUFS; -EINVAL without kid, or above a limit. */
int cose_sign1_encode(const struct cose_sign1 *c, uint8_t *ret, size_t size,
		      size_t *ret_len) _must_check_;

enum cose_form {
	COSE_FORM_RFC9052, /* ["Signature1", protected, external_aad h'', payload] */
	COSE_FORM_MODEM,   /* what nRF application code hashes: protected, payload, null;
			      docs/protocol.md §2.3 */
};

/* The bytes that SHA-256 and ES256 run over. Verifiers try RFC 9052 first, then the other.
 * -ENOBUFS. */
int cose_tbs(enum cose_form form, const uint8_t *payload, size_t payload_len, uint8_t *ret,
	     size_t size, size_t *ret_len) _must_check_;
