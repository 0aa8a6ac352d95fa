/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "proto/jwt.h"

#define CONFIG "{\"config\":{\"provisioning/interval-sec\":\"99\"}}"
#define FINISHED "{\"finished\":{}}"
#define LIST "{\"atCommand\":{\"setCommand\":\"%CMNG\",\"parameters\":\"1\"}}"
#define CLIENT_KEY "{\"clientPrivateKeyGeneration\":{\"secTag\":16842753}}"
#define CLOUD_KEY "{\"cloudAccessKeyGeneration\":{\"secTag\":16842753}}"
#define CSR "{\"certificateSigningRequest\":{\"secTag\":16842753,\"attributes\":\"CN=whoever\"}}"

static void device_start(struct fixture *f, struct device *d)
{
	device_init(d);
	device_claim(f, d, NULL);
}

static void take(struct fixture *f, const struct device *d)
{
	struct command_list list = device_fetch(f, d, "");

	command_list_done(&list);
}

static bool can_login(struct fixture *f, const struct device *d, EVP_PKEY *key)
{
	int64_t now = clock_wall_s();
	char jwt[JWT_MAX], device[CORE_UUID_TEXT];

	assert_int_equal(
		jwt_build(&(struct jwt_claims){.sub = d->uuid, .iat = now, .exp = now + 600},
			  key_sign, key, jwt, sizeof(jwt)),
		0);
	return cloud_token_show(f->core, jwt, strlen(jwt), device) == CORE_OK;
}

/* Answers both steps of a key generation. */
static void answer_key(struct fixture *f, const struct device *d, const char *id,
		       const struct keygen_spec *spec)
{
	char text[AT_ANSWER_MAX], prep[CORRELATION_MAX + 1];

	snprintf(prep, sizeof(prep), "%s.s", id);
	device_keygen(d, spec, text);
	assert_int_equal(device_answer(f, d, prep, 100, 0, "+CME ERROR: 513\r\n"), CORE_OK);
	assert_int_equal(device_answer(f, d, id, 100, 0, text), CORE_OK);
}

static void each_kind_of_answer_ends_its_command(void **state)
{
	struct fixture *f = *state;
	const char *ids[3];
	json_t *row;
	struct device d;

	device_start(f, &d);
	ids[0] = command_add(f, &d, LIST);
	ids[1] = command_add(f, &d, CONFIG);
	ids[2] = command_add(f, &d, FINISHED);
	take(f, &d);
	assert_int_equal(device_answer(f, &d, ids[0], 100, 0, "%CMNG: 1,0,\"00\"\r\nOK\r\n"),
			 CORE_OK);
	assert_int_equal(device_answer(f, &d, ids[1], 101, 0, ""), CORE_OK);
	assert_int_equal(device_answer(f, &d, ids[2], 102, 0, ""), CORE_OK);
	for (size_t i = 0; i < 3; i++)
		assert_command(f, &d, ids[i], "SUCCEEDED", NULL);
	row = command_read(f, &d, ids[0]);
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(row, "response"), "atCommand"), "message")),
		"%CMNG: 1,0,\"00\"\r\nOK\r\n");
	json_decref(row);
	device_done(&d);
}

static void an_error_fails_its_command_and_drops_the_rest(void **state)
{
	struct fixture *f = *state;
	const char *ids[4];
	char reason[80];
	json_t *row;
	struct device d;

	device_start(f, &d);
	for (int i = 0; i < 4; i++)
		ids[i] = command_add(f, &d, CONFIG);
	take(f, &d);
	assert_int_equal(device_answer(f, &d, ids[0], 101, 0, ""), CORE_OK);
	assert_int_equal(device_answer(f, &d, ids[1], 99, 514, "+CME ERROR: 514"), CORE_OK);
	assert_command(f, &d, ids[0], "SUCCEEDED", NULL);
	assert_command(f, &d, ids[1], "FAILED", "error 514");
	snprintf(reason, sizeof(reason), "dropped because %s failed", ids[1]);
	assert_command(f, &d, ids[2], "FAILED", reason);
	assert_command(f, &d, ids[3], "FAILED", reason);
	row = command_read(f, &d, ids[1]);
	assert_int_equal(
		json_integer_value(json_object_get(
			json_object_get(json_object_get(row, "response"), "config"), "cmeError")),
		514);
	json_decref(row);
	take(f, &d);

	/* Nothing comes back from the dead. */
	assert_int_equal(device_answer(f, &d, ids[2], 101, 0, ""), CORE_OK);
	assert_command(f, &d, ids[2], "FAILED", reason);
	device_done(&d);
}

