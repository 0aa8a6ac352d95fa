/* SPDX-License-Identifier: Apache-2.0 */

/* The store in PostgreSQL when its server goes away, comes back, or is not what it should be. */

#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "service/store/postgres.h"
#include "stores.h"

#define UUID(n) n "0363154-3931-44f0-8022-121b6401627d"
#define PATIENCE_MS 20000

static int team_put(struct service_store *s, const char *id)
{
	struct store_team row = {.name = (char *)(uintptr_t)id};

	snprintf(row.id, sizeof(row.id), "%s", id);
	return s->ops->team_add(s, &row);
}

static bool has_team(struct service_store *s, const char *id)
{
	struct store_team got;
	int r = s->ops->team_get(s, id, &got);

	if (r == 0)
		store_team_done(&got);
	return r == 0;
}

/* Asks again until the store is back, which is said by nothing but an answer. */
static void wait_until_back(struct service_store *s)
{
	uint64_t deadline = clock_ms() + PATIENCE_MS;
	int r;

	while ((r = s->ops->ping(s)) == -EBUSY && clock_ms() < deadline)
		(void)poll(NULL, 0, 10);
	assert_int_equal(r, 0);
}

static void a_server_that_crashes_takes_the_open_transaction_along(void **state)
{
	struct fixture *f = *state;
	struct store_txn t = {NULL};

	assert_int_equal(store_txn_begin(&t, f->store, STORE_WRITE, ""), 0);
	assert_int_equal(team_put(f->store, UUID("1")), 0);
	stores_server_kill();
	assert_int_equal(team_put(f->store, UUID("2")), -EBUSY);
	stores_server_start();
	/* The new connection must not go on where the old one was. */
	assert_int_equal(team_put(f->store, UUID("3")), -EBUSY);
	assert_int_equal(store_txn_commit(&t), -EBUSY);
	store_txn_rollback(&t);
	wait_until_back(f->store);
	assert_false(has_team(f->store, UUID("1")));
	assert_false(has_team(f->store, UUID("2")));
	assert_int_equal(team_put(f->store, UUID("4")), 0);
	assert_true(has_team(f->store, UUID("4")));
}

static void a_commit_without_an_answer_is_an_error_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct store_txn t = {NULL};

	assert_int_equal(store_txn_begin(&t, f->store, STORE_WRITE, ""), 0);
	assert_int_equal(team_put(f->store, UUID("1")), 0);
	stores_server_kill();
	assert_int_equal(store_txn_commit(&t), -EIO);
	store_txn_rollback(&t);
	stores_server_start();
	wait_until_back(f->store);
	assert_false(has_team(f->store, UUID("1")));
}

static void a_transaction_that_had_an_error_cannot_be_committed(void **state)
{
	struct fixture *f = *state;
	struct store_device nobody = {.uuid = UUID("9"), .tags = (char *)(uintptr_t) "[]"};
	struct store_txn t = {NULL};

	assert_int_equal(store_txn_begin(&t, f->store, STORE_WRITE, ""), 0);
	assert_int_equal(team_put(f->store, UUID("1")), 0);
	assert_int_equal(f->store->ops->device_add(f->store, &nobody), -EINVAL);
	assert_int_equal(store_txn_commit(&t), -EIO);
	store_txn_rollback(&t);
	assert_false(has_team(f->store, UUID("1")));
	assert_int_equal(team_put(f->store, UUID("1")), 0);
}

static int put_one(struct service_store *s)
{
	return team_put(s, UUID("1"));
}

static int put_in_a_transaction(struct service_store *s)
{
	struct store_txn t = {NULL};
	int r = store_txn_begin(&t, s, STORE_WRITE_RELAXED, "");

	if (r == 0)
		assert_int_equal(team_put(s, UUID("2")), 0);
	return r == 0 ? store_txn_commit(&t) : r;
}

/* A call waits 200 ms for a connection, which a busy machine may need for one: then once more. */
static void assert_unnoticed(struct service_store *s, int (*call)(struct service_store *))
{
	int r = -EBUSY;

	for (int i = 0; r == -EBUSY && i < 5; i++) {
		if (i > 0)
			wait_until_back(s);
		stores_server_stop();
		stores_server_start();
		r = call(s);
	}
	assert_int_equal(r, 0);
}

static void a_restart_between_calls_is_not_noticed(void **state)
{
	struct fixture *f = *state;

	assert_unnoticed(f->store, f->store->ops->ping);
	assert_unnoticed(f->store, put_one);
	assert_unnoticed(f->store, put_in_a_transaction);
	assert_true(has_team(f->store, UUID("1")) && has_team(f->store, UUID("2")));
}

