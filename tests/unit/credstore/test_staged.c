/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/device.h"

#include <errno.h>

#include "credstore/db.h"
#include "credstore/staged.h"
#include "tests/unit/credstore/killpoints.h"

/* Predecessors of the cloud's credentials: kept, promoted, put back. */

#define TAG TEST_CLOUD_TAG

static void put(struct store *s, uint32_t tag, enum credential_type type, const char *value)
{
	uint8_t digest[32] = {(uint8_t)value[0], (uint8_t)strlen(value)};

	assert_int_equal(store_credential_put(s, tag, type, value, strlen(value), digest), 0);
}

static void assert_holds(struct store *s, uint32_t tag, enum credential_type type,
			 const char *value)
{
	_cleanup_(secret_done) struct secret held = SECRET_INIT;
	int r = store_credential_get(s, tag, type, &held);

	assert_int_equal(r, value ? 0 : -ENOENT);
	if (value)
		assert_string_equal((const char *)held.data, value);
}

static void assert_kept(struct store *s, enum credential_type type, const char *value)
{
	_cleanup_(secret_done) struct secret held = SECRET_INIT;
	int r = staged_previous_get(s, TAG, type, &held);

	assert_int_equal(r, value ? 0 : -ENOENT);
	if (value)
		assert_string_equal((const char *)held.data, value);
}

static void assert_state(struct store *s, enum staged_state expected, const char *expected_why)
{
	_cleanup_(freep) char *why = NULL;
	enum staged_state state;

	assert_int_equal(staged_get(s, TAG, &state, &why), 0);
	assert_int_equal(state, expected);
	if (expected_why)
		assert_string_equal(why, expected_why);
	else
		assert_null(why);
}

static void put_old(struct store *s)
{
	put(s, TAG, CREDENTIAL_ROOT_CA, "old ca");
	put(s, TAG, CREDENTIAL_PRIVATE_KEY, "old key");
	put(s, TAG, CREDENTIAL_CLIENT_CERT, "old certificate");
}

/* The batch that rotates: the certificate goes, the key is replaced, a PSK is new. */
static void change(struct store *s)
{
	assert_int_equal(staged_keep(s, TAG), 0);
	assert_int_equal(store_credential_delete(s, TAG, CREDENTIAL_CLIENT_CERT), 0);
	put(s, TAG, CREDENTIAL_PRIVATE_KEY, "new key");
	put(s, TAG, CREDENTIAL_PSK, "aa");
}

static void assert_old(struct store *s)
{
	assert_holds(s, TAG, CREDENTIAL_ROOT_CA, "old ca");
	assert_holds(s, TAG, CREDENTIAL_PRIVATE_KEY, "old key");
	assert_holds(s, TAG, CREDENTIAL_CLIENT_CERT, "old certificate");
	assert_holds(s, TAG, CREDENTIAL_PSK, NULL);
}

static void assert_new(struct store *s)
{
	assert_holds(s, TAG, CREDENTIAL_ROOT_CA, "old ca");
	assert_holds(s, TAG, CREDENTIAL_PRIVATE_KEY, "new key");
	assert_holds(s, TAG, CREDENTIAL_CLIENT_CERT, NULL);
	assert_holds(s, TAG, CREDENTIAL_PSK, "aa");
}

static void rolling_back_brings_the_whole_tag_back_and_nothing_else(void **state)
{
	struct store *s = scratch_open(*state);

	put_old(s);
	put(s, 7, CREDENTIAL_PSK, "another tag");
	change(s);
	assert_new(s);
	assert_state(s, STAGED_UNVALIDATED, NULL);
	assert_true(staged_has_previous(s, TAG));
	assert_false(staged_has_previous(s, 7));
	assert_false(staged_is_changed(s, TAG, CREDENTIAL_ROOT_CA));
	assert_true(staged_is_changed(s, TAG, CREDENTIAL_PRIVATE_KEY));
	assert_true(staged_is_changed(s, TAG, CREDENTIAL_CLIENT_CERT));
	assert_true(staged_is_changed(s, TAG, CREDENTIAL_PSK));
	put(s, 7, CREDENTIAL_PSK, "changed");
	assert_int_equal(staged_roll_back(s, TAG, "answered 4.01"), 0);
	assert_old(s);
	assert_holds(s, 7, CREDENTIAL_PSK, "changed");
	assert_false(staged_has_previous(s, TAG));
	assert_state(s, STAGED_ROLLED_BACK, "answered 4.01");
	assert_int_equal(staged_roll_back(s, TAG, "again"), -ENOENT);
	store_close(s);
	s = scratch_open(*state);
	assert_old(s);
	assert_state(s, STAGED_ROLLED_BACK, "answered 4.01");
	store_close(s);
}