static void an_error_on_the_preparation_fails_the_command(void **state)
{
	struct fixture *f = *state;
	char prep[CORRELATION_MAX + 1];
	const char *id;
	struct device d;

	device_start(f, &d);
	id = command_add(f, &d, CLIENT_KEY);
	take(f, &d);
	snprintf(prep, sizeof(prep), "%s.s", id);
	assert_int_equal(device_answer(f, &d, prep, 99, 514, ""), CORE_OK);
	assert_command(f, &d, id, "FAILED", "error 514");
	device_done(&d);
}

static void a_local_failure_of_the_device_has_no_number_to_show(void **state)
{
	struct fixture *f = *state;
	static const uint64_t numbers[] = {0, 65536, UINT32_MAX - 21, UINT64_MAX};
	struct device d;

	device_start(f, &d);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const char *id = command_add(f, &d, CONFIG);

		assert_int_equal(device_answer(f, &d, id, 99, numbers[i],
					       "Unable to store [0](0-indexed) key-value-pair"),
				 CORE_OK);
		assert_command(f, &d, id, "FAILED", "could not execute");
	}
	device_done(&d);
}

static void a_bare_error_counts_as_failure_unless_it_was_expected(void **state)
{
	struct fixture *f = *state;
	char prep[CORRELATION_MAX + 1];
	EVP_PKEY *key = key_make();
	const char *id;
	struct device d;

	device_start(f, &d);
	id = command_add(f, &d, LIST);
	take(f, &d);
	assert_int_equal(device_answer(f, &d, id, 100, 0, "ERROR"), CORE_OK);
	assert_command(f, &d, id, "FAILED", "ERROR");

	id = command_add(f, &d, CLIENT_KEY);
	take(f, &d);
	snprintf(prep, sizeof(prep), "%s.s", id);
	assert_int_equal(device_answer(f, &d, prep, 100, 0, "ERROR"), CORE_OK);
	assert_command(f, &d, id, "IN_PROGRESS", NULL);
	assert_int_equal(device_answer(f, &d, id, 100, 0, ""), CORE_OK);
	assert_command(f, &d, id, "SUCCEEDED", NULL);
	EVP_PKEY_free(key);
	device_done(&d);
}

static void what_a_device_did_after_a_bare_error_still_counts(void **state)
{
	struct fixture *f = *state;
	struct response items[2] = {{.code = RESPONSE_AT}, {.code = RESPONSE_CONFIG}};
	const char *ids[3];
	uint8_t body[512];
	size_t len, n;
	struct device d;

	device_start(f, &d);
	ids[0] = command_add(f, &d, LIST);
	ids[1] = command_add(f, &d, CONFIG);
	ids[2] = command_add(f, &d, CONFIG);
	take(f, &d);
	items[0].message = strdup("ERROR\r\n");
	snprintf(items[0].correlation, sizeof(items[0].correlation), "%s", ids[0]);
	snprintf(items[1].correlation, sizeof(items[1].correlation), "%s", ids[1]);
	assert_int_equal(response_list_encode(items, 2, body, sizeof(body), &len, &n), 0);
	assert_int_equal(core_report(f->core, caller(d.uuid), body, len), CORE_OK);
	assert_command(f, &d, ids[0], "FAILED", "ERROR");
	assert_command(f, &d, ids[1], "SUCCEEDED", NULL);
	assert_command(f, &d, ids[2], "FAILED", "dropped");
	free(items[0].message);
	device_done(&d);
}