static void calls_fail_soon_while_the_server_is_down(void **state)
{
	struct fixture *f = *state;
	struct store_txn t = {NULL};
	uint64_t from;

	stores_server_stop();
	from = clock_ms();
	for (int i = 0; i < 10; i++)
		assert_int_equal(store_txn_begin(&t, f->store, STORE_WRITE, ""), -EBUSY);
	assert_true(clock_ms() - from < 2000);
	stores_server_start();
	wait_until_back(f->store);
	assert_int_equal(team_put(f->store, UUID("1")), 0);
}

static void scopes_exclude_themselves_and_no_other(void **state)
{
	struct fixture *f = *state;
	struct service_store *other;
	struct store_txn a = {NULL}, b = {NULL};

	stores_open(NULL, &other);
	assert_int_equal(store_txn_begin(&a, f->store, STORE_WRITE, UUID("1")), 0);
	assert_int_equal(store_txn_begin(&b, other, STORE_WRITE, UUID("2")), 0);
	assert_int_equal(store_txn_commit(&b), 0);
	/* It does not wait for ever, and is fit for use afterwards. */
	assert_int_equal(store_txn_begin(&b, other, STORE_WRITE, UUID("1")), -EBUSY);
	assert_int_equal(store_txn_commit(&a), 0);
	assert_int_equal(store_txn_begin(&b, other, STORE_WRITE, UUID("1")), 0);
	store_txn_rollback(&b);
	service_store_free(other);
}

static void event_put(struct service_store *s, const struct fixture *f, const char *kind)
{
	struct store_event row = {.at_ms = 1, .device = UUID("1")};

	snprintf(row.team, sizeof(row.team), "%s", f->editor.team);
	snprintf(row.kind, sizeof(row.kind), "%s", kind);
	assert_int_equal(s->ops->event_add(s, &row), 0);
}

static int kind_push(void *userdata, const struct store_event *row)
{
	strcat(userdata, row->kind);
	return 0;
}

static void assert_events(struct fixture *f, const char *kinds)
{
	static const struct store_position start = {0, 0};
	char got[256] = "";

	assert_int_equal(f->store->ops->event_after(f->store, f->editor.team, NULL, &start, 100,
						    kind_push, got),
			 0);
	assert_string_equal(got, kinds);
}

static void events_wait_for_older_ones_that_may_still_come(void **state)
{
	struct fixture *f = *state;
	struct store_txn a = {NULL}, b = {NULL};
	struct service_store *early, *late;

	stores_open(NULL, &early);
	stores_open(NULL, &late);
	event_put(f->store, f, "0");
	assert_int_equal(store_txn_begin(&a, early, STORE_WRITE, UUID("1")), 0);
	event_put(early, f, "1");
	assert_int_equal(store_txn_begin(&b, late, STORE_WRITE, UUID("2")), 0);
	event_put(late, f, "3");
	event_put(early, f, "2");
	assert_int_equal(store_txn_commit(&b), 0);
	assert_events(f, "0");
	assert_int_equal(store_txn_commit(&a), 0);
	assert_events(f, "0123");
	service_store_free(early);
	service_store_free(late);
}

static void events_of_another_cluster_are_shown_too(void **state)
{
	struct fixture *f = *state;
	struct service_store *other;

	event_put(f->store, f, "1");
	event_put(f->store, f, "2");
	/* What pg_restore brings may have numbers that this cluster has not come to. */
	stores_run("UPDATE events SET tx = tx + 1000000000000");
	assert_events(f, "");
	stores_open(NULL, &other);
	service_store_free(other);
	event_put(f->store, f, "3");
	assert_events(f, "123");
}

