/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sql.h"

static const struct field fields[] = {
	FIELD(FIELD_OWNED, struct store_shadow, desired),
	FIELD(FIELD_OWNED, struct store_shadow, reported),
	FIELD(FIELD_INT, struct store_shadow, version),
};
ROW_TYPE(shadow_type, struct store_shadow, fields);

int sql_shadow_get(struct service_store *s, const char *device, struct store_shadow *ret)
{
	return row_get(db_of(s), &shadow_type, ret,
		       "SELECT desired, reported, version FROM shadows WHERE device = $1", "t",
		       device);
}

int sql_shadow_put(struct service_store *s, const char *device, const struct store_shadow *row)
{
	return db_run(db_of(s), NULL,
		      "INSERT INTO shadows (device, desired, reported, version)"
		      " VALUES ($1, $2, $3, $4) ON CONFLICT (device) DO UPDATE SET"
		      " desired = excluded.desired, reported = excluded.reported,"
		      " version = excluded.version",
		      "ttti", device, row->desired, row->reported, row->version);
}