static void an_answer_of_the_wrong_kind_is_a_failure(void **state)
{
	struct fixture *f = *state;
	const char *id;
	struct device d;

	device_start(f, &d);
	id = command_add(f, &d, CONFIG);
	take(f, &d);
	assert_int_equal(device_answer(f, &d, id, 100, 0, "OK"), CORE_OK);
	assert_command(f, &d, id, "FAILED", "code 100");
	id = command_add(f, &d, LIST);
	assert_int_equal(device_answer(f, &d, id, 102, 0, ""), CORE_OK);
	assert_command(f, &d, id, "FAILED", "code 102");
	device_done(&d);
}

static void unknown_ids_and_other_devices_commands_are_ignored(void **state)
{
	struct fixture *f = *state;
	const char *id;
	struct device d, e;

	device_start(f, &d);
	device_start(f, &e);
	id = command_add(f, &d, CONFIG);
	take(f, &d);
	assert_int_equal(device_answer(f, &d, "nobody", 99, 514, ""), CORE_OK);
	assert_int_equal(device_answer(f, &e, id, 99, 514, ""), CORE_OK);
	assert_int_equal(device_answer(f, &e, id, 101, 0, ""), CORE_OK);
	assert_command(f, &d, id, "IN_PROGRESS", NULL);
	device_done(&d);
	device_done(&e);
}

static void a_repeated_report_changes_nothing(void **state)
{
	struct fixture *f = *state;
	const char *failed, *id;
	json_t *before, *after;
	struct device d;

	device_start(f, &d);
	failed = command_add(f, &d, CONFIG);
	take(f, &d);
	assert_int_equal(device_answer(f, &d, failed, 99, 514, "first"), CORE_OK);
	before = command_read(f, &d, failed);
	id = command_add(f, &d, CONFIG);
	take(f, &d);
	assert_int_equal(device_answer(f, &d, failed, 99, 514, "first"), CORE_OK);
	assert_int_equal(device_answer(f, &d, failed, 101, 0, ""), CORE_OK);
	after = command_read(f, &d, failed);
	assert_true(json_equal(before, after));
	assert_command(f, &d, id, "IN_PROGRESS", NULL);
	json_decref(before);
	json_decref(after);
	device_done(&d);
}

static void every_truncation_of_a_report_is_refused_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct response r = {.code = RESPONSE_CONFIG};
	uint8_t body[128];
	size_t len, n;
	struct device d;

	device_start(f, &d);
	snprintf(r.correlation, sizeof(r.correlation), "%s", command_add(f, &d, CONFIG));
	take(f, &d);
	assert_int_equal(response_list_encode(&r, 1, body, sizeof(body), &len, &n), 0);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(core_report(f->core, caller(d.uuid), body, i), CORE_INVALID);
	body[len] = 0;
	assert_int_equal(core_report(f->core, caller(d.uuid), body, len + 1), CORE_INVALID);
	assert_command(f, &d, r.correlation, "IN_PROGRESS", NULL);
	assert_int_equal(core_report(f->core, caller(d.uuid), body, len), CORE_OK);
	assert_command(f, &d, r.correlation, "SUCCEEDED", NULL);
	device_done(&d);
}

static void both_forms_and_both_versions_of_a_proof_register_the_key(void **state)
{
	struct fixture *f = *state;
	static const struct {
		enum keygen_message type;
		enum cose_form form;
	} rows[] = {
		{KEYGEN_PUBLIC_KEY, COSE_FORM_RFC9052},  {KEYGEN_PUBLIC_KEY, COSE_FORM_MODEM},
		{KEYGEN_PUBLIC_KEY_V1, COSE_FORM_MODEM}, {KEYGEN_CSR, COSE_FORM_RFC9052},
		{KEYGEN_CSR_V1, COSE_FORM_MODEM},
	};
	struct device d;

	device_start(f, &d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EVP_PKEY *key = key_make();
		const char *id = command_add(f, &d, CLOUD_KEY);

		take(f, &d);
		answer_key(f, &d, id,
			   &(struct keygen_spec){.key = key,
						 .tag = TAG,
						 .type = rows[i].type,
						 .form = rows[i].form});
		assert_command(f, &d, id, "SUCCEEDED", NULL);
		assert_true(can_login(f, &d, key));
		EVP_PKEY_free(key);
	}
	device_done(&d);
}

