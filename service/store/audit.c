/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sql.h"

static const struct field fields[] = {
	FIELD(FIELD_INT, struct store_audit, seq),
	FIELD(FIELD_TEXT, struct store_audit, team),
	FIELD(FIELD_TEXT, struct store_audit, actor),
	FIELD(FIELD_TEXT, struct store_audit, action),
	FIELD(FIELD_TEXT, struct store_audit, object),
	FIELD(FIELD_TEXT, struct store_audit, address),
	FIELD(FIELD_OWNED, struct store_audit, detail),
	FIELD(FIELD_INT, struct store_audit, at),
};
ROW_TYPE(audit_type, struct store_audit, fields);

#define COLUMNS "team, actor, action, object, address, detail, at"

int sql_audit_add(struct service_store *s, const struct store_audit *row)
{
	return row_add(db_of(s), &audit_type, row,
		       "INSERT INTO audit (" COLUMNS ") VALUES ($2, $3, $4, $5, $6, $7, $8)");
}

int sql_audit_page(struct service_store *s, const char *team, int64_t before, size_t limit,
		   store_audit_fn fn, void *userdata)
{
	_cleanup_(query_done) struct query q = {NULL};
	struct store_audit row;
	int r;

	r = query_start(db_of(s), &q,
			"SELECT seq, " COLUMNS
			" FROM audit WHERE team = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
			"tii", team, before ? before : INT64_MAX, (int64_t)limit);
	while (r == 0 && (r = row_next(&q, &audit_type, &row)) > 0) {
		r = fn(userdata, &row);
		store_audit_done(&row);
	}
	return r;
}

/* In the order of their keys, from the oldest to the first that stays: rows that stay are not
 * looked at. */
int sql_audit_prune(struct service_store *s, int64_t keep_s)
{
	return db_run(db_of(s), NULL,
		      "DELETE FROM audit WHERE seq < (SELECT seq FROM audit"
		      " WHERE at >= (SELECT at FROM audit ORDER BY seq DESC LIMIT 1) - $1"
		      " ORDER BY seq LIMIT 1)",
		      "i", keep_s);
}
