/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "service/store/sqlite_db.h"

int sqlite_identity_add(struct service_store *base, const struct store_identity *row)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q,
			"INSERT INTO identities (uuid, hardware, spki, imported_at)"
			" VALUES (?, ?, ?, ?)",
			"ttbi", row->uuid, row->hardware, row->spki, sizeof(row->spki),
			row->imported_at);
	if (r < 0)
		return r;
	return query_run(s, &q);
}

static int identity_read(struct query *q, struct store_identity *row)
{
	int r;

	r = query_text(q, 0, row->uuid, sizeof(row->uuid));
	if (r < 0)
		return r;
	r = query_text(q, 1, row->hardware, sizeof(row->hardware));
	if (r < 0)
		return r;
	row->imported_at = sqlite3_column_int64(q->stmt, 3);
	return query_bytes(q, 2, row->spki, sizeof(row->spki));
}

int sqlite_identity_get(struct service_store *base, const char *uuid, struct store_identity *ret)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	struct store_identity row;
	int r;

	r = query_start(s, &q,
			"SELECT uuid, hardware, spki, imported_at FROM identities WHERE uuid = ?",
			"t", uuid);
	if (r < 0)
		return r;
	r = query_row(s, &q);
	if (r < 0)
		return r;
	if (r == 0)
		return STORE_E_NOT_FOUND;
	r = identity_read(&q, &row);
	if (r < 0)
		return r;
	*ret = row;
	return 0;
}

int sqlite_identity_each(struct service_store *base, store_identity_fn fn, void *userdata)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q,
			"SELECT uuid, hardware, spki, imported_at FROM identities ORDER BY uuid",
			"");
	if (r < 0)
		return r;
	while ((r = query_row(s, &q)) > 0) {
		struct store_identity row;

		r = identity_read(&q, &row);
		if (r < 0)
			return r;
		r = fn(userdata, &row);
		if (r != 0)
			return r;
	}
	return r;
}

int sqlite_identity_count(struct service_store *base, const char *uuid, int64_t *ret)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int64_t n;
	int r;

	r = query_start(s, &q,
			"UPDATE identities SET commands = commands + 1 WHERE uuid = ?"
			" RETURNING commands",
			"t", uuid);
	if (r < 0)
		return r;
	r = query_row(s, &q);
	if (r < 0)
		return r;
	if (r == 0)
		return STORE_E_NOT_FOUND;
	n = sqlite3_column_int64(q.stmt, 0);
	r = query_run(s, &q);
	if (r != 0)
		return r;
	*ret = n;
	return 0;
}

int sqlite_device_add(struct service_store *base, const struct store_device *row)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q,
			"INSERT INTO devices (uuid, team, firmware, device_type, tags, claimed_at,"
			" seen_at, cloud_key, cloud_key_tag, cloud_key_at, cloud_seen_at,"
			" batch_query, batch_seq, batch_step, cloud_key_before)"
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			"tttitiibiiitiib", row->uuid, row->team, row->firmware,
			(int64_t)row->device_type, row->tags, row->claimed_at, row->seen_at,
			row->has_cloud_key ? row->cloud_key : NULL, sizeof(row->cloud_key),
			(int64_t)row->cloud_key_tag, row->cloud_key_at, row->cloud_seen_at,
			row->batch_query, row->batch_seq, (int64_t)row->batch_step,
			row->has_cloud_key_before ? row->cloud_key_before : NULL,
			sizeof(row->cloud_key_before));
	if (r < 0)
		return r;
	return query_run(s, &q);
}

#define DEVICE_COLUMNS                                                                             \
	"uuid, team, firmware, device_type, tags, claimed_at, seen_at, cloud_key, cloud_key_tag,"  \
	" cloud_key_at, cloud_seen_at, batch_query, batch_seq, batch_step, cloud_key_before"

static int device_read(struct query *q, struct store_device *row)
{
	int r;

	memset(row, 0, sizeof(*row));
	r = query_text(q, 0, row->uuid, sizeof(row->uuid));
	if (r < 0)
		return r;
	r = query_text(q, 1, row->team, sizeof(row->team));
	if (r < 0)
		return r;
	r = query_text(q, 2, row->firmware, sizeof(row->firmware));
	if (r < 0)
		return r;
	row->device_type = (unsigned int)sqlite3_column_int64(q->stmt, 3);
	row->claimed_at = sqlite3_column_int64(q->stmt, 5);
	row->seen_at = sqlite3_column_int64(q->stmt, 6);
	row->has_cloud_key = sqlite3_column_type(q->stmt, 7) != SQLITE_NULL;
	if (row->has_cloud_key) {
		r = query_bytes(q, 7, row->cloud_key, sizeof(row->cloud_key));
		if (r < 0)
			return r;
	}
	row->cloud_key_tag = (uint32_t)sqlite3_column_int64(q->stmt, 8);
	row->cloud_key_at = sqlite3_column_int64(q->stmt, 9);
	row->cloud_seen_at = sqlite3_column_int64(q->stmt, 10);
	r = query_text(q, 11, row->batch_query, sizeof(row->batch_query));
	if (r < 0)
		return r;
	row->batch_seq = sqlite3_column_int64(q->stmt, 12);
	row->batch_step = (unsigned int)sqlite3_column_int64(q->stmt, 13);
	row->has_cloud_key_before = sqlite3_column_type(q->stmt, 14) != SQLITE_NULL;
	if (row->has_cloud_key_before) {
		r = query_bytes(q, 14, row->cloud_key_before, sizeof(row->cloud_key_before));
		if (r < 0)
			return r;
	}
	return query_dup(q, 4, &row->tags);
}

