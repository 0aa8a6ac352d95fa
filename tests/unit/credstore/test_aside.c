/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/scratch.h"

#include <fcntl.h>

#include "credstore/db.h"
#include "credstore/identity.h"
#include "credstore/key.h"
#include "tests/unit/credstore/killpoints.h"

/* What becomes of a damaged store. */

static const uint8_t digest[32] = {1};
static const struct store_options anew = {.start_anew = true};

static void fill(struct store *s)
{
	assert_int_equal(store_credential_put(s, 5, CREDENTIAL_PSK, "secret", 6, digest), 0);
	assert_int_equal(store_value_put(s, "after", "x"), 0);
}

static void make_store(const struct scratch *t)
{
	struct store *s = scratch_open(t);

	fill(s);
	store_close(s);
}

static void damage(const struct scratch *t, const char *text)
{
	scratch_write(scratch_path(t, "store.db"), text, strlen(text));
}

static void make_damaged(const struct scratch *t)
{
	make_store(t);
	damage(t, "junk");
}

static void make_damaged_with_log(const struct scratch *t)
{
	make_damaged(t);
	scratch_write(scratch_path(t, "store.db-wal"), "log", 3);
}

static void assert_refused(const struct scratch *t, const char *word)
{
	_cleanup_(freep) char *detail = NULL;
	struct store *s = NULL;

	assert_int_equal(store_open(t->state, NULL, &s, &detail), STORE_E_CORRUPT);
	assert_null(s);
	if (!detail || !strstr(detail, word))
		fail_msg("\"%s\" does not say \"%s\"", detail, word);
	assert_false(scratch_exists(t, "store.db"));
}

static void assert_content(const struct scratch *t, const char *name, const char *text)
{
	_cleanup_(secret_done) struct secret content = SECRET_INIT;

	scratch_read(scratch_path(t, name), &content);
	assert_string_equal((const char *)content.data, text);
}

static struct store *open_anew(const struct scratch *t)
{
	struct store *s = NULL;
	char *detail = NULL;

	if (store_open(t->state, &anew, &s, &detail) != 0)
		fail_msg("%s", detail);
	return s;
}

static bool has_content(struct store *s)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;

	if (store_credential_get(s, 5, CREDENTIAL_PSK, &value) != 0)
		return false;
	assert_string_equal((const char *)value.data, "secret");
	return true;
}

static void a_damaged_store_is_moved_with_its_log(void **state)
{
	struct scratch *t = *state;

	make_damaged_with_log(t);
	scratch_write(scratch_path(t, "store.db-journal"), "journal", 7);
	assert_refused(t, "store.db.damaged");
	assert_content(t, "store.db.damaged", "junk");
	assert_content(t, "store.db.damaged-wal", "log");
	assert_content(t, "store.db.damaged-journal", "journal");
	assert_false(scratch_exists(t, "store.db-wal"));
	assert_false(scratch_exists(t, "store.db-journal"));
	assert_true(scratch_exists(t, "seal.key"));
}

static void what_was_set_aside_is_never_overwritten(void **state)
{
	struct scratch *t = *state;

	make_store(t);
	damage(t, "first");
	assert_refused(t, "store.db.damaged");
	scratch_write(scratch_path(t, "store.db.damaged.2-wal"), "mine", 4);
	damage(t, "second");
	assert_refused(t, "store.db.damaged.3");
	damage(t, "third");
	assert_refused(t, "store.db.damaged.4");
	assert_content(t, "store.db.damaged", "first");
	assert_content(t, "store.db.damaged.2-wal", "mine");
	assert_false(scratch_exists(t, "store.db.damaged.2"));
	assert_content(t, "store.db.damaged.3", "second");
	assert_content(t, "store.db.damaged.4", "third");
}

static void a_hundred_damaged_stores_are_enough(void **state)
{
	struct scratch *t = *state;

	make_store(t);
	for (int i = 1; i <= 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), i == 1 ? "store.db.damaged" : "store.db.damaged.%d",
			 i);
		scratch_write(scratch_path(t, name), "x", 1);
	}
	damage(t, "one more");
	for (int i = 0; i < 2; i++) {
		_cleanup_(freep) char *detail = NULL;
		struct store *s = NULL;

		assert_int_equal(store_open(t->state, i ? &anew : NULL, &s, &detail),
				 STORE_E_CORRUPT);
		assert_non_null(strstr(detail, "too many"));
		assert_content(t, "store.db", "one more");
	}
}

