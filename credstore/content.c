/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/content.h"

#include <errno.h>
#include <mbedtls/md.h>
#include <string.h>

#define NAME "store/content"
#define DIGEST_LEN 32

static const struct seal_place place = {.name = NAME};

static int add(mbedtls_md_context_t *md, const void *data, size_t len)
{
	return mbedtls_md_update(md, data, len) == 0 ? 0 : -EIO;
}

/* Type and length first: no two rows look alike. */
static int add_column(mbedtls_md_context_t *md, sqlite3_stmt *row, int i)
{
	int type = sqlite3_column_type(row, i);
	int64_t number = type == SQLITE_INTEGER ? sqlite3_column_int64(row, i) : 0;
	const void *data = type == SQLITE_INTEGER ? NULL : sqlite3_column_blob(row, i);
	int64_t head[3] = {type, number, data ? sqlite3_column_bytes(row, i) : 0};
	int r = add(md, head, sizeof(head));

	return r == 0 && data ? add(md, data, (size_t)head[2]) : r;
}

static bool is_own_row(const char *table, sqlite3_stmt *row)
{
	const char *name;

	if (strcmp(table, "secret") != 0)
		return false;
	name = (const char *)sqlite3_column_text(row, 0);
	return name && strcmp(name, NAME) == 0;
}

/* In the order of the table's own key. */
static int add_rows(sqlite3 *db, mbedtls_md_context_t *md, const char *table)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *rows = NULL;
	char sql[128];
	int r, rc;

	sqlite3_snprintf(sizeof(sql), sql, "SELECT * FROM \"%w\" NOT INDEXED", table);
	r = db_prepare(db, sql, &rows);
	while (r == 0 && (rc = sqlite3_step(rows)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW)
			return db_error(db, rc);
		for (int i = 0;
		     r == 0 && !is_own_row(table, rows) && i < sqlite3_column_count(rows); i++)
			r = add_column(md, rows, i);
	}
	return r;
}

static int add_tables(sqlite3 *db, mbedtls_md_context_t *md)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *tables = NULL;
	int r, rc;

	r = db_prepare(db, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name",
		       &tables);
	while (r == 0 && (rc = sqlite3_step(tables)) != SQLITE_DONE) {
		const char *name;

		if (rc != SQLITE_ROW)
			return db_error(db, rc);
		name = (const char *)sqlite3_column_text(tables, 0);
		if (!name)
			return -ENOMEM;
		r = add_column(md, tables, 0);
		if (r == 0)
			r = add_column(md, tables, 1);
		if (r == 0)
			r = add_rows(db, md, name);
	}
	return r;
}

static int digest(sqlite3 *db, uint8_t ret[static DIGEST_LEN])
{
	mbedtls_md_context_t md;
	int r;

	mbedtls_md_init(&md);
	r = mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0) == 0 &&
			    mbedtls_md_starts(&md) == 0
		    ? 0
		    : -ENOMEM;
	if (r == 0)
		r = add_tables(db, &md);
	if (r == 0 && mbedtls_md_finish(&md, ret) != 0)
		r = -EIO;
	mbedtls_md_free(&md);
	return r;
}

int content_seal(struct store *s)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	uint8_t now[DIGEST_LEN], sealed[DIGEST_LEN + SEAL_OVERHEAD];
	int r;

	r = digest(s->db, now);
	if (r == 0)
		r = seal_close(s->seal_key, &place, now, sizeof(now), sealed);
	if (r == 0)
		r = store_prepare(s,
				  "INSERT INTO secret (name, sealed) VALUES ('" NAME "', ?)"
				  " ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
				  &statement);
	if (r < 0)
		return r;
	sqlite3_bind_blob(statement, 1, sealed, sizeof(sealed), SQLITE_STATIC);
	r = store_step(s, statement);
	return r == 1 ? -EUCLEAN : r;
}

/* The digest as it was written. CONTENT_NONE without one, CONTENT_DIFFERS when it does not open. */
static int read_sealed(sqlite3 *db, const uint8_t key[static SEAL_KEY_LEN], struct secret *ret)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r, rc;

	r = db_prepare(db, "SELECT sealed FROM secret WHERE name = '" NAME "'", &statement);
	if (r < 0)
		return r;
	rc = sqlite3_step(statement);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? CONTENT_NONE : db_error(db, rc);
	r = seal_open(key, &place, sqlite3_column_blob(statement, 0),
		      (size_t)sqlite3_column_bytes(statement, 0), ret);
	return r == SEAL_E_AUTHENTICATION ? CONTENT_DIFFERS : r;
}

static int has_secrets(sqlite3 *db, bool *ret)
{
	int64_t n = 0;
	int r = db_integer(db,
			   "SELECT count(*) FROM sqlite_schema"
			   " WHERE type = 'table' AND name = 'secret'",
			   &n);

	*ret = n > 0;
	return r;
}

int content_check(struct store *s)
{
	_cleanup_(secret_done) struct secret then = SECRET_INIT;
	uint8_t now[DIGEST_LEN];
	bool can_have = false;
	int r = has_secrets(s->db, &can_have);

	if (r < 0)
		return r;
	if (!can_have)
		return CONTENT_NONE;
	r = read_sealed(s->db, s->seal_key, &then);
	if (r == -EUCLEAN)
		return CONTENT_NONE; /* the table is not ours, as others will say */
	if (r != 0)
		return r;
	r = digest(s->db, now);
	if (r < 0)
		return r;
	return secret_equal(then.data, then.len, now, sizeof(now)) ? 0 : CONTENT_DIFFERS;
}

bool content_knows_key(sqlite3 *db, const uint8_t key[static SEAL_KEY_LEN])
{
	_cleanup_(secret_done) struct secret then = SECRET_INIT;
	bool can_have = false;

	return has_secrets(db, &can_have) == 0 && can_have && read_sealed(db, key, &then) == 0;
}
