/* SPDX-License-Identifier: Apache-2.0 */

/* Users of the portal, as a team's admins see and change them. Passwords are hashed by the caller,
 * on a thread: here is only what is stored of them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "service/core_private.h"
#include "service/password.h"

#define USERS_MAX 1000 /* of a team */

static json_t *user_json(const struct store_user *row)
{
	return json_pack("{s:s, s:o, s:s, s:o}", "id", row->id, "name", core_json_text(row->name),
			 "role", row->role, "createdAt", core_json_time(row->created_at));
}

static int push(void *userdata, const struct store_user *row)
{
	return json_array_append_new(userdata, user_json(row)) < 0 ? -ENOMEM : 0;
}

unsigned int core_user_list(struct core *c, const struct core_owner *o, json_t **ret)
{
	json_auto_t *items = json_array();
	unsigned int status;

	status = core_need_admin(o, ret);
	if (status)
		return status;
	return core_items(c->store->ops->user_each(c->store, o->team, push, items), items,
			  "cannot list the users", ret);
}

static unsigned int password_need(const json_t *password, json_t **ret)
{
	int r;

	if (!json_is_string(password))
		return core_problem(422, ret, "password must be a text");
	r = password_check(json_string_value(password), json_string_length(password));
	return r == 0 ? 0 : core_problem(422, ret, "password: %s", password_why(r));
}

static unsigned int body_check(const json_t *body, json_t **ret)
{
	static const char *const members[] = {"name", "password", "role", NULL};
	unsigned int status;

	status = core_need_members(body, members, ret);
	if (!status)
		status = core_need_text(json_object_get(body, "name"), "name", 1, CORE_NAME_MAX,
					ret);
	if (!status)
		status = core_need_role(json_object_get(body, "role"), ret);
	if (!status)
		status = password_need(json_object_get(body, "password"), ret);
	return status;
}

static int count(void *userdata, const struct store_user *row)
{
	size_t *n = userdata;

	(void)row;
	++*n;
	return 0;
}

static unsigned int user_store(struct core *c, const struct core_owner *o,
			       const struct store_user *row, json_t **ret)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	size_t n = 0;
	int r;

	r = store_txn_begin(&t, c->store, STORE_WRITE, o->team);
	if (r == 0)
		r = c->store->ops->user_each(c->store, o->team, count, &n);
	if (r == 0 && n >= USERS_MAX)
		return core_problem(409, ret, "the team has %d users already: delete some",
				    USERS_MAX);
	if (r == 0)
		r = c->store->ops->user_add(c->store, row);
	if (r == STORE_E_EXISTS)
		return core_problem(409, ret,
				    "there is a user of that name: names are of one user in all "
				    "teams, so take an address for one");
	if (r == 0)
		r = core_audit(c, o, "user.create", row->id,
			       json_pack("{s:s, s:s}", "name", row->name, "role", row->role));
	if (r == 0)
		r = store_txn_commit(&t);
	return r == 0 ? 0 : core_fail_http(r < 0 ? r : -EEXIST, "cannot store a user", ret);
}

unsigned int core_user_add(struct core *c, const struct core_owner *o, const json_t *body,
			   const char *hash, json_t **ret)
{
	_cleanup_(store_user_done) struct store_user row = {.name = NULL};
	unsigned int status;

	status = core_need_admin(o, ret);
	if (!status)
		status = body_check(body, ret);
	if (status || !hash)
		return status;
	core_uuid(row.id);
	memcpy(row.team, o->team, sizeof(row.team));
	snprintf(row.role, sizeof(row.role), "%s",
		 json_string_value(json_object_get(body, "role")));
	snprintf(row.password, sizeof(row.password), "%s", hash);
	row.created_at = clock_wall_s();
	row.name = strdup(json_string_value(json_object_get(body, "name")));
	if (!row.name)
		return core_fail_http(-ENOMEM, "cannot make a user", ret);
	status = user_store(c, o, &row, ret);
	if (status)
		return status;
	*ret = user_json(&row);
	return 201;
}

