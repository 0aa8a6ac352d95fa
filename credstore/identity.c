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
#include "credstore/idevid.h"
#include "proto/attest.h"
#include "proto/cose.h"
#include "proto/jwt.h"

#define VALUE_UUID "device-uuid"
#define VALUE_KEY "identity-key" /* SHA-256 of the SubjectPublicKeyInfo, hex */
#define KEY_FILE_MAX 8192
#define OS_RELEASE_MAX 65536

struct identity {
	struct key *key;       /* owned */
	struct x5chain *chain; /* owned; NULL without the maker's certificates */
	uint8_t uuid[UUID_LEN], firmware[UUID_LEN];
	char uuid_text[UUID_TEXT_LEN + 1];
	char hardware[HARDWARE_MAX + 1];
	uint8_t device_type;
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
	r = store_value_get(s, VALUE_KEY, &ret->key_digest);
	return r == -ENOENT ? 0 : r;
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

/* --- the key */

static int key_digest(struct key *k, uint8_t ret[static 32])
{
	uint8_t spki[KEY_SPKI_MAX];
	size_t len;
	int r;

	r = key_spki(k, spki, &len);
	if (r < 0)
		return r;
	return sha256(spki, len, ret);
}

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

static int load_sealed_key(struct store *s, struct key **ret, char **ret_detail)
{
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	int r;

	r = store_credential_get(s, IDENTITY_TAG, CREDENTIAL_PRIVATE_KEY, &der);
	if (r == -ENOENT)
		return detail_set(ret_detail, IDENTITY_E_KEY,
				  "the store holds no identity key: it was born with a key file, "
				  "and none is configured");
	if (r == 0)
		r = key_load(der.data, der.len, ret);
	if (r > 0 || r == -EINVAL)
		return detail_set(ret_detail, IDENTITY_E_KEY,
				  "the identity key in the store is damaged");
	return r;
}

static int generate_key(struct store *s, struct key **ret)
{
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	uint8_t digest[32];
	int r;

	r = key_generate(&k, &der);
	if (r < 0)
		return r;
	r = key_digest(k, digest);
	if (r < 0)
		return r;
	r = store_credential_put(s, IDENTITY_TAG, CREDENTIAL_PRIVATE_KEY, der.data, der.len,
				 digest);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(k);
	return 0;
}

static int choose_key(struct store *s, const struct identity_config *c, const struct birth *birth,
		      struct key **ret, char **ret_detail)
{
	_cleanup_(key_freep) struct key *k = NULL;
	uint8_t digest[32];
	char hex[65];
	int r;

