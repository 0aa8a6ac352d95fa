/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/postgres.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "service/store/db.h"
#include "service/store/pglink.h"
#include "service/store/pgvalue.h"
#include "service/store/pgwatch.h"
#include "service/store/sql.h"

#define OPEN_MS 5000
/* What one call may wait for a connection that is being made anew. */
#define PATIENCE_MS 200
#define SERVER_MIN 130000

/* A server that is set to lose commits is not for us; one that waits for others is. A node that
 * hangs in a transaction must not keep its locks. */
static const char session[] = "SET statement_timeout = 10000; SET lock_timeout = 5000;"
			      " SET idle_in_transaction_session_timeout = 30000;"
			      " SELECT set_config('synchronous_commit', 'on', false)"
			      " WHERE current_setting('synchronous_commit') = 'off'";

struct postgres {
	struct db base; /* first */
	struct pglink link;
	struct pgwatch *watch;            /* owned; NULL until asked for */
	const char *names[DB_STATEMENTS]; /* literals: their address is the key */
	size_t n_names;
	bool is_prepared[DB_STATEMENTS]; /* on this connection */
	uint64_t generation;             /* of it */
	bool is_broken;                  /* the open transaction is lost with its connection */
	char url[];
};

static struct postgres *postgres_of(struct db *db)
{
	return (struct postgres *)db;
}

static int ready(struct postgres *p)
{
	int r;

	/* After a restart of the server a new connection may be had at once. */
	if (p->link.is_ready && !pglink_is_alive(&p->link))
		p->link.retry_at_ms = 0;
	r = pglink_ready(&p->link, PATIENCE_MS);
	if (r < 0)
		return r;
	if (p->watch)
		pgwatch_drain(p->watch);
	if (p->generation != p->link.generation)
		memset(p->is_prepared, 0, sizeof(p->is_prepared));
	p->generation = p->link.generation;
	return 0;
}

/* In a transaction a lost connection takes it along, and another one must not go on with it. */
static int in_hand(struct postgres *p)
{
	if (!p->base.in_txn)
		return ready(p);
	if (p->is_broken || !p->link.is_ready)
		return -EBUSY;
	return 0;
}

static int failed(struct postgres *p, int r)
{
	if (!p->link.is_ready)
		p->is_broken = true;
	/* Another server writes now. */
	if (r == -EROFS)
		pglink_drop(&p->link, "the server is read-only");
	return r;
}

static int run(struct postgres *p, const char *sql)
{
	int r = pglink_exec(&p->link, sql, PGLINK_ANSWER_MS);

	return r < 0 ? failed(p, r) : 0;
}

static int script(struct db *db, const char *sql)
{
	struct postgres *p = postgres_of(db);
	int r;

	r = in_hand(p);
	if (r < 0)
		return r;
	r = pglink_exec(&p->link, sql, PGLINK_UPGRADE_MS);
	return r < 0 ? failed(p, r) : 0;
}

/* FNV-1a of 64 bits. Two scopes that meet in it wait for each other, which harms nobody. */
static int64_t scope_number(const char *scope)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *scope; scope++)
		h = (h ^ (unsigned char)*scope) * 0x100000001b3;
	return (int64_t)h;
}

