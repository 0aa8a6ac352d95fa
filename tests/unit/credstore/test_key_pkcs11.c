/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/softhsm.h"

#include <pthread.h>

#include "tests/unit/credstore/verify.h"

/* A real SoftHSM holds the keys; OpenSC's pkcs11-tool, openssl and libcrypto say whether it is so.
 * What goes wrong with tokens is in test_key_token.c. */

static bool verifies(struct key *k, const char *text, const uint8_t raw[static 64])
{
	uint8_t spki[KEY_SPKI_MAX];
	size_t len;

	assert_int_equal(key_spki(k, spki, &len), 0);
	return verify_raw(spki, len, text, strlen(text), raw);
}

static void assert_same_key(struct key *a, struct key *b)
{
	uint8_t spki[2][KEY_SPKI_MAX];
	size_t len;

	assert_int_equal(key_spki(a, spki[0], &len), 0);
	assert_int_equal(len, KEY_SPKI_LEN);
	assert_int_equal(key_spki(b, spki[1], &len), 0);
	assert_memory_equal(spki[0], spki[1], KEY_SPKI_LEN);
}

/* --- making and using one */

static void a_key_made_in_a_token_signs_and_opens_again_by_its_uri(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = softhsm_generate(h, "onboardd x 1", &uri);
	_cleanup_(key_freep) struct key *again = NULL;
	uint8_t sig[64];

	assert_true(key_is_slow(k));
	assert_true(key_is_uri(uri.data, uri.len));
	assert_int_equal(key_sign(k, (const uint8_t *)"hello", 5, sig), 0);
	assert_true(verifies(k, "hello", sig));
	assert_int_equal(key_open(h->ring, uri.data, uri.len, NULL, &again), 0);
	assert_same_key(k, again);
	assert_int_equal(key_sign(again, (const uint8_t *)"hello", 5, sig), 0);
	assert_true(verifies(k, "hello", sig));
}

static void another_program_sees_a_sensitive_key_for_signing_only(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT, said = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = softhsm_generate(h, "onboardd x 1", &uri);

	SOFTHSM_MUST(h, PKCS11_TOOL "--list-objects --type privkey");
	softhsm_said(h, &said);
	assert_non_null(strstr((char *)said.data, "label:      onboardd x 1\n"));
	assert_true(softhsm_is_for(&said, "sign"));
	assert_non_null(strstr((char *)said.data,
			       "sensitive, always sensitive, never extractable, local\n"));
}

static void openssl_accepts_a_request_of_a_token_key(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = softhsm_generate(h, "onboardd x 1", &uri);
	uint8_t csr[KEY_CSR_MAX];
	char path[PATH_MAX];
	size_t len;

	assert_int_equal(key_csr(k, "dev", "O=A,CN=b", "1", csr, &len), 0);
	snprintf(path, sizeof(path), "%s/a.csr", h->scratch->dir);
	scratch_write(path, csr, len);
	SOFTHSM_MUST(h, "openssl req -verify -noout -inform DER -in %s", path);
}

static void a_known_public_key_is_told_without_the_token(void **state)
{
	static const char uri[] = "pkcs11:token=nowhere;object=x";
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	_cleanup_(key_freep) struct key *file = NULL, *k = NULL;
	uint8_t spki[KEY_SPKI_MAX], sig[64];
	size_t len;

	assert_int_equal(key_generate(&file, &der), 0);
	assert_int_equal(key_spki(file, spki, &len), 0);
	assert_int_equal(key_open(h->ring, uri, strlen(uri), spki, &k), 0);
	assert_same_key(file, k);
	assert_int_equal(key_sign(k, spki, len, sig), KEY_E_TOKEN_ABSENT);
	k = key_free(k);
	spki[10] ^= 1;
	assert_int_equal(key_open(h->ring, uri, strlen(uri), spki, &k), -EINVAL);
}

static void a_key_outlives_the_first_reference_to_its_keyring(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = softhsm_generate(h, "onboardd x 1", &uri);
	uint8_t sig[64];

	h->ring = keyring_free(h->ring);
	assert_int_equal(key_sign(k, (const uint8_t *)"hello", 5, sig), 0);
	assert_true(verifies(k, "hello", sig));
}