static void every_later_start_says_it_again(void **state)
{
	struct scratch *t = *state;

	make_damaged(t);
	for (int i = 0; i < 3; i++) {
		assert_refused(t, "truncated");
		assert_refused(t, "store.set-aside");
		assert_refused(t, "set aside as");
	}
	assert_content(t, "store.db.damaged", "junk");
	assert_false(scratch_exists(t, "store.db.damaged.2"));
}

static void a_store_that_is_put_back_ends_it(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret backup = SECRET_INIT;
	struct store *s;

	make_store(t);
	scratch_read(scratch_path(t, "store.db"), &backup);
	damage(t, "junk");
	assert_refused(t, "set aside");
	scratch_write(scratch_path(t, "store.db"), backup.data, backup.len);
	s = scratch_open(t);
	assert_true(has_content(s));
	assert_string_equal(store_notice(s), "");
	store_close(s);
	assert_false(scratch_exists(t, "store.set-aside"));
	assert_content(t, "store.db.damaged", "junk");
}

static void removing_the_mark_starts_anew_with_the_old_key(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	struct store *s;

	make_damaged(t);
	scratch_read(scratch_path(t, "seal.key"), &key);
	assert_refused(t, "set aside");
	assert_int_equal(unlink(scratch_path(t, "store.set-aside")), 0);
	s = scratch_open(t);
	assert_false(has_content(s));
	store_close(s);
	scratch_assert_same(t, "seal.key", &key);
	assert_content(t, "store.db.damaged", "junk");
}

static void a_mark_that_cannot_be_read_refuses_all_the_same(void **state)
{
	struct scratch *t = *state;

	assert_int_equal(mkdir(t->state, 0700), 0);
	scratch_write(scratch_path(t, "store.set-aside"), "", 0);
	assert_refused(t, "set aside");
	scratch_write(scratch_path(t, "store.set-aside"), "one line", 8);
	assert_refused(t, "set aside");
}

static void start_anew_begins_at_once_and_says_so_until_somebody_clears_up(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	struct store *s;

	make_damaged(t);
	scratch_read(scratch_path(t, "seal.key"), &key);
	s = open_anew(t);
	assert_true(store_is_anew(s));
	assert_false(has_content(s));
	assert_non_null(strstr(store_notice(s), "truncated"));
	assert_non_null(strstr(store_notice(s), "started anew"));
	fill(s);
	store_close(s);
	scratch_assert_same(t, "seal.key", &key);
	assert_content(t, "store.db.damaged", "junk");
	assert_false(scratch_exists(t, "store.set-aside"));

	s = scratch_open(t);
	assert_true(has_content(s));
	assert_false(store_is_anew(s));
	assert_non_null(strstr(store_notice(s), "started anew"));
	store_close(s);
	assert_int_equal(unlink(scratch_path(t, "store.db.damaged")), 0);
	s = scratch_open(t);
	assert_string_equal(store_notice(s), "");
	store_close(s);
}

static void start_anew_after_a_refusal_begins_too(void **state)
{
	struct scratch *t = *state;
	struct store *s;

	make_damaged(t);
	assert_refused(t, "set aside");
	s = open_anew(t);
	assert_true(store_is_anew(s));
	assert_non_null(strstr(store_notice(s), "truncated"));
	store_close(s);
	assert_false(scratch_exists(t, "store.set-aside"));
}

static void start_anew_sets_a_log_without_its_database_aside(void **state)
{
	struct scratch *t = *state;
	struct store *s;

	make_store(t);
	assert_int_equal(unlink(scratch_path(t, "store.db")), 0);
	scratch_write(scratch_path(t, "store.db-wal"), "log", 3);
	s = open_anew(t);
	assert_true(store_is_anew(s));
	store_close(s);
	assert_content(t, "store.db.damaged-wal", "log");
}

static void start_anew_changes_nothing_when_the_key_is_wrong_or_the_schema_newer(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	static const uint8_t other[32] = {7};

	make_store(t);
	scratch_read(scratch_path(t, "seal.key"), &key);
	scratch_write(scratch_path(t, "seal.key"), other, sizeof(other));
	scratch_refuses_with(t, &anew, STORE_E_SEALING_KEY, "another sealing key");
	unlink(scratch_path(t, "seal.key"));
	scratch_refuses_with(t, &anew, STORE_E_SEALING_KEY, "missing");
	assert_false(scratch_exists(t, "seal.key"));
	scratch_write(scratch_path(t, "seal.key"), key.data, key.len);
	{
		struct store *s = scratch_open(t);

		assert_int_equal(db_exec(s->db, "PRAGMA user_version = 99"), 0);
		store_close(s);
	}
	scratch_refuses_with(t, &anew, STORE_E_NEWER, "99");
}

