/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/scratch.h"

#include <dirent.h>

#include "credstore/db.h"
#include "credstore/identity.h"
#include "credstore/reset.h"
#include "credstore/staged.h"
#include "tests/unit/credstore/killpoints.h"

/* A reset forgets what was asked for and nothing else, and leaves no byte of it in any file. */

#define CA_TAG 7
#define SLICE 24
#define MAX_REMAINS 64

static const uint8_t digest[32] = {1};

static void put(struct store *s, uint32_t tag, enum credential_type type, const char *value)
{
	assert_int_equal(store_credential_put(s, tag, type, value, strlen(value), digest), 0);
}

/* Of everything that a device keeps, some; with pages enough for rows to move between them. */
static void make_store(const struct scratch *t)
{
	struct response result = {.correlation = "command.1", .code = RESPONSE_FINISHED};
	struct store *s = scratch_open(t);
	char large[3000];

	put(s, IDENTITY_TAG, CREDENTIAL_PRIVATE_KEY, "the identity key");
	put(s, CA_TAG, CREDENTIAL_ROOT_CA, "the root CA");
	put(s, CA_TAG, CREDENTIAL_PSK, "beside the root CA");
	memset(large, 'x', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	for (uint32_t tag = 100; tag < 104; tag++)
		put(s, tag, CREDENTIAL_CLIENT_CERT, large);
	put(s, 5, CREDENTIAL_PSK, "a key of the owner");
	put(s, 6, CREDENTIAL_PSK, "a predecessor");
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(staged_keep(s, 6), 0);
	put(s, 6, CREDENTIAL_PSK, "its successor");
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_secret_put(s, "wifi/config", "a passphrase", 12), 0);
	assert_int_equal(store_value_put(s, "network/last", "home"), 0);
	assert_int_equal(store_value_put(s, "device-uuid", "a uuid"), 0);
	assert_int_equal(store_value_put(s, "identity-key", "a digest"), 0);
	assert_int_equal(store_value_put(s, "time-floor", "1700000000"), 0);
	assert_int_equal(store_value_put(s, "config/interval", "60"), 0);
	assert_int_equal(store_value_put(s, "after", "command.0"), 0);
	assert_int_equal(journal_add(s, &result), 0);
	store_close(s);
}

/* ---- what must not be found ---- */

struct remains {
	struct secret of[MAX_REMAINS];
	size_t n;
};

/* Its beginning and its end: what is between may be on several pages. */
static void remember(struct remains *m, const uint8_t *data, size_t len)
{
	assert_in_range(len, SLICE, 1 << 20);
	assert_true(m->n + 2 <= MAX_REMAINS);
	assert_int_equal(secret_set(&m->of[m->n++], data, SLICE), 0);
	assert_int_equal(secret_set(&m->of[m->n++], data + len - SLICE, SLICE), 0);
}

/* Everything sealed, whatever becomes of it: what stays is sealed anew. */
static void remember_all(const struct scratch *t, struct remains *m)
{
	static const char sealed[] = "SELECT sealed FROM credential UNION ALL "
				     "SELECT sealed FROM previous UNION ALL "
				     "SELECT sealed FROM secret WHERE name <> 'store/content'";
	_cleanup_(secret_done) struct secret key = SECRET_INIT;
	_cleanup_(statement_finalizep) sqlite3_stmt *rows = NULL;
	struct store *s = scratch_open(t);

	assert_int_equal(store_prepare(s, sealed, &rows), 0);
	while (store_step(s, rows) == 1)
		remember(m, sqlite3_column_blob(rows, 0), (size_t)sqlite3_column_bytes(rows, 0));
	sqlite3_finalize(TAKE_PTR(rows));
	store_close(s);
	if (!scratch_exists(t, "seal.key"))
		return;
	scratch_read(scratch_path(t, "seal.key"), &key);
	remember(m, key.data, key.len);
}

static void forget_remains(struct remains *m)
{
	for (size_t i = 0; i < m->n; i++)
		secret_done(&m->of[i]);
}

static bool is_in_files(const struct scratch *t, const struct secret *what)
{
	DIR *d = opendir(t->state);
	const struct dirent *e;
	bool found = false;

	assert_non_null(d);
	while ((e = readdir(d))) {
		_cleanup_(secret_done) struct secret file = SECRET_INIT;

		if (e->d_type != DT_REG)
			continue;
		scratch_read(scratch_path(t, e->d_name), &file);
		if (file.len > 0 && memmem(file.data, file.len, what->data, what->len))
			found = true;
	}
	closedir(d);
	return found;
}