static void *sign_many(void *key)
{
	uint8_t sig[64];

	for (int i = 0; i < 10; i++)
		if (key_sign(key, (const uint8_t *)"hello", 5, sig) != 0 ||
		    !verifies(key, "hello", sig))
			return key;
	return NULL;
}

static void several_threads_sign_with_one_key(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *made = softhsm_generate(h, "onboardd x 1", &uri);
	_cleanup_(key_freep) struct key *k = softhsm_key(h, (char *)uri.data);
	pthread_t threads[4];
	void *failed;

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sign_many, k), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

/* --- URIs */

static void a_factory_key_opens_by_any_name_that_is_its_own(void **state)
{
	static const char *const uris[] = {
		"pkcs11:object=identity",
		"pkcs11:token=onboard;object=identity;type=private",
		"PKCS11:token=onboard;id=%0a%0b",
		"pkcs11:manufacturer=SoftHSM%20project;id=%0A%0B;object=identity",
		"pkcs11:token=onboard",
	};
	struct softhsm *h = *state;

	softhsm_factory_key(h, "identity", "0a0b");
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		_cleanup_(key_freep) struct key *k = softhsm_key(h, uris[i]);
		uint8_t sig[64];

		if (key_sign(k, (const uint8_t *)"hello", 5, sig) != 0)
			fail_msg("%s: %s", uris[i], softhsm_why(h));
		assert_true(verifies(k, "hello", sig));
	}
}

static void malformed_uris_and_those_of_other_things_are_refused(void **state)
{
	static const char *const uris[] = {
		"pkcs11:token=%zz",
		"pkcs11:token",
		"pkcs11:colour=blue",
		"pkcs11:object=x;type=public",
		"pkcs11:object=x;type=cert",
		"pkcs11:object=x?pin-value=1234",
		"pkcs11:object=x?pin-source=|/bin/cat",
		"pkcs11:object=x?pin-source=pin",
		"pkcs11:object=x?pin-source=file:pin",
		"pkcs11:object=x?pin-source=file://host/pin",
		"pkcs11:object=x?pin-source=https://host/pin",
		"pkcs11:object=x?module-path=libsofthsm2.so",
		"pkcs11:object=x?module-name=softhsm2",
		"pkcs11:slot-id=x",
	};
	struct softhsm *h = *state;
	char uri[KEY_URI_MAX + 2] = "pkcs11:object=";
	struct key *k = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(uris); i++)
		if (key_open(h->ring, uris[i], strlen(uris[i]), NULL, &k) != -EINVAL)
			fail_msg("%s was accepted", uris[i]);
	assert_int_equal(key_open(h->ring, "pkcs11:object=x\0y", 17, NULL, &k), -EINVAL);
	assert_int_equal(key_open(NULL, "pkcs11:object=x", 15, NULL, &k), -EINVAL);
	memset(uri + strlen(uri), 'x', sizeof(uri) - strlen(uri));
	assert_int_equal(key_open(h->ring, uri, KEY_URI_MAX + 1, NULL, &k), -EINVAL);
	assert_int_equal(key_open(h->ring, uri, KEY_URI_MAX, NULL, &k), 0);
	key_free(k);
}

static void a_uri_says_where_module_and_pin_are(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(keyring_freep) struct keyring *ring = softhsm_ring("/nowhere.so", "/nowhere.pin");
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = NULL, *again = NULL;
	char home[2 * PATH_MAX];

	snprintf(home, sizeof(home), "%s?module-path=%s&pin-source=file:%s", SOFTHSM_HOME,
		 SOFTHSM_MODULE, h->pin_file);
	assert_int_equal(key_generate_at(ring, home, "onboardd x 1", &k, &uri), 0);
	/* What the store keeps of it says so too. */
	assert_int_equal(key_open(ring, uri.data, uri.len, NULL, &again), 0);
	assert_same_key(k, again);
}