static void a_device_with_a_factory_identity_is_the_same_one_afterwards(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = NULL;
	char path[PATH_MAX], before[256], after[256];
	const struct identity_config config = {.hardware = "linux",
					       .device_type = 1,
					       .uuid = "50374f37-4d3d-4c1f-8003-4f0c0c8dbc8c",
					       .key_file = path};
	struct identity *i = NULL;
	struct store *s = scratch_open(t);

	snprintf(path, sizeof(path), "%s/factory.key", t->dir);
	assert_int_equal(key_generate(&k, &der), 0);
	scratch_write(path, der.data, der.len);
	assert_int_equal(identity_open(s, &config, &i, NULL), 0);
	assert_int_equal(identity_csv(i, before, sizeof(before)), 0);
	identity_free(i);
	store_close(s);
	damage(t, "junk");
	s = open_anew(t);
	assert_int_equal(identity_open(s, &config, &i, NULL), 0);
	assert_int_equal(identity_csv(i, after, sizeof(after)), 0);
	identity_free(i);
	store_close(s);
	assert_string_equal(before, after);
}

/* --- cut off in the middle */

static int open_in_child(void *data)
{
	const struct scratch *t = data;
	struct store *s = NULL;
	int r = store_open(t->state, NULL, &s, NULL);

	return r == STORE_E_CORRUPT ? 0 : 1;
}

static int open_anew_in_child(void *data)
{
	const struct scratch *t = data;
	struct store *s = NULL;
	int r = store_open(t->state, &anew, &s, NULL);

	store_close(s);
	return r;
}

/* The damaged database and its log are together, in whatever place. */
static void assert_still_whole(const struct scratch *t, int n)
{
	const char *names[] = {"store.db.damaged", "store.db.damaged.2"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char log[64];

		if (!scratch_exists(t, names[i]))
			continue;
		assert_content(t, names[i], "junk");
		snprintf(log, sizeof(log), "%s-wal", names[i]);
		assert_content(t, log, "log");
		return;
	}
	fail_msg("cut at call %d: nothing was set aside", n);
}

static void setting_aside_cut_at_any_call_keeps_database_and_log_together(void **state)
{
	struct scratch *t = *state;
	bool was_killed = true;
	int n = 0;

	for (; was_killed; n += killpoints_stride()) {
		make_damaged_with_log(t);
		was_killed = killpoints_run(open_in_child, t, n);
		assert_refused(t, "set aside as");
		assert_still_whole(t, n);
		assert_false(scratch_exists(t, "store.db-wal"));
		scratch_clear(t);
	}
	print_message("setting aside: cut at %d calls\n", n);
	assert_true(n > 20);
}

static void starting_anew_cut_at_any_call_starts_anew(void **state)
{
	struct scratch *t = *state;
	bool was_killed = true;
	int n = 0;

	for (; was_killed; n += killpoints_stride()) {
		struct store *s;

		make_damaged_with_log(t);
		was_killed = killpoints_run(open_anew_in_child, t, n);
		s = open_anew(t);
		assert_false(has_content(s));
		store_close(s);
		assert_still_whole(t, n);
		assert_false(scratch_exists(t, "store.db.damaged.2"));
		scratch_clear(t);
	}
	print_message("starting anew: cut at %d calls\n", n);
	assert_true(n > 50);
}

/* --- what is no damage */

static int calls_left, failures_left;

static bool is_failing(void)
{
	if (calls_left-- > 0 || failures_left == 0)
		return false;
	failures_left--;
	errno = EIO;
	return true;
}

static ssize_t failing_pread(int fd, void *data, size_t len, off_t at)
{
	return is_failing() ? -1 : pread(fd, data, len, at);
}

static int failing_open(const char *path, int flags, int mode)
{
	if (!is_failing())
		return open(path, flags, mode);
	errno = EMFILE;
	return -1;
}

static void with_system_call(const char *name, sqlite3_syscall_ptr call)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	assert_int_equal(vfs->xSetSystemCall(vfs, name, call), SQLITE_OK);
}

