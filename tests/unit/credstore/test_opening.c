/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/cursor.h"
#include "credstore/db.h"
#include "credstore/schema.h"
#include "credstore/staged.h"
#include "tests/unit/credstore/killpoints.h"

/* What store_open() takes, makes and refuses. */

static const uint8_t digest[32] = {1};

/* A closed store with one credential of tag 5 and the value "after". */
static void make_store(const struct scratch *t)
{
	struct store *s = scratch_open(t);

	assert_int_equal(store_credential_put(s, 5, CREDENTIAL_PSK, "secret", 6, digest), 0);
	assert_int_equal(store_value_put(s, "after", "x"), 0);
	store_close(s);
}

static void assert_intact(const struct scratch *t)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	struct store *s = scratch_open(t);

	assert_int_equal(store_credential_get(s, 5, CREDENTIAL_PSK, &value), 0);
	assert_string_equal((const char *)value.data, "secret");
	store_close(s);
}

static void a_missing_sealing_key_is_refused_and_not_made_anew(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret key = SECRET_INIT;

	make_store(t);
	scratch_read(scratch_path(t, "seal.key"), &key);
	unlink(scratch_path(t, "seal.key"));
	scratch_refuses(t, STORE_E_SEALING_KEY, "missing");
	assert_int_equal(access(scratch_path(t, "seal.key"), F_OK), -1);
	scratch_write(scratch_path(t, "seal.key"), key.data, key.len);
	assert_intact(t);
}

static void a_wrong_sealing_key_is_refused(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret key = SECRET_INIT;

	make_store(t);
	scratch_read(scratch_path(t, "seal.key"), &key);
	key.data[31] ^= 1;
	scratch_write(scratch_path(t, "seal.key"), key.data, key.len);
	scratch_refuses(t, STORE_E_SEALING_KEY, "another sealing key");
	key.data[31] ^= 1;
	scratch_write(scratch_path(t, "seal.key"), key.data, key.len);
	assert_intact(t);
}

static void a_sealing_key_of_31_or_33_bytes_is_refused(void **state)
{
	struct scratch *t = *state;
	uint8_t key[33] = {0};

	make_store(t);
	scratch_write(scratch_path(t, "seal.key"), key, 31);
	scratch_refuses(t, STORE_E_SEALING_KEY, "32 bytes");
	scratch_write(scratch_path(t, "seal.key"), key, 33);
	scratch_refuses(t, STORE_E_SEALING_KEY, "32 bytes");
	unlink(scratch_path(t, "seal.key"));
	assert_int_equal(mkdir(scratch_path(t, "seal.key"), 0700), 0);
	scratch_refuses(t, STORE_E_SEALING_KEY, "seal.key");
}

static void the_credential_of_the_service_manager_is_the_key_when_there_is_one(void **state)
{
	struct scratch *t = *state;
	char path[PATH_MAX];
	uint8_t key[32] = {9};

	snprintf(path, sizeof(path), "%s/onboardd.seal", t->dir);
	scratch_write(path, key, sizeof(key));
	setenv("CREDENTIALS_DIRECTORY", t->dir, 1);
	make_store(t);
	assert_int_equal(access(scratch_path(t, "seal.key"), F_OK), -1);
	assert_intact(t);
	scratch_write(path, key, 5);
	scratch_refuses(t, STORE_E_SEALING_KEY, "onboardd.seal");
	unlink(path);
	scratch_refuses(t, STORE_E_SEALING_KEY, "missing");
	unsetenv("CREDENTIALS_DIRECTORY");
	scratch_refuses(t, STORE_E_SEALING_KEY, "missing");
}

static void a_key_that_waits_for_its_store_is_used(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	uint8_t given[32] = {3};

	assert_int_equal(mkdir(t->state, 0700), 0);
	scratch_write(scratch_path(t, "seal.key"), given, sizeof(given));
	make_store(t);
	scratch_read(scratch_path(t, "seal.key"), &key);
	assert_memory_equal(key.data, given, sizeof(given));
}

