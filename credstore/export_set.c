/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "credstore/detail.h"
#include "credstore/export.h"
#include "credstore/export_key.h"
#include "credstore/key.h"
#include "credstore/staged.h"

static const struct {
	enum credential_type type;
	const char *what;
} roles[EXPORT_N_ROLES] = {
	[EXPORT_ROLE_CA] = {CREDENTIAL_ROOT_CA, "root CA"},
	[EXPORT_ROLE_CERTIFICATE] = {CREDENTIAL_CLIENT_CERT, "client certificate"},
	[EXPORT_ROLE_KEY] = {CREDENTIAL_PRIVATE_KEY, "private key"},
	[EXPORT_ROLE_PSK] = {CREDENTIAL_PSK, "pre-shared key"},
	[EXPORT_ROLE_PSK_IDENTITY] = {CREDENTIAL_PSK_IDENTITY, "identity of a pre-shared key"},
};

struct loader {
	struct store *store;
	const struct export_spec *spec;
	bool previous;
	struct secret values[EXPORT_N_ROLES]; /* owned */
	char **ret_detail;
};

static void loader_done(struct loader *l)
{
	for (size_t i = 0; i < EXPORT_N_ROLES; i++)
		secret_done(&l->values[i]);
}

void export_set_done(struct export_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		secret_done(&set->files[i].content);
	set->n = 0;
	free(set->key_uri);
	set->key_uri = NULL;
}

static int load_value(struct loader *l, enum export_role role)
{
	int r;

	r = (l->previous ? staged_previous_get : store_credential_get)(
		l->store, l->spec->tag, roles[role].type, &l->values[role]);
	if (r == -ENOENT)
		return detail_set(l->ret_detail, EXPORT_E_INCOMPLETE,
				  "tag %u holds no %s yet; if it never will, leave it out",
				  l->spec->tag, roles[role].what);
	if (r != 0)
		return detail_set(l->ret_detail, r, "the %s of tag %u cannot be read",
				  roles[role].what, l->spec->tag);
	return 0;
}

/* The digest of a token's key is known from when it was generated: the token is left in peace. */
static int stored_digest(struct loader *l, uint8_t ret[static 32])
{
	_cleanup_(freep) struct credential_info *list = NULL;
	size_t n = 0;
	int r;

	r = (l->previous ? staged_previous_list : store_credential_list)(l->store, &list, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (list[i].tag != l->spec->tag || list[i].type != CREDENTIAL_PRIVATE_KEY)
			continue;
		memcpy(ret, list[i].sha256, sizeof(list[i].sha256));
		return 0;
	}
	return -ENOENT;
}

/* In the middle of a rotation the tag holds the new key and the old certificate for a while. */
static int check_pair(struct loader *l)
{
	const struct secret *key = &l->values[EXPORT_ROLE_KEY];
	uint8_t of_key[32], of_certificate[32];
	int r;

	if (!key->data || !l->values[EXPORT_ROLE_CERTIFICATE].data)
		return 0;
	r = key_is_uri(key->data, key->len) ? stored_digest(l, of_key)
					    : export_key_digest(key, of_key);
	if (r == 0)
		r = export_certificate_digest(&l->values[EXPORT_ROLE_CERTIFICATE], of_certificate);
	if (r < 0)
		return detail_set(l->ret_detail, r,
				  "the key or certificate of tag %u cannot be used", l->spec->tag);
	if (memcmp(of_key, of_certificate, sizeof(of_key)) != 0)
		return detail_set(l->ret_detail, EXPORT_E_INCOMPLETE,
				  "the client certificate of tag %u is not of its private key; "
				  "waiting for the one that is",
				  l->spec->tag);
	return 0;
}

static int add_text(const struct secret *value, struct secret *ret)
{
	bool ends = value->len > 0 && value->data[value->len - 1] == '\n';
	int r;

	r = secret_alloc(ret, value->len + !ends);
	if (r < 0)
		return r;
	memcpy(ret->data, value->data, value->len);
	if (!ends)
		ret->data[value->len] = '\n';
	return 0;
}

static int add_file(struct loader *l, enum export_role role, struct export_set *set)
{
	const struct secret *value = &l->values[role];
	struct export_file *f = &set->files[set->n++];
	int r;

	f->name = l->spec->files[role];
	if (role != EXPORT_ROLE_KEY)
		return add_text(value, &f->content);
	if (key_is_uri(value->data, value->len)) {
		f->name = l->spec->uri_file;
		set->key_uri = strndup((const char *)value->data, value->len);
		r = set->key_uri ? export_uri_env(value, &f->content) : -ENOMEM;
	} else {
		r = export_key_pem(value, &f->content);
	}
	return r == -EINVAL
		       ? detail_set(l->ret_detail, r,
				    "the private key of tag %u cannot be exported", l->spec->tag)
		       : r;
}

/* It lists the names, so that the next one who replaces the directory knows what is ours. */
static int add_marker(const struct export_spec *spec, struct export_set *set)
{
	struct export_file *f = &set->files[0];
	_cleanup_(freep) char *text = NULL;
	size_t size = 0;
	FILE *m = open_memstream(&text, &size);

	if (!m)
		return -ENOMEM;
	fprintf(m,
		"# Made by onboardd for [export \"%s\"], which replaces this directory as a "
		"whole.\n",
		spec->name);
	for (size_t i = 1; i < set->n; i++)
		fprintf(m, "%s\n", set->files[i].name);
	if (fclose(m) != 0)
		return -ENOMEM;
	f->name = EXPORT_MARKER;
	return secret_set(&f->content, text, size);
}

/* Each digest has one length, each name ends before it: no two sets look alike. */
static int make_digest(struct export_set *set)
{
	char text[EXPORT_FILES_MAX * 128];
	uint8_t digest[32];
	size_t len = 0;
	int r;

	for (size_t i = 0; i < set->n; i++) {
		char hex[65];

		r = sha256(set->files[i].content.data, set->files[i].content.len, digest);
		if (r < 0)
			return r;
		hex_encode(digest, sizeof(digest), hex);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%.60s/%s",
					set->files[i].name, hex);
	}
	r = sha256(text, len, digest);
	if (r == 0)
		hex_encode(digest, sizeof(digest), set->digest);
	return r;
}

static int load(struct loader *l, struct export_set *set)
{
	int r = 0;

	for (size_t i = 0; i < EXPORT_N_ROLES && r == 0; i++)
		if (l->spec->files[i])
			r = load_value(l, (enum export_role)i);
	if (r == 0)
		r = check_pair(l);
	set->n = 1;
	for (size_t i = 0; i < EXPORT_N_ROLES && r == 0; i++)
		if (l->spec->files[i])
			r = add_file(l, (enum export_role)i, set);
	if (r == 0)
		r = add_marker(l->spec, set);
	return r == 0 ? make_digest(set) : r;
}

int export_set_load(struct store *s, const struct export_spec *spec, bool previous,
		    struct export_set *ret, char **ret_detail)
{
	_cleanup_(loader_done) struct loader l = {
		.store = s, .spec = spec, .previous = previous, .ret_detail = ret_detail};
	struct export_set set = {0};
	int r;

	r = load(&l, &set);
	secret_wipe_stack();
	if (r != 0) {
		export_set_done(&set);
		return r;
	}
	*ret = set;
	return 0;
}
