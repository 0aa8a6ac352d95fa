/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "service/store/db.h"
#include "service/store/sql.h"

#define BUSY_TIMEOUT_MS 5000

struct sqlite_db {
	struct db base; /* first */
	sqlite3 *db;
	bool is_relaxed; /* synchronous is NORMAL now */
	int64_t data_version;
	struct {
		const char *sql; /* a literal: its address is the key */
		sqlite3_stmt *stmt;
	} statements[DB_STATEMENTS];
	size_t n_statements;
};

static struct sqlite_db *sqlite_of(struct db *db)
{
	return (struct sqlite_db *)db;
}

static int sqlite_err(struct sqlite_db *s, int rc)
{
	log_debug("sqlite: %s (%d)", s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc),
		  s->db ? sqlite3_extended_errcode(s->db) : rc);
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_CONSTRAINT:
		return -EINVAL;
	default:
		return -EIO;
	}
}

static int exec(struct sqlite_db *s, const char *sql)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sqlite_err(s, rc);
}

static int script(struct db *db, const char *sql)
{
	return exec(sqlite_of(db), sql);
}

/* With NORMAL a commit does not wait for the disk; the log keeps its order, so that what a power
 * cut takes is the end of it, back to the last commit under FULL. */
static int set_relaxed(struct sqlite_db *s, bool is_relaxed)
{
	int r;

	if (s->is_relaxed == is_relaxed)
		return 0;
	r = exec(s, is_relaxed ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
	if (r == 0)
		s->is_relaxed = is_relaxed;
	return r;
}

/* The numbered parameters of SQLite are written ?1. */
static int prepare(struct sqlite_db *s, const char *sql, sqlite3_stmt **ret)
{
	_cleanup_(freep) char *text = strdup(sql);
	int rc;

	if (!text)
		return -ENOMEM;
	for (char *p = text; (p = strchr(p, '$')); p++)
		*p = '?';
	rc = sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
	return rc == SQLITE_OK ? 0 : sqlite_err(s, rc);
}

static int statement_get(struct sqlite_db *s, const char *sql, sqlite3_stmt **ret)
{
	int r;

	for (size_t i = 0; i < s->n_statements; i++)
		if (s->statements[i].sql == sql) {
			*ret = s->statements[i].stmt;
			return 0;
		}
	if (s->n_statements == DB_STATEMENTS)
		return -ENOBUFS;
	r = prepare(s, sql, ret);
	if (r < 0)
		return r;
	s->statements[s->n_statements].sql = sql;
	s->statements[s->n_statements].stmt = *ret;
	s->n_statements++;
	return 0;
}

static int bind(sqlite3_stmt *stmt, int i, const struct db_value *v)
{
	switch (v->type) {
	case DB_INT:
		return sqlite3_bind_int64(stmt, i, v->number);
	case DB_TEXT:
		return sqlite3_bind_text64(stmt, i, v->data, v->len, SQLITE_STATIC, SQLITE_UTF8);
	case DB_BYTES:
		return sqlite3_bind_blob64(stmt, i, v->data, v->len, SQLITE_STATIC);
	case DB_NULL:
		break;
	}
	return SQLITE_MISUSE;
}

static void done(struct query *q)
{
	sqlite3_reset(q->handle);
	sqlite3_clear_bindings(q->handle);
}

static int start(struct db *db, struct query *q, const char *sql, const struct db_value *values,
		 size_t n)
{
	struct sqlite_db *s = sqlite_of(db);
	sqlite3_stmt *stmt;
	int r, rc = SQLITE_OK;

	r = statement_get(s, sql, &stmt);
	if (r == 0 && !db->in_txn && !sqlite3_stmt_readonly(stmt))
		r = set_relaxed(s, false);
	if (r < 0)
		return r;
	n = MIN(n, (size_t)sqlite3_bind_parameter_count(stmt));
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
		rc = bind(stmt, (int)i + 1, &values[i]);
	q->handle = stmt;
	if (rc == SQLITE_OK)
		return 0;
	done(q);
	return sqlite_err(s, rc);
}

static int row(struct query *q)
{
	int rc = sqlite3_step(q->handle);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : sqlite_err(sqlite_of(q->db), rc);
}

static void column(struct query *q, int i, struct db_value *ret)
{
	*ret = (struct db_value){DB_NULL, 0, NULL, 0};
	switch (sqlite3_column_type(q->handle, i)) {
	case SQLITE_INTEGER:
		ret->type = DB_INT;
		ret->number = sqlite3_column_int64(q->handle, i);
		return;
	case SQLITE_TEXT:
		ret->data = sqlite3_column_text(q->handle, i);
		ret->type = ret->data ? DB_TEXT : DB_NULL;
		break;
	case SQLITE_BLOB:
		ret->data = sqlite3_column_blob(q->handle, i);
		ret->type = DB_BYTES;
		break;
	default:
		return;
	}
	ret->len = (size_t)sqlite3_column_bytes(q->handle, i);
}

static int64_t changes(struct query *q)
{
	return sqlite3_changes64(sqlite_of(q->db)->db);
}

static int run(struct db *db, const char *sql)
{
	return db_run(db, NULL, sql, "");
}

/* One writer excludes all others, whatever their scope. */
static int begin(struct db *db, enum store_txn_mode mode, const char *scope)
{
	int r;

	(void)scope;
	if (mode != STORE_READ) {
		r = set_relaxed(sqlite_of(db), mode == STORE_WRITE_RELAXED);
		if (r < 0)
			return r;
	}
	db->in_txn = true;
	r = mode == STORE_READ ? run(db, "BEGIN") : run(db, "BEGIN IMMEDIATE");
	db->in_txn = r == 0;
	return r;
}

static int commit(struct db *db)
{
	int r;

	r = run(db, "COMMIT");
	if (r == 0)
		db->in_txn = false;
	return r;
}

static void rollback(struct db *db)
{
	struct sqlite_db *s = sqlite_of(db);

	/* Some errors (full disk, out of memory) have rolled back already. */
	if (!sqlite3_get_autocommit(s->db))
		(void)exec(s, "ROLLBACK");
	db->in_txn = false;
}

static int schema_version(struct db *db, int64_t *ret)
{
	int r = db_number(db, ret, "PRAGMA user_version", "");

	return r > 0 ? -EBADMSG : r;
}

static int schema_set(struct db *db, int64_t version)
{
	char pragma[48];

	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %lld", (long long)version);
	return exec(sqlite_of(db), pragma);
}

static int watch_fd(struct db *db)
{
	(void)db;
	return -1;
}

/* data_version changes when another connection commits, whatever it was. */
static int watch_take(struct db *db, bool *ret)
{
	struct sqlite_db *s = sqlite_of(db);
	int64_t version;
	int r;

	r = db_number(db, &version, "PRAGMA data_version", "");
	if (r != 0)
		return r < 0 ? r : -EBADMSG;
	*ret = db->news || version != s->data_version;
	s->data_version = version;
	db->news = false;
	return 0;
}

static void sqlite_close(struct db *db)
{
	struct sqlite_db *s = sqlite_of(db);

	for (size_t i = 0; i < s->n_statements; i++)
		sqlite3_finalize(s->statements[i].stmt);
	sqlite3_close(s->db);
	free(s);
}

static const struct db_ops sqlite_ops = {
	.close = sqlite_close,
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

static int setup(struct sqlite_db *s, const char *path)
{
	/* secure_delete: wire commands may carry private keys. FULL: a report that was answered
	 * with 2.04 is forgotten by its device, so it must not be lost. */
	static const char pragmas[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				      "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
				      "PRAGMA trusted_schema = OFF;";
	int rc;

	rc = sqlite3_open_v2(path, &s->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
			     NULL);
	if (rc != SQLITE_OK)
		return sqlite_err(s, rc);
	rc = sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return rc == SQLITE_OK ? exec(s, pragmas) : sqlite_err(s, rc);
}

static int open_db(const char *path, struct db **ret)
{
	struct sqlite_db *s;
	int fd, r;

	/* SQLite would make the file readable for everybody; its companions take over this mode.
	 * Closed before SQLite opens it: closing any descriptor of a file drops all of the
	 * process's POSIX locks on it, and another process would take the write-ahead log away
	 * from under us. */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	close(fd);

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->base.ops = &sqlite_ops;
	s->base.dialect = DB_SQLITE;
	r = setup(s, path);
	if (r < 0) {
		sqlite_close(&s->base);
		return r;
	}
	*ret = &s->base;
	return 0;
}

int store_sqlite_open(const char *path, struct service_store **ret, char **ret_detail)
{
	_cleanup_(freep) char *detail = NULL;
	struct db *db = NULL;
	int r;

	r = open_db(path, &db);
	if (r == 0)
		r = sql_store_new(db, ret, &detail);
	if (r < 0 && asprintf(ret_detail, "cannot open the store %s: %s", path,
			      detail ? detail : strerror(-r)) < 0)
		return -ENOMEM;
	return r;
}

int store_sqlite_look(const char *path, int64_t *ret_version, char **ret_detail)
{
	struct sqlite_db s = {.base = {.ops = &sqlite_ops}};
	int r, rc;

	rc = sqlite3_open_v2(path, &s.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	r = rc == SQLITE_OK ? schema_version(&s.base, ret_version) : sqlite_err(&s, rc);
	for (size_t i = 0; i < s.n_statements; i++)
		sqlite3_finalize(s.statements[i].stmt);
	sqlite3_close(s.db);
	if (r < 0 && asprintf(ret_detail, "cannot open the store %s: %s", path, strerror(-r)) < 0)
		return -ENOMEM;
	return r;
}