static void a_key_that_is_not_proven_is_not_registered(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *key = key_make(), *thief = key_make();
	const struct {
		struct keygen_spec spec;
		const char *why;
	} rows[] = {
		{{.key = key, .tag = TAG, .type = KEYGEN_PUBLIC_KEY, .signer = thief},
		 "identity key"},
		{{.key = key, .tag = TAG, .type = KEYGEN_PUBLIC_KEY, .signer = key},
		 "identity key"},
		{{.key = key,
		  .tag = TAG,
		  .type = KEYGEN_PUBLIC_KEY,
		  .uuid = "50363154-3931-44f0-8022-121b6401627d"},
		 "another device"},
		{{.key = key, .tag = TAG + 1, .type = KEYGEN_PUBLIC_KEY}, "another secTag"},
		{{.key = key, .tag = TAG, .type = KEYGEN_PUBLIC_KEY, .break_digest = true},
		 "digest"},
		{{.key = key, .tag = TAG, .type = KEYGEN_CSR, .break_csr = true}, "own key"},
	};
	struct device d;

	device_start(f, &d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *id = command_add(f, &d, CLOUD_KEY);
		const char *next = command_add(f, &d, CONFIG);

		take(f, &d);
		answer_key(f, &d, id, &rows[i].spec);
		assert_command(f, &d, id, "FAILED", rows[i].why);
		assert_false(can_login(f, &d, key));
		/* The device did its part: what follows is still to be done. */
		assert_command(f, &d, next, "IN_PROGRESS", NULL);
		assert_int_equal(device_answer(f, &d, next, 101, 0, ""), CORE_OK);
	}
	EVP_PKEY_free(key);
	EVP_PKEY_free(thief);
	device_done(&d);
}

static void every_single_broken_character_of_a_proof_is_noticed(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *key = key_make();
	char text[AT_ANSWER_MAX], copy[AT_ANSWER_MAX];
	struct device d;
	size_t start, len;

	device_start(f, &d);
	device_keygen(&d, &(struct keygen_spec){.key = key, .tag = TAG, .type = KEYGEN_PUBLIC_KEY},
		      text);
	start = (size_t)(strchr(text, '"') - text) + 1;
	len = (size_t)(strrchr(text, '"') - text);
	for (size_t i = start; i < len; i += 3) {
		const char *id = command_add(f, &d, CLOUD_KEY);
		json_t *row;

		memcpy(copy, text, sizeof(copy));
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		assert_int_equal(device_answer(f, &d, id, 100, 0, copy), CORE_OK);
		row = command_read(f, &d, id);
		assert_string_equal(json_string_value(json_object_get(row, "status")), "FAILED");
		json_decref(row);
	}
	assert_false(can_login(f, &d, key));
	EVP_PKEY_free(key);
	device_done(&d);
}

static void an_answer_without_a_key_fails_only_where_the_key_matters(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *request, *status, *why;
	} rows[] = {
		{CLOUD_KEY, "FAILED", "no key"},
		{CSR, "FAILED", "no key"},
		{CLIENT_KEY, "SUCCEEDED", NULL},
		{"{\"endorsementKeyGeneration\":{\"secTag\":1}}", "SUCCEEDED", NULL},
	};
	struct device d;

	device_start(f, &d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *id = command_add(f, &d, rows[i].request);

		take(f, &d);
		assert_int_equal(device_answer(f, &d, id, 100, 0, ""), CORE_OK);
		assert_command(f, &d, id, rows[i].status, rows[i].why);
	}
	device_done(&d);
}

