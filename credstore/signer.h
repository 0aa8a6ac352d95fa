/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a signature needs, apart from the store: who the device is, and one key. Made by the loop's
 * thread, which has the store, and used on a worker's, because a token may take seconds.
 * identity_signer() makes one.
 *
 * Results of signing: 0, -errno (-ENOBUFS of a text that is too long), or the token's KEY_E_*. */

#include "base/text.h"
#include "base/worker.h"
#include "credstore/key.h"
#include "proto/jwt.h"
#include "proto/keygen.h"
#include "proto/limits.h"
#include "proto/x5chain.h"

/* The names that are signed. */
struct signer_names {
	uint8_t uuid[UUID_LEN], firmware[UUID_LEN];
	char uuid_text[UUID_TEXT_LEN + 1];
	char hardware[HARDWARE_MAX + 1];
	uint8_t device_type;
	struct x5chain chain; /* the maker's certificates; n = 0: none */
	/* of the cycle that tokens belong to: their jti begins with it; empty: with chance */
	char trace[JWT_TRACE_TEXT];
};

struct signer;

/* The names are copied; the key is the signer's in any case, failure too. -ENOMEM. */
int signer_new(const struct signer_names *names, struct key *key, struct signer **ret) _must_check_;
struct signer *signer_free(struct signer *s);
DEFINE_CLEANUP(struct signer *, signer_free);

/* A fresh provisioning JWT (docs/protocol.md §2.2): iss, jti, iat = now, exp = now + lifetime. */
int signer_jwt(struct signer *s, int64_t now_s, unsigned int lifetime_s, char *ret,
	       size_t size) _must_check_;
/* A device-connection JWT (§8.1), of the cloud access key; no sub: the id is the UUID in iss. */
int signer_cloud_jwt(struct signer *s, int64_t now_s, unsigned int lifetime_s, char *ret,
		     size_t size) _must_check_;
/* The attestation token without certificates; nonce NULL = random. */
int signer_attest(struct signer *s, const uint8_t *nonce, char *ret, size_t size) _must_check_;
/* The same for an owner, with the chain when there is one: at most CLAIM_TEXT_MAX characters. */
int signer_claim_token(struct signer *s, char *ret, size_t size) _must_check_;
/* Fills uuid, nonce, digest, proof and signature of k, whose message_type, sec_tag and der are set.
 */
int signer_prove_keygen(struct signer *s, struct keygen *k) _must_check_;

/* --- one text, signed on a worker */

enum sign_what { SIGN_JWT, SIGN_CLOUD_JWT, SIGN_CLAIM_TOKEN };

/* text is NULL unless r is 0, and valid inside the callback only. */
typedef void (*sign_fn)(int r, const char *text, void *userdata);

/* now_s and lifetime_s are of the JWTs. The signer is the job's in any case. The worker is gone
 * when fn is called (base/worker.h). -errno. */
int sign_start(sd_event *event, struct signer *signer, enum sign_what what, int64_t now_s,
	       unsigned int lifetime_s, sign_fn fn, void *userdata,
	       struct worker **ret) _must_check_;
