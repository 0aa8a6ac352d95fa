/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/scratch.h"

#include <dirent.h>
#include <errno.h>

#include "credstore/db.h"
#include "credstore/schema.h"

/* store_secret_*(): named secrets, their seals, and what stays of them in the files. */

#define NAME "wifi/config"
#define SECRET_MAX 65536

static void put(struct store *s, const char *name, const char *text)
{
	assert_int_equal(store_secret_put(s, name, text, strlen(text)), 0);
}

static void assert_holds(struct store *s, const char *name, const char *text)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;

	if (!text) {
		assert_int_equal(store_secret_get(s, name, &value), -ENOENT);
		return;
	}
	assert_int_equal(store_secret_get(s, name, &value), 0);
	assert_int_equal(value.len, strlen(text));
	assert_string_equal((const char *)value.data, text);
}

/* A copy of what the row holds, sealed. */
static void read_sealed(struct store *s, const char *name, struct secret *ret)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;

	assert_int_equal(db_prepare(s->db, "SELECT sealed FROM secret WHERE name = ?", &statement),
			 0);
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_int_equal(secret_set(ret, sqlite3_column_blob(statement, 0),
				    (size_t)sqlite3_column_bytes(statement, 0)),
			 0);
}

/* Whether any file of the state directory has these bytes. */
static bool files_have(const struct scratch *t, const void *bytes, size_t len)
{
	DIR *dir = opendir(t->state);
	const struct dirent *entry;
	bool found = false;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		_cleanup_(secret_done) struct secret content = SECRET_INIT;

		if (entry->d_name[0] == '.')
			continue;
		scratch_read(scratch_path(t, entry->d_name), &content);
		if (content.len >= len && memmem(content.data, content.len, bytes, len))
			found = true;
	}
	closedir(dir);
	return found;
}

/* The ends of a sealed value: a long one lies on several pages, a piece on each. */
static bool files_have_piece_of(const struct scratch *t, const struct secret *sealed)
{
	return files_have(t, sealed->data + 1, 16) ||
	       files_have(t, sealed->data + sealed->len / 2, 16) ||
	       files_have(t, sealed->data + sealed->len - 16, 16);
}

static void a_secret_comes_back_after_a_restart(void **state)
{
	struct store *s = scratch_open(*state);

	assert_holds(s, NAME, NULL);
	put(s, NAME, "passphrase");
	put(s, "other", "");
	assert_holds(s, NAME, "passphrase");
	store_close(s);
	s = scratch_open(*state);
	assert_holds(s, NAME, "passphrase");
	assert_holds(s, "other", "");
	assert_holds(s, "wifi/confi", NULL);
	store_close(s);
}

static void a_secret_may_be_of_any_bytes_up_to_64_kib(void **state)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT, big = SECRET_INIT;
	struct store *s = scratch_open(*state);

	assert_int_equal(secret_alloc(&big, SECRET_MAX + 1), 0);
	for (size_t i = 0; i < big.len; i++)
		big.data[i] = (uint8_t)(i * 7);
	assert_int_equal(store_secret_put(s, NAME, big.data, SECRET_MAX + 1), -EFBIG);
	assert_holds(s, NAME, NULL);
	assert_int_equal(store_secret_put(s, NAME, big.data, SECRET_MAX), 0);
	assert_int_equal(store_secret_get(s, NAME, &value), 0);
	assert_int_equal(value.len, SECRET_MAX);
	assert_memory_equal(value.data, big.data, SECRET_MAX);
	store_close(s);
}

static void a_name_has_1_to_63_bytes(void **state)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	struct store *s = scratch_open(*state);
	char name[SEAL_NAME_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[SEAL_NAME_MAX + 1] = '\0';
	assert_int_equal(store_secret_put(s, name, "x", 1), -EINVAL);
	assert_int_equal(store_secret_get(s, name, &value), -EINVAL);
	assert_int_equal(store_secret_delete(s, name), -EINVAL);
	assert_int_equal(store_secret_put(s, "", "x", 1), -EINVAL);
	assert_int_equal(store_secret_get(s, "", &value), -EINVAL);
	assert_int_equal(store_secret_delete(s, ""), -EINVAL);
	name[SEAL_NAME_MAX] = '\0';
	put(s, name, "longest");
	assert_holds(s, name, "longest");
	store_close(s);
}

