/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/softhsm.h"

#include "tests/unit/credstore/verify.h"

/* Tokens at their worst: SoftHSM where it can do that, else tests/peers/pkcs11_shim.c in front of
 * it. Numbers in the shim's orders are CKR_*: 0x2 HOST_MEMORY, 0x5 GENERAL_ERROR, 0x30
 * DEVICE_ERROR, 0x32 DEVICE_REMOVED, 0xa0 PIN_INCORRECT, 0xa4 PIN_LOCKED, 0xb3
 * SESSION_HANDLE_INVALID, 0x101 USER_NOT_LOGGED_IN. */

#define IDENTITY "pkcs11:token=onboard;object=identity"

/* --- the shim */

static const char *shim_path(const struct softhsm *h, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", h->scratch->dir, name);
	return path;
}

/* What it does from the next call on; NULL: nothing. */
static void order(const struct softhsm *h, const char *orders)
{
	const char *text = orders ? orders : "";

	scratch_write(shim_path(h, "orders"), text, strlen(text));
}

/* How often the log has the line since it was forgotten last. */
static int count(const struct softhsm *h, const char *line)
{
	_cleanup_(secret_done) struct secret log = SECRET_INIT;
	char *save, *at;
	int n = 0;

	if (access(shim_path(h, "calls"), F_OK) != 0)
		return 0;
	scratch_read(shim_path(h, "calls"), &log);
	for (at = strtok_r((char *)log.data, "\n", &save); at; at = strtok_r(NULL, "\n", &save))
		n += strcmp(at, line) == 0;
	return n;
}

/* How many calls there were. */
static int count_calls(const struct softhsm *h)
{
	_cleanup_(secret_done) struct secret log = SECRET_INIT;
	int n = 0;

	scratch_read(shim_path(h, "calls"), &log);
	for (size_t i = 0; i < log.len; i++)
		n += log.data[i] == '\n';
	return n / 2; /* each has a line before and one after */
}

static void forget(const struct softhsm *h)
{
	unlink(shim_path(h, "calls"));
}

/* A factory's key in the token, and a keyring that reaches it through the shim. */
static int shim_setup(void **state)
{
	struct softhsm *h;

	softhsm_setup(state);
	h = *state;
	softhsm_factory_key(h, "identity", "01");
	setenv("ONBOARD_TEST_SHIM_MODULE", SOFTHSM_MODULE, 1);
	setenv("ONBOARD_TEST_SHIM_CONTROL", shim_path(h, "orders"), 1);
	setenv("ONBOARD_TEST_SHIM_LOG", shim_path(h, "calls"), 1);
	keyring_free(h->ring);
	h->ring = softhsm_ring(PKCS11_SHIM, h->pin_file);
	return 0;
}

#define SHIM_TEST(f) cmocka_unit_test_setup_teardown(f, shim_setup, softhsm_teardown)

static int sign(const struct softhsm *h, const char *uri)
{
	_cleanup_(key_freep) struct key *k = softhsm_key(h, uri);
	uint8_t sig[64], spki[KEY_SPKI_MAX];
	size_t len;
	int r;

	r = key_sign(k, (const uint8_t *)"hello", 5, sig);
	if (r != 0)
		return r;
	assert_int_equal(key_spki(k, spki, &len), 0);
	assert_true(verify_raw(spki, len, "hello", 5, sig));
	return 0;
}

static void assert_why(const struct softhsm *h, const char *word)
{
	if (!strstr(softhsm_why(h), word))
		fail_msg("\"%s\" does not say \"%s\"", softhsm_why(h), word);
}

/* --- what is not there */

static void a_module_that_is_not_there_is_an_absent_token(void **state)
{
	struct softhsm *h = *state;

	keyring_free(h->ring);
	h->ring = softhsm_ring("/nowhere/module.so", h->pin_file);
	assert_string_equal(softhsm_why(h), "");
	assert_int_equal(sign(h, IDENTITY), KEY_E_TOKEN_ABSENT);
	assert_why(h, "/nowhere/module.so");
	assert_int_equal(sign(h, IDENTITY), KEY_E_TOKEN_ABSENT);
}