static void begin_text(enum store_txn_mode mode, const char *scope, char *ret, size_t size)
{
	if (mode == STORE_READ)
		snprintf(ret, size, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	else
		snprintf(ret, size, "BEGIN; %sSELECT pg_advisory_xact_lock(%lld)",
			 mode == STORE_WRITE_RELAXED ? "SET LOCAL synchronous_commit = off; " : "",
			 (long long)scope_number(scope));
}

static void rollback(struct db *db)
{
	struct postgres *p = postgres_of(db);

	/* What was lost with its connection the server takes back itself. */
	if (p->link.is_ready && !p->is_broken)
		(void)run(p, "ROLLBACK");
	db->in_txn = false;
	p->is_broken = false;
}

static int begin(struct db *db, enum store_txn_mode mode, const char *scope)
{
	struct postgres *p = postgres_of(db);
	char sql[160];
	int r = -EBUSY;

	begin_text(mode, scope, sql, sizeof(sql));
	/* Nothing is done yet: a connection that turns out to be lost may be replaced. */
	for (int try = 0; try < 2; try++) {
		r = ready(p);
		if (r < 0)
			return r;
		p->is_broken = false;
		r = run(p, sql);
		if (!p->is_broken)
			break;
		p->link.retry_at_ms = 0;
	}
	if (r < 0)
		rollback(db);
	else
		db->in_txn = true;
	return r;
}

/* Listeners of all processes look for the events of this commit. */
static void tell(struct postgres *p)
{
	if (p->watch && pgwatch_notify(p->watch))
		return;
	(void)run(p, PGWATCH_NOTIFY);
	p->is_broken = false;
}

static int commit(struct db *db)
{
	struct postgres *p = postgres_of(db);
	PGresult *result;
	bool is_done;
	int r;

	r = in_hand(p);
	if (r < 0)
		return r;
	/* From here on nobody knows without an answer. */
	if (!PQsendQuery(p->link.conn, "COMMIT"))
		return failed(p, -EIO);
	r = pglink_answer(&p->link, PGLINK_ANSWER_MS, &result);
	if (r < 0)
		return failed(p, -EIO);
	r = pglink_err(result);
	/* The answer to the end of a transaction that had failed is ROLLBACK. */
	is_done = r == 0 && strcmp(PQcmdStatus(result), "COMMIT") == 0;
	PQclear(result);
	if (!is_done)
		return failed(p, r < 0 ? r : -EIO);
	db->in_txn = false;
	if (db->adds_events)
		tell(p);
	return 0;
}

/* ---- statements ---- */

static int statement_index(struct postgres *p, const char *sql, size_t *ret)
{
	for (size_t i = 0; i < p->n_names; i++)
		if (p->names[i] == sql) {
			*ret = i;
			return 0;
		}
	if (p->n_names == DB_STATEMENTS)
		return -ENOBUFS;
	*ret = p->n_names++;
	p->names[*ret] = sql;
	return 0;
}

static int answer(struct postgres *p, int is_sent, PGresult **ret)
{
	PGresult *result;
	int r;

	if (!is_sent) {
		pglink_drop(&p->link, PQerrorMessage(p->link.conn));
		return -EBUSY;
	}
	r = pglink_answer(&p->link, PGLINK_ANSWER_MS, &result);
	if (r < 0)
		return r;
	r = pglink_err(result);
	if (r < 0) {
		PQclear(result);
		return r;
	}
	*ret = result;
	return 0;
}

static int prepare(struct postgres *p, size_t index, const struct pgvalues *a)
{
	PGresult *result;
	char name[16];
	int r;

	if (p->is_prepared[index])
		return 0;
	snprintf(name, sizeof(name), "s%zu", index);
	r = answer(p, PQsendPrepare(p->link.conn, name, p->names[index], (int)a->n, a->types),
		   &result);
	if (r < 0)
		return r;
	PQclear(result);
	p->is_prepared[index] = true;
	return 0;
}

static int execute(struct postgres *p, const char *sql, const struct pgvalues *a, PGresult **ret)
{
	char name[16];
	size_t index;
	int r;

	r = in_hand(p);
	if (r < 0)
		return r;
	r = statement_index(p, sql, &index);
	if (r < 0)
		return r;
	r = prepare(p, index, a);
	if (r < 0)
		return failed(p, r);
	snprintf(name, sizeof(name), "s%zu", index);
	r = answer(
		p,
		PQsendQueryPrepared(p->link.conn, name, (int)a->n, a->data, a->len, a->formats, 1),
		ret);
	return r < 0 ? failed(p, r) : 0;
}

static int start(struct db *db, struct query *q, const char *sql, const struct db_value *values,
		 size_t n)
{
	_cleanup_(pgvalues_done) struct pgvalues a = {.n = 0};
	struct postgres *p = postgres_of(db);
	PGresult *result;
	int r;

	r = pgvalues_make(values, n, &a);
	if (r < 0)
		return r;
	p->is_broken &= db->in_txn;
	r = execute(p, sql, &a, &result);
	/* A write may have happened; what was only read can be read again. */
	if (r < 0 && p->is_broken && !db->in_txn && strncmp(sql, "SELECT", 6) == 0) {
		p->is_broken = false;
		p->link.retry_at_ms = 0;
		r = execute(p, sql, &a, &result);
	}
	if (r < 0)
		return p->is_broken && !db->in_txn ? -EIO : r;
	q->handle = result;
	q->row = -1;
	return 0;
}

static int row(struct query *q)
{
	return ++q->row < PQntuples(q->handle);
}

static void column(struct query *q, int i, struct db_value *ret)
{
	pgvalue_read(q->handle, q->row, i, ret);
}

static int64_t changes(struct query *q)
{
	return strtoll(PQcmdTuples(q->handle), NULL, 10);
}

static void done(struct query *q)
{
	PQclear(q->handle);
}

/* ---- schema ---- */

static int schema_version(struct db *db, int64_t *ret)
{
	int64_t is_there;
	int r;

	r = db_number(db, &is_there,
		      "SELECT count(*) FROM pg_class WHERE oid = to_regclass('meta')", "");
	if (r != 0)
		return r < 0 ? r : -EBADMSG;
	*ret = 0;
	if (!is_there)
		return 0;
	r = db_number(db, ret, "SELECT value::bigint FROM meta WHERE name = 'schema'", "");
	return r > 0 ? -EBADMSG : r;
}

static int schema_set(struct db *db, int64_t version)
{
	return db_run(db, NULL,
		      "INSERT INTO meta (name, value) VALUES ('schema', $1::text)"
		      " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		      "i", version);
}

/* Numbers of transactions are those of one cluster of servers. Rows that were restored into another
 * one may have numbers that are still to come there, and would be held back for a long time. */
static int events_adopt(struct db *db)
{
	bool began;
	int r;

	r = db_begin(db, "schema", &began);
	if (r < 0)
		return r;
	r = db_run(db, NULL,
		   "UPDATE events SET tx = 0 WHERE tx <> 0 AND"
		   " (SELECT max(tx) FROM (SELECT tx FROM events ORDER BY seq DESC LIMIT 1000) t)"
		   " >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
		   "");
	return db_end(db, began, r);
}

/* ---- news ---- */

static int watch_fd(struct db *db)
{
	struct postgres *p = postgres_of(db);
	int r;

	if (!p->watch) {
		r = pgwatch_new(p->url, &p->watch);
		if (r < 0)
			return r;
	}
	return pgwatch_fd(p->watch);
}

static int watch_take(struct db *db, bool *ret)
{
	int r;

	r = watch_fd(db);
	if (r < 0)
		return r;
	*ret = pgwatch_take(postgres_of(db)->watch) || db->news;
	db->news = false;
	return 0;
}

static void postgres_close(struct db *db)
{
	struct postgres *p = postgres_of(db);

	pgwatch_free(p->watch);
	pglink_done(&p->link);
	free(p);
}

static const struct db_ops postgres_ops = {
	.close = postgres_close,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.script = script,
	.start = start,
	.row = row,
	.column = column,
	.changes = changes,
	.done = done,
	.schema_version = schema_version,
	.schema_set = schema_set,
	.watch_fd = watch_fd,
	.watch_take = watch_take,
};

/* ---- opening ---- */

bool store_postgres_is_url(const char *text)
{
	return strncmp(text, "postgresql://", 13) == 0 || strncmp(text, "postgres://", 11) == 0;
}

static int url_check(const char *url, char **ret_detail)
{
	static const char remedy[] =
		"the URL has a password in it, which every user of this machine could read: put it "
		"into a file and say passfile=FILE in the URL (or set PGPASSFILE), or use a client "
		"certificate or peer authentication";
	PQconninfoOption *options;
	char *message = NULL;
	int r = 0;

	if (!store_postgres_is_url(url)) {
		*ret_detail = strdup("a store is named postgresql://HOST/DATABASE");
		return -EINVAL;
	}
	options = PQconninfoParse(url, &message);
	if (!options) {
		*ret_detail = message ? strndup(message, strcspn(message, "\n")) : NULL;
		PQfreemem(message);
		return -EINVAL;
	}
	for (const PQconninfoOption *o = options; o->keyword && r == 0; o++)
		if (o->val &&
		    (strcmp(o->keyword, "password") == 0 || strcmp(o->keyword, "sslpassword") == 0))
			r = -EINVAL;
	if (r < 0)
		*ret_detail = strdup(remedy);
	PQconninfoFree(options);
	return r;
}

static int server_check(PGconn *conn, char **ret_detail)
{
	const char *encoding = PQparameterStatus(conn, "server_encoding");

	if (PQserverVersion(conn) < SERVER_MIN) {
		*ret_detail = strdup("the server is older than PostgreSQL 13");
		return -EPROTO;
	}
	if (!encoding || strcmp(encoding, "UTF8") != 0) {
		if (asprintf(ret_detail,
			     "the data base has the encoding %s: make one with createdb -E UTF8 "
			     "-T template0",
			     encoding ? encoding : "(unknown)") < 0)
			*ret_detail = NULL;
		return -EPROTO;
	}
	return 0;
}

static int open_db(const char *url, struct postgres **ret, char **ret_detail)
{
	struct postgres *p;
	int r;

	r = url_check(url, ret_detail);
	if (r < 0)
		return r;
	p = calloc(1, sizeof(*p) + strlen(url) + 1);
	if (!p)
		return -ENOMEM;
	memcpy(p->url, url, strlen(url) + 1);
	p->base.ops = &postgres_ops;
	p->base.dialect = DB_POSTGRES;
	p->link.url = p->url;
	p->link.session = session;
	p->link.is_quiet = true;
	r = pglink_ready(&p->link, OPEN_MS);
	if (r == 0)
		r = server_check(p->link.conn, ret_detail);
	else if (p->link.why[0])
		*ret_detail = strdup(p->link.why);
	if (r < 0) {
		postgres_close(&p->base);
		return r;
	}
	p->link.is_quiet = false;
	*ret = p;
	return 0;
}

static int open_store(const char *url, struct service_store **ret, char **ret_detail)
{
	_cleanup_(service_store_freep) struct service_store *store = NULL;
	struct postgres *p;
	int r;

	r = open_db(url, &p, ret_detail);
	if (r == 0)
		r = sql_store_new(&p->base, &store, ret_detail);
	if (r == 0)
		r = events_adopt(db_of(store));
	if (r < 0)
		return r;
	*ret = TAKE_PTR(store);
	return 0;
}

/* The URL is not shown: what is refused here may have a password in it. */
static int explain(int r, const char *detail, char **ret_detail)
{
	if (r < 0 && asprintf(ret_detail, "cannot open the store in PostgreSQL: %s",
			      detail ? detail : strerror(-r)) < 0)
		return -ENOMEM;
	return r;
}

int store_postgres_open(const char *url, struct service_store **ret, char **ret_detail)
{
	_cleanup_(freep) char *detail = NULL;
	int r;

	r = open_store(url, ret, &detail);
	return explain(r, detail, ret_detail);
}

int store_postgres_look(const char *url, int64_t *ret_version, char **ret_about, char **ret_detail)
{
	_cleanup_(freep) char *detail = NULL;
	struct postgres *p;
	int r;

	r = open_db(url, &p, &detail);
	if (r < 0)
		return explain(r, detail, ret_detail);
	r = schema_version(&p->base, ret_version);
	if (r == 0 &&
	    asprintf(ret_about, "PostgreSQL %s, %s%s",
		     PQparameterStatus(p->link.conn, "server_version"), PQdb(p->link.conn),
		     PQsslInUse(p->link.conn) ? " over TLS" : "") < 0) {
		*ret_about = NULL;
		r = -ENOMEM;
	}
	postgres_close(&p->base);
	return explain(r, NULL, ret_detail);
}
