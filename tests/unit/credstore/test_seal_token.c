/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/softhsm.h"

#include "tests/unit/credstore/killpoints.h"

/* The sealing key is wrapped by an RSA key pair in a token. */

#define URI "pkcs11:token=onboard;object=sealing"

static const uint8_t digest[32] = {1};
static const uint8_t given[32] = {9, 8, 7};

static int try_open(const struct softhsm *h, const char *uri, struct store **ret, char **ret_detail)
{
	const struct store_options options = {.seal_uri = uri, .ring = h->ring};

	return store_open(h->scratch->state, &options, ret, ret_detail);
}

static void make_store(const struct softhsm *h, const char *uri)
{
	struct store *s = NULL;
	char *detail = NULL;

	if (try_open(h, uri, &s, &detail) != 0)
		fail_msg("%s", detail);
	assert_int_equal(store_credential_put(s, 5, CREDENTIAL_PSK, "secret", 6, digest), 0);
	store_close(s);
}

static void assert_opens(const struct softhsm *h, const char *uri, const char *notice)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	struct store *s = NULL;
	char *detail = NULL;

	if (try_open(h, uri, &s, &detail) != 0)
		fail_msg("%s", detail);
	assert_int_equal(store_credential_get(s, 5, CREDENTIAL_PSK, &value), 0);
	assert_string_equal((const char *)value.data, "secret");
	if (*notice ? !strstr(store_notice(s), notice) : *store_notice(s) != '\0')
		fail_msg("\"%s\" instead of \"%s\"", store_notice(s), notice);
	store_close(s);
}

static void assert_refused(const struct softhsm *h, const char *uri, const char *word)
{
	const struct store_options options = {.seal_uri = uri, .ring = h->ring};

	scratch_refuses_with(h->scratch, &options, STORE_E_SEALING_KEY, word);
}

static void the_first_boot_makes_a_key_pair_and_keeps_the_wrapped_key(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret said = SECRET_INIT;

	make_store(h, URI);
	assert_true(scratch_exists(h->scratch, "seal.wrapped"));
	assert_false(scratch_exists(h->scratch, "seal.key"));
	assert_opens(h, URI, "");
	SOFTHSM_MUST(h, PKCS11_TOOL "--list-objects --type privkey --label sealing");
	softhsm_said(h, &said);
	assert_non_null(strstr((const char *)said.data, "RSA"));
	assert_non_null(strstr((const char *)said.data, "sensitive, always sensitive"));
	assert_non_null(strstr((const char *)said.data, "never extractable"));
	assert_true(softhsm_is_for(&said, "decrypt"));
}

static void a_uri_without_a_name_gives_the_pair_one(void **state)
{
	struct softhsm *h = *state;

	make_store(h, "pkcs11:token=onboard");
	assert_opens(h, "pkcs11:token=onboard", "");
	assert_opens(h, "pkcs11:token=onboard;object=onboardd%20sealing", "");
}

static void a_key_pair_that_is_there_is_used(void **state)
{
	struct softhsm *h = *state;

	SOFTHSM_MUST(h, PKCS11_TOOL "--keypairgen --key-type rsa:3072 --label sealing --id 07");
	make_store(h, URI);
	assert_opens(h, URI, "");
	assert_opens(h, "pkcs11:token=onboard;id=%07", "");
}

static void too_short_a_key_pair_is_refused(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(freep) char *detail = NULL;
	struct store *s = NULL;

	SOFTHSM_MUST(h, PKCS11_TOOL "--keypairgen --key-type rsa:1024 --label sealing --id 07");
	assert_int_equal(try_open(h, URI, &s, &detail), STORE_E_SEALING_KEY);
	assert_false(scratch_exists(h->scratch, "store.db"));
	assert_false(scratch_exists(h->scratch, "seal.wrapped"));
}

/* The way back of the manual: OpenSC unwraps the key into the file. */
static void another_program_unwraps_the_key_into_the_file(void **state)
{
	struct softhsm *h = *state;

	SOFTHSM_MUST(h,
		     PKCS11_TOOL "--keypairgen --key-type EC:prime256v1 --label sealing --id 01");
	make_store(h, URI ";id=%07");
	SOFTHSM_MUST(h,
		     "umask 077; " PKCS11_TOOL
		     "--decrypt --mechanism RSA-PKCS-OAEP --hash-algorithm SHA-1 --mgf MGF1-SHA1 "
		     "--id 07 --input-file %s/seal.wrapped --output-file %s/seal.key",
		     h->scratch->state, h->scratch->state);
	assert_opens(h, NULL, "");
}

static void a_store_of_the_file_is_sealed_anew_with_the_token(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret old = SECRET_INIT;

	make_store(h, NULL);
	scratch_read(scratch_path(h->scratch, "seal.key"), &old);
	assert_opens(h, URI, "sealed anew with the token");
	assert_false(scratch_exists(h->scratch, "seal.key"));
	assert_true(scratch_exists(h->scratch, "seal.wrapped"));
	assert_opens(h, URI, "");
	/* the old key opens nothing any more */
	scratch_write(scratch_path(h->scratch, "seal.key"), old.data, old.len);
	assert_refused(h, NULL, "seal.key is another sealing key");
	assert_refused(h, NULL, "[sealing]");
}

static void a_store_of_the_token_is_sealed_anew_with_a_credential(void **state)
{
	struct softhsm *h = *state;
	char path[PATH_MAX];

	make_store(h, URI);
	snprintf(path, sizeof(path), "%s/onboardd.seal", h->scratch->dir);
	scratch_write(path, given, sizeof(given));
	setenv("CREDENTIALS_DIRECTORY", h->scratch->dir, 1);
	assert_opens(h, URI, "sealed anew with the credential");
	assert_false(scratch_exists(h->scratch, "seal.wrapped"));
	assert_opens(h, NULL, "");
}

