/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "credstore/key_ops.h"
#include "credstore/token.h"

#define ID_LEN 16

struct key_pkcs11 {
	struct key key;
	struct keyring *ring;  /* a reference */
	struct token_uri *uri; /* owned */
	bool has_spki;         /* atomic; set once, after spki */
	uint8_t spki[KEY_SPKI_LEN];
};

static bool has_spki(const struct key_pkcs11 *k)
{
	return __atomic_load_n(&k->has_spki, __ATOMIC_ACQUIRE);
}

static void set_spki(struct key_pkcs11 *k, const uint8_t spki[static KEY_SPKI_LEN])
{
	memcpy(k->spki, spki, KEY_SPKI_LEN);
	__atomic_store_n(&k->has_spki, true, __ATOMIC_RELEASE);
}

static int learn_spki(struct token_session *s, struct key_pkcs11 *k, CK_OBJECT_HANDLE private)
{
	uint8_t spki[KEY_SPKI_LEN];
	int r;

	if (has_spki(k))
		return 0;
	r = token_public_key(s, private, spki);
	if (r != 0)
		return r;
	set_spki(k, spki);
	return 0;
}

/* --- what every key does */

struct sign_job {
	struct key_pkcs11 *key;
	const uint8_t *digest;
	uint8_t signature[64];
};

static int sign_in_token(struct token_session *s, void *userdata)
{
	struct sign_job *job = userdata;
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	CK_OBJECT_HANDLE private;
	CK_ULONG len = sizeof(job->signature);
	uint8_t digest[32];
	int r;

	r = token_find_private(s, job->key->uri, &private);
	if (r == 0)
		r = learn_spki(s, job->key, private);
	if (r == 0)
		r = token_check(s, "C_SignInit",
				s->p11->C_SignInit(s->handle, &mechanism, private));
	if (r != 0)
		return r;
	memcpy(digest, job->digest, sizeof(digest));
	r = token_check(s, "C_Sign",
			s->p11->C_Sign(s->handle, digest, sizeof(digest), job->signature, &len));
	if (r != 0)
		return r;
	if (len != sizeof(job->signature))
		return token_refuse(s, KEY_E_TOKEN, "a signature of another length than 64 bytes");
	r = key_spki_verify(job->key->spki, job->digest, job->signature);
	if (r == -EINVAL)
		return token_refuse(s, KEY_E_TOKEN,
				    "its signature does not fit the public key: the key at this "
				    "URI is another one, or the token is faulty");
	return r;
}

static int pkcs11_sign_digest(struct key *key, const uint8_t digest[static 32],
			      uint8_t ret[static 64])
{
	struct sign_job job = {.key = (struct key_pkcs11 *)key, .digest = digest};
	int r;

	r = token_use(job.key->ring, job.key->uri, sign_in_token, &job);
	if (r == 0)
		memcpy(ret, job.signature, sizeof(job.signature));
	return r;
}

static int spki_in_token(struct token_session *s, void *userdata)
{
	struct key_pkcs11 *k = userdata;
	CK_OBJECT_HANDLE private;
	int r;

	r = token_find_private(s, k->uri, &private);
	return r == 0 ? learn_spki(s, k, private) : r;
}

static int pkcs11_spki(struct key *key, uint8_t ret[static KEY_SPKI_LEN])
{
	struct key_pkcs11 *k = (struct key_pkcs11 *)key;
	int r = 0;

	if (!has_spki(k))
		r = token_use(k->ring, k->uri, spki_in_token, k);
	if (r == 0)
		memcpy(ret, k->spki, KEY_SPKI_LEN);
	return r;
}

static void pkcs11_free(struct key *key)
{
	struct key_pkcs11 *k = (struct key_pkcs11 *)key;

	token_uri_free(k->uri);
	keyring_free(k->ring);
	free(k);
}

static const struct key_ops ops = {
	.is_slow = true,
	.sign_digest = pkcs11_sign_digest,
	.spki = pkcs11_spki,
	.free = pkcs11_free,
};

int key_pkcs11_open(struct keyring *ring, const char *uri, const uint8_t *spki, struct key **ret)
{
	_cleanup_(token_uri_freep) struct token_uri *u = NULL;
	struct key_pkcs11 *k;
	int r;

	r = token_uri_parse(uri, &u);
	if (r < 0)
		return r;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->key.ops = &ops;
	k->ring = keyring_ref(ring);
	k->uri = TAKE_PTR(u);
	if (spki)
		set_spki(k, spki);
	*ret = &k->key;
	return 0;
}

/* --- generating one */

struct generate_job {
	const struct token_uri *home;
	struct token_name name;
	uint8_t spki[KEY_SPKI_LEN];
	char *uri; /* owned */
};

/* What a home says of the object is the new key's name, and has to be free. */
static int choose_name(const struct token_uri *home, const char *label, struct token_name *ret)
{
	const CK_ATTRIBUTE *given = token_uri_label(home), *id = token_uri_id(home);

	if (label ? given || id : !given)
		return -EINVAL;
	ret->label_len = label ? strlen(label) : given->ulValueLen;
	if (!key_is_label(label ? label : given->pValue, ret->label_len))
		return -EINVAL;
	memcpy(ret->label, label ? label : given->pValue, ret->label_len);
	ret->id_len = ID_LEN;
	if (!id)
		return 0;
	if (id->ulValueLen == 0 || id->ulValueLen > sizeof(ret->id))
		return -EINVAL;
	memcpy(ret->id, id->pValue, id->ulValueLen);
	ret->id_len = id->ulValueLen;
	return 0;
}