static void rolling_back_for_no_reason_leaves_nothing_to_remember(void **state)
{
	struct store *s = scratch_open(*state);

	put_old(s);
	change(s);
	assert_int_equal(staged_roll_back(s, TAG, NULL), 0);
	assert_old(s);
	assert_state(s, STAGED_SETTLED, NULL);
	store_close(s);
}

static bool file_holds(const char *path, const struct secret *needle)
{
	_cleanup_(secret_done) struct secret content = SECRET_INIT;
	int r = file_read(path, 16U << 20, &content);

	assert_true(r == 0 || r == -ENOENT);
	return r == 0 && memmem(content.data, content.len, needle->data, needle->len);
}

static bool files_hold(const struct scratch *t, const struct secret *needle)
{
	return file_holds(scratch_path(t, "store.db"), needle) ||
	       file_holds(scratch_path(t, "store.db-wal"), needle);
}

/* The key's row, as it lies on the disk. */
static void read_sealed(struct store *s, struct secret *ret)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;

	assert_int_equal(
		store_prepare(s, "SELECT sealed FROM credential WHERE type = 2", &statement), 0);
	assert_int_equal(store_step(s, statement), 1);
	assert_int_equal(secret_set(ret, sqlite3_column_blob(statement, 0),
				    (size_t)sqlite3_column_bytes(statement, 0)),
			 0);
}

static void the_key_that_is_given_up_leaves_the_files(void **state)
{
	for (size_t promotes = 0; promotes < 2; promotes++) {
		_cleanup_(secret_done) struct secret old = SECRET_INIT, new = SECRET_INIT;
		struct store *s = scratch_open(*state);

		put_old(s);
		read_sealed(s, &old);
		change(s);
		read_sealed(s, &new);
		assert_true(files_hold(*state, &old));
		assert_true(files_hold(*state, &new));
		assert_int_equal(promotes ? staged_promote(s, TAG, NULL)
					  : staged_roll_back(s, TAG, NULL),
				 0);
		assert_int_equal(files_hold(*state, &old), !promotes);
		assert_int_equal(files_hold(*state, &new), promotes);
		store_close(s);
	}
}

static void promotion_forgets_the_predecessors_once(void **state)
{
	struct store *s = scratch_open(*state);
	bool changed;

	put_old(s);
	assert_int_equal(staged_promote(s, TAG, &changed), 0);
	assert_false(changed);
	change(s);
	assert_int_equal(staged_promote(s, TAG, &changed), 0);
	assert_true(changed);
	assert_new(s);
	assert_kept(s, CREDENTIAL_PRIVATE_KEY, NULL);
	assert_state(s, STAGED_SETTLED, NULL);
	assert_int_equal(staged_promote(s, TAG, &changed), 0);
	assert_false(changed);
	assert_int_equal(staged_roll_back(s, TAG, NULL), -ENOENT);
	store_close(s);
}

static void a_second_change_before_promotion_keeps_what_was_validated(void **state)
{
	struct store *s = scratch_open(*state);

	put_old(s);
	change(s);
	store_close(s);
	s = scratch_open(*state);
	assert_int_equal(staged_keep(s, TAG), 0);
	put(s, TAG, CREDENTIAL_PRIVATE_KEY, "newest key");
	assert_kept(s, CREDENTIAL_PRIVATE_KEY, "old key");
	assert_int_equal(staged_roll_back(s, TAG, NULL), 0);
	assert_old(s);
	store_close(s);
}

/* The keys of the first batch were never accepted by anybody. */
static void a_second_change_of_a_new_tag_has_nothing_to_go_back_to(void **state)
{
	struct store *s = scratch_open(*state);

	assert_int_equal(staged_keep(s, TAG), 0);
	put(s, TAG, CREDENTIAL_PRIVATE_KEY, "first key");
	assert_int_equal(staged_keep(s, TAG), 0);
	put(s, TAG, CREDENTIAL_PRIVATE_KEY, "second key");
	assert_false(staged_has_previous(s, TAG));
	assert_int_equal(staged_promote(s, TAG, NULL), 0);
	assert_int_equal(staged_keep(s, TAG), 0);
	assert_kept(s, CREDENTIAL_PRIVATE_KEY, "second key");
	store_close(s);
}

