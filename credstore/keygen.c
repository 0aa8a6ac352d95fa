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
static int parse_request(const char *parameters, struct keygen_request *ret)
{
	struct keygen_request q = {.content = KEYGEN_CONTENT_CSR};
	struct at_fields fields;
	uint32_t type, content = KEYGEN_CONTENT_CSR;

	if (at_parse(parameters, &fields) != 0 || fields.n > 5)
		return AT_CME_INCORRECT_PARAMETERS;
	if (!verb_number(&fields, 0, &q.tag) || !verb_number(&fields, 1, &type))
		return AT_CME_INCORRECT_PARAMETERS;
	if (!verb_is_absent(&fields, 2) && !verb_number(&fields, 2, &content))
		return AT_CME_INCORRECT_PARAMETERS;
	if (content > KEYGEN_CONTENT_PUBLIC_KEY ||
	    copy_string(&fields, 3, q.attributes, sizeof(q.attributes)) < 0 ||
	    copy_string(&fields, 4, q.key_usage, sizeof(q.key_usage)) < 0)
		return AT_CME_INCORRECT_PARAMETERS;
	/* A bare public key has neither a subject nor extensions. */
	if (content == KEYGEN_CONTENT_PUBLIC_KEY && (*q.attributes || *q.key_usage))
		return AT_CME_INCORRECT_PARAMETERS;
	if (type != CREDENTIAL_PRIVATE_KEY &&
	    (type != CREDENTIAL_ENDORSEMENT_KEY || content != KEYGEN_CONTENT_PUBLIC_KEY))
		return AT_CME_INCORRECT_PARAMETERS;
	if (q.tag > SEC_TAG_MAX)
		return AT_CME_NO_ACCESS;
	q.type = (enum credential_type)type;
	q.content = (enum keygen_content)content;
	*ret = q;
	return 0;
}

/* The endorsement key that is there already. -ENOENT, STORE_E_CORRUPT. */
static int load_existing(struct store *s, const struct keygen_request *q, struct key **ret)
{
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	int r;

	r = store_credential_get(s, q->tag, q->type, &der);
	if (r != 0)
		return r;
	r = key_load(der.data, der.len, ret);
	return r == -EINVAL ? STORE_E_CORRUPT : r;
}

int verb_keygen_plan(struct executor *e, const char *parameters, struct foreseen *foreseen,
		     struct key_work *ret)
{
	struct keygen_request q;
	struct key *key = NULL;
	bool exists;
	int r;

	if (parse_request(parameters, &q) != 0)
		return 0;
	exists = foreseen_exists(foreseen, e->store, q.tag, q.type);
	if (exists && q.type == CREDENTIAL_PRIVATE_KEY)
		return 0;
	/* It is of this very batch: the verb itself will see. */
	if (exists && foreseen_changes(foreseen, q.tag, q.type))
		return 0;
	if (!exists) {
		foreseen_set(foreseen, q.tag, q.type, true);
	} else {
		r = load_existing(e->store, &q, &key);
		/* Damaged: the verb itself will see that, too. */
		if (r != 0)
			return r == -ENOMEM ? r : 0;
	}
	return key_work_plan(e, &q, key, ret);
}

/* What was prepared, when it is what turned out to be needed; else *now does it. */
static int take_work(struct executor *e, const struct keygen_request *q, bool is_new,
		     const struct key_work *prepared, struct key_work *now,
		     const struct key_work **ret)
{
	struct key *key = NULL;
	int r;

	if (prepared && prepared->kind == (is_new ? KEY_WORK_KEYGEN : KEY_WORK_SHOW)) {
		*ret = prepared;
		return 0;
	}
	if (!is_new) {
		r = load_existing(e->store, q, &key);
		if (r != 0)
			return r;
	}
	r = key_work_plan(e, q, key, now);
	if (r == 0)
		r = verb_work_now(e, now);
	*ret = now;
	return r;
}

static int store_key(struct executor *e, const struct keygen_request *q, const struct key_work *w,
		     struct verb_result *result)
{
	int r;

	r = verb_stage(e, q->tag);
	if (r < 0)
		return r;
	r = store_credential_put(e->store, q->tag, q->type, w->value.data, w->value.len, w->digest);
	if (r < 0)
		return r;
	result->changed = true;
	return 0;
}

static int make_or_show(struct executor *e, const struct keygen_request *q, bool is_new,
			const struct key_work *prepared, struct verb_result *ret)
{
	_cleanup_(key_work_done) struct key_work now = {.kind = KEY_WORK_NONE};
	const struct key_work *w = NULL;
	int r;

	r = take_work(e, q, is_new, prepared, &now, &w);
	if (r != 0)
		return verb_store_error(ret, r);
	if (w->r == -EINVAL)
		return verb_cme(ret, AT_CME_INCORRECT_PARAMETERS);
	if (w->r < 0)
		return verb_cme(ret, AT_CME_KEYGEN_FAILED);
	if (is_new) {
		r = store_key(e, q, w, ret);
		if (r < 0)
			return r;
	}
	return verb_value(ret, "%KEYGEN", w->text);
}

int verb_keygen(struct executor *e, const char *parameters, const struct key_work *prepared,
		struct verb_result *ret)
{
	struct keygen_request q;
	bool exists, has_room;
	int r;

	r = parse_request(parameters, &q);
	if (r > 0)
		return verb_cme(ret, (enum at_cme)r);
	exists = store_credential_exists(e->store, q.tag, q.type);
	if (exists && q.type == CREDENTIAL_PRIVATE_KEY)
		return verb_cme(ret, AT_CME_EXISTS);
	if (!exists) {
		r = cmng_has_room(e->store, q.tag, q.type, &has_room);
		if (r < 0)
			return r;
		if (!has_room)
			return verb_cme(ret, AT_CME_MEMORY_FULL);
	}
	return make_or_show(e, &q, !exists, prepared, ret);
}
