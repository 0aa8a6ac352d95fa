/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/credstore/device.h"

#include <errno.h>

#include "base/text.h"
#include "credstore/db.h"
#include "credstore/key.h"
#include "proto/keygen.h"
#include "tests/unit/credstore/killpoints.h"
#include "tests/unit/credstore/pki.h"

/* A batch is cut off at each of its steps: a child dies without a word as SQLite is about to run
 * its n-th statement, for every n, and the store is opened again. Before or after; never between.
 */

struct batch {
	struct command commands[6];
	char *certificate; /* owned */
};

static void batch_init(struct batch *b)
{
	char *pem = pki_certificate();

	assert_true(asprintf(&b->certificate, "0,16842753,1,\"%s\"", pem) > 0);
	free(pem);
	b->commands[0] = at_command("id.1", "%CMNG", "3,16842753,2");
	b->commands[0].ignore_cme[0] = 513;
	b->commands[0].n_ignore_cme = 1;
	b->commands[1] = at_command("id.2", "%KEYGEN", "16842753,2,1");
	b->commands[2] = at_command("id.3", "%CMNG", b->certificate);
	b->commands[3] = config_command("id.4", "provisioning/interval-sec", "99");
	b->commands[4] = at_command("id.5", "%CMNG", "3,5,4");
	b->commands[5] = command_of("id.6", COMMAND_FINISHED);
}

/* The device before the batch: a credential that it deletes. */
static void prepare(const struct scratch *t)
{
	struct device d;

	device_open(t, &d);
	assert_at(&d, "%CMNG", "0,5,4,\"old\"", 0, "OK\r\n");
	device_close(&d);
}

/* In the child, which never ends in order: killed in the middle, terminated after the batch, exit 1
 * when anything else went wrong. */
static void run_and_die(const struct scratch *t, struct batch *b, int step)
{
	const struct command_list list = {b->commands, ARRAY_SIZE(b->commands)};
	struct batch_result result;
	struct device d;

	device_open(t, &d);
	sqlite3_trace_v2(d.store->db, SQLITE_TRACE_STMT, killpoints_at_statement, &step);
	if (execute_batch(&d.executor, &list, NULL, &result) != 0 || result.failed)
		_exit(1);
	raise(SIGTERM);
}

static void assert_nothing_happened(struct device *d)
{
	char *value;

	assert_int_equal(journal_count(d->store), 0);
	assert_true(store_credential_exists(d->store, 5, CREDENTIAL_PSK_IDENTITY));
	assert_false(store_credential_exists(d->store, 16842753, CREDENTIAL_PRIVATE_KEY));
	assert_false(store_credential_exists(d->store, 16842753, CREDENTIAL_CLIENT_CERT));
	assert_int_equal(store_value_get(d->store, "config/provisioning/interval-sec", &value),
			 -ENOENT);
}

/* The recorded answer must be about the key that is stored. */
static void assert_all_happened(struct device *d)
{
	_cleanup_(response_done) struct response answer = {.code = RESPONSE_ERROR};
	_cleanup_(secret_done) struct secret der = SECRET_INIT;
	_cleanup_(key_freep) struct key *k = NULL;
	_cleanup_(freep) char *value = NULL;
	uint8_t spki[KEY_SPKI_MAX];
	struct keygen output;
	const char *text;
	size_t len;

	assert_int_equal(journal_count(d->store), 6);
	assert_false(store_credential_exists(d->store, 5, CREDENTIAL_PSK_IDENTITY));
	assert_true(store_credential_exists(d->store, 16842753, CREDENTIAL_CLIENT_CERT));
	assert_int_equal(store_value_get(d->store, "config/provisioning/interval-sec", &value), 0);
	assert_string_equal(value, "99");
	assert_int_equal(store_credential_get(d->store, 16842753, CREDENTIAL_PRIVATE_KEY, &der), 0);
	assert_int_equal(key_load(der.data, der.len, &k), 0);
	assert_int_equal(key_spki(k, spki, &len), 0);
	assert_int_equal(journal_find(d->store, "id.2", &answer), 0);
	assert_int_equal(keygen_find(answer.message, &text, &len), 0);
	assert_int_equal(keygen_parse(text, len, &output), 0);
	assert_int_equal(output.der_len, 91);
	assert_memory_equal(output.der, spki, 91);
}

