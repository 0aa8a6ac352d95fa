/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What %KEYGEN prints: base64url(DER) "." base64url(COSE_Sign1 over its proof). docs/protocol.md
 * §2.4. The proof is 55799([message type, device UUID, h'CBOR of the sec tag', SHA-256 of the DER,
 * nonce]). */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/cose.h"
#include "proto/limits.h"

enum keygen_message {
	KEYGEN_PUBLIC_KEY_V1 = 2,
	KEYGEN_CSR_V1 = 3,
	KEYGEN_PUBLIC_KEY = 8,
	KEYGEN_CSR = 9,
};

#define KEYGEN_DER_MAX 1024
#define KEYGEN_PROOF_MAX 96

struct keygen {
	enum keygen_message message_type;
	uint8_t uuid[16];
	uint32_t sec_tag;
	uint8_t digest[32]; /* SHA-256 of der, computed by the caller who builds, compared by the
			       caller who parses */
	uint8_t nonce[16];
	uint8_t signature[64];
	uint8_t der[KEYGEN_DER_MAX]; /* CSR (PKCS#10) or SubjectPublicKeyInfo */
	size_t der_len;
	uint8_t proof[KEYGEN_PROOF_MAX]; /* the COSE payload as it was read or written */
	size_t proof_len;
};

enum { KEYGEN_E_SYNTAX = 1 };

/* Fills proof and proof_len from the fields above. -EINVAL for an unknown message type. */
int keygen_proof(struct keygen *k) _must_check_;
/* The text of der, proof and signature. -ENOBUFS; -EINVAL when one is missing or above its limit,
 * or the text would be above TOKEN_TEXT_MAX. */
int keygen_format(const struct keygen *k, char *ret, size_t size) _must_check_;
/* Neither signature nor digest is verified here. A negative tag is re-read as unsigned 32-bit.
 * -ENOMEM, KEYGEN_E_SYNTAX. */
int keygen_parse(const char *text, size_t len, struct keygen *ret) _must_check_;

/* Finds the output inside a modem's answer ("%KEYGEN: "<text>"" with CR LF and OK around it): a
 * view into answer. -ENOENT when there is none. */
int keygen_find(const char *answer, const char **ret_text, size_t *ret_len) _must_check_;