static void the_plain_text_is_in_no_file(void **state)
{
	struct scratch *t = *state;
	struct store *s = scratch_open(t);

	put(s, NAME, "a passphrase to look for");
	assert_false(files_have(t, "a passphrase", 12));
	store_close(s);
	assert_false(files_have(t, "a passphrase", 12));
}

static void a_replaced_secret_leaves_the_files(void **state)
{
	_cleanup_(secret_done) struct secret first = SECRET_INIT, second = SECRET_INIT;
	struct scratch *t = *state;
	struct store *s = scratch_open(t);

	put(s, NAME, "the first one is a little longer");
	read_sealed(s, NAME, &first);
	assert_true(files_have_piece_of(t, &first));
	put(s, NAME, "the second one");
	read_sealed(s, NAME, &second);
	assert_false(files_have_piece_of(t, &first));
	assert_true(files_have_piece_of(t, &second));
	assert_holds(s, NAME, "the second one");
	store_close(s);
}

static void a_deleted_secret_leaves_the_files(void **state)
{
	_cleanup_(secret_done) struct secret sealed = SECRET_INIT, big = SECRET_INIT;
	struct scratch *t = *state;
	struct store *s = scratch_open(t);

	assert_int_equal(secret_alloc(&big, 20000), 0);
	assert_int_equal(store_secret_put(s, NAME, big.data, big.len), 0);
	read_sealed(s, NAME, &sealed);
	assert_true(files_have_piece_of(t, &sealed));
	assert_int_equal(store_secret_delete(s, NAME), 0);
	assert_false(files_have_piece_of(t, &sealed));
	assert_holds(s, NAME, NULL);
	assert_int_equal(store_secret_delete(s, NAME), -ENOENT);
	store_close(s);
	s = scratch_open(t);
	assert_holds(s, NAME, NULL);
	store_close(s);
}

static void within_a_transaction_it_leaves_the_files_with_the_commit(void **state)
{
	_cleanup_(secret_done) struct secret sealed = SECRET_INIT;
	struct scratch *t = *state;
	struct store *s = scratch_open(t);

	put(s, NAME, "kept by the rollback");
	read_sealed(s, NAME, &sealed);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_secret_delete(s, NAME), 0);
	store_rollback(s);
	assert_holds(s, NAME, "kept by the rollback");
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_secret_delete(s, NAME), 0);
	assert_int_equal(store_commit(s), 0);
	assert_true(files_have_piece_of(t, &sealed));
	assert_int_equal(store_commit(s), 0);
	assert_false(files_have_piece_of(t, &sealed));
	assert_holds(s, NAME, NULL);
	store_close(s);
}

