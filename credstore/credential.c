/* SPDX-License-Identifier: Apache-2.0 */
#include "credstore/credential.h"

#include <errno.h>
#include <string.h>

#include "credstore/db.h"
#include "credstore/detail.h"

/* A wire credential is smaller by far; this bounds what a caller's mistake may store. */
#define VALUE_MAX 65536

/* Columns tag, type, sha256 from `column` on, as only a damaged row would refuse. */
static int read_info(sqlite3_stmt *statement, struct credential_info *ret)
{
	struct credential_info info = {0};
	int64_t tag = sqlite3_column_int64(statement, 0);
	int64_t type = sqlite3_column_int64(statement, 1);

	if (tag < 0 || tag > UINT32_MAX || type < 0 || type > UINT8_MAX ||
	    sqlite3_column_bytes(statement, 2) != (int)sizeof(info.sha256))
		return -EUCLEAN;
	info.tag = (uint32_t)tag;
	info.type = (enum credential_type)type;
	memcpy(info.sha256, sqlite3_column_blob(statement, 2), sizeof(info.sha256));
	*ret = info;
	return 0;
}

static struct seal_place place_of(const struct credential_info *info)
{
	struct seal_place place = {.tag = info->tag, .type = (uint32_t)info->type};

	memcpy(place.sha256, info->sha256, sizeof(place.sha256));
	return place;
}

/* The row under the statement: tag, type, sha256, sealed. */
static int open_row(struct store *s, sqlite3_stmt *statement, struct secret *ret)
{
	struct credential_info info;
	struct seal_place place;
	int r;

	r = read_info(statement, &info);
	if (r < 0)
		return STORE_E_CORRUPT;
	place = place_of(&info);
	r = seal_open(s->seal_key, &place, sqlite3_column_blob(statement, 3),
		      (size_t)sqlite3_column_bytes(statement, 3), ret);
	return r == SEAL_E_AUTHENTICATION ? STORE_E_CORRUPT : r;
}

/* sql gives tag, type, sha256, sealed of every row; what says what they are. */
static int verify_rows(struct store *s, const char *sql, const char *what, const char *path,
		       char **ret_detail)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	r = store_prepare(s, sql, &statement);
	if (r < 0)
		return r;
	while ((r = store_step(s, statement)) == 1) {
		_cleanup_(secret_done) struct secret value = SECRET_INIT;

		r = open_row(s, statement, &value);
		if (r == STORE_E_CORRUPT)
			return detail_set(ret_detail, r,
					  "%s is damaged: the %s of tag %lld, type %lld is "
					  "not what was stored",
					  path, what, (long long)sqlite3_column_int64(statement, 0),
					  (long long)sqlite3_column_int64(statement, 1));
		if (r < 0)
			return r;
	}
	return r;
}

int credential_verify_all(struct store *s, const char *path, char **ret_detail)
{
	int r = verify_rows(s, "SELECT tag, type, sha256, sealed FROM credential", "credential",
			    path, ret_detail);

	if (r != 0)
		return r;
	return verify_rows(s, "SELECT tag, type, sha256, sealed FROM previous",
			   "previous credential", path, ret_detail);
}

int credential_get_row(struct store *s, const char *sql, uint32_t tag, enum credential_type type,
		       struct secret *ret)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	r = store_prepare(s, sql, &statement);
	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, tag);
	sqlite3_bind_int(statement, 2, (int)type);
	r = store_step(s, statement);
	if (r <= 0)
		return r == 0 ? -ENOENT : r;
	return open_row(s, statement, ret);
}

int store_credential_get(struct store *s, uint32_t tag, enum credential_type type,
			 struct secret *ret)
{
	return credential_get_row(s,
				  "SELECT tag, type, sha256, sealed FROM credential"
				  " WHERE tag = ? AND type = ?",
				  tag, type, ret);
}

int store_credential_put(struct store *s, uint32_t tag, enum credential_type type,
			 const void *value, size_t len, const uint8_t sha256_of[static 32])
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	_cleanup_(freep) uint8_t *sealed = NULL;
	struct seal_place place = {.tag = tag, .type = (uint32_t)type};
	int r;

	if (len > VALUE_MAX)
		return -EFBIG;
	memcpy(place.sha256, sha256_of, sizeof(place.sha256));
	sealed = malloc(len + SEAL_OVERHEAD);
	if (!sealed)
		return -ENOMEM;
	r = seal_close(s->seal_key, &place, value, len, sealed);
	if (r < 0)
		return r;
	r = store_prepare(s,
			  "INSERT INTO credential (tag, type, sha256, sealed) VALUES (?, ?, ?, ?)"
			  " ON CONFLICT (tag, type) DO UPDATE SET sha256 = excluded.sha256,"
			  " sealed = excluded.sealed",
			  &statement);
	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, tag);
	sqlite3_bind_int(statement, 2, (int)type);
	sqlite3_bind_blob(statement, 3, place.sha256, sizeof(place.sha256), SQLITE_STATIC);
	sqlite3_bind_blob(statement, 4, sealed, (int)(len + SEAL_OVERHEAD), SQLITE_STATIC);
	return store_run(s, statement);
}

int store_credential_delete(struct store *s, uint32_t tag, enum credential_type type)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	r = store_prepare(s, "DELETE FROM credential WHERE tag = ? AND type = ?", &statement);
	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, tag);
	sqlite3_bind_int(statement, 2, (int)type);
	r = store_run(s, statement);
	if (r < 0)
		return r;
	return s->n_changed > 0 ? 0 : -ENOENT;
}

bool store_credential_exists(struct store *s, uint32_t tag, enum credential_type type)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;

	if (store_prepare(s, "SELECT 1 FROM credential WHERE tag = ? AND type = ?", &statement) < 0)
		return false;
	sqlite3_bind_int64(statement, 1, tag);
	sqlite3_bind_int(statement, 2, (int)type);
	return store_step(s, statement) == 1;
}

int credential_list_rows(struct store *s, const char *sql, struct credential_info **ret,
			 size_t *ret_n)
{
	_cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
	_cleanup_(freep) struct credential_info *list = NULL;
	size_t n = 0;
	int r;

	r = store_prepare(s, sql, &statement);
	if (r < 0)
		return r;
	while ((r = store_step(s, statement)) == 1) {
		struct credential_info *grown;

		grown = reallocarray(list, n + 1, sizeof(*list));
		if (!grown)
			return -ENOMEM;
		list = grown;
		r = read_info(statement, &list[n]);
		if (r < 0)
			return r;
		n++;
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(list);
	*ret_n = n;
	return 0;
}

int store_credential_list(struct store *s, struct credential_info **ret, size_t *ret_n)
{
	return credential_list_rows(
		s, "SELECT tag, type, sha256 FROM credential ORDER BY tag, type", ret, ret_n);
}