static void a_dump_is_a_store_again(void **state)
{
	struct fixture *f = *state;
	struct service_store *was = f->store, *copy;
	char url[256], *detail = NULL;

	assert_int_equal(team_put(f->store, UUID("1")), 0);
	event_put(f->store, f, "1");
	event_put(f->store, f, "2");
	stores_copy("restored", url, sizeof(url));
	assert_int_equal(team_put(f->store, UUID("2")), 0);
	assert_int_equal(store_postgres_open(url, &copy, &detail), 0);
	assert_true(has_team(copy, UUID("1")));
	assert_false(has_team(copy, UUID("2")));
	event_put(copy, f, "3");
	f->store = copy;
	assert_events(f, "123");
	f->store = was;
	service_store_free(copy);
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

static void told_by_another(struct fixture *f, struct service_store *other)
{
	struct store_txn t = {NULL};
	int fd = f->store->ops->watch_fd(f->store);
	bool is = false;

	/* Longer than the looks that follow the connection and each notification. */
	while (is_readable(fd, 2000))
		assert_int_equal(f->store->ops->watch_take(f->store, &is), 0);
	assert_int_equal(store_txn_begin(&t, other, STORE_WRITE_RELAXED, ""), 0);
	event_put(other, f, "x");
	assert_int_equal(store_txn_commit(&t), 0);
	assert_true(is_readable(fd, 2000));
	assert_int_equal(f->store->ops->watch_take(f->store, &is), 0);
	assert_true(is);
}

static void news_of_other_processes_arrive(void **state)
{
	struct fixture *f = *state;
	struct service_store *other;
	int fd = f->store->ops->watch_fd(f->store);
	uint64_t deadline;
	bool is = false;

	assert_true(fd >= 0);
	stores_open(NULL, &other);
	told_by_another(f, other);
	assert_events(f, "x");
	/* From a process that listens itself, which sends on that connection. */
	assert_true(other->ops->watch_fd(other) >= 0);
	while (is_readable(other->ops->watch_fd(other), 2000))
		assert_int_equal(other->ops->watch_take(other, &is), 0);
	told_by_another(f, other);
	/* The descriptor outlives the connection. */
	stores_server_stop();
	stores_server_start();
	deadline = clock_ms() + PATIENCE_MS;
	wait_until_back(other);
	assert_int_equal(f->store->ops->watch_fd(f->store), fd);
	do {
		assert_true(clock_ms() < deadline);
		assert_true(is_readable(fd, PATIENCE_MS));
		assert_int_equal(f->store->ops->watch_take(f->store, &is), 0);
	} while (!is);
	told_by_another(f, other);
	service_store_free(other);
}

static void many_processes_may_make_the_tables_at_once(void **state)
{
	struct service_store *store;
	pid_t children[6];
	int status;

	(void)state;
	stores_clear();
	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			char *detail = NULL;

			_exit(store_postgres_open(stores_url(), &store, &detail) != 0);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
}

static void assert_refused(const char *url, int expected, const char *part)
{
	struct service_store *store = NULL;
	char *detail = NULL;

	assert_int_equal(store_postgres_open(url, &store, &detail), expected);
	if (!strstr(detail, part))
		fail_msg("%s: %s", url, detail);
	assert_null(strstr(detail, "s3cret"));
	free(detail);
}

static void what_is_no_store_of_ours_is_refused_by_name(void **state)
{
	char latin[256];

	(void)state;
	assert_refused("postgresql://u:s3cret@localhost/d", -EINVAL, "passfile=");
	assert_refused("postgresql://u@localhost/d?password=s3cret", -EINVAL, "passfile=");
	assert_refused("postgresql://u@localhost/d?nonsense=1", -EINVAL, "nonsense");
	assert_refused("mysql://u@localhost/d", -EINVAL, "postgresql://");
	assert_refused("postgresql://u@/d?host=/nonexistent", -EBUSY, "/nonexistent");
	stores_run("UPDATE meta SET value = '999' WHERE name = 'schema'");
	assert_refused(stores_url(), -EPROTO, "schema 999");
	stores_run("DROP DATABASE IF EXISTS latin");
	stores_run("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
		   " TEMPLATE template0");
	snprintf(latin, sizeof(latin), "%s&dbname=latin", stores_url());
	assert_refused(latin, -EPROTO, "LATIN1");
}

static void a_server_that_only_reads_is_left_for_another(void **state)
{
	struct fixture *f = *state;

	stores_run("ALTER DATABASE postgres SET default_transaction_read_only = on");
	stores_server_stop();
	stores_server_start();
	assert_int_equal(team_put(f->store, UUID("1")), -EROFS);
	stores_run("SET transaction_read_only = off;"
		   " ALTER DATABASE postgres RESET default_transaction_read_only");
	wait_until_back(f->store);
	assert_int_equal(team_put(f->store, UUID("1")), 0);
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t from = clock_ms();
	char url[96];

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(url, sizeof(url), "postgresql://u@127.0.0.1:%u/d", ntohs(a.sin_port));
	assert_refused(url, -EBUSY, "does not answer");
	assert_true(clock_ms() - from < 8000);
	close(fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_server_that_crashes_takes_the_open_transaction_along),
		T(a_commit_without_an_answer_is_an_error_of_its_own),
		T(a_transaction_that_had_an_error_cannot_be_committed),
		T(a_restart_between_calls_is_not_noticed),
		T(calls_fail_soon_while_the_server_is_down),
		T(scopes_exclude_themselves_and_no_other),
		T(events_wait_for_older_ones_that_may_still_come),
		T(events_of_another_cluster_are_shown_too),
		T(a_dump_is_a_store_again),
		T(news_of_other_processes_arrive),
		T(many_processes_may_make_the_tables_at_once),
		T(what_is_no_store_of_ours_is_refused_by_name),
		T(a_server_that_only_reads_is_left_for_another),
		T(a_server_that_says_nothing_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
