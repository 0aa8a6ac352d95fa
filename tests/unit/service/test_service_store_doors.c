/* SPDX-License-Identifier: Apache-2.0 */

/* Several doors to one store, as several processes have: what one sees of the other. */

#include "fixture.h"

#include <errno.h>
#include <sys/wait.h>

#include "service/ca.h"
#include "stores.h"

#define UUID(n) n "0363154-3931-44f0-8022-121b6401627d"

static void what_was_committed_is_there_after_reopening(void **state)
{
	struct fixture *f = *state;
	struct device d;
	const char *id;

	device_init(&d);
	device_claim(f, &d, "[\"lab\"]");
	id = command_add(f, &d, "{\"finished\":{}}");
	core_free(f->core);
	service_store_free(f->store);
	fixture_open(f, &f->store, &f->core);
	assert_command(f, &d, id, "PENDING", NULL);
	assert_int_equal(device_answer(f, &d, id, 102, 0, ""), CORE_OK);
	assert_command(f, &d, id, "SUCCEEDED", NULL);
	device_done(&d);
}

static void another_process_may_work_on_the_same_store(void **state)
{
	struct fixture *f = *state;
	struct service_store *store;
	struct core *core, *ours = f->core;
	char key[64], jwt[JWT_MAX], device[CORE_UUID_TEXT];
	struct core_owner o;
	struct device d;

	fixture_open(f, &store, &core);
	device_init(&d);
	f->core = core;
	device_import(f, &d);
	f->core = ours;
	device_jwt(&d, jwt);
	assert_int_equal(token_show(f->core, jwt, strlen(jwt), device), CORE_UNCLAIMED);
	assert_int_equal(core_apikey_create(core, "ours", "editor", "k", key), 0);
	assert_int_equal(core_owner_of_key(f->core, key, &o), CORE_OK);
	assert_string_equal(o.team, f->editor.team);
	core_free(core);
	service_store_free(store);
	device_done(&d);
}

static void a_transaction_that_is_not_committed_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_team team = {.id = "50363154-3931-44f0-8022-121b6401627d"}, got;
	char name[] = "ghosts";

	team.name = name;
	{
		_cleanup_(store_txn_rollback) struct store_txn t = {NULL};

		assert_int_equal(store_txn_begin(&t, f->store, STORE_WRITE, ""), 0);
		assert_int_equal(f->store->ops->team_add(f->store, &team), 0);
		assert_int_equal(f->store->ops->team_find(f->store, "ghosts", &got), 0);
		store_team_done(&got);
	}
	assert_int_equal(f->store->ops->team_find(f->store, "ghosts", &got), STORE_E_NOT_FOUND);
}

static void device_put(struct fixture *f, const char *uuid)
{
	struct store_identity identity = {.hardware = "h"};
	struct store_device row = {.claimed_at = 1};
	char tags[] = "[]";

	snprintf(identity.uuid, sizeof(identity.uuid), "%s", uuid);
	snprintf(row.uuid, sizeof(row.uuid), "%s", uuid);
	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	row.tags = tags;
	assert_int_equal(f->store->ops->identity_add(f->store, &identity), 0);
	assert_int_equal(f->store->ops->device_add(f->store, &row), 0);
}

/* Another process with a store of its own runs fn; its result is the exit status. */
static pid_t process(struct fixture *f, int (*fn)(struct fixture *f, int number), int number)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct fixture ours = *f;

		stores_open(f->db, &ours.store);
		_exit(fn(&ours, number));
	}
	return pid;
}

static void process_wait(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define ROUNDS 60

static int count_up(struct fixture *f, int number)
{
	(void)number;
	for (int i = 0; i < ROUNDS; i++) {
		struct store_txn t = {NULL};
		struct store_device row;

		if (store_txn_begin(&t, f->store, i % 2 ? STORE_WRITE : STORE_WRITE_RELAXED,
				    UUID("1")) != 0 ||
		    f->store->ops->device_get(f->store, UUID("1"), &row) != 0)
			return 1;
		row.seen_at++;
		if (f->store->ops->device_update(f->store, &row) != 0 || store_txn_commit(&t) != 0)
			return 2;
		store_device_done(&row);
	}
	return 0;
}

static void writers_of_one_scope_take_turns(void **state)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	struct fixture *f = *state;
	pid_t children[3];

	device_put(f, UUID("1"));
	for (size_t i = 0; i < ARRAY_SIZE(children); i++)
		children[i] = process(f, count_up, 0);
	for (size_t i = 0; i < ARRAY_SIZE(children); i++)
		process_wait(children[i]);
	assert_int_equal(f->store->ops->device_get(f->store, UUID("1"), &row), 0);
	assert_int_equal(row.seen_at, ROUNDS * ARRAY_SIZE(children));
}

static int event_put(struct fixture *f, int number, const char *kind)
{
	struct store_event row = {.at_ms = 1};

	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	snprintf(row.device, sizeof(row.device),
		 "%d"
		 "0363154-3931-44f0-8022-121b6401627d",
		 number);
	snprintf(row.kind, sizeof(row.kind), "%s", kind);
	return f->store->ops->event_add(f->store, &row);
}