int sqlite_device_get(struct service_store *base, const char *uuid, struct store_device *ret)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	struct store_device row;
	int r;

	r = query_start(s, &q, "SELECT " DEVICE_COLUMNS " FROM devices WHERE uuid = ?", "t", uuid);
	if (r < 0)
		return r;
	r = query_row(s, &q);
	if (r < 0)
		return r;
	if (r == 0)
		return STORE_E_NOT_FOUND;
	r = device_read(&q, &row);
	if (r < 0)
		return r;
	*ret = row;
	return 0;
}

int sqlite_device_update(struct service_store *base, const struct store_device *row)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q,
			"UPDATE devices SET team = ?, firmware = ?, device_type = ?, tags = ?,"
			" claimed_at = ?, seen_at = ?, cloud_key = ?, cloud_key_tag = ?,"
			" cloud_key_at = ?, cloud_seen_at = ?, batch_query = ?, batch_seq = ?,"
			" batch_step = ?, cloud_key_before = ? WHERE uuid = ?",
			"ttitiibiiitiibt", row->team, row->firmware, (int64_t)row->device_type,
			row->tags, row->claimed_at, row->seen_at,
			row->has_cloud_key ? row->cloud_key : NULL, sizeof(row->cloud_key),
			(int64_t)row->cloud_key_tag, row->cloud_key_at, row->cloud_seen_at,
			row->batch_query, row->batch_seq, (int64_t)row->batch_step,
			row->has_cloud_key_before ? row->cloud_key_before : NULL,
			sizeof(row->cloud_key_before), row->uuid);
	if (r < 0)
		return r;
	return query_run_one(s, &q);
}

int sqlite_device_delete(struct service_store *base, const char *uuid)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q, "DELETE FROM devices WHERE uuid = ?", "t", uuid);
	if (r < 0)
		return r;
	return query_run_one(s, &q);
}

int sqlite_device_each(struct service_store *base, const char *team, store_device_fn fn,
		       void *userdata)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	if (team)
		r = query_start(s, &q,
				"SELECT " DEVICE_COLUMNS
				" FROM devices WHERE team = ? ORDER BY claimed_at, uuid",
				"t", team);
	else
		r = query_start(s, &q,
				"SELECT " DEVICE_COLUMNS " FROM devices ORDER BY claimed_at, uuid",
				"");
	if (r < 0)
		return r;
	while ((r = query_row(s, &q)) > 0) {
		_cleanup_(store_device_done) struct store_device row = {.tags = NULL};

		r = device_read(&q, &row);
		if (r < 0)
			return r;
		r = fn(userdata, &row);
		if (r != 0)
			return r;
	}
	return r;
}

int sqlite_shadow_get(struct service_store *base, const char *device, struct store_shadow *ret)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(store_shadow_done) struct store_shadow row = {NULL, NULL, 0};
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q, "SELECT desired, reported, version FROM shadows WHERE device = ?",
			"t", device);
	if (r < 0)
		return r;
	r = query_row(s, &q);
	if (r < 0)
		return r;
	if (r == 0)
		return STORE_E_NOT_FOUND;
	r = query_dup(&q, 0, &row.desired);
	if (r < 0)
		return r;
	r = query_dup(&q, 1, &row.reported);
	if (r < 0)
		return r;
	ret->desired = TAKE_PTR(row.desired);
	ret->reported = TAKE_PTR(row.reported);
	ret->version = sqlite3_column_int64(q.stmt, 2);
	return 0;
}

int sqlite_shadow_put(struct service_store *base, const char *device,
		      const struct store_shadow *row)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q,
			"INSERT INTO shadows (device, desired, reported, version)"
			" VALUES (?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET"
			" desired = excluded.desired, reported = excluded.reported,"
			" version = excluded.version",
			"ttti", device, row->desired, row->reported, row->version);
	if (r < 0)
		return r;
	return query_run(s, &q);
}