static void without_its_token_the_store_is_refused_and_untouched(void **state)
{
	struct softhsm *h = *state;

	make_store(h, URI);
	assert_refused(h, "pkcs11:token=elsewhere;object=sealing", "token");
	assert_refused(h, NULL, "[sealing]");
	softhsm_write_pin(h, "000000");
	assert_refused(h, URI, "PIN");
	assert_refused(h, URI, "PIN");
	softhsm_write_pin(h, SOFTHSM_PIN);
	assert_opens(h, URI, "");
}

static void a_key_pair_that_is_gone_is_not_made_anew_under_a_store(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret wrapped = SECRET_INIT;

	make_store(h, URI);
	scratch_read(scratch_path(h->scratch, "seal.wrapped"), &wrapped);
	SOFTHSM_MUST(h, PKCS11_TOOL "--delete-object --type privkey --label sealing");
	assert_refused(h, URI, "unwrapped");
	SOFTHSM_MUST(h, PKCS11_TOOL "--keypairgen --key-type rsa:2048 --label sealing --id 08");
	assert_refused(h, URI, "unwrapped");
	scratch_assert_same(h->scratch, "seal.wrapped", &wrapped);
	unlink(scratch_path(h->scratch, "seal.wrapped"));
	assert_refused(h, URI, "missing");
	assert_false(scratch_exists(h->scratch, "seal.wrapped"));
}

static void a_token_that_is_away_leaves_the_file_in_charge(void **state)
{
	struct softhsm *h = *state;

	make_store(h, NULL);
	assert_opens(h, "pkcs11:token=elsewhere;object=sealing", "still sealed with seal.key");
	assert_true(scratch_exists(h->scratch, "seal.key"));
	assert_opens(h, URI, "sealed anew with the token");
}

static void a_damaged_wrapped_key_is_refused(void **state)
{
	struct softhsm *h = *state;
	_cleanup_(secret_done) struct secret wrapped = SECRET_INIT;

	make_store(h, URI);
	scratch_read(scratch_path(h->scratch, "seal.wrapped"), &wrapped);
	wrapped.data[100] ^= 1;
	scratch_write(scratch_path(h->scratch, "seal.wrapped"), wrapped.data, wrapped.len);
	assert_refused(h, URI, "unwrapped");
	scratch_write(scratch_path(h->scratch, "seal.wrapped"), wrapped.data, 31);
	assert_refused(h, URI, "unwrapped");
	scratch_write(scratch_path(h->scratch, "seal.wrapped"), "", 0);
	assert_refused(h, URI, "unwrapped");
}

/* Whatever it has to tell. */
static void assert_has_credential(const struct softhsm *h)
{
	struct store *s = NULL;
	char *detail = NULL;

	if (try_open(h, URI, &s, &detail) != 0)
		fail_msg("%s", detail);
	assert_true(store_credential_exists(s, 5, CREDENTIAL_PSK));
	store_close(s);
}

static int open_in_child(void *data)
{
	const struct softhsm *h = data;
	const struct store_options options = {
		.seal_uri = URI,
		.ring = softhsm_ring(SOFTHSM_MODULE, h->pin_file),
	};
	struct store *s = NULL;
	int r = store_open(h->scratch->state, &options, &s, NULL);

	store_close(s);
	return r;
}

static void a_change_to_the_token_cut_at_any_call_opens_and_ends_there(void **state)
{
	struct softhsm *h = *state;
	bool was_killed = true;
	int n = 0, step = 11 * killpoints_stride(), n_cut = 0;

	SOFTHSM_MUST(h, PKCS11_TOOL "--keypairgen --key-type rsa:2048 --label sealing --id 07");
	for (; was_killed; n += step, n_cut++) {
		make_store(h, NULL);
		was_killed = killpoints_run(open_in_child, h, n);
		assert_has_credential(h);
		assert_false(scratch_exists(h->scratch, "seal.key"));
		assert_opens(h, URI, "");
		scratch_clear(h->scratch);
	}
	print_message("to the token: cut at %d of %d calls\n", n_cut, n);
	assert_true(n > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SOFTHSM_TEST(the_first_boot_makes_a_key_pair_and_keeps_the_wrapped_key),
		SOFTHSM_TEST(a_uri_without_a_name_gives_the_pair_one),
		SOFTHSM_TEST(a_key_pair_that_is_there_is_used),
		SOFTHSM_TEST(too_short_a_key_pair_is_refused),
		SOFTHSM_TEST(another_program_unwraps_the_key_into_the_file),
		SOFTHSM_TEST(a_store_of_the_file_is_sealed_anew_with_the_token),
		SOFTHSM_TEST(a_store_of_the_token_is_sealed_anew_with_a_credential),
		SOFTHSM_TEST(without_its_token_the_store_is_refused_and_untouched),
		SOFTHSM_TEST(a_key_pair_that_is_gone_is_not_made_anew_under_a_store),
		SOFTHSM_TEST(a_token_that_is_away_leaves_the_file_in_charge),
		SOFTHSM_TEST(a_damaged_wrapped_key_is_refused),
		SOFTHSM_TEST(a_change_to_the_token_cut_at_any_call_opens_and_ends_there),
	};

	/* Under valgrind an RSA key pair takes half a minute to make; pkcs11-tool, which is not
	 * under it, makes those of these. */
	const struct CMUnitTest few[] = {
		SOFTHSM_TEST(a_key_pair_that_is_there_is_used),
		SOFTHSM_TEST(too_short_a_key_pair_is_refused),
	};

	return killpoints_stride() > 1 ? cmocka_run_group_tests(few, NULL, NULL)
				       : cmocka_run_group_tests(tests, NULL, NULL);
}
