/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the identity key is: a factory's file, the store, or a token. Inside credstore/ only. */

#include "credstore/identity.h"

#define IDENTITY_KEY_VALUE "identity-key"   /* SHA-256 of the SubjectPublicKeyInfo, hex */
#define IDENTITY_SPKI_VALUE "identity-spki" /* the SubjectPublicKeyInfo, base64 */

struct identity_key {
	struct keyring *ring; /* a reference; NULL: none was given */
	char *file;           /* owned; NULL: not in a file */
	char *uri;            /* owned; NULL: not in a token */
	uint8_t spki[KEY_SPKI_LEN];
};

/* Finds or makes it, inside the caller's transaction; born: the value of IDENTITY_KEY_VALUE, NULL
 * before birth. Both values are written when missing. As identity_open(). */
int identity_key_find(struct store *s, const struct identity_config *c, const char *born,
		      struct identity_key *ret, char **ret_detail) _must_check_;
void identity_key_done(struct identity_key *k);
/* As identity_signer(). */
int identity_key_open(const struct identity_key *k, struct store *s, struct key **ret) _must_check_;
