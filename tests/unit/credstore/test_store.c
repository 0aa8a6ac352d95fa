/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "credstore/db.h"

static const uint8_t digest[32] = {1, 2, 3};

static void put(struct store *s, uint32_t tag, enum credential_type type, const char *text)
{
	assert_int_equal(store_credential_put(s, tag, type, text, strlen(text), digest), 0);
}

static void assert_holds(struct store *s, uint32_t tag, enum credential_type type, const char *text)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;

	assert_int_equal(store_credential_get(s, tag, type, &value), 0);
	assert_string_equal((const char *)value.data, text);
	assert_int_equal(value.len, strlen(text));
}

static void assert_value(struct store *s, const char *name, const char *text)
{
	_cleanup_(freep) char *value = NULL;

	if (!text) {
		assert_int_equal(store_value_get(s, name, &value), -ENOENT);
		return;
	}
	assert_int_equal(store_value_get(s, name, &value), 0);
	assert_string_equal(value, text);
}

static unsigned int mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void store_creates_a_private_directory_and_private_files(void **state)
{
	struct scratch *t = *state;
	struct store *s;
	mode_t old = umask(0);

	s = scratch_open(t);
	put(s, 1, CREDENTIAL_ROOT_CA, "x");
	umask(old);
	assert_int_equal(mode_of(t->state), 0700);
	assert_int_equal(mode_of(scratch_path(t, "store.db")), 0600);
	assert_int_equal(mode_of(scratch_path(t, "store.db-wal")), 0600);
	assert_int_equal(mode_of(scratch_path(t, "seal.key")), 0600);
	assert_int_equal(mode_of(scratch_path(t, "lock")), 0600);
	store_close(s);
}