static void an_empty_or_foreign_file_is_corrupt(void **state)
{
	struct scratch *t = *state;
	char text[5000];

	make_store(t);
	scratch_write(scratch_path(t, "store.db"), "", 0);
	scratch_refuses(t, STORE_E_CORRUPT, "truncated");
	memset(text, 'x', sizeof(text));
	scratch_write(scratch_path(t, "store.db"), text, sizeof(text));
	scratch_refuses(t, STORE_E_CORRUPT, "not a database");
	unlink(scratch_path(t, "store.db"));
	scratch_doctor(t, "CREATE TABLE credential (tag, type, sha256, sealed)");
	scratch_refuses(t, STORE_E_CORRUPT, "another program");
}

static void a_database_without_our_tables_is_corrupt(void **state)
{
	struct scratch *t = *state;

	make_store(t);
	scratch_doctor(t, "DROP TABLE sealing");
	scratch_refuses(t, STORE_E_CORRUPT, "sealing");
}

static void a_database_without_a_probe_is_corrupt(void **state)
{
	struct scratch *t = *state;

	make_store(t);
	scratch_doctor(t, "DELETE FROM sealing");
	scratch_refuses(t, STORE_E_CORRUPT, "damaged");
}

static void a_newer_schema_is_refused_as_newer(void **state)
{
	struct scratch *t = *state;
	char pragma[48];

	make_store(t);
	scratch_doctor(t, "PRAGMA user_version = 99");
	scratch_refuses(t, STORE_E_NEWER, "99");
	scratch_doctor(t, "PRAGMA user_version = 0");
	scratch_refuses(t, STORE_E_CORRUPT, "damaged");
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %zu", schema_n_steps + 1);
	scratch_doctor(t, pragma);
	scratch_refuses(t, STORE_E_NEWER, "newer");
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %zu", schema_n_steps);
	scratch_doctor(t, pragma);
	assert_intact(t);
}

static void a_sealed_row_moved_to_another_place_is_corrupt(void **state)
{
	static const char *const moves[] = {
		"UPDATE credential SET tag = 6",
		"UPDATE credential SET type = 4",
		"UPDATE credential SET tag = -1",
		"UPDATE credential SET type = 300",
		"UPDATE credential SET sha256 = zeroblob(32)",
		"UPDATE credential SET sealed = zeroblob(40)",
		"UPDATE credential SET sealed = x''",
		"INSERT INTO credential SELECT 7, 3, sha256, sealed FROM credential",
	};
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret whole = SECRET_INIT;

	make_store(t);
	scratch_read(scratch_path(t, "store.db"), &whole);
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		scratch_refuses_change(t, &whole, moves[i], "is not what was stored");
		assert_intact(t);
	}
}

static void a_database_cut_anywhere_is_corrupt(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret whole = SECRET_INIT;

	make_store(t);
	scratch_read(scratch_path(t, "store.db"), &whole);
	for (size_t n = 0; n < whole.len; n += n < 100 ? 9 : 1021) {
		scratch_write(scratch_path(t, "store.db"), whole.data, n);
		scratch_refuses(t, STORE_E_CORRUPT, "store.db");
	}
	scratch_write(scratch_path(t, "store.db"), whole.data, whole.len - 1);
	scratch_refuses(t, STORE_E_CORRUPT, "store.db");
	scratch_write(scratch_path(t, "store.db"), whole.data, whole.len);
	assert_intact(t);
}

/* Whatever byte is damaged: refused and left alone, or the credential is still the right one. */
static void a_flipped_byte_never_gives_a_wrong_credential(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret whole = SECRET_INIT;
	size_t n_refused = 0;

	make_store(t);
	scratch_read(scratch_path(t, "store.db"), &whole);
	for (size_t at = 0; at < whole.len; at += at < 120 ? 1 : 53) {
		_cleanup_(secret_done) struct secret value = SECRET_INIT;
		_cleanup_(freep) char *detail = NULL;
		struct store *s = NULL;
		int r;

		whole.data[at] ^= 0x55;
		scratch_write(scratch_path(t, "store.db"), whole.data, whole.len);
		r = store_open(t->state, NULL, &s, &detail);
		if (r == 0) {
			r = store_credential_get(s, 5, CREDENTIAL_PSK, &value);
			assert_int_equal(r, 0);
			assert_string_equal((const char *)value.data, "secret");
			store_close(s);
		} else {
			assert_true(r > 0);
			assert_non_null(detail);
			n_refused++;
			if (r == STORE_E_CORRUPT)
				scratch_put_back(t);
			scratch_assert_same(t, "store.db", &whole);
		}
		whole.data[at] ^= 0x55;
		unlink(scratch_path(t, "store.db-wal"));
	}
	assert_true(n_refused > 20);
	scratch_write(scratch_path(t, "store.db"), whole.data, whole.len);
	assert_intact(t);
}

