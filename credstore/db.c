/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/db.h"

#include <errno.h>

#include "base/log.h"
#include "credstore/store.h"

static int system_error(sqlite3 *db, int fallback)
{
	int e = db ? sqlite3_system_errno(db) : 0;

	return e > 0 ? -e : fallback;
}

int db_error(sqlite3 *db, int rc)
{
	log_debug("sqlite: %d %s", rc, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_TOOBIG:
		return -EFBIG;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* our SQL is fixed: the schema is not ours */
	case SQLITE_SCHEMA:
	case SQLITE_FORMAT:
		return -EUCLEAN;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		return system_error(db, -EIO);
	default:
		return -EIO;
	}
}

int db_exec(sqlite3 *db, const char *sql)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_error(db, rc);
}

int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
	int rc = sqlite3_prepare_v2(db, sql, -1, ret, NULL);

	return rc == SQLITE_OK ? 0 : db_error(db, rc);
}

int db_row(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r, rc;

	r = db_prepare(db, sql, &statement);
	if (r < 0)
		return r;
	rc = sqlite3_step(statement);
	if (rc == SQLITE_DONE)
		return -EUCLEAN;
	if (rc != SQLITE_ROW)
		return db_error(db, rc);
	*ret = TAKE_PTR(statement);
	return 0;
}

int db_integer(sqlite3 *db, const char *sql, int64_t *ret)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r = db_row(db, sql, &statement);

	if (r < 0)
		return r;
	*ret = sqlite3_column_int64(statement, 0);
	return 0;
}

/* After SQLITE_FULL, an I/O error or lack of memory SQLite may have rolled everything back. */
static int failed(struct store *s, int rc)
{
	int r = db_error(s->db, rc);

	if (s->depth > 0 && !s->broken && sqlite3_get_autocommit(s->db))
		s->broken = r;
	return r;
}

int store_relax(struct store *s, bool relaxed)
{
	int r;

	if (s->depth > 0 || s->is_relaxed == relaxed)
		return 0;
	r = db_exec(s->db, relaxed ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
	if (r == 0)
		s->is_relaxed = relaxed;
	return r;
}

int store_prepare(struct store *s, const char *sql, sqlite3_stmt **ret)
{
	int r, rc;

	if (s->broken)
		return s->broken;
	r = store_relax(s, false);
	if (r < 0)
		return r;
	rc = sqlite3_prepare_v2(s->db, sql, -1, ret, NULL);
	return rc == SQLITE_OK ? 0 : failed(s, rc);
}

int store_step(struct store *s, sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : failed(s, rc);
}

void store_wipe_remains(struct store *s)
{
	int rc;

	if (!s->has_remains || s->depth > 0)
		return;
	/* secure_delete has cleared the page; older images of it are in the log, and in the
	 * database until the log is played into it. */
	rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (rc != SQLITE_OK) {
		(void)db_error(s->db, rc);
		return;
	}
	s->has_remains = false;
}

static int run(struct store *s, sqlite3_stmt *statement)
{
	int r = store_step(s, statement);

	s->n_changed = sqlite3_changes(s->db);
	return r == 1 ? -EUCLEAN : r;
}

int store_end(struct store *s, int r)
{
	if (r == 0)
		return store_commit(s);
	store_rollback(s);
	return r;
}

int store_run(struct store *s, sqlite3_stmt *statement)
{
	int r;

	if (s->depth > 0)
		return run(s, statement);
	r = store_begin(s);
	if (r < 0)
		return r;
	return store_end(s, run(s, statement));
}
