/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The attestation token that proves a genuine device to its owner's service, our claim token:
 * base64url(identity message) "." base64url(COSE_Sign1, detached). docs/protocol.md §2.3. A device
 * with a certificate of its maker (IDevID, IEEE 802.1AR) has its chain in the COSE_Sign1. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/cose.h"
#include "proto/limits.h"
#include "proto/x5chain.h"

#define ATTEST_MESSAGE_MAX 58
#define ATTEST_TYPE_IDENTITY 1

struct attest {
	uint8_t message_type; /* ATTEST_TYPE_IDENTITY */
	uint8_t device_type;
	uint8_t uuid[16], firmware[16], nonce[16];
	uint8_t signature[64];
	uint8_t message[ATTEST_MESSAGE_MAX]; /* the identity message as it was read or written */
	size_t message_len;
	struct x5chain chain; /* not signed: its leaf certifies the key that signed the message */
};

enum { ATTEST_E_SYNTAX = 1 };

/* Fills message and message_len from the fields above it. -EINVAL for another message type. */
int attest_message(struct attest *a) _must_check_;
/* The token text of message, signature and chain, at most CLAIM_TEXT_MAX characters, without a
 * chain at most TOKEN_TEXT_MAX. -ENOBUFS; -EINVAL when there is no message. */
int attest_format(const struct attest *a, char *ret, size_t size) _must_check_;
/* Any other shape than the one documented is refused. The signature is not verified here: hash
 * cose_tbs(form, message). -ENOMEM or ATTEST_E_SYNTAX. */
int attest_parse(const char *text, size_t len, struct attest *ret) _must_check_;