static void keys_of_one_name_in_two_tokens_do_not_mix(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret first = SECRET_INIT, second = SECRET_INIT;
	_cleanup_(key_freep) struct key *a = softhsm_generate(h, "onboardd x 1", &first);
	_cleanup_(key_freep) struct key *b = NULL, *again = NULL;
	uint8_t sig[64];
	size_t destroyed;

	softhsm_add_token(h, "second");
	assert_int_equal(
		key_generate_at(h->ring, "pkcs11:token=second", "onboardd x 1", &b, &second), 0);
	assert_int_equal(key_sign(a, (const uint8_t *)"hello", 5, sig), 0);
	assert_false(verifies(b, "hello", sig));
	assert_int_equal(
		key_sweep(h->ring, "pkcs11:token=second", "onboardd x ", NULL, 0, &destroyed), 0);
	assert_int_equal(destroyed, 1);
	again = softhsm_key(h, (char *)first.data);
	assert_same_key(a, again);
	assert_int_equal(key_sign(b, (const uint8_t *)"hello", 5, sig), KEY_E_NOT_FOUND);
}

/* --- names of new keys */

static void a_home_that_names_the_key_gets_it_once(void **state)
{
	static const char home[] = "pkcs11:token=onboard;object=identity;id=%01";
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = NULL, *again = NULL;

	assert_int_equal(key_generate_at(h->ring, home, NULL, &k, &uri), 0);
	again = softhsm_key(h, home);
	assert_same_key(k, again);
	assert_int_equal(key_generate_at(h->ring, home, NULL, &k, &uri), -EEXIST);
	assert_int_equal(key_generate_at(h->ring, home, "other", &k, &uri), -EINVAL);
	assert_int_equal(key_generate_at(h->ring, SOFTHSM_HOME, NULL, &k, &uri), -EINVAL);
	assert_int_equal(softhsm_count(h, "identity"), 2);
}

static void labels_are_utf8_of_bounded_length(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = NULL, *again = NULL;
	char label[KEY_LABEL_MAX + 2] = "n\xc3\xb8kkel ;?&%\"";

	memset(label + strlen(label), 'x', sizeof(label) - 1 - strlen(label));
	assert_int_equal(key_generate_at(h->ring, SOFTHSM_HOME, label, &k, &uri), -EINVAL);
	assert_int_equal(key_generate_at(h->ring, SOFTHSM_HOME, "", &k, &uri), -EINVAL);
	assert_int_equal(key_generate_at(h->ring, SOFTHSM_HOME, "\xff", &k, &uri), -EINVAL);
	assert_int_equal(key_generate_at(h->ring, SOFTHSM_HOME ";object=%ff", NULL, &k, &uri),
			 -EINVAL);
	assert_int_equal(key_generate_at(h->ring, SOFTHSM_HOME ";object=a%00", NULL, &k, &uri),
			 -EINVAL);
	label[KEY_LABEL_MAX] = '\0';
	k = softhsm_generate(h, label, &uri);
	again = softhsm_key(h, (char *)uri.data);
	assert_same_key(k, again);
}

/* --- destroying */

static void a_destroyed_key_is_gone_with_both_halves(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT, other = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = softhsm_generate(h, "onboardd x 1", &uri);
	_cleanup_(key_freep) struct key *b = softhsm_generate(h, "onboardd x 1", &other);
	uint8_t sig[64];

	assert_int_equal(softhsm_count(h, "onboardd x 1"), 4);
	assert_int_equal(key_destroy(h->ring, uri.data, uri.len), 0);
	assert_int_equal(softhsm_count(h, "onboardd x 1"), 2);
	assert_int_equal(key_destroy(h->ring, uri.data, uri.len), 0);
	assert_int_equal(key_sign(k, (const uint8_t *)"hello", 5, sig), KEY_E_NOT_FOUND);
	assert_int_equal(key_sign(b, (const uint8_t *)"hello", 5, sig), 0);
	assert_int_equal(key_destroy(h->ring, SOFTHSM_HOME, strlen(SOFTHSM_HOME)), -EINVAL);
	assert_int_equal(key_destroy(NULL, uri.data, uri.len), -EINVAL);
}

static void a_half_that_a_power_cut_left_goes_with_the_next_destruction(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = softhsm_generate(h, "onboardd x 1", &uri);

	SOFTHSM_MUST(h, PKCS11_TOOL "--delete-object --type privkey --label 'onboardd x 1'");
	assert_int_equal(key_destroy(h->ring, uri.data, uri.len), 0);
	assert_int_equal(softhsm_count(h, "onboardd x 1"), 0);
}

