/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/identity_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "credstore/detail.h"

#define KEY_FILE_MAX 8192
#define LABEL "onboardd identity"
#define LABEL_ATTRIBUTE "object=onboardd%20identity"

void identity_key_done(struct identity_key *k)
{
	keyring_free(k->ring);
	free(k->file);
	free(k->uri);
	*k = (struct identity_key){NULL};
}

static int read_spki(struct key *k, uint8_t ret[static KEY_SPKI_LEN])
{
	uint8_t spki[KEY_SPKI_MAX];
	size_t len;
	int r;

	r = key_spki(k, spki, &len);
	if (r != 0)
		return r;
	memcpy(ret, spki, KEY_SPKI_LEN);
	return 0;
}

static int digest_text(const uint8_t spki[static KEY_SPKI_LEN], char ret[static 65])
{
	uint8_t digest[32];
	int r;

	r = sha256(spki, KEY_SPKI_LEN, digest);
	if (r == 0)
		hex_encode(digest, sizeof(digest), ret);
	return r;
}

/* What an earlier run remembered; -ENOENT also when it does not fit the digest. */
static int recall_spki(struct store *s, const char *born, uint8_t ret[static KEY_SPKI_LEN])
{
	_cleanup_(freep) char *text = NULL;
	uint8_t spki[KEY_SPKI_MAX];
	char hex[65];
	size_t len = 0;
	int r;

	r = store_value_get(s, IDENTITY_SPKI_VALUE, &text);
	if (r < 0)
		return r;
	if (strlen(text) != BASE64_LEN(KEY_SPKI_LEN) ||
	    base64_decode(text, strlen(text), spki, &len) < 0 || len != KEY_SPKI_LEN)
		return -ENOENT;
	r = digest_text(spki, hex);
	if (r < 0)
		return r;
	if (strcmp(hex, born) != 0)
		return -ENOENT;
	memcpy(ret, spki, KEY_SPKI_LEN);
	return 0;
}

/* --- a key that is at hand */

static int load_key_file(const char *path, struct key **ret, char **ret_detail)
{
	_cleanup_(secret_done) struct secret file = SECRET_INIT;
	int r;

	r = file_read(path, KEY_FILE_MAX, &file);
	if (r < 0)
		return detail_set(ret_detail, IDENTITY_E_KEY,
				  "the identity key file %s cannot be read: %s", path,
				  strerror(-r));
	r = key_load(file.data, file.len, ret);
	if (r == -EINVAL)
		return detail_set(ret_detail, IDENTITY_E_KEY,
				  "%s does not hold an unencrypted P-256 private key", path);
	return r;
}

static int find_in_file(const char *path, struct identity_key *ret, char **ret_detail)
{
	_cleanup_(key_freep) struct key *k = NULL;
	int r;

	r = load_key_file(path, &k, ret_detail);
	if (r != 0)
		return r;
	ret->file = strdup(path);
	return ret->file ? read_spki(k, ret->spki) : -ENOMEM;
}

static int find_sealed(const struct secret *der, struct identity_key *ret, char **ret_detail)
{
	_cleanup_(key_freep) struct key *k = NULL;
	int r;

	r = key_load(der->data, der->len, &k);
	if (r == -EINVAL)
		return detail_set(ret_detail, IDENTITY_E_KEY,
				  "the identity key in the store is damaged");
	return r < 0 ? r : read_spki(k, ret->spki);
}

static int put_key(struct store *s, const struct secret *value,
		   const uint8_t spki[static KEY_SPKI_LEN])
{
	uint8_t digest[32];
	int r;

	r = sha256(spki, KEY_SPKI_LEN, digest);
	if (r < 0)
		return r;
	return store_credential_put(s, IDENTITY_TAG, CREDENTIAL_PRIVATE_KEY, value->data,
				    value->len, digest);
}

static int make_sealed(struct store *s, struct identity_key *ret)
{
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	int r;

	r = key_generate(&k, &der);
	if (r < 0)
		return r;
	r = read_spki(k, ret->spki);
	if (r < 0)
		return r;
	return put_key(s, &der, ret->spki);
}

/* --- a key in a token */

