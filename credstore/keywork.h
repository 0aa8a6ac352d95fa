/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What one command needs of keys: planned by the loop's thread, which has the store, done on any
 * thread, used by the command in its transaction. Inside credstore/ only. */

#include "credstore/execute.h"
#include "credstore/signer.h"

enum key_work_kind {
	KEY_WORK_NONE,   /* the command needs none */
	KEY_WORK_KEYGEN, /* a key, and the proof of its public half */
	KEY_WORK_SHOW,   /* the same of a key that is there already */
	KEY_WORK_ATTEST, /* an attestation token */
};

enum keygen_content {
	KEYGEN_CONTENT_CSR = 0,
	KEYGEN_CONTENT_PUBLIC_KEY = 1,
};

#define KEYGEN_ATTRIBUTES_MAX 1024

/* The parameters of %KEYGEN. */
struct keygen_request {
	uint32_t tag;
	enum credential_type type;
	enum keygen_content content;
	char attributes[KEYGEN_ATTRIBUTES_MAX + 1], key_usage[16]; /* empty: the default */
};

struct key_work {
	enum key_work_kind kind;

	/* KEYGEN and SHOW */
	struct keygen_request request;
	char common_name[UUID_TEXT_LEN + 1];
	struct keyring *ring;          /* a reference, or NULL */
	char *home;                    /* owned; NULL: the store */
	char label[KEY_LABEL_MAX + 1]; /* in home */
	struct key *key;               /* owned; SHOW: what is shown */
	/* ATTEST */
	bool has_challenge;
	uint8_t challenge[16];

	/* The result: 0; -EINVAL: the request cannot be met; other -errno; KEY_E_* */
	int r;
	bool is_done;
	struct secret value; /* KEYGEN: what the store is to keep of the key */
	uint8_t digest[32];  /* KEYGEN: of its public half */
	char text[TOKEN_TEXT_MAX + 1];
};

/* Plans a new key, where the executor wants it, or the showing of `key`, which is taken in any case
 * (NULL: a new one). -ENOMEM. */
int key_work_plan(struct executor *e, const struct keygen_request *q, struct key *key,
		  struct key_work *ret) _must_check_;
/* Does what was planned; ->r tells how it went. Slow. */
void key_work_run(struct key_work *w, struct signer *signer);
void key_work_done(struct key_work *w);

/* What a batch will have done to keys, as far as can be told before it runs: only to plan with. */
struct foreseen {
	struct {
		uint32_t tag;
		enum credential_type type;
		bool exists;
	} items[COMMANDS_MAX];
	size_t n;
};

bool foreseen_exists(const struct foreseen *f, struct store *s, uint32_t tag,
		     enum credential_type type);
/* An earlier command of the batch decides: what the store holds now is not what it will hold. */
bool foreseen_changes(const struct foreseen *f, uint32_t tag, enum credential_type type);
void foreseen_set(struct foreseen *f, uint32_t tag, enum credential_type type, bool exists);
