/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/keywork.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* f->n when there is none. */
static size_t find_last(const struct foreseen *f, uint32_t tag, enum credential_type type)
{
	for (size_t i = f->n; i-- > 0;)
		if (f->items[i].tag == tag && f->items[i].type == type)
			return i;
	return f->n;
}

bool foreseen_exists(const struct foreseen *f, struct store *s, uint32_t tag,
		     enum credential_type type)
{
	size_t i = find_last(f, tag, type);

	return i < f->n ? f->items[i].exists : store_credential_exists(s, tag, type);
}

bool foreseen_changes(const struct foreseen *f, uint32_t tag, enum credential_type type)
{
	return find_last(f, tag, type) < f->n;
}

void foreseen_set(struct foreseen *f, uint32_t tag, enum credential_type type, bool exists)
{
	if (f->n == ARRAY_SIZE(f->items))
		return;
	f->items[f->n].tag = tag;
	f->items[f->n].type = type;
	f->items[f->n++].exists = exists;
}

int key_work_plan(struct executor *e, const struct keygen_request *q, struct key *key,
		  struct key_work *ret)
{
	/* The endorsement key is the store's own, wherever others live. */
	const char *home = q->type == CREDENTIAL_PRIVATE_KEY && !key ? e->key_home : NULL;

	*ret = (struct key_work){
		.kind = key ? KEY_WORK_SHOW : KEY_WORK_KEYGEN, .request = *q, .key = key};
	snprintf(ret->common_name, sizeof(ret->common_name), "%s", identity_uuid_text(e->identity));
	if (!home)
		return 0;
	snprintf(ret->label, sizeof(ret->label), EXECUTE_LABEL_PREFIX "%u", ret->common_name,
		 q->tag);
	ret->ring = e->ring ? keyring_ref(e->ring) : NULL;
	ret->home = strdup(home);
	return ret->home ? 0 : -ENOMEM;
}

void key_work_done(struct key_work *w)
{
	keyring_free(w->ring);
	free(w->home);
	key_free(w->key);
	secret_done(&w->value);
	*w = (struct key_work){.kind = KEY_WORK_NONE};
}

static int make_key(struct key_work *w)
{
	uint8_t spki[KEY_SPKI_MAX];
	size_t len;
	int r;

	r = key_generate_at(w->ring, w->home, w->label, &w->key, &w->value);
	/* No command is to blame for the configuration. */
	if (r == -EINVAL)
		return KEY_E_NOT_FOUND;
	if (r == 0)
		r = key_spki(w->key, spki, &len);
	return r == 0 ? sha256(spki, len, w->digest) : r;
}

static int fill_der(struct key_work *w, struct keygen *ret)
{
	const struct keygen_request *q = &w->request;

	_Static_assert(KEYGEN_DER_MAX >= KEY_CSR_MAX && KEYGEN_DER_MAX >= KEY_SPKI_MAX, "");
	if (q->content == KEYGEN_CONTENT_PUBLIC_KEY) {
		ret->message_type = KEYGEN_PUBLIC_KEY;
		return key_spki(w->key, ret->der, &ret->der_len);
	}
	ret->message_type = KEYGEN_CSR;
	return key_csr(w->key, w->common_name, *q->attributes ? q->attributes : NULL,
		       *q->key_usage ? q->key_usage : NULL, ret->der, &ret->der_len);
}

static int prove_key(struct key_work *w, struct signer *signer)
{
	struct keygen output = {.sec_tag = w->request.tag};
	int r;

	r = fill_der(w, &output);
	if (r != 0)
		return r;
	r = signer_prove_keygen(signer, &output);
	if (r == 0)
		r = keygen_format(&output, w->text, sizeof(w->text));
	/* -EINVAL is kept for what the command itself asks for. */
	return r == -EINVAL ? -EIO : r;
}

static int attest(struct key_work *w, struct signer *signer)
{
	return signer_attest(signer, w->has_challenge ? w->challenge : NULL, w->text,
			     sizeof(w->text));
}

void key_work_run(struct key_work *w, struct signer *signer)
{
	switch (w->kind) {
	case KEY_WORK_NONE:
		w->r = 0;
		break;
	case KEY_WORK_KEYGEN:
		w->r = make_key(w);
		if (w->r == 0)
			w->r = prove_key(w, signer);
		break;
	case KEY_WORK_SHOW:
		w->r = prove_key(w, signer);
		break;
	case KEY_WORK_ATTEST:
		w->r = attest(w, signer);
		break;
	}
	w->key = key_free(w->key);
	w->is_done = true;
}