static void a_sweep_leaves_foreign_objects_and_kept_keys_alone(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret u1 = SECRET_INIT, u2 = SECRET_INIT, u3 = SECRET_INIT;
	_cleanup_(key_freep) struct key *a = softhsm_generate(h, "onboardd x 1", &u1);
	_cleanup_(key_freep) struct key *b = softhsm_generate(h, "onboardd x 2", &u2);
	_cleanup_(key_freep) struct key *c = softhsm_generate(h, "onboardd y 1", &u3);
	const char *keep[] = {(char *)u1.data, "pkcs11:token=elsewhere;object=onboardd%20x%202",
			      "not a URI"};
	char data[PATH_MAX];
	size_t destroyed;

	softhsm_factory_key(h, "identity", "01");
	snprintf(data, sizeof(data), "%s/data", h->scratch->dir);
	scratch_write(data, "x", 1);
	SOFTHSM_MUST(
		h, PKCS11_TOOL "--write-object %s --type data --private --label 'onboardd x data'",
		data);
	assert_int_equal(
		key_sweep(h->ring, SOFTHSM_HOME, "onboardd x ", keep, ARRAY_SIZE(keep), &destroyed),
		0);
	assert_int_equal(destroyed, 1);
	assert_int_equal(softhsm_count(h, "onboardd x 1"), 2);
	assert_int_equal(softhsm_count(h, "onboardd x 2"), 0);
	assert_int_equal(softhsm_count(h, "onboardd y 1"), 2);
	assert_int_equal(softhsm_count(h, "identity"), 2);
	SOFTHSM_MUST(h, PKCS11_TOOL "--list-objects --type data | grep -q 'onboardd x data'");
}

static void a_sweep_takes_a_half_that_was_left_behind(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = softhsm_generate(h, "onboardd x 1", &uri);
	size_t destroyed;

	SOFTHSM_MUST(h, PKCS11_TOOL "--delete-object --type privkey --label 'onboardd x 1'");
	assert_int_equal(key_sweep(h->ring, SOFTHSM_HOME, "onboardd x ", NULL, 0, &destroyed), 0);
	assert_int_equal(destroyed, 1);
	assert_int_equal(softhsm_count(h, "onboardd x 1"), 0);
}

static void a_sweep_that_does_not_know_what_to_keep_destroys_nothing(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = softhsm_generate(h, "onboardd x 1", &uri);
	const char *keep[] = {"pkcs11:object=%zz"};
	size_t destroyed = 1;

	assert_int_equal(key_sweep(h->ring, SOFTHSM_HOME, "onboardd x ", keep, 1, &destroyed),
			 -EINVAL);
	assert_int_equal(destroyed, 0);
	assert_int_equal(key_sweep(h->ring, SOFTHSM_HOME, "", NULL, 0, &destroyed), -EINVAL);
	assert_int_equal(softhsm_count(h, "onboardd x 1"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SOFTHSM_TEST(a_key_made_in_a_token_signs_and_opens_again_by_its_uri),
		SOFTHSM_TEST(another_program_sees_a_sensitive_key_for_signing_only),
		SOFTHSM_TEST(openssl_accepts_a_request_of_a_token_key),
		SOFTHSM_TEST(a_known_public_key_is_told_without_the_token),
		SOFTHSM_TEST(a_key_outlives_the_first_reference_to_its_keyring),
		SOFTHSM_TEST(several_threads_sign_with_one_key),
		SOFTHSM_TEST(a_factory_key_opens_by_any_name_that_is_its_own),
		SOFTHSM_TEST(malformed_uris_and_those_of_other_things_are_refused),
		SOFTHSM_TEST(a_uri_says_where_module_and_pin_are),
		SOFTHSM_TEST(keys_of_one_name_in_two_tokens_do_not_mix),
		SOFTHSM_TEST(a_home_that_names_the_key_gets_it_once),
		SOFTHSM_TEST(labels_are_utf8_of_bounded_length),
		SOFTHSM_TEST(a_destroyed_key_is_gone_with_both_halves),
		SOFTHSM_TEST(a_half_that_a_power_cut_left_goes_with_the_next_destruction),
		SOFTHSM_TEST(a_sweep_leaves_foreign_objects_and_kept_keys_alone),
		SOFTHSM_TEST(a_sweep_takes_a_half_that_was_left_behind),
		SOFTHSM_TEST(a_sweep_that_does_not_know_what_to_keep_destroys_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