static void a_root_ca_alone_is_nothing_to_go_back_to(void **state)
{
	struct store *s = scratch_open(*state);

	put(s, TAG, CREDENTIAL_ROOT_CA, "ca");
	assert_int_equal(staged_keep(s, TAG), 0);
	assert_false(staged_has_previous(s, TAG));
	assert_state(s, STAGED_UNVALIDATED, NULL);
	store_close(s);
}

static void a_change_after_a_roll_back_keeps_what_the_roll_back_brought(void **state)
{
	struct store *s = scratch_open(*state);

	put_old(s);
	change(s);
	assert_int_equal(staged_roll_back(s, TAG, "refused"), 0);
	change(s);
	assert_state(s, STAGED_UNVALIDATED, NULL);
	assert_kept(s, CREDENTIAL_PRIVATE_KEY, "old key");
	store_close(s);
}

static void what_was_rolled_back_stays_told_when_nothing_is_promoted(void **state)
{
	struct store *s = scratch_open(*state);

	put_old(s);
	change(s);
	assert_int_equal(staged_roll_back(s, TAG, "refused"), 0);
	assert_int_equal(staged_promote(s, TAG, NULL), 0);
	assert_state(s, STAGED_ROLLED_BACK, "refused");
	store_close(s);
}

static void the_endorsement_key_takes_no_part(void **state)
{
	struct store *s = scratch_open(*state);

	put_old(s);
	change(s);
	put(s, TAG, CREDENTIAL_ENDORSEMENT_KEY, "endorsement");
	assert_int_equal(staged_roll_back(s, TAG, NULL), 0);
	assert_holds(s, TAG, CREDENTIAL_ENDORSEMENT_KEY, "endorsement");
	change(s);
	assert_kept(s, CREDENTIAL_ENDORSEMENT_KEY, NULL);
	store_close(s);
}

static void a_transaction_that_is_given_up_takes_its_predecessors_along(void **state)
{
	struct store *s = scratch_open(*state);

	put_old(s);
	assert_int_equal(store_begin(s), 0);
	change(s);
	store_rollback(s);
	assert_old(s);
	assert_false(staged_has_previous(s, TAG));
	assert_state(s, STAGED_SETTLED, NULL);
	change(s);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(staged_roll_back(s, TAG, "refused"), 0);
	store_rollback(s);
	assert_new(s);
	assert_true(staged_has_previous(s, TAG));
	store_close(s);
}

static void predecessors_are_listed_apart_from_credentials(void **state)
{
	_cleanup_(freep) struct credential_info *list = NULL;
	struct store *s = scratch_open(*state);
	size_t n;

	put_old(s);
	change(s);
	assert_int_equal(count_credentials(s), 3);
	assert_int_equal(staged_previous_list(s, &list, &n), 0);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(list[i].tag, TAG);
		assert_int_equal(list[i].type, i);
	}
	store_close(s);
}

/* --- what the wire does, and sees */

#define PSK(value) "0,16842753,3,\"" value "\""

static void settle(struct device *d)
{
	assert_at(d, "%CMNG", PSK("00112233"), 0, "OK\r\n");
	assert_int_equal(staged_promote(d->store, TAG, NULL), 0);
}

