/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/scratch.h"

#include "credstore/db.h"
#include "credstore/staged.h"
#include "tests/unit/credstore/killpoints.h"

/* The sealing key comes from another source than it did. */

static const uint8_t digest[32] = {1};
static const uint8_t given[32] = {9, 8, 7};

static const char *credential_path(const struct scratch *t)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/onboardd.seal", t->dir);
	return path;
}

static void give_credential(const struct scratch *t, const void *key, size_t len)
{
	scratch_write(credential_path(t), key, len);
	setenv("CREDENTIALS_DIRECTORY", t->dir, 1);
}

static void put(struct store *s, uint32_t tag, const char *value)
{
	assert_int_equal(store_credential_put(s, tag, CREDENTIAL_PSK, value, strlen(value), digest),
			 0);
}

/* One of everything that is sealed. */
static void make_store(const struct scratch *t)
{
	struct store *s = scratch_open(t);

	put(s, 5, "secret");
	put(s, 6, "before");
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(staged_keep(s, 6), 0);
	put(s, 6, "after");
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_secret_put(s, "wifi/config", "network", 7), 0);
	assert_int_equal(store_value_put(s, "after", "x"), 0);
	store_close(s);
}

static void assert_credential(struct store *s, uint32_t tag, const char *text)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;

	assert_int_equal(store_credential_get(s, tag, CREDENTIAL_PSK, &value), 0);
	assert_string_equal((const char *)value.data, text);
}

static void assert_all_there(struct store *s)
{
	_cleanup_(secret_done) struct secret previous = SECRET_INIT, secret = SECRET_INIT;
	_cleanup_(freep) char *after = NULL;

	assert_credential(s, 5, "secret");
	assert_credential(s, 6, "after");
	assert_int_equal(staged_previous_get(s, 6, CREDENTIAL_PSK, &previous), 0);
	assert_string_equal((const char *)previous.data, "before");
	assert_int_equal(store_secret_get(s, "wifi/config", &secret), 0);
	assert_string_equal((const char *)secret.data, "network");
	assert_int_equal(store_value_get(s, "after", &after), 0);
	assert_string_equal(after, "x");
}

static void assert_opens(const struct scratch *t, const char *notice)
{
	struct store *s = scratch_open(t);

	assert_all_there(s);
	if (*notice ? !strstr(store_notice(s), notice) : *store_notice(s) != '\0')
		fail_msg("\"%s\" instead of \"%s\"", store_notice(s), notice);
	store_close(s);
}

static void a_new_credential_seals_the_store_anew_and_ends_the_key_file(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret old = SECRET_INIT;

	make_store(t);
	scratch_read(scratch_path(t, "seal.key"), &old);
	give_credential(t, given, sizeof(given));
	assert_opens(t, "sealed anew with the credential");
	assert_false(scratch_exists(t, "seal.key"));
	assert_opens(t, "");
	/* and the old key opens nothing any more */
	give_credential(t, old.data, old.len);
	scratch_refuses(t, STORE_E_SEALING_KEY, "another sealing key");
	unsetenv("CREDENTIALS_DIRECTORY");
	scratch_refuses(t, STORE_E_SEALING_KEY, "missing");
}

static void nothing_that_the_old_key_sealed_is_left_in_the_files(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret file = SECRET_INIT;
	uint8_t sealed[64];
	int len;
	struct store *s;

	make_store(t);
	s = scratch_open(t);
	{
		_cleanup_(statement_finalizep) sqlite3_stmt *row = NULL;

		assert_int_equal(
			store_prepare(s, "SELECT sealed FROM credential WHERE tag = 5", &row), 0);
		assert_int_equal(store_step(s, row), 1);
		len = sqlite3_column_bytes(row, 0);
		assert_in_range(len, 30, sizeof(sealed));
		memcpy(sealed, sqlite3_column_blob(row, 0), (size_t)len);
	}
	store_close(s);
	scratch_read(scratch_path(t, "store.db"), &file);
	assert_non_null(memmem(file.data, file.len, sealed, (size_t)len));
	give_credential(t, given, sizeof(given));
	s = scratch_open(t);
	scratch_read(scratch_path(t, "store.db"), &file);
	assert_null(memmem(file.data, file.len, sealed, (size_t)len));
	scratch_read(scratch_path(t, "store.db-wal"), &file);
	assert_null(memmem(file.data, file.len, sealed, (size_t)len));
	store_close(s);
}

/* As the manual says: systemd-creds decrypt writes the credential to seal.key. */
static void the_key_of_a_credential_in_the_file_is_the_way_back(void **state)
{
	struct scratch *t = *state;

	give_credential(t, given, sizeof(given));
	make_store(t);
	assert_false(scratch_exists(t, "seal.key"));
	scratch_write(scratch_path(t, "seal.key"), given, sizeof(given));
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_opens(t, "");
	assert_true(scratch_exists(t, "seal.key"));
}

static void a_credential_with_the_key_of_the_file_needs_no_sealing(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret key = SECRET_INIT;

	make_store(t);
	scratch_read(scratch_path(t, "seal.key"), &key);
	give_credential(t, key.data, key.len);
	assert_opens(t, "seal.key is still there");
	assert_true(scratch_exists(t, "seal.key"));
}

