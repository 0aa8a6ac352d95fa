/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "credstore/cmng.h"
#include "credstore/key.h"
#include "credstore/verb.h"
#include "proto/keygen.h"
#include "proto/limits.h"

/* %KEYGEN=<tag>,<type>[,<response content>[,"<attributes>"[,"<key usage>"]]] (docs/protocol.md
 * §2.4). Type 2 never overwrites: an existing key is 519. Type 8, the endorsement key, is made once
 * and shown again ever after. */

#define ATTRIBUTES_MAX 1024

enum content {
	CONTENT_CSR = 0,
	CONTENT_PUBLIC_KEY = 1,
};

struct request {
	uint32_t tag;
	enum credential_type type;
	enum content content;
	char attributes[ATTRIBUTES_MAX + 1], key_usage[16]; /* empty: the default */
};

static int copy_string(const struct at_fields *fields, size_t i, char *ret, size_t size)
{
	const struct at_field *f = &fields->items[i];

	if (verb_is_absent(fields, i))
		return 0;
	if (f->kind != AT_STRING || f->len >= size)
		return -EINVAL;
	memcpy(ret, f->text, f->len);
	ret[f->len] = '\0';
	return 0;
}

/* 0 or the number to answer. */
static int parse_request(const char *parameters, struct request *ret)
{
	struct request q = {.content = CONTENT_CSR};
	struct at_fields fields;
	uint32_t type, content = CONTENT_CSR;

	if (at_parse(parameters, &fields) != 0 || fields.n > 5)
		return AT_CME_INCORRECT_PARAMETERS;
	if (!verb_number(&fields, 0, &q.tag) || !verb_number(&fields, 1, &type))
		return AT_CME_INCORRECT_PARAMETERS;
	if (!verb_is_absent(&fields, 2) && !verb_number(&fields, 2, &content))
		return AT_CME_INCORRECT_PARAMETERS;
	if (content > CONTENT_PUBLIC_KEY ||
	    copy_string(&fields, 3, q.attributes, sizeof(q.attributes)) < 0 ||
	    copy_string(&fields, 4, q.key_usage, sizeof(q.key_usage)) < 0)
		return AT_CME_INCORRECT_PARAMETERS;
	/* A bare public key has neither a subject nor extensions. */
	if (content == CONTENT_PUBLIC_KEY && (*q.attributes || *q.key_usage))
		return AT_CME_INCORRECT_PARAMETERS;
	if (type != CREDENTIAL_PRIVATE_KEY &&
	    (type != CREDENTIAL_ENDORSEMENT_KEY || content != CONTENT_PUBLIC_KEY))
		return AT_CME_INCORRECT_PARAMETERS;
	if (q.tag > SEC_TAG_MAX)
		return AT_CME_NO_ACCESS;
	q.type = (enum credential_type)type;
	q.content = (enum content)content;
	*ret = q;
	return 0;
}

/* The endorsement key that is there already. -ENOENT, STORE_E_CORRUPT. */
static int load_existing(struct store *s, const struct request *q, struct key **ret)
{
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	int r;

	r = store_credential_get(s, q->tag, q->type, &der);
	if (r != 0)
		return r;
	r = key_load(der.data, der.len, ret);
	return r == -EINVAL ? STORE_E_CORRUPT : r;
}

static int public_digest(struct key *k, uint8_t ret[static 32])
{
	uint8_t spki[KEY_SPKI_MAX];
	size_t len;
	int r;

	r = key_spki(k, spki, &len);
	if (r < 0)
		return r;
	return sha256(spki, len, ret);
}

/* Sets *ret only when a key was made and stored; otherwise the refusal is in result. */
static int generate(struct executor *e, const struct request *q, struct key **ret,
		    struct verb_result *result)
{
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	uint8_t digest[32];
	bool has_room;
	int r;

	r = cmng_has_room(e->store, q->tag, q->type, &has_room);
	if (r < 0)
		return r;
	if (!has_room)
		return verb_cme(result, AT_CME_MEMORY_FULL);
	r = key_generate(&k, &der);
	if (r == 0)
		r = public_digest(k, digest);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return verb_cme(result, AT_CME_KEYGEN_FAILED);
	r = verb_stage(e, q->tag);
	if (r < 0)
		return r;
	r = store_credential_put(e->store, q->tag, q->type, der.data, der.len, digest);
	if (r < 0)
		return r;
	result->changed = true;
	*ret = TAKE_PTR(k);
	return 0;
}

static int fill_der(struct executor *e, const struct request *q, struct key *k, struct keygen *ret)
{
	_Static_assert(KEYGEN_DER_MAX >= KEY_CSR_MAX && KEYGEN_DER_MAX >= KEY_SPKI_MAX, "");

	if (q->content == CONTENT_PUBLIC_KEY) {
		ret->message_type = KEYGEN_PUBLIC_KEY;
		return key_spki(k, ret->der, &ret->der_len);
	}
	ret->message_type = KEYGEN_CSR;
	return key_csr(k, identity_uuid_text(e->identity), *q->attributes ? q->attributes : NULL,
		       *q->key_usage ? q->key_usage : NULL, ret->der, &ret->der_len);
}

static int answer(struct executor *e, const struct request *q, struct key *k,
		  struct verb_result *result)
{
	struct keygen output = {.sec_tag = q->tag};
	char text[TOKEN_TEXT_MAX + 1];
	int r;

	r = fill_der(e, q, k, &output);
	if (r == -EINVAL)
		return verb_cme(result, AT_CME_INCORRECT_PARAMETERS);
	if (r == 0)
		r = identity_prove_keygen(e->identity, &output);
	if (r == 0)
		r = keygen_format(&output, text, sizeof(text));
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return verb_cme(result, AT_CME_KEYGEN_FAILED);
	return verb_value(result, "%KEYGEN", text);
}

int verb_keygen(struct executor *e, const char *parameters, struct verb_result *ret)
{
	_cleanup_(key_freep) struct key *k = NULL;
	struct request q;
	int r;

	r = parse_request(parameters, &q);
	if (r > 0)
		return verb_cme(ret, (enum at_cme)r);
	r = load_existing(e->store, &q, &k);
	if (r != -ENOENT && q.type == CREDENTIAL_PRIVATE_KEY)
		return r < 0 ? r : verb_cme(ret, AT_CME_EXISTS);
	if (r == -ENOENT)
		r = generate(e, &q, &k, ret);
	if (r != 0)
		return verb_store_error(ret, r);
	return k ? answer(e, &q, k, ret) : 0;
}