static void the_last_key_generated_in_the_cloud_tag_is_the_one_that_counts(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *keys[4] = {key_make(), key_make(), key_make(), key_make()};
	static const char *const requests[] = {CLIENT_KEY, CLOUD_KEY, CLIENT_KEY, CSR};
	struct device d;

	device_start(f, &d);
	for (size_t i = 0; i < 4; i++) {
		const char *id = command_add(f, &d, requests[i]);

		take(f, &d);
		answer_key(f, &d, id,
			   &(struct keygen_spec){.key = keys[i],
						 .tag = TAG,
						 .type = i == 3 ? KEYGEN_CSR : KEYGEN_PUBLIC_KEY});
		assert_true(can_login(f, &d, keys[i]));
		for (size_t k = 0; k < 4; k++)
			assert_true(can_login(f, &d, keys[k]) == (k == i));
	}
	for (size_t i = 0; i < 4; i++)
		EVP_PKEY_free(keys[i]);
	device_done(&d);
}

static void a_key_in_another_tag_leaves_cloud_access_alone(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *cloud = key_make(), *other = key_make();
	const char *id;
	struct device d;

	device_start(f, &d);
	id = command_add(f, &d, CLOUD_KEY);
	take(f, &d);
	answer_key(f, &d, id,
		   &(struct keygen_spec){.key = cloud, .tag = TAG, .type = KEYGEN_PUBLIC_KEY});
	id = command_add(f, &d, "{\"clientPrivateKeyGeneration\":{\"secTag\":42}}");
	take(f, &d);
	answer_key(f, &d, id,
		   &(struct keygen_spec){.key = other, .tag = 42, .type = KEYGEN_PUBLIC_KEY});
	assert_command(f, &d, id, "SUCCEEDED", NULL);
	assert_true(can_login(f, &d, cloud));
	assert_false(can_login(f, &d, other));
	EVP_PKEY_free(cloud);
	EVP_PKEY_free(other);
	device_done(&d);
}