/* 0, or the status of the problem in *ret. */
static unsigned int user_of_team(struct core *c, const struct core_owner *o, const char *user,
				 struct store_user *ret_row, json_t **ret)
{
	_cleanup_(store_user_done) struct store_user row = {.name = NULL};
	int r;

	r = c->store->ops->user_get(c->store, user, &row);
	if (r < 0)
		return core_fail_http(r, "cannot read a user", ret);
	if (r == STORE_E_NOT_FOUND || strcmp(row.team, o->team) != 0)
		return core_problem(404, ret, "your team has no user %.36s", user);
	*ret_row = row;
	row.name = NULL;
	return 0;
}

static unsigned int change_check(const json_t *body, json_t **ret)
{
	static const char *const members[] = {"password", "role", NULL};
	const json_t *role = json_object_get(body, "role");
	const json_t *password = json_object_get(body, "password");
	unsigned int status;

	status = core_need_members(body, members, ret);
	if (!status && !role && !password)
		status = core_problem(422, ret, "say what to change: role, password");
	if (!status && role)
		status = core_need_role(role, ret);
	if (!status && password)
		status = password_need(password, ret);
	return status;
}

/* Whoever is signed in as that user signs in again: with the new password, or role. */
static int change_store(struct core *c, const struct core_owner *o, const struct store_user *row,
			const json_t *body)
{
	const json_t *role = json_object_get(body, "role");
	int r;

	r = c->store->ops->user_update(c->store, row);
	if (r == 0)
		r = c->store->ops->session_prune(c->store, clock_wall_s(), row->id);
	if (r == 0)
		r = core_audit(c, o, "user.change", row->id,
			       json_pack("{s:s, s:b, s:b}", "name", row->name, "role", role != NULL,
					 "password", json_object_get(body, "password") != NULL));
	return r;
}

unsigned int core_user_change(struct core *c, const struct core_owner *o, const char *user,
			      const json_t *body, const char *hash, json_t **ret)
{
	_cleanup_(store_user_done) struct store_user row = {.name = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	const char *role = json_string_value(json_object_get(body, "role"));
	unsigned int status;
	int r;

	status = core_need_admin(o, ret);
	if (!status)
		status = change_check(body, ret);
	/* With a password, but not hashed yet: the check was all that was asked for. */
	if (status || (json_object_get(body, "password") && !hash))
		return status;
	r = store_txn_begin(&t, c->store, STORE_WRITE, o->team);
	if (r < 0)
		return core_fail_http(r, "cannot change a user", ret);
	status = user_of_team(c, o, user, &row, ret);
	if (status)
		return status;
	if (role)
		snprintf(row.role, sizeof(row.role), "%s", role);
	if (hash)
		snprintf(row.password, sizeof(row.password), "%s", hash);
	r = change_store(c, o, &row, body);
	if (r == 0)
		r = store_txn_commit(&t);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, "cannot change a user", ret);
	*ret = user_json(&row);
	return 200;
}

unsigned int core_user_delete(struct core *c, const struct core_owner *o, const char *user,
			      json_t **ret)
{
	_cleanup_(store_user_done) struct store_user row = {.name = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	unsigned int status;
	int r;

	status = core_need_admin(o, ret);
	if (status)
		return status;
	r = store_txn_begin(&t, c->store, STORE_WRITE, o->team);
	if (r < 0)
		return core_fail_http(r, "cannot delete a user", ret);
	status = user_of_team(c, o, user, &row, ret);
	if (status)
		return status;
	r = c->store->ops->user_delete(c->store, o->team, row.id);
	if (r == 0)
		r = core_audit(c, o, "user.delete", row.id, json_pack("{s:s}", "name", row.name));
	if (r == 0)
		r = store_txn_commit(&t);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, "cannot delete a user", ret);
	*ret = NULL;
	return 204;
}