/* Whether the path of the URI (RFC 7512 §2.3) has it. */
static bool has_attribute(const char *uri, const char *name)
{
	const char *at = strchr(uri, ':');
	size_t n = strlen(name);

	while (at && *at && *at != '?') {
		at++;
		if (strncmp(at, name, n) == 0 && at[n] == '=')
			return true;
		at += strcspn(at, ";?");
	}
	return false;
}

static bool names_a_key(const char *uri)
{
	return has_attribute(uri, "object") || has_attribute(uri, "id");
}

/* The URI of the key itself: our own label where it names no more than a token. */
static int key_uri_of(const char *uri, char **ret)
{
	size_t path = strcspn(uri, "?");
	int n;

	if (names_a_key(uri)) {
		*ret = strdup(uri);
		return *ret ? 0 : -ENOMEM;
	}
	n = asprintf(ret, "%.*s%s%s%s", (int)path, uri, uri[path - 1] == ':' ? "" : ";",
		     LABEL_ATTRIBUTE, uri + path);
	return n < 0 ? -ENOMEM : 0;
}

static int refuse_token(char **ret_detail, int r, const char *uri, struct keyring *ring)
{
	char why[256] = "";

	if (r == -ENOMEM)
		return r;
	if (ring)
		keyring_detail(ring, why, sizeof(why));
	return detail_set(ret_detail, IDENTITY_E_KEY,
			  "the identity key %s cannot be used: %s%s%s%s", uri, key_strerror(r),
			  *why ? " (" : "", why, *why ? ")" : "");
}

static int ask_token(struct identity_key *k)
{
	_cleanup_(key_freep) struct key *key = NULL;
	int r;

	r = key_open(k->ring, k->uri, strlen(k->uri), NULL, &key);
	if (r < 0)
		return r;
	return read_spki(key, k->spki);
}

static int make_in_token(const char *asked, struct identity_key *k)
{
	_cleanup_(key_freep) struct key *key = NULL;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	int r;

	/* A key that is made has an id of its own. */
	if (has_attribute(asked, "id"))
		return KEY_E_NOT_FOUND;
	r = key_generate_at(k->ring, asked, names_a_key(asked) ? NULL : LABEL, &key, &uri);
	if (r == 0)
		r = read_spki(key, k->spki);
	if (r != 0)
		return r;
	free(k->uri);
	k->uri = strndup((const char *)uri.data, uri.len);
	return k->uri ? 0 : -ENOMEM;
}

/* The URI goes into the store as the key does otherwise: it names the key more exactly than the
 * configuration need do. */
static int keep_uri(struct store *s, const struct identity_key *k)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	int r;

	r = secret_set(&value, k->uri, strlen(k->uri));
	if (r < 0)
		return r;
	return put_key(s, &value, k->spki);
}

/* Before birth, or after it in a file whose key a token has now. */
static int adopt_from_token(struct store *s, const char *home, bool may_make,
			    struct identity_key *ret, char **ret_detail)
{
	int r;

	r = key_uri_of(home, &ret->uri);
	if (r == 0)
		r = ask_token(ret);
	if (r == KEY_E_NOT_FOUND && may_make)
		r = make_in_token(home, ret);
	if (r != 0)
		return refuse_token(ret_detail, r, home, ret->ring);
	return keep_uri(s, ret);
}

/* --- which of them */

static int find_unborn(struct store *s, const struct identity_config *c, struct identity_key *ret,
		       char **ret_detail)
{
	if (c->key_file)
		return find_in_file(c->key_file, ret, ret_detail);
	if (c->key_uri)
		return adopt_from_token(s, c->key_uri, true, ret, ret_detail);
	return make_sealed(s, ret);
}

/* The store names the key of a token, or the configuration does so now. */
static int find_in_token(struct store *s, const char *uri, const char *born,
			 struct identity_key *ret, char **ret_detail)
{
	int r;

	ret->uri = strdup(uri);
	if (!ret->uri)
		return -ENOMEM;
	r = recall_spki(s, born, ret->spki);
	if (r == -ENOENT)
		r = ask_token(ret);
	return r > 0 ? refuse_token(ret_detail, r, uri, ret->ring) : r;
}