static int write_events(struct fixture *f, int number)
{
	char scope[STORE_UUID_TEXT], kind[32];

	snprintf(scope, sizeof(scope),
		 "%d"
		 "0363154-3931-44f0-8022-121b6401627d",
		 number);
	for (int i = 0; i < ROUNDS; i++) {
		struct store_txn t = {NULL};

		snprintf(kind, sizeof(kind), "%d", i);
		if (store_txn_begin(&t, f->store, STORE_WRITE_RELAXED, scope) != 0 ||
		    event_put(f, number, kind) != 0 || store_txn_commit(&t) != 0)
			return 1;
	}
	return 0;
}

#define WRITERS 4

struct reader {
	struct store_position last;
	int next[WRITERS]; /* of each writer */
	size_t n;
};

static int read_event(void *userdata, const struct store_event *row)
{
	struct reader *r = userdata;
	int writer = row->device[0] - '0';

	assert_true(row->position.commit > r->last.commit ||
		    (row->position.commit == r->last.commit && row->position.seq > r->last.seq));
	assert_int_equal(atoi(row->kind), r->next[writer]);
	r->next[writer]++;
	r->last = row->position;
	r->n++;
	return 0;
}

static void a_reader_misses_no_event_while_others_write(void **state)
{
	struct fixture *f = *state;
	struct reader reader = {.n = 0};
	pid_t children[WRITERS];
	int n_done = 0, status;

	for (int i = 0; i < WRITERS; i++)
		children[i] = process(f, write_events, i);
	while (reader.n < (size_t)ROUNDS * WRITERS) {
		const struct store_position after = reader.last;
		bool are_done = n_done == WRITERS;
		size_t before = reader.n;

		assert_int_equal(f->store->ops->event_after(f->store, f->editor.team, NULL, &after,
							    7, read_event, &reader),
				 0);
		/* The last ones appear when all writers are done, at the latest. */
		if (reader.n == before && are_done)
			break;
		if (n_done < WRITERS && waitpid(children[n_done], &status, WNOHANG) > 0) {
			assert_int_equal(status, 0);
			n_done++;
		}
	}
	for (; n_done < WRITERS; n_done++)
		process_wait(children[n_done]);
	assert_int_equal(reader.n, ROUNDS * WRITERS);
}

static void news_of_other_processes_and_of_our_own_are_told(void **state)
{
	struct fixture *f = *state;
	struct store_txn t = {NULL};
	bool is = false;

	if (stores_is_postgres())
		return;
	assert_int_equal(f->store->ops->watch_fd(f->store), -1);
	assert_int_equal(f->store->ops->watch_take(f->store, &is), 0);
	assert_int_equal(f->store->ops->watch_take(f->store, &is), 0);
	assert_false(is);
	assert_int_equal(store_txn_begin(&t, f->store, STORE_WRITE, ""), 0);
	assert_int_equal(event_put(f, 1, "undone"), 0);
	store_txn_rollback(&t);
	assert_int_equal(f->store->ops->watch_take(f->store, &is), 0);
	assert_false(is);
	assert_int_equal(store_txn_begin(&t, f->store, STORE_WRITE, ""), 0);
	assert_int_equal(event_put(f, 1, "done"), 0);
	assert_int_equal(store_txn_commit(&t), 0);
	assert_int_equal(f->store->ops->watch_take(f->store, &is), 0);
	assert_true(is);
	process_wait(process(f, write_events, 1));
	assert_int_equal(f->store->ops->watch_take(f->store, &is), 0);
	assert_true(is);
	assert_int_equal(f->store->ops->watch_take(f->store, &is), 0);
	assert_false(is);
}

/* A core over the same store, whose CA is in another folder. */
static int ca_open_in(struct fixture *f, const char *dir, char **ret_detail)
{
	struct core *core;
	int r;

	assert_int_equal(core_new(&(struct core_config){.store = f->store, .ca_dir = dir}, &core,
				  ret_detail),
			 0);
	r = core_ca_open(core, ret_detail);
	core_free(core);
	return r;
}

static void a_store_belongs_to_one_ca(void **state)
{
	struct fixture *f = *state;
	char other[96], file[112], *detail = NULL;

	snprintf(other, sizeof(other), "%s/other", f->dir);
	assert_int_equal(ca_open_in(f, f->ca, &detail), 0);
	assert_int_equal(ca_open_in(f, f->ca, &detail), 0);
	/* None is made where the store has one. */
	assert_int_equal(ca_open_in(f, other, &detail), -EPERM);
	assert_non_null(strstr(detail, "copy ca.key and ca.pem"));
	free(detail);
	snprintf(file, sizeof(file), "%s/ca.key", other);
	assert_int_equal(access(file, F_OK), -1);
	/* One that was made before. */
	{
		struct ca *ca;

		assert_int_equal(ca_open(other, &ca, &detail), 0);
		ca_free(ca);
	}
	assert_int_equal(ca_open_in(f, other, &detail), -EPERM);
	assert_non_null(strstr(detail, other));
	free(detail);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_was_committed_is_there_after_reopening),
		T(another_process_may_work_on_the_same_store),
		T(a_transaction_that_is_not_committed_leaves_nothing),
		T(writers_of_one_scope_take_turns),
		T(a_reader_misses_no_event_while_others_write),
		T(news_of_other_processes_and_of_our_own_are_told),
		T(a_store_belongs_to_one_ca),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
