/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "service/store/sqlite_db.h"

#define COMMAND_COLUMNS                                                                            \
	"seq, device, id, rule, status, prepared, description, request, wire, error, response,"    \
	" created_at, updated_at"

int sqlite_command_add(struct service_store *base, const struct store_command *row,
		       int64_t *ret_seq)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q,
			"INSERT INTO commands (device, id, rule, status, prepared, description,"
			" request, wire, error, response, created_at, updated_at)"
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			"tttiittbttii", row->device, row->id, row->rule, (int64_t)row->status,
			(int64_t)row->prepared, row->description, row->request, row->wire,
			row->wire_len, row->error, row->response, row->created_at, row->updated_at);
	if (r < 0)
		return r;
	r = query_run(s, &q);
	if (r != 0)
		return r;
	*ret_seq = sqlite3_last_insert_rowid(s->db);
	return 0;
}

static int command_read(struct query *q, struct store_command *row)
{
	int64_t status = sqlite3_column_int64(q->stmt, 4);
	int r;

	memset(row, 0, sizeof(*row));
	if (status < STORE_PENDING || status > STORE_FAILED)
		return -EBADMSG;
	row->seq = sqlite3_column_int64(q->stmt, 0);
	row->status = (enum store_status)status;
	row->prepared = sqlite3_column_int64(q->stmt, 5) != 0;
	row->created_at = sqlite3_column_int64(q->stmt, 11);
	row->updated_at = sqlite3_column_int64(q->stmt, 12);
	r = query_text(q, 1, row->device, sizeof(row->device));
	if (r < 0)
		return r;
	r = query_text(q, 2, row->id, sizeof(row->id));
	if (r < 0)
		return r;
	r = query_text(q, 3, row->rule, sizeof(row->rule));
	if (r < 0)
		return r;
	r = query_dup(q, 6, &row->description);
	if (r < 0)
		return r;
	r = query_dup(q, 7, &row->request);
	if (r < 0)
		return r;
	r = query_dup_bytes(q, 8, &row->wire, &row->wire_len);
	if (r < 0)
		return r;
	r = query_dup(q, 9, &row->error);
	if (r < 0)
		return r;
	return query_dup(q, 10, &row->response);
}

int sqlite_command_get(struct service_store *base, const char *device, const char *id,
		       struct store_command *ret)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	struct store_command row;
	int r;

	r = query_start(s, &q,
			"SELECT " COMMAND_COLUMNS " FROM commands WHERE device = ? AND id = ?",
			"tt", device, id);
	if (r < 0)
		return r;
	r = query_row(s, &q);
	if (r < 0)
		return r;
	if (r == 0)
		return STORE_E_NOT_FOUND;
	r = command_read(&q, &row);
	if (r < 0) {
		store_command_done(&row);
		return r;
	}
	*ret = row;
	return 0;
}

int sqlite_command_update(struct service_store *base, const struct store_command *row)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q,
			"UPDATE commands SET status = ?, prepared = ?, wire = ?, error = ?,"
			" response = ?, updated_at = ? WHERE seq = ?",
			"iibttii", (int64_t)row->status, (int64_t)row->prepared, row->wire,
			row->wire_len, row->error, row->response, row->updated_at, row->seq);
	if (r < 0)
		return r;
	return query_run_one(s, &q);
}

int sqlite_command_each(struct service_store *base, const char *device, bool open,
			store_command_fn fn, void *userdata)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	if (open)
		r = query_start(s, &q,
				"SELECT " COMMAND_COLUMNS
				" FROM commands WHERE device = ? AND status < 2 ORDER BY seq",
				"t", device);
	else
		r = query_start(s, &q,
				"SELECT " COMMAND_COLUMNS
				" FROM commands WHERE device = ? ORDER BY seq",
				"t", device);
	if (r < 0)
		return r;
	while ((r = query_row(s, &q)) > 0) {
		_cleanup_(store_command_done) struct store_command row;

		r = command_read(&q, &row);
		if (r < 0)
			return r;
		r = fn(userdata, &row);
		if (r != 0)
			return r;
	}
	return r;
}

int sqlite_command_count_open(struct service_store *base, const char *device, size_t *ret)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q, "SELECT count(*) FROM commands WHERE device = ? AND status < 2", "t",
			device);
	if (r < 0)
		return r;
	r = query_row(s, &q);
	if (r < 0)
		return r;
	*ret = (size_t)sqlite3_column_int64(q.stmt, 0);
	return 0;
}

int sqlite_command_prune(struct service_store *base, const char *device, size_t keep)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q,
			"DELETE FROM commands WHERE device = ?1 AND status >= 2 AND seq <="
			" (SELECT seq FROM commands WHERE device = ?1 AND status >= 2"
			"  ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
			"ti", device, (int64_t)keep);
	if (r < 0)
		return r;
	return query_run(s, &q);
}
