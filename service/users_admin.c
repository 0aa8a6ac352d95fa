/* SPDX-License-Identifier: Apache-2.0 */

/* Users of the portal, as the administrator of the machine sees them: by name, over all teams. Each
 * change is in the audit log of the user's team, and ends the sessions that it has to end in the
 * same transaction. */

#include "service/users_admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "service/apikey.h"
#include "service/core_private.h"
#include "service/password.h"

static int note(struct core *c, const struct store_user *user, const char *action)
{
	struct core_owner o;

	core_at_the_console(user->team, &o);
	return core_audit(c, &o, action, user->id,
			  json_pack("{s:s, s:s}", "name", user->name, "role", user->role));
}

static int row_make(const char *role, const char *name, const char *hash, struct store_user *ret)
{
	_Static_assert(PASSWORD_TEXT <= STORE_PASSWORD_TEXT, "");
	core_uuid(ret->id);
	snprintf(ret->role, sizeof(ret->role), "%s", role);
	snprintf(ret->password, sizeof(ret->password), "%s", hash);
	ret->created_at = clock_wall_s();
	ret->name = strdup(name);
	return ret->name ? 0 : -ENOMEM;
}

int users_admin_create(struct core *c, const char *team, const char *role, const char *name,
		       const char *hash)
{
	_cleanup_(store_user_done) struct store_user row = {.name = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	int r;

	if (!apikey_name_is_valid(name) || !apikey_role_is_valid(role) ||
	    !apikey_name_is_valid(team))
		return -EINVAL;
	r = row_make(role, name, hash, &row);
	if (r == 0)
		r = store_txn_begin(&t, c->store, STORE_WRITE, "");
	if (r == 0)
		r = apikey_team_get(c, team, row.team);
	if (r == 0)
		r = c->store->ops->user_add(c->store, &row);
	if (r == 0)
		r = note(c, &row, "user.create");
	if (r != 0)
		return r < 0 ? r : USERS_ADMIN_E_EXISTS;
	return store_txn_commit(&t);
}

/* The user, in a transaction of its team, in which nobody else changes it. */
static int begin(struct core *c, const char *name, struct store_txn *t, struct store_user *ret)
{
	_cleanup_(store_user_done) struct store_user seen = {.name = NULL};
	int r;

	r = c->store->ops->user_find(c->store, name, &seen);
	if (r == 0)
		r = store_txn_begin(t, c->store, STORE_WRITE, seen.team);
	if (r == 0)
		r = c->store->ops->user_find(c->store, name, ret);
	return r > 0 ? USERS_ADMIN_E_NOT_FOUND : r;
}

int users_admin_passwd(struct core *c, const char *name, const char *hash)
{
	_cleanup_(store_user_done) struct store_user row = {.name = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	int r;

	r = begin(c, name, &t, &row);
	if (r != 0)
		return r;
	snprintf(row.password, sizeof(row.password), "%s", hash);
	r = c->store->ops->user_update(c->store, &row);
	if (r == 0)
		r = c->store->ops->session_prune(c->store, clock_wall_s(), row.id);
	if (r == 0)
		r = note(c, &row, "user.passwd");
	if (r != 0)
		return r < 0 ? r : USERS_ADMIN_E_NOT_FOUND;
	return store_txn_commit(&t);
}

int users_admin_remove(struct core *c, const char *name)
{
	_cleanup_(store_user_done) struct store_user row = {.name = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	int r;

	r = begin(c, name, &t, &row);
	if (r == 0)
		r = c->store->ops->user_delete(c->store, row.team, row.id);
	if (r != 0)
		return r < 0 ? r : USERS_ADMIN_E_NOT_FOUND;
	r = note(c, &row, "user.delete");
	return r == 0 ? store_txn_commit(&t) : r;
}

/* ---- the list ---- */

static int push_team(void *userdata, const struct store_team *row)
{
	json_t *team = json_pack("{s:s, s:o}", "id", row->id, "name", core_json_text(row->name));

	return team && json_array_append_new(userdata, team) == 0 ? 0 : -ENOMEM;
}

struct listing {
	json_t *items; /* borrowed */
	const json_t *team;
};

static int push_user(void *userdata, const struct store_user *row)
{
	const struct listing *l = userdata;
	json_t *user = json_pack("{s:s, s:o, s:s, s:O, s:o}", "id", row->id, "name",
				 core_json_text(row->name), "role", row->role, "team",
				 json_object_get(l->team, "name"), "createdAt",
				 core_json_time(row->created_at));

	return user && json_array_append_new(l->items, user) == 0 ? 0 : -ENOMEM;
}

int users_admin_list(struct core *c, json_t **ret)
{
	json_auto_t *teams = json_array(), *items = json_array();
	const json_t *team;
	size_t i;
	int r;

	if (!teams || !items)
		return -ENOMEM;
	r = c->store->ops->team_each(c->store, push_team, teams);
	if (r < 0)
		return r;
	json_array_foreach(teams, i, team)
	{
		struct listing l = {.items = items, .team = team};

		r = c->store->ops->user_each(
			c->store, json_string_value(json_object_get(team, "id")), push_user, &l);
		if (r < 0)
			return r;
	}
	*ret = json_incref(items);
	return 0;
}