static void deleting_or_writing_the_cloud_key_changes_who_may_login(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *born = key_make(), *written = key_make();
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem, *request;
	json_t *json, *row;
	const char *id;
	struct device d;
	long len;

	device_start(f, &d);
	id = command_add(f, &d, CLOUD_KEY);
	take(f, &d);
	answer_key(f, &d, id,
		   &(struct keygen_spec){.key = born, .tag = TAG, .type = KEYGEN_PUBLIC_KEY});
	assert_true(can_login(f, &d, born));

	id = command_add(f, &d,
			 "{\"atCommand\":{\"setCommand\":\"%CMNG\","
			 "\"parameters\":\"3,16842753,2\"}}");
	take(f, &d);
	assert_int_equal(device_answer(f, &d, id, 100, 0, "OK\r\n"), CORE_OK);
	assert_false(can_login(f, &d, born));

	assert_int_equal(PEM_write_bio_PrivateKey(bio, written, NULL, NULL, 0, NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &pem);
	json = json_pack("{s:{s:i, s:s%}}", "clientPrivateKey", "secTag", TAG, "content", pem,
			 (size_t)len);
	request = json_dumps(json, 0);
	id = command_add(f, &d, request);
	take(f, &d);
	assert_int_equal(device_answer(f, &d, id, 100, 0, "OK\r\n"), CORE_OK);
	assert_true(can_login(f, &d, written));
	row = command_read(f, &d, id);
	assert_null(json_object_get(
		json_object_get(json_object_get(row, "request"), "clientPrivateKey"), "content"));
	json_decref(row);
	json_decref(json);
	free(request);
	BIO_free(bio);
	EVP_PKEY_free(born);
	EVP_PKEY_free(written);
	device_done(&d);
}

static const char *rotate(struct fixture *f, struct device *d, EVP_PKEY *key)
{
	const char *id = command_add(f, d, CLOUD_KEY);

	take(f, d);
	answer_key(f, d, id,
		   &(struct keygen_spec){.key = key, .tag = TAG, .type = KEYGEN_PUBLIC_KEY});
	return id;
}

/* The device may find that the new one does not work, and return. */
static void the_cloud_key_before_stays_good_until_its_successor_logs_in(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *first = key_make(), *unused = key_make(), *last = key_make();
	struct device d;

	device_start(f, &d);
	rotate(f, &d, first);
	assert_true(can_login(f, &d, first));
	rotate(f, &d, unused);
	assert_true(can_login(f, &d, first));
	rotate(f, &d, last);
	assert_false(can_login(f, &d, unused));
	assert_true(can_login(f, &d, first));
	assert_true(can_login(f, &d, first));
	assert_true(can_login(f, &d, last));
	assert_false(can_login(f, &d, first));
	EVP_PKEY_free(first);
	EVP_PKEY_free(unused);
	EVP_PKEY_free(last);
	device_done(&d);
}

static void an_owner_who_deletes_the_cloud_key_ends_the_one_before_too(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *first = key_make(), *next = key_make();
	const char *id;
	struct device d;

	device_start(f, &d);
	rotate(f, &d, first);
	assert_true(can_login(f, &d, first));
	rotate(f, &d, next);
	id = command_add(f, &d,
			 "{\"atCommand\":{\"setCommand\":\"%CMNG\","
			 "\"parameters\":\"3,16842753,2\"}}");
	take(f, &d);
	assert_int_equal(device_answer(f, &d, id, 100, 0, "OK\r\n"), CORE_OK);
	assert_false(can_login(f, &d, next));
	assert_false(can_login(f, &d, first));
	rotate(f, &d, next);
	assert_false(can_login(f, &d, first));
	EVP_PKEY_free(first);
	EVP_PKEY_free(next);
	device_done(&d);
}

static char *encrypted_pem(EVP_PKEY *key, int iterations)
{
	uint8_t salt[16] = {1};
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	X509_SIG *sig = PKCS8_encrypt(-1, EVP_aes_128_cbc(), "secret", 6, salt, sizeof(salt),
				      iterations, info);
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *pem;
	long len;

	assert_int_equal(PEM_write_bio_PKCS8(bio, sig), 1);
	len = BIO_get_mem_data(bio, &data);
	pem = strndup(data, (size_t)len);
	BIO_free(bio);
	X509_SIG_free(sig);
	PKCS8_PRIV_KEY_INFO_free(info);
	return pem;
}

/* All owners wait while one key is decrypted, and the key says itself how long that takes. */
static void a_key_that_takes_long_to_decrypt_is_not_tried(void **state)
{
	struct fixture *f = *state;
	static const struct {
		int iterations;
		bool login;
	} rows[] = {{2048, true}, {100000, true}, {100001, false}};
	struct device d;

	device_start(f, &d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EVP_PKEY *key = key_make();
		char *pem = encrypted_pem(key, rows[i].iterations);
		json_t *json = json_pack("{s:{s:i, s:s, s:s}}", "clientPrivateKey", "secTag", TAG,
					 "content", pem, "password", "secret");
		char *request = json_dumps(json, 0);
		const char *id = command_add(f, &d, request);

		take(f, &d);
		assert_int_equal(device_answer(f, &d, id, 100, 0, "OK\r\n"), CORE_OK);
		assert_command(f, &d, id, "SUCCEEDED", NULL);
		assert_true(can_login(f, &d, key) == rows[i].login);
		json_decref(json);
		free(request);
		free(pem);
		EVP_PKEY_free(key);
	}
	device_done(&d);
}

/* An answer may hold an error that was to be ignored: then nothing was written or deleted. */
static void an_ignored_error_leaves_the_cloud_key_alone(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *born = key_make(), *other = key_make();
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem, *parameters, *request;
	json_t *json;
	const char *id;
	struct device d;
	long len;

	device_start(f, &d);
	id = command_add(f, &d, CLOUD_KEY);
	take(f, &d);
	answer_key(f, &d, id,
		   &(struct keygen_spec){.key = born, .tag = TAG, .type = KEYGEN_PUBLIC_KEY});
	assert_int_equal(PEM_write_bio_PrivateKey(bio, other, NULL, NULL, 0, NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &pem);
	assert_true(asprintf(&parameters, "0,%u,2,\"%.*s\"", TAG, (int)len, pem) > 0);
	json = json_pack("{s:{s:s, s:s, s:[i]}}", "atCommand", "setCommand", "%CMNG", "parameters",
			 parameters, "ignoreCmeErrors", 518);
	request = json_dumps(json, 0);
	id = command_add(f, &d, request);
	take(f, &d);
	assert_int_equal(device_answer(f, &d, id, 100, 0, "+CME ERROR: 518\r\n"), CORE_OK);
	assert_true(can_login(f, &d, born));
	assert_false(can_login(f, &d, other));

	id = command_add(f, &d,
			 "{\"atCommand\":{\"setCommand\":\"%CMNG\","
			 "\"parameters\":\"3,16842753,2\",\"ignoreCmeErrors\":[513,518]}}");
	take(f, &d);
	assert_int_equal(device_answer(f, &d, id, 100, 0, "+CME ERROR: 518"), CORE_OK);
	assert_true(can_login(f, &d, born));
	id = command_add(f, &d,
			 "{\"atCommand\":{\"setCommand\":\"%CMNG\","
			 "\"parameters\":\"3,16842753,2\",\"ignoreCmeErrors\":[513,518]}}");
	take(f, &d);
	/* Not found: whatever was registered is gone. */
	assert_int_equal(device_answer(f, &d, id, 100, 0, "\r\n+CME ERROR: 513\r\n"), CORE_OK);
	assert_false(can_login(f, &d, born));
	json_decref(json);
	free(request);
	free(parameters);
	BIO_free(bio);
	EVP_PKEY_free(born);
	EVP_PKEY_free(other);
	device_done(&d);
}

static X509 *pem_certificate(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(cert);
	return cert;
}

static X509 *file_certificate(const char *dir)
{
	char path[128];
	X509 *cert;
	FILE *file;

	snprintf(path, sizeof(path), "%s/ca.pem", dir);
	file = fopen(path, "r");
	assert_non_null(file);
	cert = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	assert_non_null(cert);
	return cert;
}

static bool chain_is_valid(X509 *ca, X509 *cert)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int ok;

	X509_STORE_add_cert(store, ca);
	X509_STORE_CTX_init(ctx, store, cert, NULL);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	ok = X509_verify_cert(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return ok == 1;
}

static void certificate_check(struct fixture *f, const struct device *d, const char *id,
			      EVP_PKEY *key)
{
	json_t *row = command_read(f, d, id);
	json_t *r = json_object_get(json_object_get(row, "response"), "certificateSigningRequest");
	X509 *cert = pem_certificate(json_string_value(json_object_get(r, "certificate")));
	X509 *ca = file_certificate(f->ca);
	char cn[64];

	assert_non_null(strchr(json_string_value(json_object_get(r, "csr")), '.'));
	assert_string_equal(json_string_value(json_object_get(r, "csr")),
			    json_string_value(json_object_get(r, "message")));
	assert_int_equal(X509_verify(cert, X509_get0_pubkey(ca)), 1);
	assert_true(chain_is_valid(ca, cert));
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), key), 1);
	/* Not the name that the request asked for. */
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(cert)), 1);
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, cn, sizeof(cn));
	assert_string_equal(cn, d->uuid);
	assert_int_equal(X509_check_ca(cert), 0);
	X509_free(cert);
	X509_free(ca);
	json_decref(row);
}