static size_t count_remains(const struct scratch *t, const struct remains *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += is_in_files(t, &m->of[i]);
	return n;
}

/* ---- the reset ---- */

static int note(struct store *s, const struct reset *q, const struct reset_counts *counts,
		void *userdata)
{
	struct reset_counts *ret = userdata;

	(void)q;
	if (ret)
		*ret = *counts;
	return reset_receipt_put(s, "the receipt");
}

/* What an agent does with a store that it opens. */
static int carry_out(struct store *s, const struct scratch *t, struct reset_counts *ret)
{
	struct reset q;
	int r = reset_get(s, &q);

	if (r == 0)
		r = reset_forget(s, t->state, NULL, &q, CA_TAG, note, ret);
	if (r == 0 || r == -ENOENT)
		r = reset_wipe(s, t->state, NULL);
	return r;
}

static struct store *reset_store(const struct scratch *t, unsigned int parts,
				 struct reset_counts *ret)
{
	struct store *s = scratch_open(t);
	struct reset q;

	assert_int_equal(reset_ask(s, parts, &q), 0);
	assert_int_equal(strlen(q.id), RESET_ID_LEN);
	assert_int_equal(carry_out(s, t, ret), 0);
	return s;
}

static bool has_value(struct store *s, const char *name)
{
	_cleanup_(freep) char *text = NULL;

	return store_value_get(s, name, &text) == 0;
}

static bool has_network(struct store *s)
{
	_cleanup_(secret_done) struct secret value = SECRET_INIT;

	return store_secret_get(s, "wifi/config", &value) == 0;
}

static void assert_credentials_gone(struct store *s)
{
	_cleanup_(freep) struct credential_info *infos = NULL, *previous = NULL;
	size_t n, n_previous;

	assert_int_equal(store_credential_list(s, &infos, &n), 0);
	for (size_t i = 0; i < n; i++)
		assert_true(infos[i].tag == IDENTITY_TAG ||
			    (infos[i].tag == CA_TAG && infos[i].type == CREDENTIAL_ROOT_CA));
	assert_int_equal(staged_previous_list(s, &previous, &n_previous), 0);
	assert_int_equal(n_previous, 0);
	assert_int_equal(journal_count(s), 0);
	assert_false(has_value(s, "config/interval"));
	assert_false(has_value(s, "after"));
	assert_false(has_value(s, "staged/6"));
}

static void assert_identity(struct store *s)
{
	_cleanup_(secret_done) struct secret key = SECRET_INIT;

	assert_true(has_value(s, "device-uuid"));
	assert_true(has_value(s, "identity-key"));
	assert_int_equal(store_credential_get(s, IDENTITY_TAG, CREDENTIAL_PRIVATE_KEY, &key), 0);
	assert_string_equal((char *)key.data, "the identity key");
}

static void assert_trust(struct store *s)
{
	_cleanup_(secret_done) struct secret ca = SECRET_INIT;

	assert_int_equal(store_credential_get(s, CA_TAG, CREDENTIAL_ROOT_CA, &ca), 0);
	assert_string_equal((char *)ca.data, "the root CA");
	assert_true(has_value(s, "time-floor"));
}

static void credentials_go_and_identity_network_and_trust_stay(void **state)
{
	struct scratch *t = *state;
	struct reset_counts n = {0};
	struct store *s;

	make_store(t);
	s = reset_store(t, RESET_CREDENTIALS, &n);
	for (int again = 0; again < 2; again++) {
		assert_credentials_gone(s);
		assert_identity(s);
		assert_trust(s);
		assert_true(has_network(s));
		assert_true(has_value(s, "network/last"));
		store_close(s);
		s = scratch_open(t);
	}
	store_close(s);
	assert_int_equal(n.credentials, 7);
	assert_int_equal(n.predecessors, 1);
	assert_int_equal(n.results, 1);
	assert_int_equal(n.settings, 1);
	assert_int_equal(n.networks, 0);
	assert_true(n.is_sealed_anew);
}

