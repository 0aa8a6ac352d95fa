/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/secret.h"

#include <errno.h>
#include <string.h>

#include "credstore/db.h"
#include "credstore/detail.h"

#define VALUE_MAX 65536

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= SEAL_NAME_MAX;
}

/* The row under the statement: name, sealed. */
static int open_row(struct store *s, sqlite3_stmt *statement, struct secret *ret)
{
	const char *name = (const char *)sqlite3_column_text(statement, 0);
	struct seal_place place = {.name = name};
	int r;

	if (!name)
		return -ENOMEM;
	/* A NUL inside would hide the rest of the name from the seal. */
	if (strlen(name) != (size_t)sqlite3_column_bytes(statement, 0))
		return STORE_E_CORRUPT;
	r = seal_open(s->seal_key, &place, sqlite3_column_blob(statement, 1),
		      (size_t)sqlite3_column_bytes(statement, 1), ret);
	return r == SEAL_E_AUTHENTICATION ? STORE_E_CORRUPT : r;
}

int secret_verify_all(struct store *s, const char *path, char **ret_detail)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	r = store_prepare(s, "SELECT name, sealed FROM secret", &statement);
	if (r < 0)
		return r;
	while ((r = store_step(s, statement)) == 1) {
		_cleanup_(secret_done) struct secret value = SECRET_INIT;

		r = open_row(s, statement, &value);
		if (r == STORE_E_CORRUPT)
			return detail_set(
				ret_detail, r,
				"%s is damaged: the secret \"%.*s\" is not what was stored", path,
				SEAL_NAME_MAX, sqlite3_column_text(statement, 0));
		if (r < 0)
			return r;
	}
	return r;
}

int store_secret_get(struct store *s, const char *name, struct secret *ret)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	if (!is_name(name))
		return -EINVAL;
	r = store_prepare(s, "SELECT name, sealed FROM secret WHERE name = ?", &statement);
	if (r < 0)
		return r;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	r = store_step(s, statement);
	if (r <= 0)
		return r == 0 ? -ENOENT : r;
	return open_row(s, statement, ret);
}

static int put_row(struct store *s, const char *name, const uint8_t *sealed, size_t len)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	r = store_prepare(s,
			  "INSERT INTO secret (name, sealed) VALUES (?, ?)"
			  " ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
			  &statement);
	if (r < 0)
		return r;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_blob(statement, 2, sealed, (int)len, SQLITE_STATIC);
	return store_run(s, statement);
}

int store_secret_put(struct store *s, const char *name, const void *value, size_t len)
{
	_cleanup_(freep) uint8_t *sealed = NULL;
	const struct seal_place place = {.name = name};
	int r;

	if (!is_name(name))
		return -EINVAL;
	if (len > VALUE_MAX)
		return -EFBIG;
	sealed = malloc(len + SEAL_OVERHEAD);
	if (!sealed)
		return -ENOMEM;
	r = seal_close(s->seal_key, &place, value, len, sealed);
	if (r < 0)
		return r;
	r = put_row(s, name, sealed, len + SEAL_OVERHEAD);
	if (r < 0)
		return r;
	s->has_remains = true;
	store_wipe_remains(s);
	return 0;
}

static int remove_row(struct store *s, const char *name)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	r = store_prepare(s, "DELETE FROM secret WHERE name = ?", &statement);
	if (r < 0)
		return r;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	r = store_run(s, statement);
	if (r < 0)
		return r;
	return s->n_changed > 0 ? 0 : -ENOENT;
}

int store_secret_delete(struct store *s, const char *name)
{
	int r;

	if (!is_name(name))
		return -EINVAL;
	r = remove_row(s, name);
	if (r < 0)
		return r;
	s->has_remains = true;
	store_wipe_remains(s);
	return 0;
}
