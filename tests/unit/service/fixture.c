/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <ftw.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/ecdsa.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "proto/attest.h"
#include "proto/jwt.h"
#include "service/crypto_chain.h"
#include "stores.h"

void fixture_open(struct fixture *f, struct service_store **ret_store, struct core **ret_core)
{
	char *detail = NULL;

	stores_open(f->db, ret_store);
	assert_int_equal(core_new(&(struct core_config){.store = *ret_store,
							.ca_dir = f->ca,
							.root_ca_pem = f->root_ca,
							.makers = f->makers,
							.cloud_tag = TAG,
							.session_max_age_s = 2592000,
							.clock_skew_s = 60},
				  ret_core, &detail),
			 0);
}

static void owner_make(struct fixture *f, const char *team, const char *role,
		       struct core_owner *ret)
{
	char key[64];

	assert_int_equal(core_apikey_create(f->core, team, role, "test", key), 0);
	assert_int_equal(core_owner_of_key(f->core, key, ret), CORE_OK);
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	_cleanup_(secret_done) struct secret key = SECRET_INIT;

	log_set_level(LOG_LEVEL_ERROR);
	snprintf(f->dir, sizeof(f->dir), "/tmp/onboard-service-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->db, sizeof(f->db), "%s/store.db", f->dir);
	snprintf(f->ca, sizeof(f->ca), "%s/ca", f->dir);
	assert_int_equal(crypto_ca_make("coap root", clock_wall_s(), &key, &f->root_ca), 0);
	if (stores_is_postgres())
		stores_clear();
	fixture_open(f, &f->store, &f->core);
	owner_make(f, "ours", "editor", &f->editor);
	owner_make(f, "ours", "viewer", &f->viewer);
	owner_make(f, "theirs", "admin", &f->other);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void folder_remove(const char *dir)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	core_free(f->core);
	service_store_free(f->store);
	folder_remove(f->dir);
	crypto_makers_free(f->makers);
	free(f->root_ca);
	free(f);
	return 0;
}

EVP_PKEY *key_make(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_non_null(key);
	return key;
}

void key_spki(EVP_PKEY *key, uint8_t ret[static 91])
{
	unsigned char *p = ret;

	assert_int_equal(i2d_PUBKEY(key, NULL), 91);
	assert_int_equal(i2d_PUBKEY(key, &p), 91);
}

int key_sign(void *key, const uint8_t *data, size_t len, uint8_t ret[static 64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[80];
	const unsigned char *p = der;
	size_t der_len = sizeof(der);
	ECDSA_SIG *sig;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &der_len, data, len), 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)der_len);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32), 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	return 0;
}

void device_init(struct device *d)
{
	uint8_t uuid[16];

	random_fill(uuid, sizeof(uuid));
	uuid_format(uuid, d->uuid);
	d->key = key_make();
	key_spki(d->key, d->spki);
}

void device_done(struct device *d)
{
	EVP_PKEY_free(d->key);
}

void device_import(struct fixture *f, const struct device *d)
{
	char row[256], key[BASE64_LEN(91) + 1], *detail = NULL;
	size_t n;

	base64_encode(d->spki, sizeof(d->spki), key);
	snprintf(row, sizeof(row), "%s,nRF9160,%s\n", d->uuid, key);
	assert_int_equal(core_import_identities(f->core, row, strlen(row), &n, &detail), 0);
	assert_int_equal(n, 1);
}

size_t identity_count(struct fixture *f)
{
	json_t *ret = NULL;
	size_t n;

	assert_int_equal(core_admin_devices(f->core, &ret), 0);
	n = json_array_size(json_object_get(ret, "items"));
	json_decref(ret);
	return n;
}

unsigned int token_claim(struct fixture *f, const struct core_owner *o, const char *token,
			 const char *tags, json_t **ret)
{
	json_t *body = json_pack("{s:s}", "claimToken", token);
	unsigned int status;

	if (tags)
		json_object_set_new(body, "tags", json_loads(tags, JSON_DECODE_ANY, NULL));
	status = core_claim(f->core, o, body, ret);
	json_decref(body);
	return status;
}

void device_claim(struct fixture *f, const struct device *d, const char *tags)
{
	char token[TOKEN_TEXT_MAX];
	json_t *ret = NULL;

	device_import(f, d);
	device_token(d, COSE_FORM_RFC9052, token);
	assert_int_equal(token_claim(f, &f->editor, token, tags, &ret), 201);
	json_decref(ret);
}

