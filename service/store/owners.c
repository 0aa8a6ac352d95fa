/* SPDX-License-Identifier: Apache-2.0 */

/* Teams, their API keys and the tags that they described. */

#include "service/store/sql.h"

static const struct field team_fields[] = {
	FIELD(FIELD_TEXT, struct store_team, id),
	FIELD(FIELD_OWNED, struct store_team, name),
};
ROW_TYPE(team_type, struct store_team, team_fields);

static const struct field apikey_fields[] = {
	FIELD(FIELD_TEXT, struct store_apikey, id),
	FIELD(FIELD_TEXT, struct store_apikey, team),
	FIELD(FIELD_TEXT, struct store_apikey, role),
	FIELD(FIELD_OWNED, struct store_apikey, name),
	FIELD(FIELD_BYTES, struct store_apikey, hash),
	FIELD(FIELD_INT, struct store_apikey, created_at),
};
ROW_TYPE(apikey_type, struct store_apikey, apikey_fields);

static const struct field tag_fields[] = {
	FIELD(FIELD_TEXT, struct store_tag, team),
	FIELD(FIELD_OWNED, struct store_tag, tag),
	FIELD(FIELD_OWNED, struct store_tag, description),
};
ROW_TYPE(tag_type, struct store_tag, tag_fields);

#define APIKEY_COLUMNS "id, team, role, name, hash, created_at"

int sql_team_add(struct service_store *s, const struct store_team *row)
{
	return row_add(db_of(s), &team_type, row,
		       "INSERT INTO teams (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING");
}

int sql_team_get(struct service_store *s, const char *id, struct store_team *ret)
{
	return row_get(db_of(s), &team_type, ret, "SELECT id, name FROM teams WHERE id = $1", "t",
		       id);
}

int sql_team_find(struct service_store *s, const char *name, struct store_team *ret)
{
	return row_get(db_of(s), &team_type, ret, "SELECT id, name FROM teams WHERE name = $1", "t",
		       name);
}

int sql_team_each(struct service_store *s, store_team_fn fn, void *userdata)
{
	_cleanup_(query_done) struct query q = {NULL};
	struct store_team row;
	int r;

	r = query_start(db_of(s), &q, "SELECT id, name FROM teams ORDER BY name", "");
	while (r == 0 && (r = row_next(&q, &team_type, &row)) > 0) {
		r = fn(userdata, &row);
		store_team_done(&row);
	}
	return r;
}

int sql_apikey_add(struct service_store *s, const struct store_apikey *row)
{
	return row_add(db_of(s), &apikey_type, row,
		       "INSERT INTO apikeys (" APIKEY_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6)"
		       " ON CONFLICT DO NOTHING");
}

int sql_apikey_find(struct service_store *s, const uint8_t hash[static 32],
		    struct store_apikey *ret)
{
	return row_get(db_of(s), &apikey_type, ret,
		       "SELECT " APIKEY_COLUMNS " FROM apikeys WHERE hash = $1", "b", hash,
		       (size_t)32);
}

int sql_apikey_each(struct service_store *s, const char *team, store_apikey_fn fn, void *userdata)
{
	_cleanup_(query_done) struct query q = {NULL};
	struct store_apikey row;
	int r;

	r = query_start(db_of(s), &q,
			"SELECT " APIKEY_COLUMNS
			" FROM apikeys WHERE team = $1 ORDER BY created_at, id",
			"t", team);
	while (r == 0 && (r = row_next(&q, &apikey_type, &row)) > 0) {
		r = fn(userdata, &row);
		store_apikey_done(&row);
	}
	return r;
}

int sql_apikey_delete(struct service_store *s, const char *team, const char *id)
{
	return db_run_one(db_of(s), "DELETE FROM apikeys WHERE team = $1 AND id = $2", "tt", team,
			  id);
}

int sql_tag_put(struct service_store *s, const struct store_tag *row)
{
	return row_update(db_of(s), &tag_type, row,
			  "INSERT INTO tags (team, tag, description) VALUES ($1, $2, $3)"
			  " ON CONFLICT (team, tag) DO UPDATE SET"
			  " description = excluded.description");
}

int sql_tag_each(struct service_store *s, const char *team, store_tag_fn fn, void *userdata)
{
	_cleanup_(query_done) struct query q = {NULL};
	struct store_tag row;
	int r;

	r = query_start(db_of(s), &q,
			"SELECT team, tag, description FROM tags WHERE team = $1 ORDER BY tag", "t",
			team);
	while (r == 0 && (r = row_next(&q, &tag_type, &row)) > 0) {
		r = fn(userdata, &row);
		store_tag_done(&row);
	}
	return r;
}

int sql_tag_delete(struct service_store *s, const char *team, const char *tag)
{
	return db_run_one(db_of(s), "DELETE FROM tags WHERE team = $1 AND tag = $2", "tt", team,
			  tag);
}