static void a_file_that_is_no_module_is_an_absent_token(void **state)
{
	struct softhsm *h = *state;

	keyring_free(h->ring);
	h->ring = softhsm_ring(h->pin_file, h->pin_file);
	assert_int_equal(sign(h, IDENTITY), KEY_E_TOKEN_ABSENT);
	assert_why(h, h->pin_file);
}

static void a_module_that_does_not_start_is_an_absent_token_until_it_does(void **state)
{
	struct softhsm *h = *state;

	order(h, "fail C_Initialize 0 0x5\n");
	assert_int_equal(sign(h, IDENTITY), KEY_E_TOKEN_ABSENT);
	assert_why(h, "does not start");
	order(h, NULL);
	assert_int_equal(sign(h, IDENTITY), 0);
}

static void a_token_that_is_not_there_is_told_from_a_key_that_is_not(void **state)
{
	struct softhsm *h = *state;

	assert_int_equal(sign(h, "pkcs11:token=other;object=identity"), KEY_E_TOKEN_ABSENT);
	assert_why(h, "no token");
	assert_int_equal(sign(h, "pkcs11:token=onboard;object=other"), KEY_E_NOT_FOUND);
	assert_why(h, "token \"onboard\"");
}

static void a_token_that_came_later_is_found(void **state)
{
	struct softhsm *h = *state;

	assert_int_equal(sign(h, "pkcs11:token=late"), KEY_E_TOKEN_ABSENT);
	softhsm_add_token(h, "late");
	assert_int_equal(sign(h, "pkcs11:token=late"), KEY_E_NOT_FOUND);
}

static void a_uri_of_several_keys_or_tokens_is_refused(void **state)
{
	struct softhsm *h = *state;

	softhsm_factory_key(h, "identity", "02");
	assert_int_equal(sign(h, IDENTITY), KEY_E_AMBIGUOUS);
	assert_int_equal(key_destroy(h->ring, IDENTITY, strlen(IDENTITY)), KEY_E_AMBIGUOUS);
	assert_int_equal(sign(h, IDENTITY ";id=%02"), 0);
	softhsm_add_token(h, "second");
	keyring_free(h->ring);
	h->ring = softhsm_ring(PKCS11_SHIM, h->pin_file);
	assert_int_equal(sign(h, "pkcs11:object=identity;id=%02"), KEY_E_AMBIGUOUS);
	assert_why(h, "more than one token");
	assert_int_equal(softhsm_count(h, "identity"), 4);
}

static void a_key_that_is_no_p256_key_is_refused(void **state)
{
	struct softhsm *h = *state;

	SOFTHSM_MUST(h, PKCS11_TOOL "--keypairgen --key-type EC:secp384r1 --label big --id 31");
	SOFTHSM_MUST(h, PKCS11_TOOL "--keypairgen --key-type rsa:2048 --label rsa --id 32");
	assert_int_equal(sign(h, "pkcs11:object=big"), KEY_E_TOKEN);
	assert_why(h, "P-256");
	assert_int_equal(sign(h, "pkcs11:object=rsa"), KEY_E_NOT_FOUND);
}

static void a_key_without_its_public_half_signs_when_that_is_known(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(key_freep) struct key *k = softhsm_key(h, IDENTITY), *known = NULL;
	uint8_t spki[KEY_SPKI_MAX], sig[64];
	size_t len;

	assert_int_equal(key_spki(k, spki, &len), 0);
	SOFTHSM_MUST(h, PKCS11_TOOL "--delete-object --type pubkey --label identity");
	assert_int_equal(sign(h, IDENTITY), KEY_E_NOT_FOUND);
	assert_why(h, "public half");
	assert_int_equal(key_open(h->ring, IDENTITY, strlen(IDENTITY), spki, &known), 0);
	assert_int_equal(key_sign(known, (const uint8_t *)"hello", 5, sig), 0);
}

/* --- PINs */