static void store_uses_wal_full_sync_and_secure_delete(void **state)
{
	struct store *s = scratch_open(*state);
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int64_t v;

	assert_int_equal(db_integer(s->db, "PRAGMA synchronous", &v), 0);
	assert_int_equal(v, 2);
	assert_int_equal(db_integer(s->db, "PRAGMA secure_delete", &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(db_integer(s->db, "PRAGMA foreign_keys", &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(db_prepare(s->db, "PRAGMA journal_mode", &statement), 0);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(statement, 0), "wal");
	sqlite3_finalize(TAKE_PTR(statement));
	store_close(s);
}

static void credentials_are_kept_replaced_and_deleted(void **state)
{
	struct store *s = scratch_open(*state);
	_cleanup_(secret_done) struct secret value = SECRET_INIT;

	put(s, 7, CREDENTIAL_ROOT_CA, "first");
	put(s, 7, CREDENTIAL_CLIENT_CERT, "");
	store_close(s);
	s = scratch_open(*state);
	assert_holds(s, 7, CREDENTIAL_ROOT_CA, "first");
	assert_holds(s, 7, CREDENTIAL_CLIENT_CERT, "");
	put(s, 7, CREDENTIAL_ROOT_CA, "second");
	assert_holds(s, 7, CREDENTIAL_ROOT_CA, "second");
	assert_true(store_credential_exists(s, 7, CREDENTIAL_ROOT_CA));
	assert_int_equal(store_credential_delete(s, 7, CREDENTIAL_ROOT_CA), 0);
	assert_false(store_credential_exists(s, 7, CREDENTIAL_ROOT_CA));
	assert_int_equal(store_credential_delete(s, 7, CREDENTIAL_ROOT_CA), -ENOENT);
	assert_int_equal(store_credential_get(s, 7, CREDENTIAL_ROOT_CA, &value), -ENOENT);
	assert_null(value.data);
	store_close(s);
}

static void credentials_are_listed_by_tag_then_type(void **state)
{
	struct store *s = scratch_open(*state);
	_cleanup_(freep) struct credential_info *list = NULL;
	size_t n = 99;

	assert_int_equal(store_credential_list(s, &list, &n), 0);
	assert_int_equal(n, 0);
	put(s, 4294967294U, CREDENTIAL_PRIVATE_KEY, "c");
	put(s, 2, CREDENTIAL_PSK, "b");
	put(s, 2, CREDENTIAL_ROOT_CA, "a");
	assert_int_equal(store_credential_list(s, &list, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(list[0].tag, 2);
	assert_int_equal(list[0].type, CREDENTIAL_ROOT_CA);
	assert_memory_equal(list[0].sha256, digest, 32);
	assert_int_equal(list[1].type, CREDENTIAL_PSK);
	assert_int_equal(list[2].tag, 4294967294U);
	store_close(s);
}

static void a_credential_above_64_kib_is_refused(void **state)
{
	struct store *s = scratch_open(*state);
	_cleanup_(freep) char *big = calloc(1, 65537);

	assert_non_null(big);
	assert_int_equal(store_credential_put(s, 1, CREDENTIAL_ROOT_CA, big, 65536, digest), 0);
	assert_int_equal(store_credential_put(s, 1, CREDENTIAL_ROOT_CA, big, 65537, digest),
			 -EFBIG);
	store_close(s);
}

static bool file_contains(const char *path, const char *needle)
{
	_cleanup_(secret_done) struct secret file = SECRET_INIT;

	if (access(path, F_OK) < 0)
		return false;
	scratch_read(path, &file);
	return memmem(file.data, file.len, needle, strlen(needle)) != NULL;
}

static void a_credential_is_nowhere_in_the_files_in_plain(void **state)
{
	static const char needle[] = "attack at dawn, bring cake";
	struct store *s = scratch_open(*state);

	put(s, 1, CREDENTIAL_PSK, needle);
	assert_false(file_contains(scratch_path(*state, "store.db"), needle));
	assert_false(file_contains(scratch_path(*state, "store.db-wal"), needle));
	store_close(s);
	assert_false(file_contains(scratch_path(*state, "store.db"), needle));
}

static void values_are_kept_replaced_and_deleted(void **state)
{
	struct store *s = scratch_open(*state);

	assert_value(s, "after", NULL);
	assert_int_equal(store_value_put(s, "after", "one"), 0);
	assert_int_equal(store_value_put(s, "after", "two"), 0);
	assert_int_equal(store_value_put(s, "empty", ""), 0);
	store_close(s);
	s = scratch_open(*state);
	assert_value(s, "after", "two");
	assert_value(s, "empty", "");
	assert_int_equal(store_value_delete(s, "after"), 0);
	assert_int_equal(store_value_delete(s, "after"), -ENOENT);
	assert_value(s, "after", NULL);
	store_close(s);
}

static void levels_nest_and_only_the_outermost_commit_is_durable(void **state)
{
	struct store *s = scratch_open(*state);

	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_value_put(s, "a", "outer"), 0);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_value_put(s, "a", "inner"), 0);
	assert_int_equal(store_value_put(s, "b", "inner"), 0);
	store_rollback(s);
	assert_value(s, "a", "outer");
	assert_value(s, "b", NULL);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_value_put(s, "c", "third"), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_commit(s), -EINVAL);
	store_rollback(s); /* no level: nothing happens */
	store_close(s);
	s = scratch_open(*state);
	assert_value(s, "a", "outer");
	assert_value(s, "b", NULL);
	assert_value(s, "c", "third");
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_value_put(s, "d", "lost"), 0);
	assert_int_equal(store_commit(s), 0);
	store_rollback(s);
	assert_value(s, "d", NULL);
	store_close(s);
}

static void closing_inside_a_transaction_undoes_it(void **state)
{
	struct store *s = scratch_open(*state);

	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_value_put(s, "a", "x"), 0);
	store_close(s);
	s = scratch_open(*state);
	assert_value(s, "a", NULL);
	store_close(s);
}

static void a_second_opener_is_told_busy(void **state)
{
	struct scratch *t = *state;
	struct store *s = scratch_open(t), *second = NULL;
	_cleanup_(freep) char *detail = NULL;

	assert_int_equal(store_open(t->state, NULL, &second, &detail), -EBUSY);
	assert_non_null(strstr(detail, "in use"));
	store_close(s);
	s = scratch_open(t);
	store_close(s);
}

