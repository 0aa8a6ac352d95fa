/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "service/store/sqlite_db.h"

#define BUSY_TIMEOUT_MS 5000

int sqlite_store_err(struct sqlite_store *s, int rc)
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

void query_done(struct query *q)
{
	if (!q->stmt)
		return;
	sqlite3_reset(q->stmt);
	sqlite3_clear_bindings(q->stmt);
	q->stmt = NULL;
}

static int statement_get(struct sqlite_store *s, const char *sql, sqlite3_stmt **ret)
{
	int rc;

	for (size_t i = 0; i < s->n_statements; i++)
		if (s->statements[i].sql == sql) {
			*ret = s->statements[i].stmt;
			return 0;
		}
	if (s->n_statements == SQLITE_STORE_STATEMENTS)
		return -ENOBUFS;
	rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
	if (rc != SQLITE_OK)
		return sqlite_store_err(s, rc);
	s->statements[s->n_statements].sql = sql;
	s->statements[s->n_statements].stmt = *ret;
	s->n_statements++;
	return 0;
}

static int bind_text(sqlite3_stmt *stmt, int i, const char *text)
{
	if (!text)
		return sqlite3_bind_null(stmt, i);
	return sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC);
}

static int bind_bytes(sqlite3_stmt *stmt, int i, const void *data, size_t len)
{
	if (!data)
		return sqlite3_bind_null(stmt, i);
	return sqlite3_bind_blob64(stmt, i, data, len, SQLITE_STATIC);
}

int query_start(struct sqlite_store *s, struct query *q, const char *sql, const char *types, ...)
{
	const void *data;
	va_list ap;
	int r, rc = SQLITE_OK;

	r = statement_get(s, sql, &q->stmt);
	if (r < 0)
		return r;

	va_start(ap, types);
	for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
		switch (types[i]) {
		case 't':
			rc = bind_text(q->stmt, i + 1, va_arg(ap, const char *));
			break;
		case 'i':
			rc = sqlite3_bind_int64(q->stmt, i + 1, va_arg(ap, int64_t));
			break;
		case 'b':
			data = va_arg(ap, const void *);
			rc = bind_bytes(q->stmt, i + 1, data, va_arg(ap, size_t));
			break;
		default:
			rc = SQLITE_MISUSE;
		}
	}
	va_end(ap);
	return rc == SQLITE_OK ? 0 : sqlite_store_err(s, rc);
}

int query_row(struct sqlite_store *s, struct query *q)
{
	int rc;

	rc = sqlite3_step(q->stmt);
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : sqlite_store_err(s, rc);
}

int query_run(struct sqlite_store *s, struct query *q)
{
	int rc;

	do
		rc = sqlite3_step(q->stmt);
	while (rc == SQLITE_ROW);
	if (rc == SQLITE_DONE)
		return 0;
	rc = sqlite3_extended_errcode(s->db);
	if (rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE)
		return STORE_E_EXISTS;
	return sqlite_store_err(s, rc);
}

int query_run_one(struct sqlite_store *s, struct query *q)
{
	int r;

	r = query_run(s, q);
	if (r != 0)
		return r;
	return sqlite3_changes(s->db) > 0 ? 0 : STORE_E_NOT_FOUND;
}