static int find_born(struct store *s, const struct identity_config *c, const char *born,
		     struct identity_key *ret, char **ret_detail)
{
	_cleanup_(secret_done) struct secret kept = SECRET_INIT;
	bool is_uri;
	int r;

	if (c->key_file)
		return find_in_file(c->key_file, ret, ret_detail);
	r = store_credential_get(s, IDENTITY_TAG, CREDENTIAL_PRIVATE_KEY, &kept);
	if (r == -ENOENT && c->key_uri)
		return adopt_from_token(s, c->key_uri, false, ret, ret_detail);
	if (r == -ENOENT)
		return detail_set(ret_detail, IDENTITY_E_KEY,
				  "the store holds no identity key: it was born with a key file, "
				  "and none is configured");
	if (r > 0)
		return detail_set(ret_detail, IDENTITY_E_KEY,
				  "the identity key in the store is damaged");
	if (r < 0)
		return r;
	is_uri = key_is_uri(kept.data, kept.len);
	if (c->key_uri && !is_uri)
		return detail_set(ret_detail, IDENTITY_E_KEY,
				  "the identity key %s is not the one this store was born with: "
				  "that one is in the store itself",
				  c->key_uri);
	if (!is_uri)
		return find_sealed(&kept, ret, ret_detail);
	return find_in_token(
		s, c->key_uri && names_a_key(c->key_uri) ? c->key_uri : (const char *)kept.data,
		born, ret, ret_detail);
}

static int remember_spki(struct store *s, const uint8_t spki[static KEY_SPKI_LEN])
{
	_cleanup_(freep) char *known = NULL;
	char text[BASE64_LEN(KEY_SPKI_LEN) + 1];
	int r;

	base64_encode(spki, KEY_SPKI_LEN, text);
	r = store_value_get(s, IDENTITY_SPKI_VALUE, &known);
	if (r < 0 && r != -ENOENT)
		return r;
	return r == 0 && strcmp(known, text) == 0 ? 0
						  : store_value_put(s, IDENTITY_SPKI_VALUE, text);
}

int identity_key_find(struct store *s, const struct identity_config *c, const char *born,
		      struct identity_key *ret, char **ret_detail)
{
	char hex[65];
	int r;

	ret->ring = c->ring ? keyring_ref(c->ring) : NULL;
	r = born ? find_born(s, c, born, ret, ret_detail) : find_unborn(s, c, ret, ret_detail);
	if (r != 0)
		return r;
	r = digest_text(ret->spki, hex);
	if (r < 0)
		return r;
	if (born && strcmp(hex, born) != 0)
		return detail_set(ret_detail, IDENTITY_E_KEY,
				  "the identity key%s%s is not the one this store was born with",
				  ret->file || ret->uri ? " in " : "",
				  ret->file  ? ret->file
				  : ret->uri ? ret->uri
					     : "");
	if (!born)
		r = store_value_put(s, IDENTITY_KEY_VALUE, hex);
	return r < 0 ? r : remember_spki(s, ret->spki);
}

/* --- using it */

static int open_file(const struct identity_key *k, struct key **ret)
{
	_cleanup_(key_freep) struct key *key = NULL;
	uint8_t spki[KEY_SPKI_LEN];
	int r;

	r = load_key_file(k->file, &key, NULL);
	if (r == -ENOMEM)
		return r;
	if (r != 0 || read_spki(key, spki) != 0 || memcmp(spki, k->spki, KEY_SPKI_LEN) != 0)
		return -EKEYREJECTED;
	*ret = TAKE_PTR(key);
	return 0;
}

int identity_key_open(const struct identity_key *k, struct store *s, struct key **ret)
{
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	int r;

	if (k->file)
		return open_file(k, ret);
	if (k->uri) {
		r = key_open(k->ring, k->uri, strlen(k->uri), k->spki, ret);
		return r == -EINVAL ? -EKEYREJECTED : r;
	}
	r = store_credential_get(s, IDENTITY_TAG, CREDENTIAL_PRIVATE_KEY, &der);
	if (r == -ENOMEM)
		return r;
	if (r != 0)
		return -EUCLEAN;
	r = key_load(der.data, der.len, ret);
	return r == -EINVAL ? -EKEYREJECTED : r;
}
