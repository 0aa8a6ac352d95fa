/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "export_world.h"

/* ---- what is written */

static void the_first_export_makes_the_directory_with_safe_modes(void **state)
{
	struct world *w = *state;

	exports(w);
	assert_true(w->changed);
	holds_the_pair(w);
	assert_int_equal(mode_of(w->directory), 0750);
	assert_int_equal(mode_of(in(w->directory, "ca.pem")), 0640);
	assert_int_equal(mode_of(in(w->directory, "cert.pem")), 0640);
	assert_int_equal(mode_of(in(w->directory, "key.pem")), 0640);
}

static void the_key_is_pkcs8_whatever_form_the_store_holds(void **state)
{
	struct world *w = *state;
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	_cleanup_(freep) char *key = NULL;
	uint8_t spki[KEY_SPKI_MAX], digest[32];
	size_t len;
	EVP_PKEY *parsed;
	BIO *bio;

	w->spec.files[EXPORT_ROLE_CERTIFICATE] = NULL;
	assert_int_equal(key_generate(&k, &der), 0);
	assert_int_equal(key_spki(k, spki, &len), 0);
	assert_int_equal(sha256(spki, len, digest), 0);
	assert_int_equal(store_credential_put(w->store, TAG, CREDENTIAL_PRIVATE_KEY, der.data,
					      der.len, digest),
			 0);
	exports(w);
	key = text_of(w, "key.pem");
	assert_int_equal(strncmp(key, "-----BEGIN PRIVATE KEY-----\n", 28), 0);
	bio = BIO_new_mem_buf(key, -1);
	parsed = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	assert_non_null(parsed);
	EVP_PKEY_free(parsed);
	BIO_free(bio);
}

static void nothing_changed_nothing_is_touched(void **state)
{
	struct world *w = *state;
	ino_t inode;

	exports(w);
	inode = inode_of(w->directory);
	exports(w);
	assert_false(w->changed);
	assert_int_equal(inode_of(w->directory), inode);
}

static void a_rotation_replaces_the_whole_directory_and_removes_the_old_one(void **state)
{
	struct world *w = *state;
	ino_t inode;

	exports(w);
	inode = inode_of(w->directory);
	rotate(w);
	exports(w);
	assert_true(w->changed);
	assert_int_not_equal(inode_of(w->directory), inode);
	holds_the_pair(w);
}

static void files_that_are_named_no_more_go_with_the_old_directory(void **state)
{
	struct world *w = *state;

	exports(w);
	w->spec.files[EXPORT_ROLE_KEY] = (char *)"client.key";
	exports(w);
	assert_true(w->changed);
	assert_true(is_there(in(w->directory, "client.key")));
	assert_false(is_there(in(w->directory, "key.pem")));
}

static void a_psk_and_its_identity_are_exported_too(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *psk = NULL, *identity = NULL;

	put(w, CREDENTIAL_PSK, "00ff");
	put(w, CREDENTIAL_PSK_IDENTITY, "me");
	memset(w->spec.files, 0, sizeof(w->spec.files));
	w->spec.files[EXPORT_ROLE_PSK] = (char *)"psk";
	w->spec.files[EXPORT_ROLE_PSK_IDENTITY] = (char *)"psk-identity";
	exports(w);
	psk = text_of(w, "psk");
	identity = text_of(w, "psk-identity");
	assert_string_equal(psk, "00ff\n");
	assert_string_equal(identity, "me\n");
}

/* ---- a token's key */

static void put_uri(struct world *w, const char *uri)
{
	assert_int_equal(store_credential_put(w->store, TAG, CREDENTIAL_PRIVATE_KEY, uri,
					      strlen(uri), w->pair.spki_digest),
			 0);
}