void device_jwt(const struct device *d, char ret[static JWT_MAX])
{
	int64_t now = clock_wall_s();
	char iss[64];

	snprintf(iss, sizeof(iss), "nRF9160.%s", d->uuid);
	assert_int_equal(jwt_build(&(struct jwt_claims){.iss = iss, .iat = now, .exp = now + 300},
				   key_sign, d->key, ret, JWT_MAX),
			 0);
}

static void cose_sign(EVP_PKEY *key, enum cose_form form, const uint8_t *payload, size_t len,
		      uint8_t ret[static 64])
{
	uint8_t tbs[COSE_PAYLOAD_MAX];
	size_t tbs_len;

	assert_int_equal(cose_tbs(form, payload, len, tbs, sizeof(tbs), &tbs_len), 0);
	key_sign(key, tbs, tbs_len, ret);
}

static void token_make(const struct device *d, enum cose_form form, const struct x5chain *chain,
		       char *ret, size_t size)
{
	struct attest a = {.message_type = ATTEST_TYPE_IDENTITY, .device_type = 3};

	if (chain)
		a.chain = *chain;
	assert_int_equal(uuid_parse(d->uuid, 36, a.uuid), 0);
	random_fill(a.firmware, sizeof(a.firmware));
	random_fill(a.nonce, sizeof(a.nonce));
	assert_int_equal(attest_message(&a), 0);
	cose_sign(d->key, form, a.message, a.message_len, a.signature);
	assert_int_equal(attest_format(&a, ret, size), 0);
}

void device_token(const struct device *d, enum cose_form form, char ret[static TOKEN_TEXT_MAX])
{
	token_make(d, form, NULL, ret, TOKEN_TEXT_MAX);
}

void device_token_with(const struct device *d, const struct x5chain *chain,
		       char ret[static CLAIM_TEXT_MAX + 1])
{
	token_make(d, COSE_FORM_RFC9052, chain, ret, CLAIM_TEXT_MAX + 1);
}

size_t csr_make(EVP_PKEY *key, const char *cn, bool null_parameter, uint8_t *ret, size_t size)
{
	X509_REQ *req = X509_REQ_new();
	const X509_ALGOR *algorithm;
	unsigned char *p = ret;
	int len;

	X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
				   (const unsigned char *)cn, -1, -1, 0);
	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
	if (null_parameter) {
		X509_REQ_get0_signature(req, NULL, &algorithm);
		X509_ALGOR_set0((X509_ALGOR *)algorithm, OBJ_nid2obj(NID_ecdsa_with_SHA256),
				V_ASN1_NULL, NULL);
	}
	len = i2d_X509_REQ(req, NULL);
	assert_true(len > 0 && (size_t)len <= size);
	i2d_X509_REQ(req, &p);
	X509_REQ_free(req);
	return (size_t)len;
}

void device_keygen(const struct device *d, const struct keygen_spec *spec,
		   char ret[static AT_ANSWER_MAX])
{
	struct keygen k = {.message_type = spec->type, .sec_tag = spec->tag};
	char text[TOKEN_TEXT_MAX];

	if (spec->type == KEYGEN_CSR || spec->type == KEYGEN_CSR_V1) {
		k.der_len = csr_make(spec->key, "whoever", spec->csr_null_parameter, k.der,
				     sizeof(k.der));
		if (spec->break_csr)
			k.der[k.der_len - 1] ^= 1;
	} else {
		key_spki(spec->key, k.der);
		k.der_len = 91;
	}
	assert_int_equal(uuid_parse(spec->uuid ? spec->uuid : d->uuid, 36, k.uuid), 0);
	random_fill(k.nonce, sizeof(k.nonce));
	crypto_sha256(k.der, k.der_len, k.digest);
	if (spec->break_digest)
		k.digest[0] ^= 1;
	assert_int_equal(keygen_proof(&k), 0);
	cose_sign(spec->signer ? spec->signer : d->key, spec->form, k.proof, k.proof_len,
		  k.signature);
	assert_int_equal(keygen_format(&k, text, sizeof(text)), 0);
	snprintf(ret, AT_ANSWER_MAX, "%%KEYGEN: \"%s\"\r\nOK\r\n", text);
}

struct core_caller *caller(const char *device)
{
	static struct core_caller who;

	/* Unhurried: no limit on what fails. */
	who = (struct core_caller){.address = "192.0.2.1", .now_ms = who.now_ms + 1000};
	snprintf(who.device, sizeof(who.device), "%s", device);
	return &who;
}