int query_text(struct query *q, int column, char *ret, size_t size)
{
	const unsigned char *text = sqlite3_column_text(q->stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(q->stmt, column);

	if (!text || len >= size || memchr(text, 0, len))
		return -EBADMSG;
	memcpy(ret, text, len + 1);
	return 0;
}

int query_bytes(struct query *q, int column, uint8_t *ret, size_t len)
{
	const void *data = sqlite3_column_blob(q->stmt, column);

	if (!data || (size_t)sqlite3_column_bytes(q->stmt, column) != len)
		return -EBADMSG;
	memcpy(ret, data, len);
	return 0;
}

int query_dup(struct query *q, int column, char **ret)
{
	const unsigned char *text = sqlite3_column_text(q->stmt, column);

	*ret = NULL;
	if (!text)
		return sqlite3_column_type(q->stmt, column) == SQLITE_NULL ? 0 : -ENOMEM;
	*ret = strdup((const char *)text);
	return *ret ? 0 : -ENOMEM;
}

int query_dup_bytes(struct query *q, int column, uint8_t **ret, size_t *ret_len)
{
	const void *data = sqlite3_column_blob(q->stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(q->stmt, column);

	*ret = NULL;
	*ret_len = 0;
	if (!data)
		return 0;
	*ret = malloc(len);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, data, len);
	*ret_len = len;
	return 0;
}

static int store_begin(struct service_store *base, enum store_txn_mode mode, const char *scope)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	(void)scope;
	r = mode != STORE_READ ? query_start(s, &q, "BEGIN IMMEDIATE", "")
			       : query_start(s, &q, "BEGIN", "");
	if (r < 0)
		return r;
	return query_run(s, &q);
}

static int store_commit(struct service_store *base)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q, "COMMIT", "");
	if (r < 0)
		return r;
	return query_run(s, &q);
}

static void store_rollback(struct service_store *base)
{
	struct sqlite_store *s = sqlite_store_of(base);

	/* Some errors (full disk, out of memory) have rolled back already. */
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

static void store_close(struct service_store *base)
{
	struct sqlite_store *s = sqlite_store_of(base);

	for (size_t i = 0; i < s->n_statements; i++)
		sqlite3_finalize(s->statements[i].stmt);
	sqlite3_close(s->db);
	free(s);
}

static const struct service_store_ops sqlite_ops = {
	.close = store_close,
	.begin = store_begin,
	.commit = store_commit,
	.rollback = store_rollback,
	.identity_add = sqlite_identity_add,
	.identity_get = sqlite_identity_get,
	.identity_each = sqlite_identity_each,
	.identity_count = sqlite_identity_count,
	.device_add = sqlite_device_add,
	.device_get = sqlite_device_get,
	.device_update = sqlite_device_update,
	.device_delete = sqlite_device_delete,
	.device_each = sqlite_device_each,
	.shadow_get = sqlite_shadow_get,
	.shadow_put = sqlite_shadow_put,
	.command_add = sqlite_command_add,
	.command_get = sqlite_command_get,
	.command_update = sqlite_command_update,
	.command_each = sqlite_command_each,
	.command_count_open = sqlite_command_count_open,
	.command_prune = sqlite_command_prune,
	.rule_add = sqlite_rule_add,
	.rule_each = sqlite_rule_each,
	.rule_is_applied = sqlite_rule_is_applied,
	.rule_set_applied = sqlite_rule_set_applied,
	.team_add = sqlite_team_add,
	.team_get = sqlite_team_get,
	.team_find = sqlite_team_find,
	.apikey_add = sqlite_apikey_add,
	.apikey_find = sqlite_apikey_find,
};

static int store_setup(struct sqlite_store *s, const char *path)
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
		return sqlite_store_err(s, rc);
	rc = sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, pragmas, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : sqlite_store_err(s, rc);
}

static struct sqlite_store *sqlite_store_free(struct sqlite_store *s)
{
	store_close(&s->base);
	return NULL;
}
DEFINE_CLEANUP(struct sqlite_store *, sqlite_store_free);

static int store_open(const char *path, struct service_store **ret, char **ret_detail)
{
	_cleanup_(sqlite_store_freep) struct sqlite_store *s = NULL;
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
	r = store_setup(s, path);
	if (r < 0)
		return r;
	r = sqlite_store_upgrade(s, ret_detail);
	if (r < 0)
		return r;
	*ret = &TAKE_PTR(s)->base;
	return 0;
}

int store_sqlite_open(const char *path, struct service_store **ret, char **ret_detail)
{
	_cleanup_(freep) char *detail = NULL;
	int r;

	r = store_open(path, ret, &detail);
	if (r < 0 && asprintf(ret_detail, "cannot open the store %s: %s", path,
			      detail ? detail : strerror(-r)) < 0)
		return -ENOMEM;
	return r;
}
