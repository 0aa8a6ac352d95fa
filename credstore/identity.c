/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/identity.h"

#include <errno.h>
#include <mbedtls/md.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "credstore/detail.h"
#include "credstore/identity_key.h"
#include "credstore/idevid.h"

#define VALUE_UUID "device-uuid"
#define OS_RELEASE_MAX 65536

struct identity {
	struct store *store;     /* borrowed */
	struct identity_key key; /* where it is: it is not kept open */
	struct signer_names names;
};

/* What the store was born with, in the store's own words; NULL before birth. */
struct birth {
	char *uuid, *key_digest; /* owned */
};

static void birth_done(struct birth *b)
{
	free(b->uuid);
	free(b->key_digest);
}

static int read_birth(struct store *s, struct birth *ret)
{
	int r;

	r = store_value_get(s, VALUE_UUID, &ret->uuid);
	if (r < 0 && r != -ENOENT)
		return r;
	r = store_value_get(s, IDENTITY_KEY_VALUE, &ret->key_digest);
	return r == -ENOENT ? 0 : r;
}

int identity_born(struct store *s, char **ret_uuid, char **ret_key_digest)
{
	struct birth b = {NULL, NULL};
	int r = read_birth(s, &b);

	if (r == 0 && (!b.uuid || !b.key_digest))
		r = -ENOENT;
	if (r < 0) {
		birth_done(&b);
		return r;
	}
	*ret_uuid = b.uuid;
	*ret_key_digest = b.key_digest;
	return 0;
}

static int check_hardware(const char *hardware)
{
	size_t n = hardware ? strlen(hardware) : 0;

	if (n == 0 || n > HARDWARE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		char c = hardware[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		      c == '-' || c == '_'))
			return -EINVAL;
	}
	return 0;
}

/* --- the UUID */

/* Version 4, RFC 9562 §5.4. */
static void random_uuid(uint8_t ret[static UUID_LEN])
{
	random_fill(ret, UUID_LEN);
	ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x40);
	ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
}

/* Version 5, RFC 9562 §5.5, of this program's version and the system's release file. */
static int firmware_uuid(uint8_t ret[static UUID_LEN])
{
	static const uint8_t name_space[UUID_LEN] = {0x3b, 0x9d, 0x1c, 0x52, 0x8e, 0x64,
						     0x4f, 0x0a, 0xb1, 0x27, 0x6a, 0xd0,
						     0x95, 0xc3, 0x7e, 0x18};
	static const char program[] = "onboardd " ONBOARD_VERSION "\n";
	_cleanup_(secret_done) struct secret release = SECRET_INIT;
	_cleanup_(mbedtls_md_free) mbedtls_md_context_t md;
	uint8_t digest[20];
	int r;

	mbedtls_md_init(&md);
	r = file_read("/etc/os-release", OS_RELEASE_MAX, &release);
	if (r < 0)
		r = file_read("/usr/lib/os-release", OS_RELEASE_MAX, &release);
	if (r == -ENOMEM)
		return r;
	if (mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA1), 0) != 0)
		return -ENOMEM;
	if (mbedtls_md_starts(&md) != 0 ||
	    mbedtls_md_update(&md, name_space, sizeof(name_space)) != 0 ||
	    mbedtls_md_update(&md, (const uint8_t *)program, sizeof(program) - 1) != 0 ||
	    (release.len > 0 && mbedtls_md_update(&md, release.data, release.len) != 0) ||
	    mbedtls_md_finish(&md, digest) != 0)
		return -EIO;
	memcpy(ret, digest, UUID_LEN);
	ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x50);
	ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
	return 0;
}

static int choose_uuid(struct store *s, const struct identity_config *c, const struct birth *birth,
		       uint8_t ret[static UUID_LEN], char **ret_detail)
{
	uint8_t given[UUID_LEN], kept[UUID_LEN];
	char text[UUID_TEXT_LEN + 1];

	if (c->uuid && uuid_parse(c->uuid, strlen(c->uuid), given) < 0)
		return detail_set(ret_detail, IDENTITY_E_UUID,
				  "the configured device UUID \"%.64s\" is not a UUID", c->uuid);
	if (birth->uuid) {
		if (uuid_parse(birth->uuid, strlen(birth->uuid), kept) < 0)
			return detail_set(ret_detail, IDENTITY_E_UUID,
					  "the stored device UUID is damaged");
		if (c->uuid && memcmp(given, kept, UUID_LEN) != 0)
			return detail_set(ret_detail, IDENTITY_E_UUID,
					  "the configured device UUID %s is not the %s this store "
					  "was born with",
					  c->uuid, birth->uuid);
		memcpy(ret, kept, UUID_LEN);
		return 0;
	}
	if (c->uuid)
		memcpy(ret, given, UUID_LEN);
	else
		random_uuid(ret);
	uuid_format(ret, text);
	return store_value_put(s, VALUE_UUID, text);
}

/* Birth is one transaction: a store has both halves of an identity or neither, so that a lost half
 * is damage and never silently becomes another device. */
static int load_or_create(struct store *s, const struct identity_config *c, struct identity *i,
			  char **ret_detail)
{
	_cleanup_(birth_done) struct birth birth = {NULL, NULL};
	int r;

	r = read_birth(s, &birth);
	if (r < 0)
		return r;
	if (!birth.uuid != !birth.key_digest)
		return detail_set(ret_detail, birth.uuid ? IDENTITY_E_KEY : IDENTITY_E_UUID,
				  "the store has lost the %s of its identity",
				  birth.uuid ? "key" : "UUID");
	r = store_begin(s);
	if (r < 0)
		return r;
	r = choose_uuid(s, c, &birth, i->names.uuid, ret_detail);
	if (r == 0)
		r = identity_key_find(s, c, birth.key_digest, &i->key, ret_detail);
	if (r != 0) {
		store_rollback(s);
		return r;
	}
	return store_commit(s);
}

