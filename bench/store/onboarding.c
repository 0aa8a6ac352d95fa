/* SPDX-License-Identifier: Apache-2.0 */

/* What one onboarding costs of the store: statements, and the time that they take, for each step of
 * it. ONBOARD_TEST_STORE=postgresql ONBOARD_TEST_FSYNC=1 for PostgreSQL. Run by hand;
 * the figures are in docs/decisions/0020. */

#include <libpq-fe.h>
#include <sqlite3.h>
#include <time.h>

#include "proto/jwt.h"
#include "tests/unit/service/fixture.h"

#include "base/clock.h"

#define ROUNDS 300

static struct {
	size_t statements;
	int64_t ns;
} cost;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Around the libraries, by the linker (--wrap). */
int __real_sqlite3_step(sqlite3_stmt *stmt);
int __wrap_sqlite3_step(sqlite3_stmt *stmt);
int __real_sqlite3_reset(sqlite3_stmt *stmt);
int __wrap_sqlite3_reset(sqlite3_stmt *stmt);
int __real_sqlite3_exec(sqlite3 *db, const char *sql, sqlite3_callback fn, void *userdata,
			char **e);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, sqlite3_callback fn, void *userdata,
			char **e);
int __real_PQsendQuery(PGconn *conn, const char *sql);
int __wrap_PQsendQuery(PGconn *conn, const char *sql);
int __real_PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *values,
			       const int *lengths, const int *formats, int format);
int __wrap_PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *values,
			       const int *lengths, const int *formats, int format);
PGresult *__real_PQgetResult(PGconn *conn);
PGresult *__wrap_PQgetResult(PGconn *conn);

int __wrap_sqlite3_step(sqlite3_stmt *stmt)
{
	int64_t from = now_ns();
	int rc = __real_sqlite3_step(stmt);

	cost.ns += now_ns() - from;
	return rc;
}

int __wrap_sqlite3_reset(sqlite3_stmt *stmt)
{
	int64_t from = now_ns();
	int rc = __real_sqlite3_reset(stmt);

	cost.ns += now_ns() - from;
	cost.statements++;
	return rc;
}

int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, sqlite3_callback fn, void *userdata, char **e)
{
	int64_t from = now_ns();
	int rc = __real_sqlite3_exec(db, sql, fn, userdata, e);

	cost.ns += now_ns() - from;
	cost.statements++;
	return rc;
}

static int64_t sent_at;

int __wrap_PQsendQuery(PGconn *conn, const char *sql)
{
	cost.statements++;
	sent_at = now_ns();
	return __real_PQsendQuery(conn, sql);
}

int __wrap_PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *values,
			       const int *lengths, const int *formats, int format)
{
	cost.statements++;
	sent_at = now_ns();
	return __real_PQsendQueryPrepared(conn, name, n, values, lengths, formats, format);
}

PGresult *__wrap_PQgetResult(PGconn *conn)
{
	PGresult *result = __real_PQgetResult(conn);

	if (!result && sent_at) {
		cost.ns += now_ns() - sent_at;
		sent_at = 0;
	}
	return result;
}

enum step { AUTHENTICATE, FETCH, REPORT, LOGIN, POLL, STEPS };

static struct {
	const char *name;
	size_t statements;
	int64_t ns[ROUNDS], all_ns[ROUNDS];
} steps[STEPS] = {{.name = "authenticate"},
		  {.name = "fetch"},
		  {.name = "report"},
		  {.name = "cloud login"},
		  {.name = "fetch, nothing to do"}};

static int64_t began_at;
static int round_now;

static void begin(void)
{
	memset(&cost, 0, sizeof(cost));
	began_at = now_ns();
}

static void end(enum step s)
{
	steps[s].all_ns[round_now] = now_ns() - began_at;
	steps[s].ns[round_now] = cost.ns;
	steps[s].statements += cost.statements;
}

static size_t answers_make(const struct device *d, const struct command_list *list, EVP_PKEY *key,
			   uint8_t *body, size_t size)
{
	struct response r[COMMANDS_MAX] = {0};
	char text[AT_ANSWER_MAX];
	size_t len, n;

	for (size_t i = 0; i < list->n; i++) {
		const struct command *c = &list->items[i];

		r[i].code = c->type == COMMAND_AT ? 100 : c->type == COMMAND_CONFIG ? 101 : 102;
		snprintf(text, sizeof(text), "OK\r\n");
		if (c->verb && strcmp(c->verb, "%KEYGEN") == 0)
			device_keygen(d,
				      &(struct keygen_spec){
					      .key = key, .tag = TAG, .type = KEYGEN_PUBLIC_KEY},
				      text);
		snprintf(r[i].correlation, sizeof(r[i].correlation), "%s", c->correlation);
		r[i].message = strdup(text);
	}
	assert_int_equal(response_list_encode(r, list->n, body, size, &len, &n), 0);
	assert_int_equal(n, list->n);
	for (size_t i = 0; i < list->n; i++)
		response_done(&r[i]);
	return len;
}

static void onboard(struct fixture *f)
{
	char jwt[JWT_MAX], cloud[JWT_MAX], iss[64], device[CORE_UUID_TEXT];
	EVP_PKEY *key = key_make();
	int64_t now = clock_wall_s();
	struct command_list list;
	uint8_t body[BODY_MAX];
	struct device d;
	size_t len;

	device_init(&d);
	device_claim(f, &d, "[\"nrf-cloud-onboarding\"]");
	device_jwt(&d, jwt);
	begin();
	assert_int_equal(token_show(f->core, jwt, strlen(jwt), device), CORE_OK);
	end(AUTHENTICATE);
	begin();
	list = device_fetch(f, &d, "");
	end(FETCH);
	len = answers_make(&d, &list, key, body, sizeof(body));
	command_list_done(&list);
	begin();
	assert_int_equal(core_report(f->core, caller(d.uuid), body, len), CORE_OK);
	end(REPORT);
	snprintf(iss, sizeof(iss), "nRF9160.%s", d.uuid);
	assert_int_equal(jwt_build(&(struct jwt_claims){.iss = iss, .iat = now, .exp = now + 300},
				   key_sign, key, cloud, JWT_MAX),
			 0);
	begin();
	assert_int_equal(cloud_token_show(f->core, cloud, strlen(cloud), device), CORE_OK);
	end(LOGIN);
	begin();
	list = device_fetch(f, &d, "");
	end(POLL);
	assert_int_equal(list.n, 0);
	command_list_done(&list);
	EVP_PKEY_free(key);
	device_done(&d);
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* What other programs do in between is in the mean, but not in this. */
static double median_us(int64_t *ns)
{
	const size_t middle = ROUNDS / 2;

	qsort(ns, ROUNDS, sizeof(*ns), compare);
	return (double)ns[middle] / 1000;
}

static void costs(void **state)
{
	for (round_now = 0; round_now < ROUNDS; round_now++)
		onboard(*state);
	printf("%-22s %10s %10s %10s\n", "step", "statements", "store us", "all us");
	for (size_t i = 0; i < STEPS; i++)
		printf("%-22s %10.1f %10.0f %10.0f\n", steps[i].name,
		       (double)steps[i].statements / ROUNDS, median_us(steps[i].ns),
		       median_us(steps[i].all_ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(costs, fixture_setup, fixture_teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