static void a_signing_request_gets_a_certificate_of_our_ca(void **state)
{
	struct fixture *f = *state;
	struct device d;

	device_start(f, &d);
	for (int null_parameter = 0; null_parameter <= 1; null_parameter++) {
		EVP_PKEY *key = key_make();
		const char *id = command_add(f, &d, CSR);

		take(f, &d);
		answer_key(f, &d, id,
			   &(struct keygen_spec){.key = key,
						 .tag = TAG,
						 .type = KEYGEN_CSR,
						 .csr_null_parameter = null_parameter});
		assert_command(f, &d, id, "SUCCEEDED", NULL);
		certificate_check(f, &d, id, key);
		EVP_PKEY_free(key);
	}
	device_done(&d);
}

static void a_public_key_is_no_answer_to_a_signing_request(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *key = key_make();
	const char *id;
	struct device d;

	device_start(f, &d);
	id = command_add(f, &d, CSR);
	take(f, &d);
	answer_key(f, &d, id,
		   &(struct keygen_spec){.key = key, .tag = TAG, .type = KEYGEN_PUBLIC_KEY});
	assert_command(f, &d, id, "FAILED", "no request");
	EVP_PKEY_free(key);
	device_done(&d);
}

static void the_onboarding_rule_ends_in_cloud_access(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *keys[2] = {key_make(), key_make()};
	char jwt[JWT_MAX], device[CORE_UUID_TEXT], text[AT_ANSWER_MAX];
	struct command_list list;
	unsigned int born = 0;
	struct device d;

	device_init(&d);
	device_claim(f, &d, "[\"nrf-cloud-onboarding\"]");
	device_jwt(&d, jwt);
	assert_int_equal(token_show(f->core, jwt, strlen(jwt), device), CORE_OK);
	list = device_fetch(f, &d, "");
	assert_int_equal(list.n, 6);
	for (size_t i = 0; i < list.n; i++) {
		snprintf(text, sizeof(text), "OK\r\n");
		if (strcmp(list.items[i].verb, "%KEYGEN") == 0)
			device_keygen(&d,
				      &(struct keygen_spec){.key = keys[born++],
							    .tag = TAG,
							    .type = KEYGEN_PUBLIC_KEY},
				      text);
		assert_int_equal(device_answer(f, &d, list.items[i].correlation, 100, 0, text),
				 CORE_OK);
	}
	command_list_done(&list);
	assert_int_equal(born, 2);
	assert_false(can_login(f, &d, keys[0]));
	assert_true(can_login(f, &d, keys[1]));
	list = device_fetch(f, &d, "");
	assert_int_equal(list.n, 0);
	EVP_PKEY_free(keys[0]);
	EVP_PKEY_free(keys[1]);
	device_done(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_kind_of_answer_ends_its_command),
		T(an_error_fails_its_command_and_drops_the_rest),
		T(an_error_on_the_preparation_fails_the_command),
		T(a_local_failure_of_the_device_has_no_number_to_show),
		T(a_bare_error_counts_as_failure_unless_it_was_expected),
		T(what_a_device_did_after_a_bare_error_still_counts),
		T(an_answer_of_the_wrong_kind_is_a_failure),
		T(unknown_ids_and_other_devices_commands_are_ignored),
		T(a_repeated_report_changes_nothing),
		T(every_truncation_of_a_report_is_refused_and_changes_nothing),
		T(both_forms_and_both_versions_of_a_proof_register_the_key),
		T(a_key_that_is_not_proven_is_not_registered),
		T(every_single_broken_character_of_a_proof_is_noticed),
		T(an_answer_without_a_key_fails_only_where_the_key_matters),
		T(the_last_key_generated_in_the_cloud_tag_is_the_one_that_counts),
		T(a_key_in_another_tag_leaves_cloud_access_alone),
		T(deleting_or_writing_the_cloud_key_changes_who_may_login),
		T(the_cloud_key_before_stays_good_until_its_successor_logs_in),
		T(an_owner_who_deletes_the_cloud_key_ends_the_one_before_too),
		T(a_key_that_takes_long_to_decrypt_is_not_tried),
		T(an_ignored_error_leaves_the_cloud_key_alone),
		T(a_signing_request_gets_a_certificate_of_our_ca),
		T(a_public_key_is_no_answer_to_a_signing_request),
		T(the_onboarding_rule_ends_in_cloud_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