static void a_pin_comes_from_its_file_or_from_a_credential(void **state)
{
	struct softhsm *h = *state;

	scratch_write(h->pin_file, SOFTHSM_PIN "\r\n", strlen(SOFTHSM_PIN) + 2);
	assert_int_equal(sign(h, IDENTITY), 0);
	scratch_write(shim_path(h, "onboardd.pin"), SOFTHSM_PIN, strlen(SOFTHSM_PIN));
	keyring_free(h->ring);
	h->ring = softhsm_ring(PKCS11_SHIM, NULL);
	assert_int_equal(sign(h, IDENTITY), KEY_E_PIN_MISSING);
	setenv("CREDENTIALS_DIRECTORY", h->scratch->dir, 1);
	assert_int_equal(sign(h, IDENTITY), 0);
}

static void no_pin_and_an_empty_one_are_missing_ones(void **state)
{
	struct softhsm *h = *state;

	scratch_write(h->pin_file, "\n", 1);
	assert_int_equal(sign(h, IDENTITY), KEY_E_PIN_MISSING);
	unlink(h->pin_file);
	assert_int_equal(sign(h, IDENTITY), KEY_E_PIN_MISSING);
	assert_int_equal(count(h, "C_Login"), 0);
	softhsm_write_pin(h, SOFTHSM_PIN);
	assert_int_equal(sign(h, IDENTITY), 0);
}

static void a_refused_pin_is_not_tried_again_before_the_file_changes(void **state)
{
	struct softhsm *h = *state;

	softhsm_write_pin(h, "0000");
	for (int i = 0; i < 5; i++)
		assert_int_equal(sign(h, IDENTITY), KEY_E_PIN_WRONG);
	assert_int_equal(count(h, "C_Login"), 1);
	softhsm_write_pin(h, "1111");
	assert_int_equal(sign(h, IDENTITY), KEY_E_PIN_WRONG);
	softhsm_write_pin(h, "0000");
	assert_int_equal(sign(h, IDENTITY), KEY_E_PIN_WRONG);
	assert_int_equal(count(h, "C_Login"), 2);
	softhsm_write_pin(h, SOFTHSM_PIN);
	assert_int_equal(sign(h, IDENTITY), 0);
}

static void after_many_refused_pins_no_other_is_tried(void **state)
{
	struct softhsm *h = *state;
	char pin[16];

	for (int i = 0; i < 40; i++) {
		snprintf(pin, sizeof(pin), "wrong%d", i);
		softhsm_write_pin(h, pin);
		assert_int_equal(sign(h, IDENTITY), KEY_E_PIN_WRONG);
	}
	assert_int_equal(count(h, "C_Login"), 16);
}

static void a_changed_pin_is_noticed_at_the_next_login(void **state)
{
	struct softhsm *h = *state;

	assert_int_equal(sign(h, IDENTITY), 0);
	SOFTHSM_MUST(h, PKCS11_TOOL "--change-pin --new-pin 99999");
	order(h, "fail C_SignInit 1 0x32\n");
	assert_int_equal(sign(h, IDENTITY), KEY_E_PIN_WRONG);
	softhsm_write_pin(h, "99999");
	assert_int_equal(sign(h, IDENTITY), 0);
}

static void a_locked_pin_is_told_from_a_wrong_one(void **state)
{
	struct softhsm *h = *state;

	order(h, "fail C_Login 0 0xa4\n");
	assert_int_equal(sign(h, IDENTITY), KEY_E_PIN_LOCKED);
	order(h, NULL);
	assert_int_equal(sign(h, IDENTITY), 0);
}

static void a_token_that_says_locked_or_final_try_gets_no_pin(void **state)
{
	struct softhsm *h = *state;

	order(h, "flags 40000\n");
	assert_int_equal(sign(h, IDENTITY), KEY_E_PIN_LOCKED);
	order(h, "flags 20000\n");
	assert_int_equal(sign(h, IDENTITY), KEY_E_PIN_LOCKED);
	assert_int_equal(count(h, "C_Login"), 0);
	order(h, "flags 10000\n"); /* a low count is not the last try */
	assert_int_equal(sign(h, IDENTITY), 0);
}

/* --- lost and found */

