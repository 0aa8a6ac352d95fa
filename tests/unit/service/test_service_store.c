/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "service/store/sqlite.h"

static void the_file_is_for_its_owner_only(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct stat st;

	assert_int_equal(stat(f->db, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(path, sizeof(path), "%s-wal", f->db);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static int open_error(const char *path, char **detail)
{
	struct service_store *store = NULL;

	*detail = NULL;
	return store_sqlite_open(path, &store, detail);
}

static void a_newer_schema_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;
	char *detail;

	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(open_error(f->db, &detail), -EPROTO);
	assert_non_null(strstr(detail, "schema 999"));
	free(detail);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* A store as an older program left it. */
static void store_restore(const char *path, int version)
{
	static char sql[65536];
	char file[256];
	size_t len;
	FILE *in;

	snprintf(file, sizeof(file), "%s/tests/vectors/service-store/schema-%d.sql",
		 getenv("ONBOARD_SOURCE_DIR"), version);
	in = fopen(file, "re");
	assert_non_null(in);
	len = fread(sql, 1, sizeof(sql) - 1, in);
	assert_true(len > 0 && len < sizeof(sql) - 1);
	sql[len] = 0;
	fclose(in);
	run_sql(path, sql);
}

#define OLD_DEVICE "50363154-3931-44f0-8022-121b6401627d"
#define OLD_RULE "33333333-3333-4333-8333-333333333333"

static void old_device_is_whole(struct service_store *s, int version)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};

	assert_int_equal(s->ops->device_get(s, OLD_DEVICE, &row), 0);
	assert_string_equal(row.tags, "[\"lab\"]");
	assert_int_equal(row.claimed_at, 1760000004);
	assert_true(row.has_cloud_key);
	assert_int_equal(row.cloud_key[90], 90);
	assert_int_equal(row.cloud_key_tag, TAG);
	assert_int_equal(row.has_cloud_key_before, version >= 2);
	assert_string_equal(row.batch_query, "1024/1024/10");
	assert_null(row.name);
	assert_int_equal(row.blocked_at, 0);
	assert_string_equal(row.trace, "");
}

static void old_commands_are_whole(struct service_store *s)
{
	struct store_command row;
	int64_t n;
	bool is;

	assert_int_equal(s->ops->command_get(s, OLD_DEVICE, "open.2", &row), 0);
	assert_int_equal(row.status, STORE_IN_PROGRESS);
	assert_int_equal(row.handed_at, 1760000011);
	assert_int_equal(row.wire_len, 2);
	assert_string_equal(row.description, "first");
	store_command_done(&row);
	assert_int_equal(s->ops->command_get(s, OLD_DEVICE, "open.3", &row), 0);
	assert_int_equal(row.handed_at, 0);
	store_command_done(&row);
	assert_int_equal(s->ops->identity_count(s, OLD_DEVICE, 1, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(s->ops->rule_is_applied(s, OLD_DEVICE, OLD_RULE, &is), 0);
	assert_true(is);
}

static void stores_of_older_programs_keep_what_is_in_them(void **state)
{
	struct fixture *f = *state;
	struct store_apikey key;
	struct store_shadow shadow;
	uint8_t hash[32];

	memset(hash, 0x5a, sizeof(hash));
	for (int version = 1; version <= 2; version++) {
		struct service_store *s;
		char path[96], *detail = NULL;

		snprintf(path, sizeof(path), "%s/old-%d.db", f->dir, version);
		store_restore(path, version);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(store_sqlite_open(path, &s, &detail), 0);
			old_device_is_whole(s, version);
			service_store_free(s);
		}
		assert_int_equal(store_sqlite_open(path, &s, &detail), 0);
		old_commands_are_whole(s);
		assert_int_equal(s->ops->apikey_find(s, hash, &key), 0);
		assert_string_equal(key.name, "laptop");
		store_apikey_done(&key);
		assert_int_equal(s->ops->shadow_get(s, OLD_DEVICE, &shadow), 0);
		assert_int_equal(shadow.version, 4);
		store_shadow_done(&shadow);
		service_store_free(s);
	}
}

static void a_file_that_is_no_store_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	char path[96], *detail, junk[8192];
	int fd;

	snprintf(path, sizeof(path), "%s/junk.db", f->dir);
	memset(junk, 'x', sizeof(junk));
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
	close(fd);
	assert_int_equal(open_error(path, &detail), -EBADMSG);
	assert_non_null(strstr(detail, path));
	free(detail);
	assert_int_equal(open_error("/nonexistent/store.db", &detail), -ENOENT);
	assert_non_null(strstr(detail, "/nonexistent/store.db"));
	free(detail);
}

static void the_wire_form_of_a_closed_command_is_gone(void **state)
{
	struct fixture *f = *state;
	static char data[4 << 20];
	static const char secret[] = "5ec2e7005ec2e7005ec2e7005ec2e700";
	char request[128];
	const char *id;
	struct device d;
	sqlite3 *db;
	FILE *file;
	size_t len;

	device_init(&d);
	device_claim(f, &d, NULL);
	snprintf(request, sizeof(request), "{\"preSharedKey\":{\"secTag\":7,\"content\":\"%s\"}}",
		 secret);
	id = command_add(f, &d, request);
	assert_int_equal(device_answer(f, &d, id, 100, 0, "OK"), CORE_OK);
	core_free(f->core);
	service_store_free(f->store);
	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	file = fopen(f->db, "r");
	assert_non_null(file);
	len = fread(data, 1, sizeof(data), file);
	fclose(file);
	assert_null(memmem(data, len, secret, sizeof(secret) - 1));
	fixture_open(f, &f->store, &f->core);
	device_done(&d);
}

static void a_backup_is_one_state_of_a_store_in_use(void **state)
{
	struct fixture *f = *state;
	struct service_store *saved;
	struct store_team team = {.id = "50363154-3931-44f0-8022-121b6401627d"}, got;
	struct store_txn t = {NULL};
	char to[96], name[] = "late", *detail = NULL;
	struct stat st;

	snprintf(to, sizeof(to), "%s/saved.db", f->dir);
	team.name = name;
	assert_int_equal(store_txn_begin(&t, f->store, STORE_WRITE, ""), 0);
	assert_int_equal(f->store->ops->team_add(f->store, &team), 0);
	assert_int_equal(store_sqlite_backup(f->db, to, &detail), 0);
	assert_int_equal(store_txn_commit(&t), 0);
	/* Nothing that is there is written over. */
	assert_int_equal(store_sqlite_backup(f->db, to, &detail), -EEXIST);
	assert_int_equal(stat(to, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	assert_int_equal(store_sqlite_open(to, &saved, &detail), 0);
	assert_int_equal(saved->ops->team_find(saved, "ours", &got), 0);
	store_team_done(&got);
	assert_int_equal(saved->ops->team_find(saved, "late", &got), STORE_E_NOT_FOUND);
	service_store_free(saved);
}

static void a_backup_that_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	char to[96], part[112], *detail = NULL;

	snprintf(to, sizeof(to), "%s/saved.db", f->dir);
	snprintf(part, sizeof(part), "%s.part", to);
	assert_true(store_sqlite_backup("/nonexistent/store.db", to, &detail) < 0);
	free(detail);
	run_sql(f->db, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 2"
		       " WHERE name = 'events'");
	assert_int_equal(store_sqlite_backup(f->db, to, &detail), -EBADMSG);
	assert_non_null(strstr(detail, "damaged"));
	free(detail);
	assert_int_equal(access(to, F_OK), -1);
	assert_int_equal(access(part, F_OK), -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_file_is_for_its_owner_only),
		T(a_newer_schema_is_refused_by_name),
		T(stores_of_older_programs_keep_what_is_in_them),
		T(a_file_that_is_no_store_is_refused_by_name),
		T(the_wire_form_of_a_closed_command_is_gone),
		T(a_backup_is_one_state_of_a_store_in_use),
		T(a_backup_that_fails_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