static void a_log_without_its_database_is_refused(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret log = SECRET_INIT;
	struct store *s = scratch_open(t);

	assert_int_equal(store_value_put(s, "a", "b"), 0);
	scratch_read(scratch_path(t, "store.db-wal"), &log);
	store_close(s);
	unlink(scratch_path(t, "store.db"));
	scratch_write(scratch_path(t, "store.db-wal"), log.data, log.len);
	scratch_refuses(t, STORE_E_CORRUPT, "log");
	assert_int_equal(access(scratch_path(t, "store.db-wal"), F_OK), 0);
}

static void a_birth_that_was_interrupted_begins_again(void **state)
{
	struct scratch *t = *state;

	assert_int_equal(mkdir(t->state, 0700), 0);
	scratch_write(scratch_path(t, "store.db.new"), "half", 4);
	scratch_write(scratch_path(t, "store.db.new-journal"), "half", 4);
	make_store(t);
	assert_intact(t);
	assert_int_equal(access(scratch_path(t, "store.db.new"), F_OK), -1);
	assert_int_equal(access(scratch_path(t, "store.db.new-journal"), F_OK), -1);
}

static void a_symbolic_link_is_not_followed(void **state)
{
	struct scratch *t = *state;
	char elsewhere[PATH_MAX];

	make_store(t);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere.db", t->dir);
	assert_int_equal(rename(scratch_path(t, "store.db"), elsewhere), 0);
	assert_int_equal(symlink(elsewhere, scratch_path(t, "store.db")), 0);
	scratch_refuses(t, -ELOOP, "store.db");
}

/* --- the schema */

static int64_t version_of(sqlite3 *db)
{
	int64_t v = -1;

	assert_int_equal(db_integer(db, "PRAGMA user_version", &v), 0);
	return v;
}

static void upgrades_run_the_missing_steps_only(void **state)
{
	static const char *const steps[] = {"CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y",
					    "INSERT INTO a VALUES (1, 2)"};
	sqlite3 *db = NULL;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(schema_upgrade(db, steps, 1, 0), 0);
	assert_int_equal(version_of(db), 1);
	assert_int_equal(schema_upgrade(db, steps, 3, 1), 0);
	assert_int_equal(version_of(db), 3);
	assert_int_equal(schema_upgrade(db, steps, 3, 3), 0);
	assert_int_equal(version_of(db), 3);
	sqlite3_close(db);
}

static void an_upgrade_that_fails_half_way_leaves_the_old_version(void **state)
{
	static const char *const steps[] = {"CREATE TABLE a (x)", "CREATE TABLE b (x)",
					    "CREATE TABLE a (x)"};
	sqlite3 *db = NULL;
	int64_t n = -1;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(schema_upgrade(db, steps, 1, 0), 0);
	assert_int_equal(db_exec(db, "BEGIN IMMEDIATE"), 0);
	assert_int_equal(schema_upgrade(db, steps, 3, 1), -EUCLEAN);
	assert_int_equal(db_exec(db, "ROLLBACK"), 0);
	assert_int_equal(version_of(db), 1);
	assert_int_equal(db_integer(db, "SELECT count(*) FROM sqlite_schema", &n), 0);
	assert_int_equal(n, 1);
	sqlite3_close(db);
}

/* fixtures/schema-N.sql is the store as version N wrote it, sealed with a key of zeros. Every one
 * holds what the ones before it do. */