enum core_verdict token_show(struct core *c, const char *jwt, size_t len,
			     char device[static CORE_UUID_TEXT])
{
	struct core_caller *who = caller("");
	enum core_verdict verdict = core_authenticate(c, who, jwt, len);

	memcpy(device, who->device, sizeof(who->device));
	return verdict;
}

enum core_verdict cloud_token_show(struct core *c, const char *jwt, size_t len,
				   char device[static CORE_UUID_TEXT])
{
	struct core_caller *who = caller("");
	enum core_verdict verdict = core_authenticate_cloud(c, who, jwt, len);

	memcpy(device, who->device, sizeof(who->device));
	return verdict;
}

struct command_list device_fetch(struct fixture *f, const struct device *d, const char *after)
{
	struct command_list list = COMMAND_LIST_INIT;
	uint8_t body[BODY_MAX];
	size_t len = 0;

	assert_int_equal(core_fetch(f->core, caller(d->uuid),
				    &(struct core_fetch){after, BODY_MAX, 65536, COMMANDS_MAX},
				    body, sizeof(body), &len),
			 CORE_OK);
	if (len > 0)
		assert_int_equal(command_list_decode(body, len, COMMANDS_MAX, &list), 0);
	return list;
}

enum core_verdict device_answer(struct fixture *f, const struct device *d, const char *id, int code,
				uint64_t cme, const char *message)
{
	struct response r = {.code = (enum response_code)code, .cme_error = cme};
	uint8_t body[BODY_MAX];
	size_t len, n;

	snprintf(r.correlation, sizeof(r.correlation), "%s", id);
	r.message = strdup(message);
	assert_int_equal(response_list_encode(&r, 1, body, sizeof(body), &len, &n), 0);
	response_done(&r);
	return core_report(f->core, caller(d->uuid), body, len);
}

size_t device_obey(struct fixture *f, const struct device *d, EVP_PKEY *key)
{
	struct command_list list = device_fetch(f, d, "");
	char text[AT_ANSWER_MAX];
	size_t n = list.n;

	for (size_t i = 0; i < list.n; i++) {
		const struct command *c = &list.items[i];
		int code = c->type == COMMAND_AT ? 100 : c->type == COMMAND_CONFIG ? 101 : 102;

		snprintf(text, sizeof(text), "OK\r\n");
		if (c->verb && strcmp(c->verb, "%KEYGEN") == 0)
			device_keygen(d,
				      &(struct keygen_spec){
					      .key = key, .tag = TAG, .type = KEYGEN_PUBLIC_KEY},
				      text);
		assert_int_equal(device_answer(f, d, c->correlation, code, 0, text), CORE_OK);
	}
	command_list_done(&list);
	return n;
}

static unsigned int command_post(struct fixture *f, const struct device *d, const char *request,
				 json_t **ret)
{
	json_error_t error;
	json_t *value = json_loads(request, 0, &error), *body;
	unsigned int status;

	if (!value)
		fail_msg("%s: %s", error.text, request);
	body = json_pack("{s:o}", "request", value);
	status = core_command_add(f->core, &f->editor, d->uuid, body, ret);
	json_decref(body);
	return status;
}

const char *command_add(struct fixture *f, const struct device *d, const char *request)
{
	static char ids[32][CORRELATION_MAX + 1];
	static unsigned int next;
	json_t *ret = NULL;
	char *id = ids[next++ % ARRAY_SIZE(ids)];

	assert_int_equal(command_post(f, d, request, &ret), 201);
	snprintf(id, sizeof(ids[0]), "%s", json_string_value(json_object_get(ret, "id")));
	assert_string_equal(json_string_value(json_object_get(ret, "status")), "PENDING");
	json_decref(ret);
	return id;
}

unsigned int command_try(struct fixture *f, const struct device *d, const char *request)
{
	json_t *ret = NULL;
	unsigned int status = command_post(f, d, request, &ret);

	json_decref(ret);
	return status;
}

json_t *command_read(struct fixture *f, const struct device *d, const char *id)
{
	json_t *ret = NULL;

	assert_int_equal(core_command_get(f->core, &f->viewer, d->uuid, id, &ret), 200);
	return ret;
}

void assert_command(struct fixture *f, const struct device *d, const char *id, const char *status,
		    const char *error_part)
{
	json_t *row = command_read(f, d, id);
	const char *error = json_string_value(json_object_get(row, "error"));

	assert_string_equal(json_string_value(json_object_get(row, "status")), status);
	if (error_part && (!error || !strstr(error, error_part)))
		fail_msg("error is %s, expected %s", error ? error : "(none)", error_part);
	if (!error_part)
		assert_null(error);
	json_decref(row);
}
