/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "service/store/sqlite_db.h"

int sqlite_rule_add(struct service_store *base, const struct store_rule *row)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q,
			"INSERT INTO rules (id, team, name, description, active, commands, tags,"
			" created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			"ttttitti", row->id, row->team, row->name, row->description,
			(int64_t)row->active, row->commands, row->tags, row->created_at);
	if (r < 0)
		return r;
	return query_run(s, &q);
}

static int rule_read(struct query *q, struct store_rule *row)
{
	int r;

	r = query_text(q, 0, row->id, sizeof(row->id));
	if (r < 0)
		return r;
	r = query_text(q, 1, row->team, sizeof(row->team));
	if (r < 0)
		return r;
	r = query_dup(q, 2, &row->name);
	if (r < 0)
		return r;
	r = query_dup(q, 3, &row->description);
	if (r < 0)
		return r;
	row->active = sqlite3_column_int64(q->stmt, 4) != 0;
	r = query_dup(q, 5, &row->commands);
	if (r < 0)
		return r;
	r = query_dup(q, 6, &row->tags);
	if (r < 0)
		return r;
	row->created_at = sqlite3_column_int64(q->stmt, 7);
	return 0;
}

int sqlite_rule_each(struct service_store *base, const char *team, store_rule_fn fn, void *userdata)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q,
			"SELECT id, team, name, description, active, commands, tags, created_at"
			" FROM rules WHERE team = ? ORDER BY seq",
			"t", team);
	if (r < 0)
		return r;
	while ((r = query_row(s, &q)) > 0) {
		_cleanup_(store_rule_done) struct store_rule row = {.name = NULL};

		r = rule_read(&q, &row);
		if (r < 0)
			return r;
		r = fn(userdata, &row);
		if (r != 0)
			return r;
	}
	return r;
}

int sqlite_rule_is_applied(struct service_store *base, const char *device, const char *rule,
			   bool *ret)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q, "SELECT 1 FROM applied_rules WHERE device = ? AND rule = ?", "tt",
			device, rule);
	if (r < 0)
		return r;
	r = query_row(s, &q);
	if (r < 0)
		return r;
	*ret = r > 0;
	return 0;
}

int sqlite_rule_set_applied(struct service_store *base, const char *device, const char *rule)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q, "INSERT OR IGNORE INTO applied_rules (device, rule) VALUES (?, ?)",
			"tt", device, rule);
	if (r < 0)
		return r;
	return query_run(s, &q);
}

int sqlite_team_add(struct service_store *base, const struct store_team *row)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q, "INSERT INTO teams (id, name) VALUES (?, ?)", "tt", row->id,
			row->name);
	if (r < 0)
		return r;
	return query_run(s, &q);
}

static int team_read(struct sqlite_store *s, struct query *q, struct store_team *ret)
{
	struct store_team row;
	int r;

	r = query_row(s, q);
	if (r < 0)
		return r;
	if (r == 0)
		return STORE_E_NOT_FOUND;
	r = query_text(q, 0, row.id, sizeof(row.id));
	if (r < 0)
		return r;
	r = query_dup(q, 1, &row.name);
	if (r < 0)
		return r;
	*ret = row;
	return 0;
}

int sqlite_team_get(struct service_store *base, const char *id, struct store_team *ret)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q, "SELECT id, name FROM teams WHERE id = ?", "t", id);
	if (r < 0)
		return r;
	return team_read(s, &q, ret);
}

int sqlite_team_find(struct service_store *base, const char *name, struct store_team *ret)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q, "SELECT id, name FROM teams WHERE name = ?", "t", name);
	if (r < 0)
		return r;
	return team_read(s, &q, ret);
}

int sqlite_apikey_add(struct service_store *base, const struct store_apikey *row)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	int r;

	r = query_start(s, &q,
			"INSERT INTO apikeys (id, team, role, name, hash, created_at)"
			" VALUES (?, ?, ?, ?, ?, ?)",
			"ttttbi", row->id, row->team, row->role, row->name, row->hash,
			sizeof(row->hash), row->created_at);
	if (r < 0)
		return r;
	return query_run(s, &q);
}

static int apikey_read(struct query *q, struct store_apikey *row)
{
	int r;

	r = query_text(q, 0, row->id, sizeof(row->id));
	if (r < 0)
		return r;
	r = query_text(q, 1, row->team, sizeof(row->team));
	if (r < 0)
		return r;
	r = query_text(q, 2, row->role, sizeof(row->role));
	if (r < 0)
		return r;
	r = query_bytes(q, 4, row->hash, sizeof(row->hash));
	if (r < 0)
		return r;
	row->created_at = sqlite3_column_int64(q->stmt, 5);
	return query_dup(q, 3, &row->name);
}

int sqlite_apikey_find(struct service_store *base, const uint8_t hash[static 32],
		       struct store_apikey *ret)
{
	struct sqlite_store *s = sqlite_store_of(base);
	_cleanup_(query_done) struct query q = {NULL};
	struct store_apikey row;
	int r;

	r = query_start(s, &q,
			"SELECT id, team, role, name, hash, created_at FROM apikeys WHERE hash = ?",
			"b", hash, (size_t)32);
	if (r < 0)
		return r;
	r = query_row(s, &q);
	if (r < 0)
		return r;
	if (r == 0)
		return STORE_E_NOT_FOUND;
	r = apikey_read(&q, &row);
	if (r < 0)
		return r;
	*ret = row;
	return 0;
}
