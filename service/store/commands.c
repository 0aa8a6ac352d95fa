/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sql.h"

#include <errno.h>

static const struct field fields[] = {
	FIELD(FIELD_INT, struct store_command, seq),
	FIELD(FIELD_TEXT, struct store_command, device),
	FIELD(FIELD_TEXT, struct store_command, id),
	FIELD(FIELD_TEXT, struct store_command, rule),
	FIELD(FIELD_UINT, struct store_command, status),
	FIELD(FIELD_BOOL, struct store_command, prepared),
	FIELD(FIELD_OWNED, struct store_command, description),
	FIELD(FIELD_OWNED, struct store_command, request),
	FIELD_WITH(FIELD_BLOB, struct store_command, wire, wire_len),
	FIELD(FIELD_OWNED, struct store_command, error),
	FIELD(FIELD_OWNED, struct store_command, response),
	FIELD(FIELD_INT, struct store_command, created_at),
	FIELD(FIELD_INT, struct store_command, updated_at),
	FIELD(FIELD_INT, struct store_command, handed_at),
};
ROW_TYPE(command_type, struct store_command, fields);

#define COLUMNS                                                                                    \
	"device, id, rule, status, prepared, description, request, wire, error, response,"         \
	" created_at, updated_at, handed_at"
#define SELECT "SELECT seq, " COLUMNS " FROM commands "

int sql_command_add(struct service_store *s, const struct store_command *row, int64_t *ret_seq)
{
	_cleanup_(query_done) struct query q = {NULL};
	int64_t seq;
	int r;

	r = row_start(db_of(s), &q, &command_type, row,
		      "INSERT INTO commands (" COLUMNS ") VALUES ($2, $3, $4, $5, $6, $7, $8, $9,"
		      " $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING RETURNING seq");
	if (r < 0)
		return r;
	r = query_row(&q);
	if (r <= 0)
		return r < 0 ? r : STORE_E_EXISTS;
	seq = query_number(&q, 0);
	r = query_row(&q);
	if (r < 0)
		return r;
	*ret_seq = seq;
	return 0;
}

static int status_check(const struct store_command *row)
{
	return row->status <= STORE_FAILED ? 0 : -EBADMSG;
}

int sql_command_get(struct service_store *s, const char *device, const char *id,
		    struct store_command *ret)
{
	int r;

	r = row_get(db_of(s), &command_type, ret, SELECT "WHERE device = $1 AND id = $2", "tt",
		    device, id);
	if (r == 0)
		r = status_check(ret);
	if (r < 0)
		store_command_done(ret);
	return r;
}

int sql_command_update(struct service_store *s, const struct store_command *row)
{
	return row_update(db_of(s), &command_type, row,
			  "UPDATE commands SET status = $5, prepared = $6, wire = $9, error = $10,"
			  " response = $11, updated_at = $13, handed_at = $14 WHERE seq = $1");
}

int sql_command_each(struct service_store *s, const char *device, bool open, store_command_fn fn,
		     void *userdata)
{
	_cleanup_(query_done) struct query q = {NULL};
	struct store_command row;
	int r;

	if (open)
		r = query_start(db_of(s), &q,
				SELECT "WHERE device = $1 AND status < 2 ORDER BY seq", "t",
				device);
	else
		r = query_start(db_of(s), &q, SELECT "WHERE device = $1 ORDER BY seq", "t", device);
	while (r == 0 && (r = row_next(&q, &command_type, &row)) > 0) {
		r = status_check(&row);
		if (r == 0)
			r = fn(userdata, &row);
		store_command_done(&row);
	}
	return r;
}

int sql_command_count_open(struct service_store *s, const char *device, size_t *ret)
{
	int64_t n;
	int r;

	r = db_number(db_of(s), &n,
		      "SELECT count(*) FROM commands WHERE device = $1 AND status < 2", "t",
		      device);
	if (r != 0)
		return r < 0 ? r : -EBADMSG;
	*ret = (size_t)n;
	return 0;
}

int sql_command_delete(struct service_store *s, const char *device, const char *id)
{
	return db_run_one(db_of(s), "DELETE FROM commands WHERE device = $1 AND id = $2", "tt",
			  device, id);
}

int sql_command_prune(struct service_store *s, const char *device, size_t keep)
{
	return db_run(db_of(s), NULL,
		      "DELETE FROM commands WHERE device = $1 AND status >= 2 AND seq <="
		      " (SELECT seq FROM commands WHERE device = $1 AND status >= 2"
		      "  ORDER BY seq DESC LIMIT 1 OFFSET $2)",
		      "ti", device, (int64_t)keep);
}