/* C_Sign fails once with this. */
static void assert_signs_after(const struct softhsm *h, const char *answer)
{
	char text[64];

	forget(h);
	snprintf(text, sizeof(text), "fail C_Sign 1 %s\n", answer);
	order(h, text);
	if (sign(h, IDENTITY) != 0)
		fail_msg("%s: %s", answer, softhsm_why(h));
}

static void a_lost_session_is_opened_again_without_anybody_noticing(void **state)
{
	static const char *const answers[] = {"0xb3", "0x101", "0xb0", "0x60", "0x82", "0x90"};
	struct softhsm *h = *state;

	assert_int_equal(sign(h, IDENTITY), 0);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		assert_signs_after(h, answers[i]);
		assert_int_equal(count(h, "C_OpenSession"), 1);
		assert_int_equal(count(h, "C_Initialize"), 0);
	}
}

static void a_lost_token_is_looked_for_again_from_the_beginning(void **state)
{
	static const char *const answers[] = {"0x30", "0x32", "0xe0", "0x5", "0x6", "0x3", "0x190"};
	struct softhsm *h = *state;

	assert_int_equal(sign(h, IDENTITY), 0);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		assert_signs_after(h, answers[i]);
		assert_int_equal(count(h, "C_Initialize"), 1);
		assert_int_equal(count(h, "C_Login 0x0"), 1);
	}
}

static void a_token_that_is_pulled_out_is_absent_until_it_is_back(void **state)
{
	struct softhsm *h = *state;

	assert_int_equal(sign(h, IDENTITY), 0);
	order(h, "absent\n");
	assert_int_equal(sign(h, IDENTITY), KEY_E_TOKEN_ABSENT);
	assert_int_equal(sign(h, IDENTITY), KEY_E_TOKEN_ABSENT);
	order(h, NULL);
	assert_int_equal(sign(h, IDENTITY), 0);
}

static void what_fails_twice_is_given_up(void **state)
{
	struct softhsm *h = *state;

	order(h, "fail C_Sign 0 0x30\n");
	assert_int_equal(sign(h, IDENTITY), KEY_E_TOKEN);
	assert_int_equal(count(h, "C_Sign"), 2);
	assert_why(h, "C_Sign");
	order(h, "fail C_Sign 0 0x2\n");
	assert_int_equal(sign(h, IDENTITY), -ENOMEM);
	assert_int_equal(count(h, "C_Sign"), 3);
	order(h, NULL);
	assert_int_equal(sign(h, IDENTITY), 0);
}

/* --- what a token says is checked */

static void a_point_without_its_octet_string_is_read_too(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = NULL;

	order(h, "raw-point\n");
	assert_int_equal(sign(h, IDENTITY), 0);
	k = softhsm_generate(h, "onboardd x 1", &uri);
	assert_int_equal(sign(h, (char *)uri.data), 0);
}

static void a_signature_that_does_not_fit_the_key_is_not_handed_out(void **state)
{
	struct softhsm *h = *state;

	order(h, "forge\n");
	assert_int_equal(sign(h, IDENTITY), KEY_E_TOKEN);
	assert_why(h, "does not fit");
}

static void a_new_key_that_could_be_read_out_is_destroyed(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	struct key *k = NULL;

	order(h, "extractable\n");
	assert_int_equal(key_generate_at(h->ring, SOFTHSM_HOME, "onboardd x 1", &k, &uri),
			 KEY_E_TOKEN);
	assert_why(h, "read out");
	assert_int_equal(uri.len, 0);
	assert_int_equal(softhsm_count(h, "onboardd x 1"), 0);
}

static void lengths_and_counts_out_of_all_bounds_do_no_harm(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	struct key *k = NULL;
	size_t n;

	assert_int_equal(sign(h, IDENTITY), 0);
	order(h, "mad\n");
	assert_int_not_equal(sign(h, IDENTITY), 0);
	assert_int_not_equal(key_generate_at(h->ring, SOFTHSM_HOME, "onboardd x 1", &k, &uri), 0);
	assert_int_not_equal(key_sweep(h->ring, SOFTHSM_HOME, "onboardd ", NULL, 0, &n), 0);
	order(h, NULL);
	assert_int_equal(sign(h, IDENTITY), 0);
}