static void a_key_file_that_belongs_to_nothing_here_is_left_alone(void **state)
{
	struct scratch *t = *state;
	static const uint8_t foreign[32] = {4};

	give_credential(t, given, sizeof(given));
	make_store(t);
	scratch_write(scratch_path(t, "seal.key"), foreign, sizeof(foreign));
	assert_opens(t, "");
	assert_true(scratch_exists(t, "seal.key"));
}

static void a_key_that_is_wrong_missing_or_malformed_changes_nothing(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	static const uint8_t other[33] = {4};

	make_store(t);
	scratch_read(scratch_path(t, "seal.key"), &key);
	/* a malformed credential, although the file would open the store */
	give_credential(t, other, 31);
	scratch_refuses(t, STORE_E_SEALING_KEY, "32 bytes");
	give_credential(t, other, 33);
	scratch_refuses(t, STORE_E_SEALING_KEY, "32 bytes");
	/* two keys, neither of them its own */
	give_credential(t, given, sizeof(given));
	scratch_write(scratch_path(t, "seal.key"), other, 32);
	scratch_refuses(t, STORE_E_SEALING_KEY, "onboardd.seal is another sealing key");
	scratch_refuses(t, STORE_E_SEALING_KEY, "seal.key is another sealing key");
	/* the file is malformed */
	scratch_write(scratch_path(t, "seal.key"), other, 31);
	scratch_refuses(t, STORE_E_SEALING_KEY, "32 bytes");
	/* none */
	unlink(scratch_path(t, "seal.key"));
	unlink(credential_path(t));
	scratch_refuses(t, STORE_E_SEALING_KEY, "missing");
	assert_false(scratch_exists(t, "seal.key"));
	/* and nothing was lost */
	scratch_write(scratch_path(t, "seal.key"), key.data, key.len);
	assert_opens(t, "");
}

static void a_wrapped_key_without_its_token_is_told(void **state)
{
	struct scratch *t = *state;

	make_store(t);
	assert_int_equal(unlink(scratch_path(t, "seal.key")), 0);
	scratch_write(scratch_path(t, "seal.wrapped"), given, sizeof(given));
	scratch_refuses(t, STORE_E_SEALING_KEY, "[sealing]");
}

/* --- cut off in the middle */

static int open_in_child(void *data)
{
	const struct scratch *t = data;
	struct store *s = NULL;
	int r = store_open(t->state, NULL, &s, NULL);

	store_close(s);
	return r;
}

static void a_change_of_source_cut_at_any_call_opens_and_ends_in_the_same_place(void **state)
{
	struct scratch *t = *state;
	bool was_killed = true;
	int n = 0, n_old = 0, n_new = 0;

	for (; was_killed; n += killpoints_stride()) {
		struct store *s;

		unsetenv("CREDENTIALS_DIRECTORY");
		make_store(t);
		give_credential(t, given, sizeof(given));
		was_killed = killpoints_run(open_in_child, t, n);
		s = scratch_open(t);
		assert_all_there(s);
		if (*store_notice(s))
			n_old++;
		else
			n_new++;
		store_close(s);
		assert_false(scratch_exists(t, "seal.key"));
		assert_opens(t, "");
		scratch_clear(t);
	}
	print_message("sealing anew: cut at %d calls, %d times with the old key, %d with the new\n",
		      n, n_old, n_new);
	assert_true(n_old > 0 && n_new > 0);
}

/* At any call with the first key gone: what the credential alone opens must be whole, and what it
 * does not open the file must. */
static void after_any_cut_one_of_the_sources_alone_opens_the_store(void **state)
{
	struct scratch *t = *state;
	bool was_killed = true;

	for (int n = 0; was_killed; n += 3 * killpoints_stride()) {
		struct store *s = NULL;
		int r;

		unsetenv("CREDENTIALS_DIRECTORY");
		make_store(t);
		give_credential(t, given, sizeof(given));
		was_killed = killpoints_run(open_in_child, t, n);
		unsetenv("CREDENTIALS_DIRECTORY");
		r = store_open(t->state, NULL, &s, NULL);
		if (r != 0) {
			assert_int_equal(r, STORE_E_SEALING_KEY);
			unlink(scratch_path(t, "seal.key"));
			give_credential(t, given, sizeof(given));
			s = scratch_open(t);
		}
		assert_all_there(s);
		store_close(s);
		scratch_clear(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_new_credential_seals_the_store_anew_and_ends_the_key_file),
		SCRATCH_TEST(nothing_that_the_old_key_sealed_is_left_in_the_files),
		SCRATCH_TEST(the_key_of_a_credential_in_the_file_is_the_way_back),
		SCRATCH_TEST(a_credential_with_the_key_of_the_file_needs_no_sealing),
		SCRATCH_TEST(a_key_file_that_belongs_to_nothing_here_is_left_alone),
		SCRATCH_TEST(a_key_that_is_wrong_missing_or_malformed_changes_nothing),
		SCRATCH_TEST(a_wrapped_key_without_its_token_is_told),
		SCRATCH_TEST(a_change_of_source_cut_at_any_call_opens_and_ends_in_the_same_place),
		SCRATCH_TEST(after_any_cut_one_of_the_sources_alone_opens_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
