/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sql.h"

static const struct field fields[] = {
	FIELD(FIELD_TEXT, struct store_certificate, serial),
	FIELD(FIELD_TEXT, struct store_certificate, device),
	FIELD(FIELD_TEXT, struct store_certificate, team),
	FIELD(FIELD_UINT, struct store_certificate, sec_tag),
	FIELD(FIELD_INT, struct store_certificate, not_before),
	FIELD(FIELD_INT, struct store_certificate, not_after),
	FIELD(FIELD_INT, struct store_certificate, revoked_at),
	FIELD(FIELD_UINT, struct store_certificate, reason),
};
ROW_TYPE(certificate_type, struct store_certificate, fields);

#define COLUMNS "serial, device, team, sec_tag, not_before, not_after, revoked_at, reason"
#define SELECT "SELECT " COLUMNS " FROM certificates "

int sql_certificate_add(struct service_store *s, const struct store_certificate *row)
{
	return row_add(db_of(s), &certificate_type, row,
		       "INSERT INTO certificates (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7,"
		       " $8) ON CONFLICT DO NOTHING");
}

int sql_certificate_each(struct service_store *s, const char *device, store_certificate_fn fn,
			 void *userdata)
{
	_cleanup_(query_done) struct query q = {NULL};
	struct store_certificate row;
	int r;

	if (device)
		r = query_start(db_of(s), &q, SELECT "WHERE device = $1 ORDER BY seq DESC", "t",
				device);
	else
		r = query_start(db_of(s), &q, SELECT "WHERE revoked_at > 0 ORDER BY seq DESC", "");
	while (r == 0 && (r = row_next(&q, &certificate_type, &row)) > 0)
		r = fn(userdata, &row);
	return r;
}

int sql_certificate_update(struct service_store *s, const struct store_certificate *row)
{
	return row_update(db_of(s), &certificate_type, row,
			  "UPDATE certificates SET revoked_at = $7, reason = $8 WHERE serial = $1");
}
