/* SPDX-License-Identifier: Apache-2.0 */

/* A team as its own members see it: who asks, and its API keys. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "service/apikey.h"
#include "service/core_private.h"

#define KEYS_MAX 1000 /* of a team */

unsigned int core_account(struct core *c, const struct core_owner *o, json_t **ret)
{
	_cleanup_(store_team_done) struct store_team team = {.name = NULL};
	unsigned int status;
	bool is_user;
	int r;

	status = core_need_read(o, ret);
	if (status)
		return status;
	r = c->store->ops->team_get(c->store, o->team, &team);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, "cannot read a team", ret);
	is_user = strncmp(o->actor, "user:", 5) == 0;
	*ret = json_pack("{s:{s:s, s:o}, s:s, s:o, s:o, s:o}", "team", "tenantId", team.id, "name",
			 core_json_text(team.name), "role", o->role, "name",
			 core_json_text(o->name), "apiKeyId",
			 is_user ? json_null() : json_string(o->key_id), "userId",
			 is_user ? json_string(o->actor + 5) : json_null());
	return *ret ? 200 : core_fail_http(-ENOMEM, "cannot read a team", ret);
}

/* ---- API keys ---- */

static json_t *key_json(const struct store_apikey *row)
{
	return json_pack("{s:s, s:o, s:s, s:o}", "id", row->id, "name", core_json_text(row->name),
			 "role", row->role, "createdAt", core_json_time(row->created_at));
}

static int key_push(void *userdata, const struct store_apikey *row)
{
	return json_array_append_new(userdata, key_json(row)) < 0 ? -ENOMEM : 0;
}

unsigned int core_apikey_list(struct core *c, const struct core_owner *o, json_t **ret)
{
	json_auto_t *items = json_array();
	unsigned int status;

	status = core_need_admin(o, ret);
	if (status)
		return status;
	return core_items(c->store->ops->apikey_each(c->store, o->team, key_push, items), items,
			  "cannot list the API keys", ret);
}

unsigned int core_need_role(const json_t *value, json_t **ret)
{
	const char *role = json_string_value(value);

	if (role && apikey_role_is_valid(role))
		return 0;
	return core_problem(422, ret, "role must be viewer, editor or admin");
}

static int count_push(void *userdata, const struct store_apikey *row)
{
	size_t *n = userdata;

	(void)row;
	++*n;
	return 0;
}

static unsigned int key_store(struct core *c, const struct core_owner *o,
			      const struct store_apikey *row, json_t **ret)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	size_t n = 0;
	int r;

	r = store_txn_begin(&t, c->store, STORE_WRITE, o->team);
	if (r == 0)
		r = c->store->ops->apikey_each(c->store, o->team, count_push, &n);
	if (r == 0 && n >= KEYS_MAX)
		return core_problem(409, ret, "the team has %d API keys already: delete some",
				    KEYS_MAX);
	if (r == 0)
		r = c->store->ops->apikey_add(c->store, row);
	if (r == 0)
		r = core_audit(c, o, "apikey.create", row->id,
			       json_pack("{s:s, s:s}", "name", row->name, "role", row->role));
	if (r == 0)
		r = store_txn_commit(&t);
	return r == 0 ? 0 : core_fail_http(r < 0 ? r : -EEXIST, "cannot store an API key", ret);
}

/* Makes, stores and shows it, this once; key is the caller's to wipe. */
static unsigned int key_add(struct core *c, const struct core_owner *o, const json_t *name,
			    const json_t *role, char key[static APIKEY_TEXT], json_t **ret)
{
	_cleanup_(store_apikey_done) struct store_apikey row = {.name = NULL};
	unsigned int status;

	if (apikey_make(o->team, json_string_value(role), json_string_value(name), &row, key) < 0)
		return core_fail_http(-ENOMEM, "cannot make an API key", ret);
	status = key_store(c, o, &row, ret);
	if (status)
		return status;
	*ret = key_json(&row);
	if (!*ret || json_object_set_new(*ret, "key", json_string(key)) < 0)
		return core_fail_http(-ENOMEM, "cannot show an API key", ret);
	return 201;
}

unsigned int core_apikey_add(struct core *c, const struct core_owner *o, const json_t *body,
			     json_t **ret)
{
	static const char *const members[] = {"name", "role", NULL};
	const json_t *name = json_object_get(body, "name"), *role = json_object_get(body, "role");
	char key[APIKEY_TEXT];
	unsigned int status;

	status = core_need_admin(o, ret);
	if (!status)
		status = core_need_members(body, members, ret);
	if (!status)
		status = core_need_text(name, "name", 1, CORE_NAME_MAX, ret);
	if (!status)
		status = core_need_role(role, ret);
	if (status)
		return status;
	status = key_add(c, o, name, role, key, ret);
	secret_wipe(key, sizeof(key));
	return status;
}

unsigned int core_apikey_delete(struct core *c, const struct core_owner *o, const char *key,
				json_t **ret)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	unsigned int status;
	int r;

	status = core_need_admin(o, ret);
	if (status)
		return status;
	r = store_txn_begin(&t, c->store, STORE_WRITE, o->team);
	if (r == 0)
		r = c->store->ops->apikey_delete(c->store, o->team, key);
	if (r == STORE_E_NOT_FOUND)
		return core_problem(404, ret, "your team has no API key %.36s", key);
	if (r == 0)
		r = core_audit(c, o, "apikey.delete", key, NULL);
	if (r == 0)
		r = store_txn_commit(&t);
	if (r < 0)
		return core_fail_http(r, "cannot delete an API key", ret);
	*ret = NULL;
	return 204;
}
