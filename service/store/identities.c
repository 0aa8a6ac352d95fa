/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sql.h"

#include <stdio.h>
#include <string.h>

/* Rows that a walk through everything reads at a time. */
#define PAGE 1000

static const struct field fields[] = {
	FIELD(FIELD_TEXT, struct store_identity, uuid),
	FIELD(FIELD_TEXT, struct store_identity, hardware),
	FIELD(FIELD_BYTES, struct store_identity, spki),
	FIELD(FIELD_INT, struct store_identity, imported_at),
};
ROW_TYPE(identity_type, struct store_identity, fields);

#define SELECT "SELECT uuid, hardware, spki, imported_at FROM identities "

int sql_identity_add(struct service_store *s, const struct store_identity *row)
{
	return row_add(db_of(s), &identity_type, row,
		       "INSERT INTO identities (uuid, hardware, spki, imported_at)"
		       " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
}

int sql_identity_get(struct service_store *s, const char *uuid, struct store_identity *ret)
{
	return row_get(db_of(s), &identity_type, ret, SELECT "WHERE uuid = $1", "t", uuid);
}

static int each_page(struct db *db, char *after, store_identity_fn fn, void *userdata,
		     size_t *ret_n)
{
	_cleanup_(query_done) struct query q = {NULL};
	char next[STORE_UUID_TEXT] = "";
	struct store_identity row;
	int r;

	*ret_n = 0;
	r = query_start(db, &q, SELECT "WHERE uuid > $1 ORDER BY uuid LIMIT $2", "ti", after,
			(int64_t)PAGE);
	while (r == 0 && (r = row_next(&q, &identity_type, &row)) > 0) {
		r = fn(userdata, &row);
		snprintf(next, sizeof(next), "%s", row.uuid);
		++*ret_n;
	}
	memcpy(after, next, sizeof(next));
	return r;
}

int sql_identity_each(struct service_store *s, store_identity_fn fn, void *userdata)
{
	char after[STORE_UUID_TEXT] = "";
	size_t n = PAGE;
	int r = 0;

	while (r == 0 && n == PAGE)
		r = each_page(db_of(s), after, fn, userdata, &n);
	return r;
}

int sql_identity_delete(struct service_store *s, const char *uuid)
{
	struct db *db = db_of(s);
	bool began;
	int r;

	r = db_begin(db, uuid, &began);
	if (r < 0)
		return r;
	r = db_run(db, NULL, "DELETE FROM devices WHERE uuid = $1", "t", uuid);
	if (r == 0)
		r = db_run_one(db, "DELETE FROM identities WHERE uuid = $1", "t", uuid);
	return db_end(db, began, r);
}

int sql_identity_count(struct service_store *s, const char *uuid, size_t n, int64_t *ret)
{
	int64_t last;
	int r;

	r = db_number(db_of(s), &last,
		      "UPDATE identities SET commands = commands + $2 WHERE uuid = $1"
		      " RETURNING commands",
		      "ti", uuid, (int64_t)n);
	if (r == 0)
		*ret = last - (int64_t)n + 1;
	return r;
}
