/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/pkcs11_unwrap.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "credstore/mbed.h"
#include "credstore/token.h"

#define BITS_MIN 2048
#define BITS_MAX 4096
#define ID_LEN 16

static const char default_label[] = "onboardd sealing";

/* What the URI says, else the default label. */
struct object {
	const struct token_uri *uri;
	CK_ATTRIBUTE name[2];
	CK_ULONG n;
};

static struct object object_of(const struct token_uri *uri)
{
	struct object o = {.uri = uri};

	if (token_uri_label(uri))
		o.name[o.n++] = *token_uri_label(uri);
	if (token_uri_id(uri))
		o.name[o.n++] = *token_uri_id(uri);
	if (o.n == 0)
		o.name[o.n++] =
			(CK_ATTRIBUTE){CKA_LABEL, (void *)default_label, sizeof(default_label) - 1};
	return o;
}

static int find_one(struct token_session *s, const struct object *o, CK_OBJECT_CLASS class,
		    CK_OBJECT_HANDLE *ret)
{
	CK_KEY_TYPE type = CKK_RSA;
	CK_ATTRIBUTE template[4] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_KEY_TYPE, &type, sizeof(type)},
	};

	memcpy(&template[2], o -> name, o -> n * sizeof(o->name[0]));
	return token_find_one(s, template, 2 + o->n, "no RSA key matches the URI",
			      "several RSA keys match the URI", ret);
}

/* --- wrapping */

struct wrap_job {
	struct object object;
	uint8_t modulus[BITS_MAX / 8], exponent[8];
	size_t modulus_len, exponent_len;
};

static int generate(struct token_session *s, const struct object *o)
{
	CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
	CK_ATTRIBUTE label = {CKA_LABEL, (void *)default_label, sizeof(default_label) - 1};
	CK_OBJECT_HANDLE public = CK_INVALID_HANDLE, private = CK_INVALID_HANDLE;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG bits = BITS_MIN;
	uint8_t exponent[] = {1, 0, 1}, random_id[ID_LEN];
	CK_ATTRIBUTE id = {CKA_ID, random_id, sizeof(random_id)};
	CK_RV rv = CKR_GENERAL_ERROR;

	random_fill(random_id, sizeof(random_id));
	if (token_uri_label(o->uri))
		label = *token_uri_label(o->uri);
	if (token_uri_id(o->uri))
		id = *token_uri_id(o->uri);
	{
		CK_ATTRIBUTE public_template[] = {
			{CKA_MODULUS_BITS, &bits, sizeof(bits)},
			{CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
			{CKA_TOKEN, &yes, sizeof(yes)},
			{CKA_PRIVATE, &no, sizeof(no)},
			label,
			id,
		};
		CK_ATTRIBUTE private_template[] = {
			{CKA_TOKEN, &yes, sizeof(yes)},
			{CKA_PRIVATE, &yes, sizeof(yes)},
			{CKA_SENSITIVE, &yes, sizeof(yes)},
			{CKA_EXTRACTABLE, &no, sizeof(no)},
			{CKA_DECRYPT, &yes, sizeof(yes)},
			label,
			id,
			{CKA_SIGN, &no, sizeof(no)},
			{CKA_UNWRAP, &no, sizeof(no)},
		};

		/* SoftHSM takes silence for a yes, tpm2-pkcs11 refuses a template that says no. */
		for (CK_ULONG less = 0; less <= 2 && rv != CKR_OK; less += 2)
			rv = s->p11->C_GenerateKeyPair(
				s->handle, &mechanism, public_template, ARRAY_SIZE(public_template),
				private_template, ARRAY_SIZE(private_template) - less, &public,
				&private);
	}
	return token_check(s, "C_GenerateKeyPair", rv);
}

static int read_public(struct token_session *s, void *userdata)
{
	struct wrap_job *job = userdata;
	CK_OBJECT_HANDLE key;
	int r;

	r = find_one(s, &job->object, CKO_PRIVATE_KEY, &key);
	if (r == KEY_E_NOT_FOUND) {
		r = generate(s, &job->object);
		if (r == 0)
			r = find_one(s, &job->object, CKO_PRIVATE_KEY, &key);
	}
	if (r == 0)
		r = find_one(s, &job->object, CKO_PUBLIC_KEY, &key);
	if (r == 0)
		r = token_attribute(s, key, CKA_MODULUS, job->modulus, sizeof(job->modulus),
				    &job->modulus_len);
	if (r == 0)
		r = token_attribute(s, key, CKA_PUBLIC_EXPONENT, job->exponent,
				    sizeof(job->exponent), &job->exponent_len);
	if (r != 0)
		return r;
	if (job->modulus_len < BITS_MIN / 8 || job->exponent_len == 0)
		return token_refuse(s, KEY_E_TOKEN,
				    "the public key is not RSA of 2048 to 4096 bits");
	return 0;
}

int pkcs11_wrap(struct keyring *ring, const char *uri, const void *data, size_t len,
		struct secret *ret)
{
	_cleanup_(token_uri_freep) struct token_uri *u = NULL;
	_cleanup_(secret_done) struct secret wrapped = SECRET_INIT;
	struct wrap_job job = {.modulus_len = 0};
	int r;

	r = token_uri_parse(uri, &u);
	if (r < 0)
		return r;
	job.object = object_of(u);
	r = token_use(ring, u, read_public, &job);
	if (r != 0)
		return r;
	r = secret_alloc(&wrapped, job.modulus_len);
	if (r < 0)
		return r;
	if (mbed_rsa_oaep_encrypt(job.modulus, job.modulus_len, job.exponent, job.exponent_len,
				  data, len, wrapped.data) != 0)
		return KEY_E_TOKEN;
	secret_done(ret);
	*ret = wrapped;
	wrapped = SECRET_INIT;
	return 0;
}

/* --- unwrapping */

struct unwrap_job {
	struct object object;
	const uint8_t *wrapped;
	size_t len;
	struct secret *data; /* as large as the wrapped one */
	size_t plain_len;
};

static int decrypt(struct token_session *s, void *userdata)
{
	struct unwrap_job *job = userdata;
	CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
	CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep)};
	CK_OBJECT_HANDLE key;
	CK_ULONG len = job->len;
	int r;

	r = secret_alloc(job->data, job->len);
	if (r == 0)
		r = find_one(s, &job->object, CKO_PRIVATE_KEY, &key);
	if (r == 0)
		r = token_check(s, "C_DecryptInit",
				s->p11->C_DecryptInit(s->handle, &mechanism, key));
	if (r == 0)
		r = token_check(s, "C_Decrypt",
				s->p11->C_Decrypt(s->handle, (uint8_t *)job->wrapped, job->len,
						  job->data->data, &len));
	if (r == 0 && len > job->len)
		return KEY_E_TOKEN;
	job->plain_len = len;
	return r;
}

int pkcs11_unwrap(struct keyring *ring, const char *uri, const void *wrapped, size_t len,
		  struct secret *ret)
{
	_cleanup_(token_uri_freep) struct token_uri *u = NULL;
	_cleanup_(secret_done) struct secret data = SECRET_INIT;
	struct unwrap_job job = {.wrapped = wrapped, .len = len, .data = &data};
	int r;

	if (len == 0)
		return -EINVAL;
	r = token_uri_parse(uri, &u);
	if (r < 0)
		return r;
	job.object = object_of(u);
	r = token_use(ring, u, decrypt, &job);
	if (r != 0)
		return r;
	return secret_set(ret, data.data, job.plain_len);
}