static void networks_go_and_all_else_stays(void **state)
{
	struct scratch *t = *state;
	struct reset_counts n = {0};
	struct store *s;

	make_store(t);
	s = reset_store(t, RESET_NETWORK, &n);
	assert_false(has_network(s));
	assert_false(has_value(s, "network/last"));
	assert_int_equal(n.networks, 1);
	assert_identity(s);
	assert_trust(s);
	assert_true(store_credential_exists(s, 5, CREDENTIAL_PSK));
	assert_true(staged_has_previous(s, 6));
	assert_int_equal(journal_count(s), 1);
	assert_true(has_value(s, "config/interval"));
	store_close(s);
}

static void an_identity_takes_the_credentials_along(void **state)
{
	struct scratch *t = *state;
	struct store *s;

	make_store(t);
	s = reset_store(t, RESET_IDENTITY, NULL);
	assert_credentials_gone(s);
	assert_false(store_credential_exists(s, IDENTITY_TAG, CREDENTIAL_PRIVATE_KEY));
	assert_false(has_value(s, "device-uuid"));
	assert_false(has_value(s, "identity-key"));
	assert_trust(s);
	assert_true(has_network(s));
	store_close(s);
}

static void nothing_of_it_is_left_in_any_file(void **state)
{
	struct scratch *t = *state;

	for (unsigned int parts = 1; parts < 1 << RESET_N_PARTS; parts++) {
		struct remains before = {.n = 0};
		struct store *s;

		make_store(t);
		remember_all(t, &before);
		/* The search finds what is there. */
		assert_int_equal(count_remains(t, &before), before.n);
		s = reset_store(t, parts, NULL);
		assert_int_equal(count_remains(t, &before), 0);
		store_close(s);
		assert_int_equal(count_remains(t, &before), 0);
		assert_false(scratch_exists(t, "seal.key.next"));
		forget_remains(&before);
		scratch_clear(t);
	}
}

/* The sealing key is systemd's: the rows go, and the receipt can tell that the key did not. */
static void under_a_credential_the_rows_go_and_the_key_stays(void **state)
{
	static const uint8_t given[32] = {9, 8, 7};
	struct scratch *t = *state;
	struct remains before = {.n = 0};
	struct reset_counts n = {0};
	char path[PATH_MAX];
	struct store *s;

	snprintf(path, sizeof(path), "%s/onboardd.seal", t->dir);
	scratch_write(path, given, sizeof(given));
	setenv("CREDENTIALS_DIRECTORY", t->dir, 1);
	make_store(t);
	remember_all(t, &before);
	s = reset_store(t, RESET_IDENTITY | RESET_NETWORK, &n);
	assert_false(n.is_sealed_anew);
	/* All but the root CA, which stays. */
	assert_int_equal(count_remains(t, &before), 2);
	assert_credentials_gone(s);
	store_close(s);
	forget_remains(&before);
	store_close(scratch_open(t));
}

static void damaged_stores_that_were_set_aside_go_with_the_credentials(void **state)
{
	struct scratch *t = *state;
	struct store *s;

	make_store(t);
	scratch_write(scratch_path(t, "store.db.damaged"), "ruins", 5);
	scratch_write(scratch_path(t, "store.db.damaged-wal"), "ruins", 5);
	s = reset_store(t, RESET_NETWORK, NULL);
	assert_true(scratch_exists(t, "store.db.damaged"));
	store_close(s);
	s = reset_store(t, RESET_CREDENTIALS, NULL);
	assert_false(scratch_exists(t, "store.db.damaged"));
	assert_false(scratch_exists(t, "store.db.damaged-wal"));
	assert_false(store_has_aside(s));
	store_close(s);
}

static void what_is_asked_for_twice_is_one_reset_of_both(void **state)
{
	struct scratch *t = *state;
	struct reset first, second, kept;
	struct store *s;

	make_store(t);
	s = scratch_open(t);
	assert_int_equal(reset_get(s, &kept), -ENOENT);
	assert_int_equal(reset_ask(s, RESET_NETWORK, &first), 0);
	assert_int_equal(reset_ask(s, RESET_IDENTITY, &second), 0);
	assert_string_equal(first.id, second.id);
	store_close(s);
	s = scratch_open(t);
	assert_int_equal(reset_get(s, &kept), 0);
	assert_string_equal(kept.id, first.id);
	assert_int_equal(kept.parts, RESET_NETWORK | RESET_CREDENTIALS | RESET_IDENTITY);
	store_close(s);
}