static void a_command_that_changes_the_cloud_tag_keeps_its_predecessor(void **state)
{
	static const char *const changes[][2] = {
		{"%CMNG", PSK("44556677")},
		{"%CMNG", "3,16842753,3"},
		{"%CMNG", "0,16842753,4,\"unit-7\""},
		{"%KEYGEN", "16842753,2,1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct scratch *t = *state;
		struct command batch[] = {at_command("a", changes[i][0], changes[i][1])};
		struct device d;

		device_open(t, &d);
		settle(&d);
		assert_true(device_run(&d, batch, 1).cloud_changed);
		assert_kept(d.store, CREDENTIAL_PSK, "00112233");
		device_close(&d);
		scratch_clear(t);
	}
}

static void a_command_that_changes_nothing_there_keeps_nothing(void **state)
{
	struct device d;

	device_open(*state, &d);
	settle(&d);
	assert_at(&d, "%CMNG", "0,7,3,\"00112233\"", 0, "OK\r\n");
	assert_at(&d, "%KEYGEN", "7,2,9", 50, NULL);
	assert_at(&d, "%CMNG", "3,16842753,2", 513, NULL);
	assert_at(&d, "%CMNG", PSK("xyz"), 50, NULL);
	assert_false(staged_has_previous(d.store, TAG));
	assert_state(d.store, STAGED_SETTLED, NULL);
	device_close(&d);
}

static void a_deletion_that_was_allowed_to_fail_keeps_nothing(void **state)
{
	struct command batch[] = {at_command("a", "%CMNG", "3,16842753,2")};
	struct device d;

	batch[0].ignore_cme[0] = 513;
	batch[0].n_ignore_cme = 1;
	device_open(*state, &d);
	settle(&d);
	assert_false(device_run(&d, batch, 1).failed);
	assert_state(d.store, STAGED_SETTLED, NULL);
	device_close(&d);
}

static void the_wire_does_not_see_predecessors(void **state)
{
	enum response_code code;
	uint64_t cme;
	char *list;
	struct device d;

	device_open(*state, &d);
	assert_at(&d, "%CMNG", "0,16842753,4,\"unit-6\"", 0, "OK\r\n");
	settle(&d);
	assert_at(&d, "%CMNG", "3,16842753,4", 0, "OK\r\n");
	assert_kept(d.store, CREDENTIAL_PSK_IDENTITY, "unit-6");
	assert_at(&d, "%CMNG", "2,16842753,4", 513, NULL);
	assert_at(&d, "%CMNG", "3,16842753,4", 513, NULL);
	list = device_at(&d, "%CMNG", "1,16842753,4", &code, &cme);
	assert_string_equal(list, "OK\r\n");
	free(list);
	assert_kept(d.store, CREDENTIAL_PSK_IDENTITY, "unit-6");
	device_close(&d);
}

/* --- a cut */

struct cut {
	const struct scratch *t;
	int left; /* statements until it dies */
};

static int roll_back_in_child(void *data)
{
	struct cut *c = data;
	struct store *s = scratch_open(c->t);
	int r;

	sqlite3_trace_v2(s->db, SQLITE_TRACE_STMT, killpoints_at_statement, &c->left);
	r = staged_roll_back(s, TAG, "refused");
	sqlite3_trace_v2(s->db, 0, NULL, NULL);
	store_close(s);
	return r;
}

static void a_roll_back_cut_off_anywhere_leaves_the_old_or_the_new_whole(void **state)
{
	struct scratch *t = *state;
	bool was_killed = true;
	int n = 0;

	for (; was_killed; n++) {
		struct store *s = scratch_open(t);

		put_old(s);
		change(s);
		store_close(s);
		was_killed = killpoints_child(roll_back_in_child, &(struct cut){t, n});
		s = scratch_open(t);
		if (was_killed) {
			assert_new(s);
			assert_true(staged_has_previous(s, TAG));
		} else {
			assert_old(s);
			assert_state(s, STAGED_ROLLED_BACK, "refused");
		}
		store_close(s);
		scratch_clear(t);
	}
	assert_in_range(n, 6, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(rolling_back_brings_the_whole_tag_back_and_nothing_else),
		SCRATCH_TEST(rolling_back_for_no_reason_leaves_nothing_to_remember),
		SCRATCH_TEST(promotion_forgets_the_predecessors_once),
		SCRATCH_TEST(the_key_that_is_given_up_leaves_the_files),
		SCRATCH_TEST(a_second_change_before_promotion_keeps_what_was_validated),
		SCRATCH_TEST(a_second_change_of_a_new_tag_has_nothing_to_go_back_to),
		SCRATCH_TEST(a_root_ca_alone_is_nothing_to_go_back_to),
		SCRATCH_TEST(a_change_after_a_roll_back_keeps_what_the_roll_back_brought),
		SCRATCH_TEST(what_was_rolled_back_stays_told_when_nothing_is_promoted),
		SCRATCH_TEST(the_endorsement_key_takes_no_part),
		SCRATCH_TEST(a_transaction_that_is_given_up_takes_its_predecessors_along),
		SCRATCH_TEST(predecessors_are_listed_apart_from_credentials),
		SCRATCH_TEST(a_command_that_changes_the_cloud_tag_keeps_its_predecessor),
		SCRATCH_TEST(a_command_that_changes_nothing_there_keeps_nothing),
		SCRATCH_TEST(a_deletion_that_was_allowed_to_fail_keeps_nothing),
		SCRATCH_TEST(the_wire_does_not_see_predecessors),
		SCRATCH_TEST(a_roll_back_cut_off_anywhere_leaves_the_old_or_the_new_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