/* The call fails at its n-th time and n_failures - 1 times after it, for every n. */
static void assert_no_damage(const struct scratch *t, const char *name, sqlite3_syscall_ptr call,
			     int n_failures)
{
	int n = 0, n_refused = 0;

	for (bool failed = true; failed; n++) {
		_cleanup_(freep) char *detail = NULL;
		struct store *s = NULL;
		int r;

		calls_left = n;
		failures_left = n_failures;
		with_system_call(name, call);
		r = store_open(t->state, NULL, &s, &detail);
		with_system_call(name, NULL);
		failed = failures_left < n_failures;
		if (r > 0)
			fail_msg("%s number %d: %s", name, n, detail);
		n_refused += r < 0;
		store_close(s);
		s = scratch_open(t);
		assert_true(has_content(s));
		store_close(s);
	}
	assert_false(scratch_exists(t, "store.db.damaged"));
	print_message("%s: failed at %d calls, %d times refused\n", name, n - 1, n_refused);
	assert_true(n_refused > 0);
}

static void a_disk_or_a_table_of_files_that_fails_is_no_damage(void **state)
{
	struct scratch *t = *state;

	make_store(t);
	with_system_call("pread", (sqlite3_syscall_ptr)failing_pread);
	with_system_call("pread", NULL);
	assert_no_damage(t, "pread64", (sqlite3_syscall_ptr)failing_pread, 1);
	assert_no_damage(t, "pread64", (sqlite3_syscall_ptr)failing_pread, 1 << 30);
	assert_no_damage(t, "open", (sqlite3_syscall_ptr)failing_open, 1 << 30);
}

static sqlite3_mem_methods real_memory;

static void *failing_malloc(int size)
{
	return is_failing() ? NULL : real_memory.xMalloc(size);
}

static void *failing_realloc(void *data, int size)
{
	return is_failing() ? NULL : real_memory.xRealloc(data, size);
}

static void use_memory(const sqlite3_mem_methods *methods)
{
	assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, methods), SQLITE_OK);
	assert_int_equal(sqlite3_initialize(), SQLITE_OK);
}

static void a_lack_of_memory_is_no_damage(void **state)
{
	struct scratch *t = *state;
	sqlite3_mem_methods failing;
	int n = 0, n_refused = 0;

	make_store(t);
	failures_left = 0;
	assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
	failing = real_memory;
	failing.xMalloc = failing_malloc;
	failing.xRealloc = failing_realloc;
	use_memory(&failing);
	for (bool failed = true; failed; n += killpoints_stride()) {
		_cleanup_(freep) char *detail = NULL;
		struct store *s = NULL;
		int r;

		calls_left = n;
		failures_left = 1 << 30;
		r = store_open(t->state, NULL, &s, &detail);
		failed = failures_left < 1 << 30;
		failures_left = 0;
		if (r > 0)
			fail_msg("allocation %d: %s", n, detail);
		n_refused += r < 0;
		store_close(s);
	}
	use_memory(&real_memory);
	print_message("memory: failed at %d allocations, %d times refused\n", n, n_refused);
	assert_false(scratch_exists(t, "store.db.damaged"));
	{
		struct store *s = scratch_open(t);

		assert_true(has_content(s));
		store_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_damaged_store_is_moved_with_its_log),
		SCRATCH_TEST(what_was_set_aside_is_never_overwritten),
		SCRATCH_TEST(a_hundred_damaged_stores_are_enough),
		SCRATCH_TEST(every_later_start_says_it_again),
		SCRATCH_TEST(a_store_that_is_put_back_ends_it),
		SCRATCH_TEST(removing_the_mark_starts_anew_with_the_old_key),
		SCRATCH_TEST(a_mark_that_cannot_be_read_refuses_all_the_same),
		SCRATCH_TEST(start_anew_begins_at_once_and_says_so_until_somebody_clears_up),
		SCRATCH_TEST(start_anew_after_a_refusal_begins_too),
		SCRATCH_TEST(start_anew_sets_a_log_without_its_database_aside),
		SCRATCH_TEST(start_anew_changes_nothing_when_the_key_is_wrong_or_the_schema_newer),
		SCRATCH_TEST(a_device_with_a_factory_identity_is_the_same_one_afterwards),
		SCRATCH_TEST(setting_aside_cut_at_any_call_keeps_database_and_log_together),
		SCRATCH_TEST(starting_anew_cut_at_any_call_starts_anew),
		SCRATCH_TEST(a_disk_or_a_table_of_files_that_fails_is_no_damage),
		SCRATCH_TEST(a_lack_of_memory_is_no_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
