/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/scratch.h"

#include "credstore/db.h"
#include "credstore/staged.h"
#include "tests/unit/credstore/killpoints.h"

/* Every byte of a store is damaged, and every length of it cut: it opens with everything right, or
 * is refused and set aside. A byte of the schema's number may also make it another program's. */

static const uint8_t digest[32] = {1};

static void put(struct store *s, const char *value)
{
	assert_int_equal(store_credential_put(s, 5, CREDENTIAL_PSK, value, strlen(value), digest),
			 0);
}

/* A row in each table. */
static void make_store(const struct scratch *t)
{
	struct response result = {.correlation = "id.1",
				  .code = RESPONSE_AT,
				  .message = (char *)"+CME ERROR: 513\r\n"};
	struct store *s = scratch_open(t);

	put(s, "before");
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(staged_keep(s, 5), 0);
	put(s, "secret");
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_secret_put(s, "wifi/config", "network", 7), 0);
	assert_int_equal(store_value_put(s, "after", "0123456789abcdef"), 0);
	assert_int_equal(journal_add(s, &result), 0);
	store_close(s);
}

static bool is(const struct secret *value, const char *text)
{
	return secret_equal(value->data, value->len, text, strlen(text));
}

/* All of it as it was stored. */
static bool is_right(struct store *s)
{
	_cleanup_(secret_done) struct secret now = SECRET_INIT, before = SECRET_INIT;
	_cleanup_(secret_done) struct secret secret = SECRET_INIT;
	_cleanup_(response_done) struct response result = {.code = RESPONSE_ERROR};
	_cleanup_(freep) char *after = NULL;

	return store_credential_get(s, 5, CREDENTIAL_PSK, &now) == 0 && is(&now, "secret") &&
	       staged_previous_get(s, 5, CREDENTIAL_PSK, &before) == 0 && is(&before, "before") &&
	       store_secret_get(s, "wifi/config", &secret) == 0 && is(&secret, "network") &&
	       store_value_get(s, "after", &after) == 0 && strcmp(after, "0123456789abcdef") == 0 &&
	       journal_count(s) == 1 && journal_find(s, "id.1", &result) == 0 &&
	       result.code == RESPONSE_AT && strcmp(result.message, "+CME ERROR: 513\r\n") == 0;
}

struct tally {
	int n, n_opened, n_aside, n_newer;
};

/* The damaged bytes are the store now. */
static void check(const struct scratch *t, const void *data, size_t len, struct tally *tally,
		  const char *what, size_t at)
{
	static const char *const remains[] = {
		"store.db-wal",         "store.db-journal",         "store.db.damaged",
		"store.db.damaged-wal", "store.db.damaged-journal", "store.set-aside",
	};
	_cleanup_(secret_done) struct secret damaged = SECRET_INIT;
	_cleanup_(freep) char *detail = NULL;
	struct store *s = NULL;
	int r;

	assert_int_equal(secret_set(&damaged, data, len), 0);
	scratch_write(scratch_path(t, "store.db"), data, len);
	r = store_open(t->state, NULL, &s, &detail);
	tally->n++;
	if (r == 0) {
		if (!is_right(s))
			fail_msg("%s %zu: opens, with a wrong content", what, at);
		tally->n_opened++;
		store_close(s);
	} else if (r == STORE_E_CORRUPT) {
		scratch_assert_same(t, "store.db.damaged", &damaged);
		assert_false(scratch_exists(t, "store.db"));
		tally->n_aside++;
	} else if (r == STORE_E_NEWER) {
		scratch_assert_same(t, "store.db", &damaged);
		tally->n_newer++;
	} else {
		fail_msg("%s %zu: %d %s", what, at, r, detail ? detail : "");
	}
	for (size_t i = 0; i < ARRAY_SIZE(remains); i++)
		unlink(scratch_path(t, remains[i]));
}

static void tell(const char *what, const struct tally *tally)
{
	print_message("%s: %d, of which %d opened whole, %d were set aside, %d taken for newer\n",
		      what, tally->n, tally->n_opened, tally->n_aside, tally->n_newer);
}

