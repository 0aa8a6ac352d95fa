/* SPDX-License-Identifier: Apache-2.0 */
#include "service/store/sql.h"

static const struct field fields[] = {
	FIELD(FIELD_TEXT, struct store_rule, id),
	FIELD(FIELD_TEXT, struct store_rule, team),
	FIELD(FIELD_OWNED, struct store_rule, name),
	FIELD(FIELD_OWNED, struct store_rule, description),
	FIELD(FIELD_BOOL, struct store_rule, active),
	FIELD(FIELD_OWNED, struct store_rule, commands),
	FIELD(FIELD_OWNED, struct store_rule, tags),
	FIELD(FIELD_INT, struct store_rule, created_at),
};
ROW_TYPE(rule_type, struct store_rule, fields);

#define COLUMNS "id, team, name, description, active, commands, tags, created_at"
#define SELECT "SELECT " COLUMNS " FROM rules "

int sql_rule_add(struct service_store *s, const struct store_rule *row)
{
	return row_add(db_of(s), &rule_type, row,
		       "INSERT INTO rules (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
		       " ON CONFLICT DO NOTHING");
}

int sql_rule_each(struct service_store *s, const char *team, store_rule_fn fn, void *userdata)
{
	_cleanup_(query_done) struct query q = {NULL};
	struct store_rule row;
	int r;

	r = query_start(db_of(s), &q, SELECT "WHERE team = $1 ORDER BY seq", "t", team);
	while (r == 0 && (r = row_next(&q, &rule_type, &row)) > 0) {
		r = fn(userdata, &row);
		store_rule_done(&row);
	}
	return r;
}

int sql_rule_get(struct service_store *s, const char *team, const char *id, struct store_rule *ret)
{
	return row_get(db_of(s), &rule_type, ret, SELECT "WHERE team = $1 AND id = $2", "tt", team,
		       id);
}

int sql_rule_update(struct service_store *s, const struct store_rule *row)
{
	return row_update(db_of(s), &rule_type, row,
			  "UPDATE rules SET name = $3, description = $4, active = $5,"
			  " commands = $6, tags = $7 WHERE id = $1 AND team = $2");
}

int sql_rule_delete(struct service_store *s, const char *team, const char *id)
{
	return db_run_one(db_of(s), "DELETE FROM rules WHERE team = $1 AND id = $2", "tt", team,
			  id);
}

int sql_rule_is_applied(struct service_store *s, const char *device, const char *rule, bool *ret)
{
	int64_t n;
	int r;

	r = db_number(db_of(s), &n,
		      "SELECT count(*) FROM applied_rules WHERE device = $1 AND rule = $2", "tt",
		      device, rule);
	if (r < 0)
		return r;
	*ret = r == 0 && n > 0;
	return 0;
}

int sql_rule_set_applied(struct service_store *s, const char *device, const char *rule)
{
	return db_run(db_of(s), NULL,
		      "INSERT INTO applied_rules (device, rule) VALUES ($1, $2)"
		      " ON CONFLICT DO NOTHING",
		      "tt", device, rule);
}

int sql_rule_clear_applied(struct service_store *s, const char *device)
{
	return db_run(db_of(s), NULL, "DELETE FROM applied_rules WHERE device = $1", "t", device);
}