static int check_free(struct token_session *s, const struct token_uri *home)
{
	CK_OBJECT_HANDLE found;
	int r;

	if (!token_uri_label(home))
		return 0;
	r = token_find_private(s, home, &found);
	if (r == 0 || r == KEY_E_AMBIGUOUS)
		return token_refuse(s, -EEXIST, "there is a key of this name already");
	return r == KEY_E_NOT_FOUND ? 0 : r;
}

/* The token is asked for what it made: one that ignores the template keeps no key of ours. */
static int check_custody(struct token_session *s, CK_OBJECT_HANDLE private)
{
	CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE;
	size_t len;
	int r;

	r = token_attribute(s, private, CKA_SENSITIVE, &sensitive, sizeof(sensitive), &len);
	if (r == 0)
		r = token_attribute(s, private, CKA_EXTRACTABLE, &extractable, sizeof(extractable),
				    &len);
	if (r == 0 && (!sensitive || extractable))
		return token_refuse(s, KEY_E_TOKEN, "it made a key that could be read out");
	return r;
}

/* SoftHSM takes silence for a yes, tpm2-pkcs11 refuses a template that says no. */
static void narrow(struct token_session *s, CK_OBJECT_HANDLE private)
{
	CK_BBOOL decrypt = CK_FALSE, no = CK_FALSE;
	CK_ATTRIBUTE a = {CKA_DECRYPT, &no, sizeof(no)};
	size_t len;

	if (token_attribute(s, private, CKA_DECRYPT, &decrypt, sizeof(decrypt), &len) == 0 &&
	    decrypt)
		(void)s->p11->C_SetAttributeValue(s->handle, private, &a, 1);
}

static int make_pair(struct token_session *s, struct token_name *name, CK_OBJECT_HANDLE *ret_public,
		     CK_OBJECT_HANDLE *ret_private)
{
	static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE public[] = {
		{CKA_EC_PARAMS, (void *)p256, sizeof(p256)},
		{CKA_TOKEN, &yes, sizeof(yes)},
		{CKA_PRIVATE, &no, sizeof(no)},
		{CKA_VERIFY, &yes, sizeof(yes)},
		{CKA_LABEL, name->label, name->label_len},
		{CKA_ID, name->id, name->id_len},
	};
	CK_ATTRIBUTE private[] = {
		{CKA_TOKEN, &yes, sizeof(yes)},     {CKA_PRIVATE, &yes, sizeof(yes)},
		{CKA_SENSITIVE, &yes, sizeof(yes)}, {CKA_EXTRACTABLE, &no, sizeof(no)},
		{CKA_SIGN, &yes, sizeof(yes)},      {CKA_UNWRAP, &no, sizeof(no)},
		{CKA_DERIVE, &no, sizeof(no)},      {CKA_LABEL, name->label, name->label_len},
		{CKA_ID, name->id, name->id_len},
	};

	*ret_public = *ret_private = CK_INVALID_HANDLE;
	return token_check(s, "C_GenerateKeyPair",
			   s->p11->C_GenerateKeyPair(s->handle, &mechanism, public,
						     ARRAY_SIZE(public), private,
						     ARRAY_SIZE(private), ret_public, ret_private));
}

/* A key that nobody will know of; what this answers does not change why. */
static void discard(struct token_session *s, CK_OBJECT_HANDLE object)
{
	if (object != CK_INVALID_HANDLE)
		(void)s->p11->C_DestroyObject(s->handle, object);
}

static int generate_in_token(struct token_session *s, void *userdata)
{
	struct generate_job *job = userdata;
	CK_OBJECT_HANDLE public, private;
	int r;

	r = check_free(s, job->home);
	if (r != 0)
		return r;
	/* One of its own for a second attempt too: who knows what the first has left behind. */
	if (!token_uri_id(job->home))
		random_fill(job->name.id, ID_LEN);
	r = make_pair(s, &job->name, &public, &private);
	if (r != 0)
		return r;
	narrow(s, private);
	r = check_custody(s, private);
	if (r == 0)
		r = token_object_public_key(s, public, job->spki);
	if (r == 0)
		r = token_uri_format(job->home, &s->info, &job->name, &job->uri);
	if (r == 0)
		return 0;
	discard(s, private);
	discard(s, public);
	return r;
}

int key_pkcs11_generate(struct keyring *ring, const char *home, const char *label, struct key **ret,
			struct secret *ret_value)
{
	_cleanup_(token_uri_freep) struct token_uri *u = NULL;
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	struct generate_job job = {.uri = NULL};
	int r;

	r = token_uri_parse(home, &u);
	if (r < 0)
		return r;
	job.home = u;
	r = choose_name(u, label, &job.name);
	if (r < 0)
		return r;
	r = token_use(ring, u, generate_in_token, &job);
	if (r != 0)
		return r;
	r = secret_set(&value, job.uri, strlen(job.uri));
	if (r == 0)
		r = key_pkcs11_open(ring, job.uri, job.spki, ret);
	free(job.uri);
	if (r < 0)
		return r;
	secret_done(ret_value);
	*ret_value = value;
	value = SECRET_INIT;
	return 0;
}
