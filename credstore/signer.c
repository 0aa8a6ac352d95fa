/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/signer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "proto/attest.h"
#include "proto/cose.h"
#include "proto/jwt.h"

#define ISSUER_MAX (HARDWARE_MAX + 1 + UUID_TEXT_LEN)

struct signer {
	struct signer_names names;
	struct key *key; /* owned */
};

int signer_new(const struct signer_names *names, struct key *key, struct signer **ret)
{
	struct signer *s = calloc(1, sizeof(*s));

	if (!s) {
		key_free(key);
		return -ENOMEM;
	}
	s->names = *names;
	s->key = key;
	*ret = s;
	return 0;
}

struct signer *signer_free(struct signer *s)
{
	if (s)
		key_free(s->key);
	free(s);
	return NULL;
}

static void write_issuer(const struct signer *s, char ret[static ISSUER_MAX + 1])
{
	snprintf(ret, ISSUER_MAX + 1, "%s.%s", s->names.hardware, s->names.uuid_text);
}

#define NONCE_TEXT 33

/* 32 hex digits that no other token has: the cycle's 16 and 16 of chance. */
static void write_nonce(const struct signer *s, char ret[static NONCE_TEXT])
{
	uint8_t random[(NONCE_TEXT - 1) / 2];

	random_fill(random, sizeof(random));
	hex_encode(random, sizeof(random), ret);
	memcpy(ret, s->names.trace, strlen(s->names.trace));
}

int signer_jwt(struct signer *s, int64_t now_s, unsigned int lifetime_s, char *ret, size_t size)
{
	char iss[ISSUER_MAX + 1], firmware[UUID_TEXT_LEN + 1], nonce[NONCE_TEXT];
	char jti[HARDWARE_MAX + UUID_TEXT_LEN + sizeof(nonce) + 3];
	struct jwt_claims claims = {
		.iss = iss, .jti = jti, .iat = now_s, .exp = now_s + (int64_t)lifetime_s};

	write_nonce(s, nonce);
	uuid_format(s->names.firmware, firmware);
	write_issuer(s, iss);
	snprintf(jti, sizeof(jti), "%s.%s.%s", s->names.hardware, firmware, nonce);
	return jwt_build(&claims, key_sign, s->key, ret, size);
}

int signer_cloud_jwt(struct signer *s, int64_t now_s, unsigned int lifetime_s, char *ret,
		     size_t size)
{
	char iss[ISSUER_MAX + 1], nonce[NONCE_TEXT];
	struct jwt_claims claims = {
		.iss = iss, .jti = nonce, .iat = now_s, .exp = now_s + (int64_t)lifetime_s};

	write_nonce(s, nonce);
	write_issuer(s, iss);
	return jwt_build(&claims, key_sign, s->key, ret, size);
}

static int sign_cose(struct signer *s, const uint8_t *payload, size_t len, uint8_t ret[static 64])
{
	uint8_t tbs[COSE_PAYLOAD_MAX + 64];
	size_t tbs_len;
	int r;

	r = cose_tbs(COSE_FORM_RFC9052, payload, len, tbs, sizeof(tbs), &tbs_len);
	if (r < 0)
		return r;
	return key_sign(s->key, tbs, tbs_len, ret);
}

static int attest(struct signer *s, const uint8_t *nonce, bool with_chain, char *ret, size_t size)
{
	struct attest a = {.message_type = ATTEST_TYPE_IDENTITY,
			   .device_type = s->names.device_type};
	int r;

	memcpy(a.uuid, s->names.uuid, sizeof(a.uuid));
	memcpy(a.firmware, s->names.firmware, sizeof(a.firmware));
	if (nonce)
		memcpy(a.nonce, nonce, sizeof(a.nonce));
	else
		random_fill(a.nonce, sizeof(a.nonce));
	r = attest_message(&a);
	if (r < 0)
		return r;
	r = sign_cose(s, a.message, a.message_len, a.signature);
	if (r != 0)
		return r;
	if (with_chain)
		a.chain = s->names.chain;
	return attest_format(&a, ret, size);
}

int signer_attest(struct signer *s, const uint8_t *nonce, char *ret, size_t size)
{
	return attest(s, nonce, false, ret, size);
}

int signer_claim_token(struct signer *s, char *ret, size_t size)
{
	return attest(s, NULL, true, ret, size);
}

int signer_prove_keygen(struct signer *s, struct keygen *k)
{
	int r;

	memcpy(k->uuid, s->names.uuid, sizeof(k->uuid));
	random_fill(k->nonce, sizeof(k->nonce));
	r = sha256(k->der, k->der_len, k->digest);
	if (r < 0)
		return r;
	r = keygen_proof(k);
	if (r < 0)
		return r;
	return sign_cose(s, k->proof, k->proof_len, k->signature);
}

/* --- on a worker */

struct job {
	struct signer *signer; /* owned */
	enum sign_what what;
	int64_t now_s;
	unsigned int lifetime_s;
	sign_fn fn;
	int r;
	char text[MAX(JWT_MAX, CLAIM_TEXT_MAX) + 1];
};

static int sign(struct job *j)
{
	switch (j->what) {
	case SIGN_JWT:
		return signer_jwt(j->signer, j->now_s, j->lifetime_s, j->text, sizeof(j->text));
	case SIGN_CLOUD_JWT:
		return signer_cloud_jwt(j->signer, j->now_s, j->lifetime_s, j->text,
					sizeof(j->text));
	case SIGN_CLAIM_TOKEN:
		return signer_claim_token(j->signer, j->text, sizeof(j->text));
	}
	return -EINVAL;
}

static void run(void *p)
{
	struct job *j = p;

	j->r = sign(j);
	/* The key has done its work: nothing of it waits for the loop's turn. */
	j->signer = signer_free(j->signer);
}

static void done(void *p, void *userdata)
{
	struct job *j = p;

	j->fn(j->r, j->r == 0 ? j->text : NULL, userdata);
}

static void free_job(void *p)
{
	struct job *j = p;

	signer_free(j->signer);
	free(j);
}

int sign_start(sd_event *event, struct signer *signer, enum sign_what what, int64_t now_s,
	       unsigned int lifetime_s, sign_fn fn, void *userdata, struct worker **ret)
{
	struct job *j = calloc(1, sizeof(*j));
	int r;

	if (!j) {
		signer_free(signer);
		return -ENOMEM;
	}
	j->signer = signer;
	j->what = what;
	j->now_s = now_s;
	j->lifetime_s = lifetime_s;
	j->fn = fn;
	r = worker_start(event, run, done, free_job, j, userdata, ret);
	if (r < 0)
		free_job(j);
	return r;
}