static void a_directory_without_parent_is_refused_by_name(void **state)
{
	struct scratch *t = *state;
	struct store *s = NULL;
	_cleanup_(freep) char *detail = NULL;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/no/such", t->dir);
	assert_int_equal(store_open(path, NULL, &s, &detail), -ENOENT);
	assert_non_null(strstr(detail, path));
	assert_int_equal(store_open(path, NULL, &s, NULL), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(store_open(path, NULL, &s, NULL), -ENAMETOOLONG);
}

static void limit_pages(struct store *s, int extra)
{
	int64_t pages;
	char sql[64];

	assert_int_equal(db_integer(s->db, "PRAGMA page_count", &pages), 0);
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld", (long long)pages + extra);
	assert_int_equal(db_exec(s->db, sql), 0);
}

static void a_full_disk_is_enospc_and_changes_nothing(void **state)
{
	struct store *s = scratch_open(*state);
	static char big[40000];

	assert_int_equal(store_value_put(s, "a", "before"), 0);
	limit_pages(s, 2);
	assert_int_equal(store_credential_put(s, 1, CREDENTIAL_ROOT_CA, big, sizeof(big), digest),
			 -ENOSPC);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_value_put(s, "a", "after"), 0);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_credential_put(s, 1, CREDENTIAL_ROOT_CA, big, sizeof(big), digest),
			 -ENOSPC);
	store_rollback(s);
	store_rollback(s);
	assert_value(s, "a", "before");
	assert_false(store_credential_exists(s, 1, CREDENTIAL_ROOT_CA));
	limit_pages(s, 1000);
	assert_int_equal(store_credential_put(s, 1, CREDENTIAL_ROOT_CA, big, sizeof(big), digest),
			 0);
	store_close(s);
}

static void a_transaction_that_sqlite_gave_up_cannot_be_committed_in_part(void **state)
{
	struct store *s = scratch_open(*state);

	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_value_put(s, "a", "x"), 0);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(db_exec(s->db, "ROLLBACK"), 0); /* as SQLite does by itself after EIO */
	store_rollback(s);
	assert_int_not_equal(store_value_put(s, "b", "y"), 0);
	assert_int_not_equal(store_begin(s), 0);
	assert_int_not_equal(store_commit(s), 0);
	assert_int_equal(store_value_put(s, "c", "z"), 0);
	store_close(s);
	s = scratch_open(*state);
	assert_value(s, "a", NULL);
	assert_value(s, "b", NULL);
	assert_value(s, "c", "z");
	store_close(s);
}

/* A child that dies without closing: what was committed is there, what was not is not. */
static void a_killed_process_leaves_the_last_commit(void **state)
{
	pid_t child = fork();
	struct store *s;
	int status;

	if (child == 0) {
		s = scratch_open(*state);
		put(s, 1, CREDENTIAL_PSK, "kept");
		if (store_begin(s) == 0 && store_value_put(s, "a", "lost") == 0)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(access(scratch_path(*state, "store.db-wal"), F_OK), 0);
	s = scratch_open(*state);
	assert_holds(s, 1, CREDENTIAL_PSK, "kept");
	assert_value(s, "a", NULL);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(store_creates_a_private_directory_and_private_files),
		SCRATCH_TEST(store_uses_wal_full_sync_and_secure_delete),
		SCRATCH_TEST(credentials_are_kept_replaced_and_deleted),
		SCRATCH_TEST(credentials_are_listed_by_tag_then_type),
		SCRATCH_TEST(a_credential_above_64_kib_is_refused),
		SCRATCH_TEST(a_credential_is_nowhere_in_the_files_in_plain),
		SCRATCH_TEST(values_are_kept_replaced_and_deleted),
		SCRATCH_TEST(levels_nest_and_only_the_outermost_commit_is_durable),
		SCRATCH_TEST(closing_inside_a_transaction_undoes_it),
		SCRATCH_TEST(a_second_opener_is_told_busy),
		SCRATCH_TEST(a_directory_without_parent_is_refused_by_name),
		SCRATCH_TEST(a_full_disk_is_enospc_and_changes_nothing),
		SCRATCH_TEST(a_transaction_that_sqlite_gave_up_cannot_be_committed_in_part),
		SCRATCH_TEST(a_killed_process_leaves_the_last_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