/* --- the maker's certificates */

/* Judged by what the store was born with: a key in a token need not be there. */
static int load_chain(struct store *s, const char *path, struct x5chain *ret, char **ret_detail)
{
	_cleanup_(freep) char *born = NULL;
	uint8_t digest[32];
	char hex[65];
	int r;

	r = idevid_load(path, ret, ret_detail);
	if (r != 0)
		return r < 0 ? r : IDENTITY_E_CHAIN;
	r = store_value_get(s, IDENTITY_KEY_VALUE, &born);
	if (r == 0)
		r = idevid_leaf_digest(ret, digest);
	if (r < 0)
		return r;
	hex_encode(digest, sizeof(digest), hex);
	if (strcmp(hex, born) != 0)
		return detail_set(ret_detail, IDENTITY_E_CHAIN,
				  "%s: its first certificate is not for the identity key of this "
				  "device",
				  path);
	return 0;
}

const struct x5chain *identity_chain(const struct identity *i)
{
	return i->names.chain.n > 0 ? &i->names.chain : NULL;
}

int identity_open(struct store *s, const struct identity_config *c, struct identity **ret,
		  char **ret_detail)
{
	char *detail = NULL;
	struct identity *i;
	int r;

	if (check_hardware(c->hardware) < 0)
		return detail_set(ret_detail, -EINVAL,
				  "the hardware name is not 1 to %d of letters, digits, - and _",
				  HARDWARE_MAX);
	i = calloc(1, sizeof(*i));
	if (!i)
		return -ENOMEM;
	i->store = s;
	memcpy(i->names.hardware, c->hardware, strlen(c->hardware));
	i->names.device_type = c->device_type;
	r = load_or_create(s, c, i, &detail);
	if (r == 0)
		r = firmware_uuid(i->names.firmware);
	if (r == 0 && c->chain_file)
		r = load_chain(s, c->chain_file, &i->names.chain, &detail);
	if (r < 0 && !detail)
		(void)detail_set(&detail, r, "the identity cannot be loaded: %s", strerror(-r));
	if (r != 0) {
		identity_free(i);
		return detail_give(r, detail, ret_detail);
	}
	uuid_format(i->names.uuid, i->names.uuid_text);
	free(detail);
	*ret = i;
	return 0;
}

struct identity *identity_free(struct identity *i)
{
	if (i)
		identity_key_done(&i->key);
	free(i);
	return NULL;
}

const uint8_t *identity_uuid(const struct identity *i)
{
	return i->names.uuid;
}

const char *identity_uuid_text(const struct identity *i)
{
	return i->names.uuid_text;
}

const char *identity_hardware(const struct identity *i)
{
	return i->names.hardware;
}

const uint8_t *identity_firmware(const struct identity *i)
{
	return i->names.firmware;
}

void identity_new_trace(struct identity *i)
{
	uint8_t bytes[(sizeof(i->names.trace) - 1) / 2];

	random_fill(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), i->names.trace);
}

int identity_keep_trace(struct identity *i, const char *trace)
{
	const size_t len = sizeof(i->names.trace) - 1;

	if (strlen(trace) != len || strspn(trace, "0123456789abcdef") != len)
		return -EINVAL;
	memcpy(i->names.trace, trace, len + 1);
	return 0;
}

const char *identity_trace(const struct identity *i)
{
	return i->names.trace;
}

/* --- what it signs */

int identity_signer(struct identity *i, struct signer **ret)
{
	struct key *key;
	int r;

	r = identity_key_open(&i->key, i->store, &key);
	if (r < 0)
		return r;
	return signer_new(&i->names, key, ret);
}

int identity_signer_of(const struct identity *i, struct key *key, struct signer **ret)
{
	return signer_new(&i->names, key, ret);
}

int identity_jwt(struct identity *i, int64_t now_s, unsigned int lifetime_s, char *ret, size_t size)
{
	_cleanup_(signer_freep) struct signer *s = NULL;
	int r;

	r = identity_signer(i, &s);
	if (r < 0)
		return r;
	return signer_jwt(s, now_s, lifetime_s, ret, size);
}

int identity_attest(struct identity *i, const uint8_t *nonce, char *ret, size_t size)
{
	_cleanup_(signer_freep) struct signer *s = NULL;
	int r;

	r = identity_signer(i, &s);
	if (r < 0)
		return r;
	return signer_attest(s, nonce, ret, size);
}

int identity_claim_token(struct identity *i, char *ret, size_t size)
{
	_cleanup_(signer_freep) struct signer *s = NULL;
	int r;

	r = identity_signer(i, &s);
	if (r < 0)
		return r;
	return signer_claim_token(s, ret, size);
}

int identity_prove_keygen(struct identity *i, struct keygen *k)
{
	_cleanup_(signer_freep) struct signer *s = NULL;
	int r;

	r = identity_signer(i, &s);
	if (r < 0)
		return r;
	return signer_prove_keygen(s, k);
}

int identity_csv(struct identity *i, char *ret, size_t size)
{
	const struct x5chain *chain = identity_chain(i);
	char text[BASE64_LEN(KEY_SPKI_LEN) + 1], chain_text[BASE64_LEN(X5CHAIN_MAX) + 1] = "";
	int n;

	base64_encode(i->key.spki, sizeof(i->key.spki), text);
	if (chain)
		base64_encode(chain->der, x5chain_size(chain), chain_text);
	n = snprintf(ret, size, "%s,%s,%s%s%s", i->names.uuid_text, i->names.hardware, text,
		     chain ? "," : "", chain_text);
	return n < 0 || (size_t)n >= size ? -ENOBUFS : 0;
}
