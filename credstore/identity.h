/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who this device is: a UUID, a hardware name and a P-256 key that signs its JWTs, claim tokens and
 * key generation proofs. Born at first boot (key sealed in the store, tag IDENTITY_TAG, or made in
 * a token, whose URI is kept there) unless a factory put them there. The key is opened when a
 * signature is due and closed after it; what it is known by, its public half, is in the store. */

#include <stdint.h>

#include "base/macros.h"
#include "credstore/key.h"
#include "credstore/signer.h"
#include "credstore/store.h"
#include "proto/x5chain.h"

#define IDENTITY_TAG 4294967294U /* above SEC_TAG_MAX: out of reach of any command */

struct identity_config {
	const char *hardware; /* the <hw> of iss; [A-Za-z0-9_-]+, at most HARDWARE_MAX */
	const char *uuid;     /* given by the factory, or NULL: generated once and kept */
	const char *key_file; /* PEM or DER given by the factory, or NULL: generated once and sealed
				 in the store */
	const char *key_uri;  /* instead of key_file: pkcs11: URI of a token, or of a key in it,
				 which is made there when it is absent; or NULL */
	struct keyring *ring; /* how the token is reached; may be NULL when no key is in one */
	const char *chain_file; /* PEM of the maker's certificates for the key, or NULL */
	uint8_t device_type;    /* of the attestation token */
};

struct identity;

enum {
	IDENTITY_E_KEY = 1,
	IDENTITY_E_UUID = 2,
	IDENTITY_E_CHAIN = 3
}; /* the factory's file or text is unusable; ret_detail says why */

/* Loads or creates. A factory UUID or key that differs from what the store was born with is an
 * error, not a change, and so is a store that lost half of its identity. A token is touched at
 * birth alone: later it may be absent. -EINVAL for a hardware name out of its alphabet, -errno, or
 * IDENTITY_E_*; never a positive code of the store's or the token's. ret_detail, when not NULL,
 * gets an owned text for people on any failure. The store is borrowed and outlives the object. */
int identity_open(struct store *s, const struct identity_config *c, struct identity **ret,
		  char **ret_detail) _must_check_;
/* Who a store was born as: UUID, and SHA-256 of the public key in hex. Owned texts. -ENOENT before
 * birth. */
int identity_born(struct store *s, char **ret_uuid, char **ret_key_digest) _must_check_;
struct identity *identity_free(struct identity *i);
DEFINE_CLEANUP(struct identity *, identity_free);

const uint8_t *identity_uuid(const struct identity *i); /* 16 bytes */
const char *identity_uuid_text(const struct identity *i);
const char *identity_hardware(const struct identity *i);
const uint8_t *identity_firmware(
	const struct identity *i); /* 16 bytes, a name-based UUID of program version and OS build */

/* The trace id of the cycle that tokens belong to from now on, for the logs of both sides. Empty
 * before the first call: tokens of no cycle. */
void identity_new_trace(struct identity *i);
/* Another process's cycle goes on. -EINVAL: no id that identity_new_trace() gives; nothing changed.
 */
int identity_keep_trace(struct identity *i, const char *trace) _must_check_;
const char *identity_trace(const struct identity *i);

/* Opens the key for what is signed next (credstore/signer.h); the loop's thread only. Touches no
 * token. -EKEYREJECTED: the key is gone or another one; -EUCLEAN: the store cannot give it;
 * -ENOMEM. */
int identity_signer(struct identity *i, struct signer **ret) _must_check_;
/* The same names with another key, which is the signer's in any case. -ENOMEM. */
int identity_signer_of(const struct identity *i, struct key *key, struct signer **ret) _must_check_;

/* At once, for whoever may block: as signer_*() in credstore/signer.h, and identity_signer(). */
int identity_jwt(struct identity *i, int64_t now_s, unsigned int lifetime_s, char *ret,
		 size_t size) _must_check_;
int identity_attest(struct identity *i, const uint8_t *nonce, char *ret, size_t size) _must_check_;
int identity_claim_token(struct identity *i, char *ret, size_t size) _must_check_;
int identity_prove_keygen(struct identity *i, struct keygen *k) _must_check_;

/* The maker's certificates, or NULL. */
const struct x5chain *identity_chain(const struct identity *i);

#define IDENTITY_CSV_MAX 5760 /* characters of the longest row */

/* "uuid,hardware,<base64 SubjectPublicKeyInfo>" without newline: a row of the service's import.
 * With a chain a fourth field, base64 of its DER one behind the other, leaf first. Needs no key. */
int identity_csv(struct identity *i, char *ret, size_t size) _must_check_;