/* The signal that the child ended by, 0 for none. */
static int end_of(pid_t child)
{
	int status;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_batch_cut_at_any_step_happened_whole_or_not_at_all(void **state)
{
	struct scratch *t = *state;
	struct batch b;
	int step = 0, code = SIGKILL;

	batch_init(&b);
	for (; code == SIGKILL; step++) {
		struct device d;
		pid_t child;

		prepare(t);
		child = fork();
		if (child == 0)
			run_and_die(t, &b, step);
		code = end_of(child);
		assert_true(code == SIGKILL || code == SIGTERM);
		device_open(t, &d);
		if (code == SIGKILL)
			assert_nothing_happened(&d);
		else
			assert_all_happened(&d);
		/* and the next run ends in the same place, with one result for each */
		assert_true(device_run(&d, b.commands, ARRAY_SIZE(b.commands)).finished);
		assert_all_happened(&d);
		device_close(&d);
		scratch_clear(t);
	}
	assert_true(step > 30); /* it was really cut often */
	free(b.certificate);
}

/* In the child: acknowledging four results dies at the step. */
static void forget_and_die(const struct scratch *t, int step)
{
	struct response_list pending;
	struct store *s = scratch_open(t);

	if (journal_pending(s, &pending) != 0)
		_exit(1);
	sqlite3_trace_v2(s->db, SQLITE_TRACE_STMT, killpoints_at_statement, &step);
	if (journal_forget(s, pending.items, pending.n) != 0)
		_exit(1);
	raise(SIGTERM);
}

static void an_acknowledgement_cut_at_any_step_forgets_all_or_nothing(void **state)
{
	struct scratch *t = *state;
	struct command commands[] = {
		at_command("id.1", "%ATTESTTOKEN", ""),
		at_command("id.2", "%ATTESTTOKEN", ""),
		command_of("id.3", COMMAND_FINISHED),
	};
	int code = SIGKILL, step = 0;

	for (; code == SIGKILL; step++) {
		_cleanup_(freep) char *after = NULL;
		bool is_forgotten;
		struct device d;
		pid_t child;

		device_open(t, &d);
		device_run(&d, commands, 3);
		device_close(&d);
		child = fork();
		if (child == 0)
			forget_and_die(t, step);
		code = end_of(child);
		device_open(t, &d);
		/* The last statement comes after the transaction. */
		is_forgotten = journal_count(d.store) == 0;
		assert_true(is_forgotten || (code == SIGKILL && journal_count(d.store) == 3));
		assert_int_equal(store_value_get(d.store, "after", &after),
				 is_forgotten ? 0 : -ENOENT);
		if (is_forgotten)
			assert_string_equal(after, "id.3");
		device_close(&d);
	}
	assert_true(step > 4);
}

/* In the child: the first opening of all, which makes the store and the identity. */
static void be_born_and_die(const struct scratch *t, int step)
{
	const struct identity_config config = {.hardware = "linux", .device_type = 1};
	struct identity *i;
	struct store *s = scratch_open(t);

	sqlite3_trace_v2(s->db, SQLITE_TRACE_STMT, killpoints_at_statement, &step);
	if (identity_open(s, &config, &i, NULL) != 0)
		_exit(1);
	raise(SIGTERM);
}

static void a_birth_cut_at_any_step_leaves_a_whole_identity_or_none(void **state)
{
	const struct identity_config config = {.hardware = "linux", .device_type = 1};
	struct scratch *t = *state;
	int code = SIGKILL, step = 0;

	for (; code == SIGKILL; step++) {
		struct identity *i = NULL;
		struct store *s;
		pid_t child = fork();

		if (child == 0)
			be_born_and_die(t, step);
		code = end_of(child);
		assert_true(code == SIGKILL || code == SIGTERM);
		s = scratch_open(t);
		assert_int_equal(count_credentials(s), code == SIGKILL ? 0 : 1);
		assert_int_equal(identity_open(s, &config, &i, NULL), 0);
		identity_free(i);
		store_close(s);
		scratch_clear(t);
	}
	assert_true(step > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_batch_cut_at_any_step_happened_whole_or_not_at_all),
		SCRATCH_TEST(an_acknowledgement_cut_at_any_step_forgets_all_or_nothing),
		SCRATCH_TEST(a_birth_cut_at_any_step_leaves_a_whole_identity_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
