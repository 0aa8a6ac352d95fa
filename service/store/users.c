/* SPDX-License-Identifier: Apache-2.0 */

/* Who signs in to the portal, and where they did. */

#include "service/store/sql.h"

static const struct field user_fields[] = {
	FIELD(FIELD_TEXT, struct store_user, id),
	FIELD(FIELD_TEXT, struct store_user, team),
	FIELD(FIELD_TEXT, struct store_user, role),
	FIELD(FIELD_OWNED, struct store_user, name),
	FIELD(FIELD_TEXT, struct store_user, password),
	FIELD(FIELD_INT, struct store_user, created_at),
};
ROW_TYPE(user_type, struct store_user, user_fields);

static const struct field session_fields[] = {
	FIELD(FIELD_BYTES, struct store_session, hash),
	FIELD(FIELD_TEXT, struct store_session, user),
	FIELD(FIELD_INT, struct store_session, created_at),
	FIELD(FIELD_INT, struct store_session, seen_at),
	FIELD(FIELD_INT, struct store_session, until),
};
ROW_TYPE(session_type, struct store_session, session_fields);

#define USER_COLUMNS "id, team, role, name, password, created_at"
#define SESSION_COLUMNS "hash, user_id, created_at, seen_at, until"

int sql_user_add(struct service_store *s, const struct store_user *row)
{
	return row_add(db_of(s), &user_type, row,
		       "INSERT INTO users (" USER_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6)"
		       " ON CONFLICT DO NOTHING");
}

int sql_user_get(struct service_store *s, const char *id, struct store_user *ret)
{
	return row_get(db_of(s), &user_type, ret,
		       "SELECT " USER_COLUMNS " FROM users WHERE id = $1", "t", id);
}

int sql_user_find(struct service_store *s, const char *name, struct store_user *ret)
{
	return row_get(db_of(s), &user_type, ret,
		       "SELECT " USER_COLUMNS " FROM users WHERE name = $1", "t", name);
}

int sql_user_each(struct service_store *s, const char *team, store_user_fn fn, void *userdata)
{
	_cleanup_(query_done) struct query q = {NULL};
	struct store_user row;
	int r;

	r = query_start(db_of(s), &q,
			"SELECT " USER_COLUMNS
			" FROM users WHERE team = $1 ORDER BY created_at, id",
			"t", team);
	while (r == 0 && (r = row_next(&q, &user_type, &row)) > 0) {
		r = fn(userdata, &row);
		store_user_done(&row);
	}
	return r;
}

int sql_user_update(struct service_store *s, const struct store_user *row)
{
	return row_update(db_of(s), &user_type, row,
			  "UPDATE users SET role = $3, password = $5 WHERE id = $1");
}

int sql_user_delete(struct service_store *s, const char *team, const char *id)
{
	return db_run_one(db_of(s), "DELETE FROM users WHERE team = $1 AND id = $2", "tt", team,
			  id);
}

int sql_session_add(struct service_store *s, const struct store_session *row)
{
	return row_add(db_of(s), &session_type, row,
		       "INSERT INTO sessions (" SESSION_COLUMNS ") VALUES ($1, $2, $3, $4, $5)"
		       " ON CONFLICT DO NOTHING");
}

int sql_session_find(struct service_store *s, const uint8_t hash[static 32],
		     struct store_session *ret)
{
	return row_get(db_of(s), &session_type, ret,
		       "SELECT " SESSION_COLUMNS " FROM sessions WHERE hash = $1", "b", hash,
		       (size_t)32);
}

int sql_session_update(struct service_store *s, const struct store_session *row)
{
	return row_update(db_of(s), &session_type, row,
			  "UPDATE sessions SET seen_at = $4, until = $5 WHERE hash = $1");
}

int sql_session_delete(struct service_store *s, const uint8_t hash[static 32])
{
	return db_run_one(db_of(s), "DELETE FROM sessions WHERE hash = $1", "b", hash, (size_t)32);
}

int sql_session_prune(struct service_store *s, int64_t now, const char *user)
{
	int r;

	r = db_run(db_of(s), NULL, "DELETE FROM sessions WHERE until < $1", "i", now);
	if (r == 0 && user)
		r = db_run(db_of(s), NULL, "DELETE FROM sessions WHERE user_id = $1", "t", user);
	return r;
}