static void doctor(struct store *s, const char *sql)
{
	char *message = NULL;

	if (sqlite3_exec(s->db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
}

static void names_that_are_swapped_do_not_open(void **state)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	struct scratch *t = *state;
	struct store *s = scratch_open(t);

	put(s, "a", "of a");
	put(s, "b", "of b");
	doctor(s, "UPDATE secret SET name = 'x' WHERE name = 'a';"
		  "UPDATE secret SET name = 'a' WHERE name = 'b';"
		  "UPDATE secret SET name = 'b' WHERE name = 'x'");
	assert_int_equal(store_secret_get(s, "a", &value), STORE_E_CORRUPT);
	assert_int_equal(store_secret_get(s, "b", &value), STORE_E_CORRUPT);
	assert_null(value.data);
	store_close(s);
	scratch_refuses(t, STORE_E_CORRUPT, "the secret \"a\" is not what was stored");
}

#define ONE " WHERE name = 'wifi/config'"

static void a_row_that_was_changed_is_noticed_at_opening(void **state)
{
	static const char *const changes[] = {
		"UPDATE secret SET name = 'wifi/other'" ONE,
		"UPDATE secret SET name = ''" ONE,
		"UPDATE secret SET name = 'wifi/config' || char(0) || 'x'" ONE,
		"UPDATE secret SET name = replace(hex(zeroblob(40)), '0', 'n')" ONE,
		"UPDATE secret SET sealed = x''" ONE,
		"UPDATE secret SET sealed = zeroblob(40)" ONE,
		"UPDATE secret SET sealed = CAST(sealed || x'00' AS BLOB)" ONE,
		"UPDATE secret SET sealed = substr(sealed, 1, length(sealed) - 1)" ONE,
		"UPDATE secret SET sealed = CAST(x'01' || substr(sealed, 2) AS BLOB)" ONE,
		"INSERT INTO secret SELECT 'copy', sealed FROM secret" ONE,
		"INSERT INTO secret SELECT 'probe', probe FROM sealing",
	};
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret whole = SECRET_INIT;
	struct store *s = scratch_open(t);

	put(s, NAME, "passphrase");
	store_close(s);
	scratch_read(scratch_path(t, "store.db"), &whole);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		s = scratch_open(t);
		doctor(s, changes[i]);
		store_close(s);
		scratch_refuses(t, STORE_E_CORRUPT, "is not what was stored");
		unlink(scratch_path(t, "store.db-wal"));
		scratch_write(scratch_path(t, "store.db"), whole.data, whole.len);
	}
	s = scratch_open(t);
	assert_holds(s, NAME, "passphrase");
	store_close(s);
}

/* The whole of a database with one secret: any byte may be the one that is damaged. */
static void a_flipped_byte_never_gives_a_wrong_secret(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret whole = SECRET_INIT, sealed = SECRET_INIT;
	struct store *s = scratch_open(t);
	const uint8_t *found;
	size_t begin;

	put(s, NAME, "passphrase");
	read_sealed(s, NAME, &sealed);
	store_close(s);
	scratch_read(scratch_path(t, "store.db"), &whole);
	found = memmem(whole.data, whole.len, sealed.data, sealed.len);
	assert_non_null(found);
	begin = (size_t)(found - whole.data);
	for (size_t at = begin - strlen(NAME); at < begin + sealed.len; at++) {
		whole.data[at] ^= 0x55;
		scratch_write(scratch_path(t, "store.db"), whole.data, whole.len);
		scratch_refuses(t, STORE_E_CORRUPT, "is damaged");
		unlink(scratch_path(t, "store.db-wal"));
		whole.data[at] ^= 0x55;
	}
	scratch_write(scratch_path(t, "store.db"), whole.data, whole.len);
	s = scratch_open(t);
	assert_holds(s, NAME, "passphrase");
	store_close(s);
}

static void a_credential_is_no_secret_and_a_secret_no_credential(void **state)
{
	static const uint8_t digest[32] = {1};
	struct scratch *t = *state;
	struct store *s = scratch_open(t);

	assert_int_equal(store_credential_put(s, 1, CREDENTIAL_PSK, "x", 1, digest), 0);
	doctor(s, "INSERT INTO secret SELECT 'x', sealed FROM credential");
	store_close(s);
	scratch_refuses(t, STORE_E_CORRUPT, "the secret \"x\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_secret_comes_back_after_a_restart),
		SCRATCH_TEST(a_secret_may_be_of_any_bytes_up_to_64_kib),
		SCRATCH_TEST(a_name_has_1_to_63_bytes),
		SCRATCH_TEST(the_plain_text_is_in_no_file),
		SCRATCH_TEST(a_replaced_secret_leaves_the_files),
		SCRATCH_TEST(a_deleted_secret_leaves_the_files),
		SCRATCH_TEST(within_a_transaction_it_leaves_the_files_with_the_commit),
		SCRATCH_TEST(names_that_are_swapped_do_not_open),
		SCRATCH_TEST(a_row_that_was_changed_is_noticed_at_opening),
		SCRATCH_TEST(a_flipped_byte_never_gives_a_wrong_secret),
		SCRATCH_TEST(a_credential_is_no_secret_and_a_secret_no_credential),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