/* --- every call can fail */

/* What there is to do with a token, once each. The first result that is not 0. */
static int live(const struct softhsm *h, const char *label)
{
	_cleanup_(secret_done) struct secret uri = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = NULL;
	const char *keep[1];
	uint8_t sig[64];
	size_t n;
	int r;

	r = key_generate_at(h->ring, SOFTHSM_HOME, label, &k, &uri);
	if (r == 0)
		r = key_sign(k, (const uint8_t *)"hello", 5, sig);
	keep[0] = (char *)uri.data;
	if (r == 0)
		r = key_sweep(h->ring, SOFTHSM_HOME, "onboardd ", keep, 1, &n);
	if (r == 0)
		r = key_destroy(h->ring, uri.data, uri.len);
	return r;
}

static void whichever_call_fails_nothing_is_lost_for_good(void **state)
{
	static const char *const answers[] = {"0x2", "0x30", "0x5", "0xb3", "0x54"};
	struct softhsm *h = *state;
	int n_calls, n_failed = 0;
	char text[64];
	size_t swept;

	assert_int_equal(live(h, "onboardd x 1"), 0);
	n_calls = count_calls(h);
	for (int i = 0; i < n_calls; i++) {
		/* "any" counts since the module was loaded, so each round has a keyring of its own.
		 */
		keyring_free(h->ring);
		h->ring = softhsm_ring(PKCS11_SHIM, h->pin_file);
		snprintf(text, sizeof(text), "fail any %d %s\n", i + 1,
			 answers[(size_t)i % ARRAY_SIZE(answers)]);
		order(h, text);
		n_failed += live(h, "onboardd x 1") != 0;
		order(h, NULL);
		assert_int_equal(key_sweep(h->ring, SOFTHSM_HOME, "onboardd ", NULL, 0, &swept), 0);
		assert_int_equal(sign(h, IDENTITY), 0);
	}
	assert_true(n_failed > 0);
	assert_int_equal(softhsm_count(h, "onboardd x 1"), 0);
	print_message("%d points of failure, %d of them seen by the caller\n", n_calls, n_failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHIM_TEST(a_module_that_is_not_there_is_an_absent_token),
		SHIM_TEST(a_file_that_is_no_module_is_an_absent_token),
		SHIM_TEST(a_module_that_does_not_start_is_an_absent_token_until_it_does),
		SHIM_TEST(a_token_that_is_not_there_is_told_from_a_key_that_is_not),
		SHIM_TEST(a_token_that_came_later_is_found),
		SHIM_TEST(a_uri_of_several_keys_or_tokens_is_refused),
		SHIM_TEST(a_key_that_is_no_p256_key_is_refused),
		SHIM_TEST(a_key_without_its_public_half_signs_when_that_is_known),
		SHIM_TEST(a_pin_comes_from_its_file_or_from_a_credential),
		SHIM_TEST(no_pin_and_an_empty_one_are_missing_ones),
		SHIM_TEST(a_refused_pin_is_not_tried_again_before_the_file_changes),
		SHIM_TEST(after_many_refused_pins_no_other_is_tried),
		SHIM_TEST(a_changed_pin_is_noticed_at_the_next_login),
		SHIM_TEST(a_locked_pin_is_told_from_a_wrong_one),
		SHIM_TEST(a_token_that_says_locked_or_final_try_gets_no_pin),
		SHIM_TEST(a_lost_session_is_opened_again_without_anybody_noticing),
		SHIM_TEST(a_lost_token_is_looked_for_again_from_the_beginning),
		SHIM_TEST(a_token_that_is_pulled_out_is_absent_until_it_is_back),
		SHIM_TEST(what_fails_twice_is_given_up),
		SHIM_TEST(a_point_without_its_octet_string_is_read_too),
		SHIM_TEST(a_signature_that_does_not_fit_the_key_is_not_handed_out),
		SHIM_TEST(a_new_key_that_could_be_read_out_is_destroyed),
		SHIM_TEST(lengths_and_counts_out_of_all_bounds_do_no_harm),
		SHIM_TEST(whichever_call_fails_nothing_is_lost_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