static void make_fixture(const struct scratch *t, unsigned int version)
{
	_cleanup_(secret_done) struct secret sql = SECRET_INIT;
	static const uint8_t zero_key[32];
	char path[PATH_MAX];

	assert_int_equal(mkdir(t->state, 0700), 0);
	scratch_write(scratch_path(t, "seal.key"), zero_key, sizeof(zero_key));
	snprintf(path, sizeof(path), "%s/tests/unit/credstore/fixtures/schema-%u.sql",
		 getenv("ONBOARD_SOURCE_DIR") ? getenv("ONBOARD_SOURCE_DIR") : ".", version);
	scratch_read(path, &sql);
	scratch_doctor(t, (const char *)sql.data);
}

static void assert_has_content_of_1(struct store *s)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	_cleanup_(response_done) struct response result = {.code = RESPONSE_ERROR};
	_cleanup_(freep) char *after = NULL;
	int64_t version;

	assert_int_equal(db_integer(s->db, "PRAGMA user_version", &version), 0);
	assert_int_equal(version, schema_n_steps);
	assert_int_equal(store_credential_get(s, 16842753, CREDENTIAL_PSK_IDENTITY, &value), 0);
	assert_string_equal((const char *)value.data, "unit-7");
	assert_int_equal(store_value_get(s, "after", &after), 0);
	assert_string_equal(after, "9685ef84-8cac-4257-b5cc-94bc416a1c1d.d");
	assert_int_equal(journal_find(s, "9685ef84-8cac-4257-b5cc-94bc416a1c1d.e", &result), 0);
	assert_int_equal(result.code, RESPONSE_ERROR);
	assert_int_equal(result.cme_error, 513);
	assert_string_equal(result.message, "+CME ERROR: 513\r\n");
}

/* What debian/onboardd.preinst reads beside a running onboardd. */
static void an_upgraded_store_has_its_schema_in_the_files_header_at_once(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret file = SECRET_INIT;
	struct reader r;
	struct store *s;

	make_fixture(t, 1);
	s = scratch_open(t);
	scratch_read(scratch_path(t, "store.db"), &file);
	reader_init(&r, file.data, file.len);
	assert_non_null(reader_bytes(&r, 60));
	assert_int_equal(reader_be32(&r), schema_n_steps);
	store_close(s);
}

static void a_store_of_schema_1_keeps_everything_and_takes_secrets(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	struct store *s;

	make_fixture(t, 1);
	s = scratch_open(t);
	assert_has_content_of_1(s);
	assert_int_equal(store_secret_get(s, "wifi/config", &value), -ENOENT);
	assert_int_equal(store_secret_put(s, "wifi/config", "new", 3), 0);
	store_close(s);
	s = scratch_open(t);
	assert_has_content_of_1(s);
	assert_int_equal(store_secret_get(s, "wifi/config", &value), 0);
	assert_string_equal((const char *)value.data, "new");
	store_close(s);
}

static void a_store_of_schema_2_opens(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	struct store *s;

	make_fixture(t, 2);
	s = scratch_open(t);
	assert_has_content_of_1(s);
	assert_int_equal(store_secret_get(s, "wifi/config", &value), 0);
	assert_string_equal((const char *)value.data, "a secret of schema 2");
	store_close(s);
}

/* A predecessor has a seal like any other: bound to its place and tried at opening. */
static void a_store_of_schema_3_opens_with_its_predecessors(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret value = SECRET_INIT;
	struct store *s;

	make_fixture(t, 3);
	s = scratch_open(t);
	assert_has_content_of_1(s);
	assert_int_equal(store_secret_get(s, "wifi/config", &value), 0);
	assert_string_equal((const char *)value.data, "a secret of schema 2");
	secret_done(&value);
	assert_int_equal(staged_previous_get(s, 16842753, CREDENTIAL_PSK_IDENTITY, &value), 0);
	assert_string_equal((const char *)value.data, "unit-6");
	store_close(s);
}

static void a_predecessor_that_is_not_what_was_stored_is_corrupt(void **state)
{
	static const char *const changes[] = {
		"UPDATE previous SET tag = 6",
		"UPDATE previous SET type = 3",
		"UPDATE previous SET sha256 = zeroblob(32)",
		"UPDATE previous SET sealed = zeroblob(40)",
	};
	struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		make_fixture(t, 3);
		scratch_doctor(t, "PRAGMA journal_mode = WAL");
		scratch_doctor(t, changes[i]);
		scratch_refuses(t, STORE_E_CORRUPT, "previous credential");
		scratch_clear(t);
	}
}

