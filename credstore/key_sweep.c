/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "credstore/key_ops.h"
#include "credstore/token.h"

/* Keys that leave a token: the one of a URI, and those that nobody needs any more. */

#define KEYS_MAX 1024 /* looked at in one sweep */
#define HALVES_MAX 8

static int destroy_public(struct token_session *s, const struct token_name *name)
{
	CK_OBJECT_HANDLE found[HALVES_MAX];
	size_t n;
	int r;

	r = token_find_public(s, name, found, ARRAY_SIZE(found), &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = token_destroy(s, found[i]);
	return r;
}

/* --- one key */

/* The name as the URI has it, for when the private half is gone already. */
static int name_of_uri(const struct token_uri *uri, struct token_name *ret)
{
	const CK_ATTRIBUTE *label = token_uri_label(uri), *id = token_uri_id(uri);

	if (!label && !id)
		return -EINVAL;
	ret->label_len = label ? label->ulValueLen : 0;
	ret->id_len = id ? id->ulValueLen : 0;
	if (ret->label_len > sizeof(ret->label) || ret->id_len > sizeof(ret->id))
		return -EINVAL;
	if (label)
		memcpy(ret->label, label->pValue, label->ulValueLen);
	if (id)
		memcpy(ret->id, id->pValue, id->ulValueLen);
	return 0;
}

static int destroy_in_token(struct token_session *s, void *userdata)
{
	const struct token_uri *uri = userdata;
	struct token_name name;
	CK_OBJECT_HANDLE private;
	int r;

	r = token_find_private(s, uri, &private);
	if (r == KEY_E_NOT_FOUND) {
		r = name_of_uri(uri, &name);
		/* Less than both could be the name of somebody else's object. */
		return r < 0 || name.label_len == 0 || name.id_len == 0 ? r
									: destroy_public(s, &name);
	}
	if (r == 0)
		r = token_object_name(s, private, &name);
	if (r == 0)
		r = token_destroy(s, private);
	if (r == 0)
		r = destroy_public(s, &name);
	return r;
}

int key_pkcs11_destroy(struct keyring *ring, const char *uri)
{
	_cleanup_(token_uri_freep) struct token_uri *u = NULL;
	struct token_name name;
	int r;

	r = token_uri_parse(uri, &u);
	if (r == 0)
		r = name_of_uri(u, &name);
	if (r < 0)
		return r;
	return token_use(ring, u, destroy_in_token, u);
}

/* --- all but some */

struct sweep_job {
	const char *prefix;
	struct token_uri **keep; /* owned, and so is each */
	size_t n, n_destroyed;
};

static bool is_swept(const struct sweep_job *job, const struct token_session *s,
		     const struct token_name *name)
{
	size_t len = strlen(job->prefix);

	if (name->label_len < len || memcmp(name->label, job->prefix, len) != 0)
		return false;
	for (size_t i = 0; i < job->n; i++)
		if (token_uri_matches_token(job->keep[i], &s->info) &&
		    token_uri_matches_object(job->keep[i], name))
			return false;
	return true;
}

/* One class of objects; those that go have a first half or are one that was left behind. */
static int sweep_class(struct token_session *s, struct sweep_job *job, CK_OBJECT_CLASS class)
{
	_cleanup_(freep) CK_OBJECT_HANDLE *found = calloc(KEYS_MAX, sizeof(*found));
	CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof(class)};
	struct token_name name;
	size_t n;
	int r;

	if (!found)
		return -ENOMEM;
	r = token_find(s, &template, 1, found, KEYS_MAX, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = token_object_name(s, found[i], &name);
		if (r != 0 || !is_swept(job, s, &name))
			continue;
		r = token_destroy(s, found[i]);
		if (r == 0 && class == CKO_PRIVATE_KEY)
			r = destroy_public(s, &name);
		job->n_destroyed += r == 0;
	}
	return r;
}

static int sweep_token(struct token_session *s, void *userdata)
{
	int r;

	r = sweep_class(s, userdata, CKO_PRIVATE_KEY);
	return r == 0 ? sweep_class(s, userdata, CKO_PUBLIC_KEY) : r;
}

static int parse_keep(struct sweep_job *job, const char *const *keep, size_t n)
{
	int r = 0;

	job->keep = calloc(n + 1, sizeof(struct token_uri *));
	if (!job->keep)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!key_is_uri(keep[i], strlen(keep[i])))
			continue;
		r = token_uri_parse(keep[i], &job->keep[job->n]);
		job->n += r == 0;
	}
	return r;
}

int key_pkcs11_sweep(struct keyring *ring, const char *home, const char *prefix,
		     const char *const *keep, size_t n, size_t *ret_destroyed)
{
	_cleanup_(token_uri_freep) struct token_uri *u = NULL;
	struct sweep_job job = {.prefix = prefix};
	int r;

	r = token_uri_parse(home, &u);
	if (r == 0)
		r = parse_keep(&job, keep, n);
	if (r == 0)
		r = token_use(ring, u, sweep_token, &job);
	for (size_t i = 0; i < job.n; i++)
		token_uri_free(job.keep[i]);
	free(job.keep);
	*ret_destroyed = job.n_destroyed;
	return r;
}