	if (c->key_file)
		r = load_key_file(c->key_file, &k, ret_detail);
	else if (birth->key_digest)
		r = load_sealed_key(s, &k, ret_detail);
	else
		r = generate_key(s, &k);
	if (r != 0)
		return r;
	r = key_digest(k, digest);
	if (r < 0)
		return r;
	hex_encode(digest, sizeof(digest), hex);
	if (!birth->key_digest) {
		r = store_value_put(s, VALUE_KEY, hex);
		if (r < 0)
			return r;
	} else if (strcmp(hex, birth->key_digest) != 0) {
		return detail_set(ret_detail, IDENTITY_E_KEY,
				  "the identity key%s%s is not the one this store was born with",
				  c->key_file ? " in " : "", c->key_file ? c->key_file : "");
	}
	*ret = TAKE_PTR(k);
	return 0;
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
	r = choose_uuid(s, c, &birth, i->uuid, ret_detail);
	if (r == 0)
		r = choose_key(s, c, &birth, &i->key, ret_detail);
	if (r != 0) {
		store_rollback(s);
		return r;
	}
	return store_commit(s);
}

/* --- the maker's certificates */

/* Judged by what the store was born with: a key in a token need not be there. */
static int load_chain(struct store *s, const char *path, struct identity *i, char **ret_detail)
{
	_cleanup_(freep) struct x5chain *chain = calloc(1, sizeof(*chain));
	_cleanup_(freep) char *born = NULL;
	uint8_t digest[32];
	char hex[65];
	int r;

	if (!chain)
		return -ENOMEM;
	r = idevid_load(path, chain, ret_detail);
	if (r != 0)
		return r < 0 ? r : IDENTITY_E_CHAIN;
	r = store_value_get(s, VALUE_KEY, &born);
	if (r == 0)
		r = idevid_leaf_digest(chain, digest);
	if (r < 0)
		return r;
	hex_encode(digest, sizeof(digest), hex);
	if (strcmp(hex, born) != 0)
		return detail_set(ret_detail, IDENTITY_E_CHAIN,
				  "%s: its first certificate is not for the identity key of this "
				  "device",
				  path);
	i->chain = TAKE_PTR(chain);
	return 0;
}

const struct x5chain *identity_chain(const struct identity *i)
{
	return i->chain;
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
	memcpy(i->hardware, c->hardware, strlen(c->hardware));
	i->device_type = c->device_type;
	r = load_or_create(s, c, i, &detail);
	if (r == 0)
		r = firmware_uuid(i->firmware);
	if (r == 0 && c->chain_file)
		r = load_chain(s, c->chain_file, i, &detail);
	if (r < 0 && !detail)
		(void)detail_set(&detail, r, "the identity cannot be loaded: %s", strerror(-r));
	if (r != 0) {
		identity_free(i);
		return detail_give(r, detail, ret_detail);
	}
	uuid_format(i->uuid, i->uuid_text);
	free(detail);
	*ret = i;
	return 0;
}

struct identity *identity_free(struct identity *i)
{
	if (!i)
		return NULL;
	key_free(i->key);
	free(i->chain);
	free(i);
	return NULL;
}

const uint8_t *identity_uuid(const struct identity *i)
{
	return i->uuid;
}

const char *identity_uuid_text(const struct identity *i)
{
	return i->uuid_text;
}

const char *identity_hardware(const struct identity *i)
{
	return i->hardware;
}

const uint8_t *identity_firmware(const struct identity *i)
{
	return i->firmware;
}

/* --- what it signs */

static void write_issuer(const struct identity *i,
			 char ret[static HARDWARE_MAX + UUID_TEXT_LEN + 2])
{
	snprintf(ret, HARDWARE_MAX + UUID_TEXT_LEN + 2, "%s.%s", i->hardware, i->uuid_text);
}

int identity_jwt(struct identity *i, int64_t now_s, unsigned int lifetime_s, char *ret, size_t size)
{
	char iss[HARDWARE_MAX + UUID_TEXT_LEN + 2], firmware[UUID_TEXT_LEN + 1], random_hex[33];
	char jti[HARDWARE_MAX + UUID_TEXT_LEN + sizeof(random_hex) + 3];
	struct jwt_claims claims = {
		.iss = iss, .jti = jti, .iat = now_s, .exp = now_s + (int64_t)lifetime_s};
	uint8_t random[16];

	random_fill(random, sizeof(random));
	hex_encode(random, sizeof(random), random_hex);
	uuid_format(i->firmware, firmware);
	write_issuer(i, iss);
	snprintf(jti, sizeof(jti), "%s.%s.%s", i->hardware, firmware, random_hex);
	return jwt_build(&claims, key_sign, i->key, ret, size);
}

int identity_cloud_jwt(struct identity *i, struct key *key, int64_t now_s, unsigned int lifetime_s,
		       char *ret, size_t size)
{
	char iss[HARDWARE_MAX + UUID_TEXT_LEN + 2];
	struct jwt_claims claims = {.iss = iss, .iat = now_s, .exp = now_s + (int64_t)lifetime_s};

	write_issuer(i, iss);
	return jwt_build(&claims, key_sign, key, ret, size);
}

static int sign_cose(struct identity *i, const uint8_t *payload, size_t len, uint8_t ret[static 64])
{
	uint8_t tbs[COSE_PAYLOAD_MAX + 64];
	size_t tbs_len;
	int r;

	r = cose_tbs(COSE_FORM_RFC9052, payload, len, tbs, sizeof(tbs), &tbs_len);
	if (r < 0)
		return r;
	return key_sign(i->key, tbs, tbs_len, ret);
}

static int attest(struct identity *i, const uint8_t *nonce, const struct x5chain *chain, char *ret,
		  size_t size)
{
	struct attest a = {.message_type = ATTEST_TYPE_IDENTITY, .device_type = i->device_type};
	int r;

	memcpy(a.uuid, i->uuid, sizeof(a.uuid));
	memcpy(a.firmware, i->firmware, sizeof(a.firmware));
	if (nonce)
		memcpy(a.nonce, nonce, sizeof(a.nonce));
	else
		random_fill(a.nonce, sizeof(a.nonce));
	r = attest_message(&a);
	if (r < 0)
		return r;
	r = sign_cose(i, a.message, a.message_len, a.signature);
	if (r < 0)
		return r;
	if (chain)
		a.chain = *chain;
	return attest_format(&a, ret, size);
}

int identity_attest(struct identity *i, const uint8_t *nonce, char *ret, size_t size)
{
	return attest(i, nonce, NULL, ret, size);
}

int identity_claim_token(struct identity *i, char *ret, size_t size)
{
	return attest(i, NULL, i->chain, ret, size);
}

int identity_prove_keygen(struct identity *i, struct keygen *k)
{
	int r;

	memcpy(k->uuid, i->uuid, sizeof(k->uuid));
	random_fill(k->nonce, sizeof(k->nonce));
	r = sha256(k->der, k->der_len, k->digest);
	if (r < 0)
		return r;
	r = keygen_proof(k);
	if (r < 0)
		return r;
	return sign_cose(i, k->proof, k->proof_len, k->signature);
}

int identity_csv(struct identity *i, char *ret, size_t size)
{
	_cleanup_(freep) char *chain = NULL;
	uint8_t spki[KEY_SPKI_MAX];
	char text[BASE64_LEN(KEY_SPKI_MAX) + 1];
	size_t len;
	int r, n;

	r = key_spki(i->key, spki, &len);
	if (r != 0)
		return r;
	base64_encode(spki, len, text);
	if (i->chain) {
		chain = malloc(BASE64_LEN(X5CHAIN_MAX) + 1);
		if (!chain)
			return -ENOMEM;
		base64_encode(i->chain->der, x5chain_size(i->chain), chain);
	}
	n = snprintf(ret, size, "%s,%s,%s%s%s", i->uuid_text, i->hardware, text, chain ? "," : "",
		     chain ? chain : "");
	return n < 0 || (size_t)n >= size ? -ENOBUFS : 0;
}
