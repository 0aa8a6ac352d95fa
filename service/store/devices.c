/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Rows that a walk through everything reads at a time. */
#define PAGE 1000

static const struct field fields[] = {
	FIELD(FIELD_TEXT, struct store_device, uuid),
	FIELD(FIELD_TEXT, struct store_device, team),
	FIELD(FIELD_TEXT, struct store_device, firmware),
	FIELD(FIELD_UINT, struct store_device, device_type),
	FIELD(FIELD_OWNED, struct store_device, tags),
	FIELD(FIELD_INT, struct store_device, claimed_at),
	FIELD(FIELD_INT, struct store_device, seen_at),
	FIELD_WITH(FIELD_MAYBE, struct store_device, cloud_key, has_cloud_key),
	FIELD(FIELD_UINT, struct store_device, cloud_key_tag),
	FIELD(FIELD_INT, struct store_device, cloud_key_at),
	FIELD(FIELD_INT, struct store_device, cloud_seen_at),
	FIELD(FIELD_TEXT, struct store_device, batch_query),
	FIELD(FIELD_INT, struct store_device, batch_seq),
	FIELD(FIELD_UINT, struct store_device, batch_step),
	FIELD_WITH(FIELD_MAYBE, struct store_device, cloud_key_before, has_cloud_key_before),
	FIELD(FIELD_OWNED, struct store_device, name),
	FIELD(FIELD_OWNED, struct store_device, sub_type),
	FIELD(FIELD_INT, struct store_device, blocked_at),
	FIELD(FIELD_TEXT, struct store_device, trace),
};
ROW_TYPE(device_type, struct store_device, fields);

#define COLUMNS                                                                                    \
	"uuid, team, firmware, device_type, tags, claimed_at, seen_at, cloud_key, cloud_key_tag,"  \
	" cloud_key_at, cloud_seen_at, batch_query, batch_seq, batch_step, cloud_key_before,"      \
	" name, sub_type, blocked_at, trace"
#define SELECT "SELECT " COLUMNS " FROM devices "

int sql_device_add(struct service_store *s, const struct store_device *row)
{
	return row_add(db_of(s), &device_type, row,
		       "INSERT INTO devices (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8,"
		       " $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
		       " ON CONFLICT DO NOTHING");
}

int sql_device_get(struct service_store *s, const char *uuid, struct store_device *ret)
{
	return row_get(db_of(s), &device_type, ret, SELECT "WHERE uuid = $1", "t", uuid);
}

/* What a contact of the device changes. */
#define UPDATE                                                                                     \
	"UPDATE devices SET firmware = $3, device_type = $4, tags = $5, seen_at = $7,"             \
	" cloud_key = $8, cloud_key_tag = $9, cloud_key_at = $10, cloud_seen_at = $11,"            \
	" batch_query = $12, batch_seq = $13, batch_step = $14, cloud_key_before = $15,"           \
	" name = $16, sub_type = $17, blocked_at = $18, trace = $19"

int sql_device_update(struct service_store *s, const struct store_device *row)
{
	int r;

	/* SQLite writes the entries of an index anew whenever its columns are named here. */
	r = row_update(db_of(s), &device_type, row,
		       UPDATE " WHERE uuid = $1 AND team = $2 AND claimed_at = $6");
	if (r != STORE_E_NOT_FOUND)
		return r;
	return row_update(db_of(s), &device_type, row,
			  UPDATE ", team = $2, claimed_at = $6 WHERE uuid = $1");
}

int sql_device_delete(struct service_store *s, const char *uuid)
{
	return db_run_one(db_of(s), "DELETE FROM devices WHERE uuid = $1", "t", uuid);
}

static int walk(struct query *q, store_device_fn fn, void *userdata, struct store_device *ret_last,
		size_t *ret_n)
{
	struct store_device row;
	int r;

	while ((r = row_next(q, &device_type, &row)) > 0) {
		r = fn(userdata, &row);
		memcpy(ret_last->uuid, row.uuid, sizeof(row.uuid));
		ret_last->claimed_at = row.claimed_at;
		++*ret_n;
		store_device_done(&row);
		if (r != 0)
			break;
	}
	return r;
}