static void a_key_in_a_token_is_told_as_its_uri_without_the_pin(void **state)
{
	static const struct {
		const char *uri, *line;
	} cases[] = {
		{"pkcs11:token=t;id=%01", "ONBOARD_KEY_URI=\"pkcs11:token=t;id=%01\"\n"},
		{"pkcs11:token=t?pin-value=1234", "ONBOARD_KEY_URI=\"pkcs11:token=t\"\n"},
		{"pkcs11:token=t?pin-source=/run/pin&module-path=/m.so",
		 "ONBOARD_KEY_URI=\"pkcs11:token=t?module-path=/m.so\"\n"},
		{"pkcs11:token=t?module-path=/m.so&pin-value=1234&module-name=m",
		 "ONBOARD_KEY_URI=\"pkcs11:token=t?module-path=/m.so&module-name=m\"\n"},
		{"pkcs11:object=$(reboot)`a`",
		 "ONBOARD_KEY_URI=\"pkcs11:object=\\$(reboot)\\`a\\`\"\n"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *env = NULL;

		put_uri(w, cases[i].uri);
		exports(w);
		env = text_of(w, "pkcs11.env");
		assert_string_equal(env, cases[i].line);
		assert_false(is_there(in(w->directory, "key.pem")));
		assert_null(strstr(env, "1234"));
	}
}

static void a_uri_that_could_end_the_line_is_refused(void **state)
{
	struct world *w = *state;

	put_uri(w, "pkcs11:token=a\nLD_PRELOAD=/tmp/x");
	refuses(w, -EINVAL, "cannot be exported");
}

static void a_token_key_is_matched_with_its_certificate_without_the_token(void **state)
{
	struct world *w = *state;
	struct pair other = {0};

	put_uri(w, "pkcs11:token=t");
	exports(w);
	new_pair(&other);
	put(w, CREDENTIAL_CLIENT_CERT, other.certificate);
	refuses(w, EXPORT_E_INCOMPLETE, "is not of its private key");
	free(other.key);
	free(other.certificate);
}

/* ---- never half of it */

static void a_tag_that_does_not_hold_all_of_it_leaves_what_is_there(void **state)
{
	static const enum credential_type types[] = {CREDENTIAL_ROOT_CA, CREDENTIAL_CLIENT_CERT,
						     CREDENTIAL_PRIVATE_KEY};
	struct world *w = *state;

	exports(w);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		assert_int_equal(store_begin(w->store), 0);
		assert_int_equal(store_credential_delete(w->store, TAG, types[i]), 0);
		refuses(w, EXPORT_E_INCOMPLETE, "tag 42 holds no ");
		store_rollback(w->store);
		holds_the_pair(w);
	}
}

static void a_new_key_waits_for_its_certificate(void **state)
{
	struct world *w = *state;
	struct pair next = {0};

	exports(w);
	new_pair(&next);
	put(w, CREDENTIAL_PRIVATE_KEY, next.key);
	refuses(w, EXPORT_E_INCOMPLETE, "is not of its private key");
	holds_the_pair(w);
	put(w, CREDENTIAL_CLIENT_CERT, next.certificate);
	exports(w);
	assert_true(w->changed);
	free(next.key);
	free(next.certificate);
}

/* ---- what is on the disk */

static void a_file_that_was_deleted_or_changed_is_restored(void **state)
{
	struct world *w = *state;

	exports(w);
	assert_int_equal(unlink(in(w->directory, "key.pem")), 0);
	exports(w);
	assert_true(w->changed);
	holds_the_pair(w);

	scratch_write(in(w->directory, "cert.pem"), "x", 1);
	exports(w);
	assert_true(w->changed);
	holds_the_pair(w);

	assert_int_equal(chmod(in(w->directory, "key.pem"), 0644), 0);
	exports(w);
	assert_true(w->changed);
	assert_int_equal(mode_of(in(w->directory, "key.pem")), 0640);

	assert_int_equal(chmod(w->directory, 0755), 0);
	exports(w);
	assert_true(w->changed);
	assert_int_equal(mode_of(w->directory), 0750);
}

static void a_symlink_in_place_of_a_file_is_replaced_and_not_followed(void **state)
{
	struct world *w = *state;
	char elsewhere[96];

	exports(w);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", w->scratch->dir);
	assert_int_equal(rename(in(w->directory, "key.pem"), elsewhere), 0);
	assert_int_equal(symlink(elsewhere, in(w->directory, "key.pem")), 0);
	exports(w);
	assert_true(w->changed);
	assert_true(is_there(elsewhere));
	holds_the_pair(w);
}

static void a_symlink_in_place_of_the_directory_is_refused(void **state)
{
	struct world *w = *state;
	char elsewhere[96];

	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", w->scratch->dir);
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	assert_int_equal(symlink(elsewhere, w->directory), 0);
	refuses(w, EXPORT_E_FOREIGN, "is no directory");
	assert_false(is_there(in(elsewhere, "key.pem")));
	assert_false(is_there(w->temporary));
}