static void the_receipt_stays_until_the_next_one(void **state)
{
	struct scratch *t = *state;
	_cleanup_(freep) char *text = NULL;
	struct reset q;
	struct store *s;

	make_store(t);
	s = scratch_open(t);
	assert_int_equal(reset_receipt_get(s, &text), -ENOENT);
	store_close(s);
	store_close(reset_store(t, RESET_IDENTITY, NULL));
	s = scratch_open(t);
	assert_int_equal(reset_receipt_get(s, &text), 0);
	assert_string_equal(text, "the receipt");
	assert_int_equal(reset_get(s, &q), -ENOENT);
	assert_true(reset_is_wiped(s));
	store_close(s);
}

static int refuse(struct store *s, const struct reset *q, const struct reset_counts *counts,
		  void *userdata)
{
	(void)s;
	(void)q;
	(void)counts;
	(void)userdata;
	return -ENOSPC;
}

/* A full disk, say. */
static void a_reset_that_cannot_be_written_down_changes_nothing_and_is_done_later(void **state)
{
	struct scratch *t = *state;
	struct remains before = {.n = 0};
	struct reset q;
	struct store *s;

	make_store(t);
	remember_all(t, &before);
	s = scratch_open(t);
	assert_int_equal(reset_ask(s, RESET_CREDENTIALS, &q), 0);
	assert_int_equal(reset_forget(s, t->state, NULL, &q, CA_TAG, refuse, NULL), -ENOSPC);
	assert_true(store_credential_exists(s, 5, CREDENTIAL_PSK));
	assert_identity(s);
	store_close(s);
	s = scratch_open(t);
	assert_identity(s);
	assert_false(scratch_exists(t, "seal.key.next"));
	assert_int_equal(carry_out(s, t, NULL), 0);
	assert_credentials_gone(s);
	assert_int_equal(count_remains(t, &before), 0);
	store_close(s);
	forget_remains(&before);
}

static int live_once(void *data)
{
	const struct scratch *t = data;
	struct store *s = NULL;
	int r = store_open(t->state, NULL, &s, NULL);

	if (r == 0)
		r = carry_out(s, t, NULL);
	store_close(s);
	return r;
}

/* As a device that is switched on again. */
static void assert_done_by_next_start(const struct scratch *t, const struct remains *before)
{
	_cleanup_(freep) char *receipt = NULL;
	struct store *s = scratch_open(t);

	assert_int_equal(carry_out(s, t, NULL), 0);
	assert_credentials_gone(s);
	assert_identity(s);
	assert_trust(s);
	assert_int_equal(reset_receipt_get(s, &receipt), 0);
	assert_true(reset_is_wiped(s));
	assert_false(scratch_exists(t, "seal.key.next"));
	assert_int_equal(count_remains(t, before), 0);
	store_close(s);
}

static void a_reset_cut_at_any_system_call_is_completed_by_the_next_start(void **state)
{
	struct scratch *t = *state;
	bool was_killed = true;
	int n;

	for (n = 0; was_killed; n += killpoints_stride()) {
		struct remains before = {.n = 0};
		struct reset q;
		struct store *s;

		make_store(t);
		remember_all(t, &before);
		s = scratch_open(t);
		assert_int_equal(reset_ask(s, RESET_CREDENTIALS, &q), 0);
		store_close(s);
		was_killed = killpoints_run(live_once, t, n);
		assert_done_by_next_start(t, &before);
		forget_remains(&before);
		scratch_clear(t);
	}
	print_message("cut at %d system calls\n", n - 1);
	assert_true(n > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(credentials_go_and_identity_network_and_trust_stay),
		SCRATCH_TEST(networks_go_and_all_else_stays),
		SCRATCH_TEST(an_identity_takes_the_credentials_along),
		SCRATCH_TEST(nothing_of_it_is_left_in_any_file),
		SCRATCH_TEST(under_a_credential_the_rows_go_and_the_key_stays),
		SCRATCH_TEST(damaged_stores_that_were_set_aside_go_with_the_credentials),
		SCRATCH_TEST(what_is_asked_for_twice_is_one_reset_of_both),
		SCRATCH_TEST(the_receipt_stays_until_the_next_one),
		SCRATCH_TEST(a_reset_that_cannot_be_written_down_changes_nothing_and_is_done_later),
		SCRATCH_TEST(a_reset_cut_at_any_system_call_is_completed_by_the_next_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
