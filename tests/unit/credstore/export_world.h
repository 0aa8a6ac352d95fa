/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A store with one tag that holds a CA, a certificate and its key, and an export of it. After
 * <setjmp.h> and what else cmocka wants. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "credstore/export.h"
#include "credstore/key.h"
#include "pki.h"
#include "scratch.h"

#define TAG 42

struct pair {
	char *key, *certificate; /* PEM, owned */
	uint8_t spki_digest[32];
};

struct world {
	struct scratch *scratch;
	struct store *store;
	struct export_spec spec;
	struct pair pair;
	char directory[160], temporary[160];
	bool changed;
	char *detail; /* of the last call */
};

static inline void new_pair(struct pair *ret)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char *spki = NULL;
	int len;

	free(ret->key);
	free(ret->certificate);
	PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	ret->key = pki_take_text(bio);
	ret->certificate = pki_issue(key, "test", key);
	len = i2d_PUBKEY(key, &spki);
	assert_int_equal(sha256(spki, (size_t)len, ret->spki_digest), 0);
	OPENSSL_free(spki);
	EVP_PKEY_free(key);
}

static inline void put(struct world *w, enum credential_type type, const char *text)
{
	uint8_t digest[32];

	assert_int_equal(sha256(text, strlen(text), digest), 0);
	assert_int_equal(store_credential_put(w->store, TAG, type, text, strlen(text), digest), 0);
}

static inline void rotate(struct world *w)
{
	new_pair(&w->pair);
	put(w, CREDENTIAL_PRIVATE_KEY, w->pair.key);
	put(w, CREDENTIAL_CLIENT_CERT, w->pair.certificate);
}

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	_cleanup_(freep) char *ca = pki_certificate();

	assert_non_null(w);
	scratch_setup((void **)&w->scratch);
	w->store = scratch_open(w->scratch);
	snprintf(w->directory, sizeof(w->directory), "%s/app", w->scratch->dir);
	snprintf(w->temporary, sizeof(w->temporary), "%s/.app.onboardd-new", w->scratch->dir);
	w->spec = (struct export_spec){
		.name = (char *)"app",
		.tag = TAG,
		.directory = w->directory,
		.files = {(char *)"ca.pem", (char *)"cert.pem", (char *)"key.pem"},
		.uri_file = (char *)"pkcs11.env",
		.owner = EXPORT_OWNER_ANY,
		.group = EXPORT_GROUP_ANY,
		.mode = 0640,
		.directory_mode = 0750,
	};
	put(w, CREDENTIAL_ROOT_CA, ca);
	rotate(w);
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	store_close(w->store);
	scratch_teardown((void **)&w->scratch);
	free(w->pair.key);
	free(w->pair.certificate);
	free(w->detail);
	free(w);
	return 0;
}

static inline int load(struct world *w, struct export_set *set)
{
	free(w->detail);
	w->detail = NULL;
	return export_set_load(w->store, &w->spec, false, set, &w->detail);
}

static inline int export(struct world *w)
{
	_cleanup_(export_set_done) struct export_set set = {0};
	int r = load(w, &set);

	w->changed = false;
	return r != 0 ? r : export_apply(&w->spec, &set, &w->changed, &w->detail);
}

static inline void exports(struct world *w)
{
	int r = export(w);

	if (r != 0)
		fail_msg("%d %s", r, w->detail ? w->detail : "");
}

/* Fails with r, and says `word`. */
static inline void refuses(struct world *w, int r, const char *word)
{
	assert_int_equal(export(w), r);
	assert_false(w->changed);
	assert_non_null(w->detail);
	if (!strstr(w->detail, word))
		fail_msg("\"%s\" does not say \"%s\"", w->detail, word);
}

static inline const char *in(const char *directory, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static inline char *text_of(const struct world *w, const char *name)
{
	_cleanup_(secret_done) struct secret s = SECRET_INIT;

	scratch_read(in(w->directory, name), &s);
	return strndup((char *)s.data, s.len);
}

static inline mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static inline ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_ino;
}

static inline bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static inline void holds_the_pair(const struct world *w)
{
	_cleanup_(freep) char *certificate = text_of(w, "cert.pem"), *key = text_of(w, "key.pem");
	BIO *bio = BIO_new_mem_buf(key, -1);
	EVP_PKEY *parsed = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	unsigned char *spki = NULL;
	uint8_t digest[32];
	int len;

	assert_string_equal(certificate, w->pair.certificate);
	assert_non_null(parsed);
	len = i2d_PUBKEY(parsed, &spki);
	assert_int_equal(sha256(spki, (size_t)len, digest), 0);
	assert_memory_equal(digest, w->pair.spki_digest, sizeof(digest));
	OPENSSL_free(spki);
	EVP_PKEY_free(parsed);
	BIO_free(bio);
	assert_false(is_there(w->temporary));
}

#define EXPORT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
