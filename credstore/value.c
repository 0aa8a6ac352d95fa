/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "credstore/db.h"
#include "credstore/store.h"

static int prepare_named(struct store *s, const char *sql, const char *name, sqlite3_stmt **ret)
{
	int r;

	r = store_prepare(s, sql, ret);
	if (r < 0)
		return r;
	sqlite3_bind_text(*ret, 1, name, -1, SQLITE_STATIC);
	return 0;
}

int store_value_get(struct store *s, const char *name, char **ret)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	const unsigned char *text;
	char *copy;
	int r;

	r = prepare_named(s, "SELECT text FROM value WHERE name = ?", name, &statement);
	if (r < 0)
		return r;
	r = store_step(s, statement);
	if (r <= 0)
		return r == 0 ? -ENOENT : r;
	text = sqlite3_column_text(statement, 0);
	copy = text ? strdup((const char *)text) : NULL;
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int store_value_put(struct store *s, const char *name, const char *value)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	r = prepare_named(s,
			  "INSERT INTO value (name, text) VALUES (?, ?)"
			  " ON CONFLICT (name) DO UPDATE SET text = excluded.text",
			  name, &statement);
	if (r < 0)
		return r;
	sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
	return store_run(s, statement);
}

int store_value_delete(struct store *s, const char *name)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	r = prepare_named(s, "DELETE FROM value WHERE name = ?", name, &statement);
	if (r < 0)
		return r;
	r = store_run(s, statement);
	if (r < 0)
		return r;
	return s->n_changed > 0 ? 0 : -ENOENT;
}