static int each_page(struct db *db, const char *team, struct store_device *last, store_device_fn fn,
		     void *userdata, size_t *ret_n)
{
	_cleanup_(query_done) struct query q = {NULL};
	const struct store_device after = *last;
	int r;

	*ret_n = 0;
	if (team)
		r = query_start(db, &q,
				SELECT "WHERE team = $1 AND (claimed_at, uuid) > ($2, $3)"
				       " ORDER BY claimed_at, uuid LIMIT $4",
				"titi", team, after.claimed_at, after.uuid, (int64_t)PAGE);
	else
		r = query_start(db, &q,
				SELECT "WHERE (claimed_at, uuid) > ($1, $2)"
				       " ORDER BY claimed_at, uuid LIMIT $3",
				"iti", after.claimed_at, after.uuid, (int64_t)PAGE);
	if (r < 0)
		return r;
	return walk(&q, fn, userdata, last, ret_n);
}

int sql_device_each(struct service_store *s, const char *team, store_device_fn fn, void *userdata)
{
	struct store_device last = {.claimed_at = INT64_MIN};
	size_t n = PAGE;
	int r = 0;

	while (r == 0 && n == PAGE)
		r = each_page(db_of(s), team, &last, fn, userdata, &n);
	return r;
}

/* %part% for LIKE ... ESCAPE '!', in lower case; NULL for NULL. */
static int pattern_make(const char *part, char **ret)
{
	char *p;

	*ret = NULL;
	if (!part)
		return 0;
	*ret = p = malloc(2 * strlen(part) + 3);
	if (!p)
		return -ENOMEM;
	*p++ = '%';
	for (; *part; part++) {
		if (strchr("%_!", *part))
			*p++ = '!';
		*p++ = *part;
	}
	*p++ = '%';
	*p = 0;
	return 0;
}

/* A tag as it stands in the stored array: tags have no characters that JSON would escape. */
static int needle_make(const char *tag, char **ret)
{
	*ret = NULL;
	if (tag && asprintf(ret, "\"%s\"", tag) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* replace() is the one search for a part, with upper and lower case told apart, that both know. */
#define WHERE                                                                                      \
	"WHERE team = $1"                                                                          \
	" AND ($2 IS NULL OR uuid LIKE lower($2) ESCAPE '!'"                                       \
	"      OR lower(name) LIKE lower($2) ESCAPE '!')"                                          \
	" AND ($3 IS NULL OR replace(tags, $3, '') <> tags)"                                       \
	" AND ($4 = 0 OR $4 = CASE WHEN blocked_at > 0 THEN 3 WHEN cloud_seen_at > 0 THEN 2"       \
	"                     ELSE 1 END)"

int sql_device_page(struct service_store *s, const struct store_device_filter *f,
		    store_device_fn fn, void *userdata)
{
	_cleanup_(freep) char *pattern = NULL, *needle = NULL;
	_cleanup_(query_done) struct query q = {NULL};
	struct store_device last;
	size_t n = 0;
	int r;

	r = pattern_make(f->search, &pattern);
	if (r == 0)
		r = needle_make(f->tag, &needle);
	if (r == 0)
		r = query_start(db_of(s), &q,
				SELECT WHERE " AND (claimed_at, uuid) > ($5, $6)"
					     " ORDER BY claimed_at, uuid LIMIT $7",
				"tttiiti", f->team, pattern, needle, (int64_t)f->state,
				f->after_claimed_at, f->after_uuid ? f->after_uuid : "",
				(int64_t)f->limit);
	if (r < 0)
		return r;
	return walk(&q, fn, userdata, &last, &n);
}

int sql_device_count(struct service_store *s, const struct store_device_filter *f, int64_t *ret)
{
	_cleanup_(freep) char *pattern = NULL, *needle = NULL;
	int r;

	r = pattern_make(f->search, &pattern);
	if (r == 0)
		r = needle_make(f->tag, &needle);
	if (r < 0)
		return r;
	return db_number(db_of(s), ret, "SELECT count(*) FROM devices " WHERE, "ttti", f->team,
			 pattern, needle, (int64_t)f->state);
}