static void flip(const struct scratch *t, uint8_t mask, int stride)
{
	_cleanup_(secret_done) struct secret whole = SECRET_INIT;
	struct tally tally = {0};

	scratch_read(scratch_path(t, "store.db"), &whole);
	for (size_t at = 0; at < whole.len; at += (size_t)stride) {
		/* Long runs of zeros are free space; one in 32 is tried. */
		if (whole.data[at] == 0 && at > 200 && at + 1 < whole.len &&
		    whole.data[at - 1] == 0 && whole.data[at + 1] == 0 && at % 32 != 0)
			continue;
		whole.data[at] ^= mask;
		check(t, whole.data, whole.len, &tally, "byte", at);
		whole.data[at] ^= mask;
	}
	tell("bytes flipped", &tally);
	assert_true(tally.n_aside > tally.n / 8);
}

static void a_flipped_byte_is_set_aside_or_changes_nothing(void **state)
{
	make_store(*state);
	flip(*state, 0xff, killpoints_stride());
}

static void a_flipped_bit_is_set_aside_or_changes_nothing(void **state)
{
	make_store(*state);
	flip(*state, 0x01, killpoints_stride() == 1 ? 7 : 301);
}

static void a_store_cut_at_any_length_is_set_aside(void **state)
{
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret whole = SECRET_INIT;
	struct tally tally = {0};

	make_store(t);
	scratch_read(scratch_path(t, "store.db"), &whole);
	for (size_t len = 0; len < whole.len;
	     len += len < 600 ? 1 : 61 * (size_t)killpoints_stride())
		check(t, whole.data, len, &tally, "length", len);
	tell("lengths cut", &tally);
	assert_int_equal(tally.n_opened + tally.n_newer, 0);
}

/* Behind the store's back, as SQLite itself would do it: its structure is right. */
static void a_row_that_was_changed_removed_or_added_is_damage(void **state)
{
	static const char *const changes[] = {
		"UPDATE value SET text = 'other'",
		"DELETE FROM value",
		"INSERT INTO value VALUES ('config/x', 'y')",
		"UPDATE journal SET code = 1",
		"DELETE FROM journal",
		"DELETE FROM credential",
		"DELETE FROM previous",
		"DELETE FROM secret WHERE name = 'wifi/config'",
		"UPDATE sqlite_sequence SET seq = 0",
		"CREATE TABLE more (x)",
		"UPDATE secret SET sealed = zeroblob(61) WHERE name = 'store/content'",
		"UPDATE sealing SET probe = zeroblob(29)",
	};
	struct scratch *t = *state;
	_cleanup_(secret_done) struct secret whole = SECRET_INIT;

	make_store(t);
	scratch_read(scratch_path(t, "store.db"), &whole);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		scratch_refuses_change(t, &whole, changes[i], "is damaged");
}

/* docs/storage.md: what somebody changed on purpose is taken over by removing the digest. */
static void a_change_by_hand_is_taken_without_the_digest(void **state)
{
	struct scratch *t = *state;
	_cleanup_(freep) char *after = NULL;
	sqlite3 *db = NULL;
	struct store *s;

	make_store(t);
	assert_int_equal(sqlite3_open(scratch_path(t, "store.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "UPDATE value SET text = 'mine';"
				      "DELETE FROM secret WHERE name = 'store/content'",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	for (int i = 0; i < 2; i++) {
		s = scratch_open(t);
		free(after);
		after = NULL;
		assert_int_equal(store_value_get(s, "after", &after), 0);
		assert_string_equal(after, "mine");
		store_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_flipped_byte_is_set_aside_or_changes_nothing),
		SCRATCH_TEST(a_flipped_bit_is_set_aside_or_changes_nothing),
		SCRATCH_TEST(a_store_cut_at_any_length_is_set_aside),
		SCRATCH_TEST(a_row_that_was_changed_removed_or_added_is_damage),
		SCRATCH_TEST(a_change_by_hand_is_taken_without_the_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