static int steps_left;
static bool is_upgrading;

static int die_at_the_step(unsigned int event, void *context, void *statement, void *text)
{
	(void)context;
	/* Before the transaction nothing is written. */
	if (strncmp(text, "BEGIN", 5) == 0)
		is_upgrading = true;
	return is_upgrading ? killpoints_at_statement(event, &steps_left, statement, text) : 0;
}

/* Called by SQLite for every database that is opened from then on. */
static int watch_steps(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
	(void)message;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, die_at_the_step, NULL);
}

static int open_in_child(void *data)
{
	const struct scratch *t = data;
	struct store *s = NULL;
	int r;

	sqlite3_auto_extension((void (*)(void))watch_steps);
	r = store_open(t->state, NULL, &s, NULL);
	store_close(s);
	sqlite3_reset_auto_extension();
	return r;
}

static void cut_off_an_upgrade_at_every_step(struct scratch *t, unsigned int version)
{
	bool was_killed = true;
	int n = 0;

	for (; was_killed; n++) {
		struct store *s;

		make_fixture(t, version);
		steps_left = n;
		was_killed = killpoints_child(open_in_child, t);
		s = scratch_open(t);
		assert_has_content_of_1(s);
		store_close(s);
		scratch_clear(t);
	}
	assert_in_range(n, 6, 60);
}

static void an_upgrade_cut_off_at_any_step_keeps_everything(void **state)
{
	for (unsigned int version = 1; version < schema_n_steps; version++)
		cut_off_an_upgrade_at_every_step(*state, version);
}

/* The step finds its table there already: the whole upgrade is undone, and said to be damage. */
static void an_upgrade_that_cannot_be_made_leaves_the_store_as_it_was(void **state)
{
	struct scratch *t = *state;

	make_fixture(t, 1);
	scratch_doctor(t, "PRAGMA journal_mode = WAL; CREATE TABLE secret (x)");
	scratch_refuses(t, STORE_E_CORRUPT, "secret");
	scratch_doctor(t, "DROP TABLE secret");
	store_close(scratch_open(t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_missing_sealing_key_is_refused_and_not_made_anew),
		SCRATCH_TEST(a_wrong_sealing_key_is_refused),
		SCRATCH_TEST(a_sealing_key_of_31_or_33_bytes_is_refused),
		SCRATCH_TEST(the_credential_of_the_service_manager_is_the_key_when_there_is_one),
		SCRATCH_TEST(a_key_that_waits_for_its_store_is_used),
		SCRATCH_TEST(an_empty_or_foreign_file_is_corrupt),
		SCRATCH_TEST(a_database_without_our_tables_is_corrupt),
		SCRATCH_TEST(a_database_without_a_probe_is_corrupt),
		SCRATCH_TEST(a_newer_schema_is_refused_as_newer),
		SCRATCH_TEST(a_sealed_row_moved_to_another_place_is_corrupt),
		SCRATCH_TEST(a_database_cut_anywhere_is_corrupt),
		SCRATCH_TEST(a_flipped_byte_never_gives_a_wrong_credential),
		SCRATCH_TEST(a_log_without_its_database_is_refused),
		SCRATCH_TEST(a_birth_that_was_interrupted_begins_again),
		SCRATCH_TEST(a_symbolic_link_is_not_followed),
		cmocka_unit_test(upgrades_run_the_missing_steps_only),
		cmocka_unit_test(an_upgrade_that_fails_half_way_leaves_the_old_version),
		SCRATCH_TEST(an_upgraded_store_has_its_schema_in_the_files_header_at_once),
		SCRATCH_TEST(a_store_of_schema_1_keeps_everything_and_takes_secrets),
		SCRATCH_TEST(a_store_of_schema_2_opens),
		SCRATCH_TEST(a_store_of_schema_3_opens_with_its_predecessors),
		SCRATCH_TEST(a_predecessor_that_is_not_what_was_stored_is_corrupt),
		SCRATCH_TEST(an_upgrade_cut_off_at_any_step_keeps_everything),
		SCRATCH_TEST(an_upgrade_that_cannot_be_made_leaves_the_store_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