static void a_file_in_place_of_the_directory_is_refused(void **state)
{
	struct world *w = *state;

	scratch_write(w->directory, "mine", 4);
	refuses(w, EXPORT_E_FOREIGN, "is no directory");
	assert_true(is_there(w->directory));
}

static void a_directory_with_anything_foreign_in_it_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkdir(w->directory, 0755), 0);
	scratch_write(in(w->directory, "server.key"), "mine", 4);
	refuses(w, EXPORT_E_FOREIGN, "holds 'server.key'");
	assert_true(is_there(in(w->directory, "server.key")));
	assert_false(is_there(w->temporary));
	assert_int_equal(unlink(in(w->directory, "server.key")), 0);
	exports(w);
	holds_the_pair(w);
}

static void a_foreign_file_stops_a_rotation_and_is_not_removed(void **state)
{
	struct world *w = *state;

	exports(w);
	assert_int_equal(mkdir(in(w->directory, "notes"), 0700), 0);
	exports(w);
	assert_false(w->changed);
	rotate(w);
	refuses(w, EXPORT_E_FOREIGN, "holds 'notes'");
	assert_true(is_there(in(w->directory, "notes")));
}

static void a_directory_of_another_user_is_refused(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(w->directory, 0755), 0);
	assert_int_equal(chown(w->directory, 12345, (gid_t)-1), 0);
	refuses(w, EXPORT_E_FOREIGN, "belongs to another user");
}

static void what_was_cut_off_is_removed_and_nothing_else(void **state)
{
	struct world *w = *state;

	/* Cut off in the middle of the first export. */
	assert_int_equal(mkdir(w->temporary, 0700), 0);
	scratch_write(in(w->temporary, ".onboardd"), "# M", 3);
	scratch_write(in(w->temporary, "key.pem"), "half", 4);
	exports(w);
	assert_true(w->changed);
	holds_the_pair(w);

	/* Cut off after the exchange: the old one still has the second name. */
	assert_int_equal(mkdir(w->temporary, 0750), 0);
	scratch_write(in(w->temporary, ".onboardd"), "#\nolder.pem\n", 12);
	scratch_write(in(w->temporary, "older.pem"), "old", 3);
	exports(w);
	assert_false(w->changed);
	holds_the_pair(w);

	assert_int_equal(mkdir(w->temporary, 0700), 0);
	scratch_write(in(w->temporary, "thesis.txt"), "mine", 4);
	refuses(w, EXPORT_E_FOREIGN, "holds 'thesis.txt'");
	assert_true(is_there(in(w->temporary, "thesis.txt")));
}

static void a_symlink_under_the_temporary_name_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(symlink(w->scratch->state, w->temporary), 0);
	refuses(w, EXPORT_E_FOREIGN, "is no directory");
	assert_true(is_there(in(w->scratch->state, "store.db")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXPORT_TEST(the_first_export_makes_the_directory_with_safe_modes),
		EXPORT_TEST(the_key_is_pkcs8_whatever_form_the_store_holds),
		EXPORT_TEST(nothing_changed_nothing_is_touched),
		EXPORT_TEST(a_rotation_replaces_the_whole_directory_and_removes_the_old_one),
		EXPORT_TEST(files_that_are_named_no_more_go_with_the_old_directory),
		EXPORT_TEST(a_psk_and_its_identity_are_exported_too),
		EXPORT_TEST(a_key_in_a_token_is_told_as_its_uri_without_the_pin),
		EXPORT_TEST(a_uri_that_could_end_the_line_is_refused),
		EXPORT_TEST(a_token_key_is_matched_with_its_certificate_without_the_token),
		EXPORT_TEST(a_tag_that_does_not_hold_all_of_it_leaves_what_is_there),
		EXPORT_TEST(a_new_key_waits_for_its_certificate),
		EXPORT_TEST(a_file_that_was_deleted_or_changed_is_restored),
		EXPORT_TEST(a_symlink_in_place_of_a_file_is_replaced_and_not_followed),
		EXPORT_TEST(a_symlink_in_place_of_the_directory_is_refused),
		EXPORT_TEST(a_file_in_place_of_the_directory_is_refused),
		EXPORT_TEST(a_directory_with_anything_foreign_in_it_is_refused),
		EXPORT_TEST(a_foreign_file_stops_a_rotation_and_is_not_removed),
		EXPORT_TEST(a_directory_of_another_user_is_refused),
		EXPORT_TEST(what_was_cut_off_is_removed_and_nothing_else),
		EXPORT_TEST(a_symlink_under_the_temporary_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
