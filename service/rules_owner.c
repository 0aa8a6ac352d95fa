/* SPDX-License-Identifier: Apache-2.0 */

/* Rules as owners make, read, replace and delete them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "service/queue.h"
#include "service/rules.h"

#define DESCRIPTION_MAX 1024
#define RULES_MAX 200 /* of a team */

static unsigned int rule_commands_check(const json_t *commands, json_t **ret_clean, json_t **ret)
{
	json_auto_t *clean = json_array();
	json_t *item;
	size_t i;

	if (!json_is_array(commands) || json_array_size(commands) == 0 ||
	    json_array_size(commands) > QUEUE_OPEN_MAX)
		return core_problem(422, ret, "commands must be an array of 1 to %d commands",
				    QUEUE_OPEN_MAX);
	json_array_foreach(commands, i, item)
	{
		_cleanup_(expansion_done) struct expansion e = {.n = 0};
		_cleanup_(freep) char *detail = NULL;
		json_t *request = json_object_get(item, "request");
		int r;

		r = expand_request(request, "00000000-0000-4000-8000-000000000000.000000", &e,
				   &detail);
		if (r < 0)
			return core_fail_http(r, "cannot check a rule", ret);
		if (r > 0)
			return core_problem(422, ret, "commands[%zu]: %s", i, detail ? detail : "");
		/* Rules last; a key in one would be shared by every device and readable here. */
		if (!json_equal(e.shown, request))
			return core_problem(422, ret, "commands[%zu]: a rule may not carry secrets",
					    i);
		json_array_append_new(clean, json_pack("{s:O}", "request", request));
	}
	if (json_array_size(clean) != json_array_size(commands))
		return core_fail_http(-ENOMEM, "cannot check a rule", ret);
	*ret_clean = TAKE_PTR(clean);
	return 0;
}

static json_t *rule_json(const struct store_rule *row, bool builtin)
{
	json_auto_t *commands = NULL, *tags = NULL;

	if (core_json_load(row->commands, &commands) < 0 || core_json_load(row->tags, &tags) < 0)
		return NULL;
	return json_pack("{s:s, s:o, s:o, s:b, s:b, s:O, s:O, s:o}", "id", row->id, "name",
			 core_json_text(row->name), "description", core_json_text(row->description),
			 "active", row->active, "builtIn", builtin, "commands", commands, "tags",
			 tags, "createdAt", core_json_time(row->created_at));
}

/* ---- what the body says ---- */

static unsigned int body_check(const json_t *body, json_t **ret)
{
	static const char *const members[] = {"name", "description", "active",
					      "tags", "commands",    NULL};
	const json_t *description = json_object_get(body, "description");
	const json_t *active = json_object_get(body, "active");
	unsigned int status;

	status = core_need_members(body, members, ret);
	if (!status)
		status = core_need_text(json_object_get(body, "name"), "name", 1, CORE_NAME_MAX,
					ret);
	if (!status && description)
		status = core_need_text(description, "description", 0, DESCRIPTION_MAX, ret);
	if (!status && active && !json_is_boolean(active))
		status = core_problem(422, ret, "active must be true or false");
	return status;
}

/* Fills in all but id, team and time. 0, or the status of the problem in *ret. */
static unsigned int body_read(const json_t *body, struct store_rule *row, json_t **ret)
{
	json_auto_t *commands = NULL, *tags = NULL;
	_cleanup_(freep) char *detail = NULL;
	const json_t *description = json_object_get(body, "description");
	const json_t *active = json_object_get(body, "active");
	unsigned int status;

	status = body_check(body, ret);
	if (status)
		return status;
	tags = core_tags(json_object_get(body, "tags"), &detail);
	if (!tags)
		return core_problem(422, ret, "%s", detail ? detail : "tags cannot be read");
	if (json_array_size(tags) == 0)
		return core_problem(422, ret, "a rule without tags would apply to no device");
	status = rule_commands_check(json_object_get(body, "commands"), &commands, ret);
	if (status)
		return status;
	row->name = strdup(json_string_value(json_object_get(body, "name")));
	row->description = strdup(description ? json_string_value(description) : "");
	row->active = !active || json_is_true(active);
	row->commands = json_dumps(commands, JSON_COMPACT);
	row->tags = json_dumps(tags, JSON_COMPACT);
	if (!row->name || !row->description || !row->commands || !row->tags)
		return core_fail_http(-ENOMEM, "cannot make a rule", ret);
	return 0;
}

/* ---- changes ---- */

enum change { ADD, PUT, DELETE };

static int rule_write(struct core *c, enum change change, const struct store_rule *row)
{
	switch (change) {
	case ADD:
		return c->store->ops->rule_add(c->store, row);
	case PUT:
		return c->store->ops->rule_update(c->store, row);
	case DELETE:
		break;
	}
	return c->store->ops->rule_delete(c->store, row->team, row->id);
}

/* 0, or the status of the problem in *ret. */
static unsigned int rule_store(struct core *c, const struct core_owner *o, enum change change,
			       const struct store_rule *row, json_t **ret)
{
	static const char *const actions[] = {"rule.create", "rule.replace", "rule.delete"};
	_cleanup_(rule_list_done) struct rule_list all = {NULL, 0};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	int r;

	r = store_txn_begin(&t, c->store, STORE_WRITE, o->team);
	if (r == 0 && change == ADD)
		r = c->store->ops->rule_each(c->store, o->team, rule_collect, &all);
	if (r == 0 && all.n >= RULES_MAX)
		return core_problem(409, ret, "the team has %d rules already: delete some",
				    RULES_MAX);
	if (r == 0)
		r = rule_write(c, change, row);
	if (r == STORE_E_NOT_FOUND && change != ADD)
		return core_problem(404, ret, "your team has no rule %.64s", row->id);
	if (r == 0)
		r = core_audit(c, o, actions[change], row->id,
			       row->name ? json_pack("{s:s}", "name", row->name) : NULL);
	if (r == 0)
		r = store_txn_commit(&t);
	return r == 0 ? 0 : core_fail_http(r < 0 ? r : -EEXIST, "cannot store a rule", ret);
}

unsigned int core_rule_add(struct core *c, const struct core_owner *o, const json_t *body,
			   json_t **ret)
{
	_cleanup_(store_rule_done) struct store_rule row = {.name = NULL};
	unsigned int status;

	status = core_need_write(o, ret);
	if (!status)
		status = body_read(body, &row, ret);
	if (status)
		return status;
	core_uuid(row.id);
	snprintf(row.team, sizeof(row.team), "%s", o->team);
	row.created_at = clock_wall_s();
	status = rule_store(c, o, ADD, &row, ret);
	if (status)
		return status;
	*ret = rule_json(&row, false);
	return 201;
}

static unsigned int refuse_builtin(const char *rule, json_t **ret)
{
	if (strcmp(rule, RULES_BUILTIN) != 0)
		return 0;
	return core_problem(409, ret,
			    "this rule is built in: make one of your own with its tag, which takes "
			    "its place");
}

/* Devices that had the rule keep what they got; it is applied anew after a reset or another claim.
 */
unsigned int core_rule_put(struct core *c, const struct core_owner *o, const char *rule,
			   const json_t *body, json_t **ret)
{
	_cleanup_(store_rule_done) struct store_rule row = {.name = NULL}, old = {.name = NULL};
	unsigned int status;
	int r;

	status = core_need_write(o, ret);
	if (!status)
		status = refuse_builtin(rule, ret);
	if (!status)
		status = body_read(body, &row, ret);
	if (status)
		return status;
	snprintf(row.id, sizeof(row.id), "%s", rule);
	snprintf(row.team, sizeof(row.team), "%s", o->team);
	r = c->store->ops->rule_get(c->store, o->team, row.id, &old);
	if (r < 0)
		return core_fail_http(r, "cannot read a rule", ret);
	row.created_at = r == 0 ? old.created_at : 0;
	status = rule_store(c, o, PUT, &row, ret);
	if (status)
		return status;
	*ret = rule_json(&row, false);
	return 200;
}

unsigned int core_rule_delete(struct core *c, const struct core_owner *o, const char *rule,
			      json_t **ret)
{
	struct store_rule row = {.name = NULL};
	unsigned int status;

	status = core_need_write(o, ret);
	if (!status)
		status = refuse_builtin(rule, ret);
	if (status)
		return status;
	snprintf(row.id, sizeof(row.id), "%s", rule);
	snprintf(row.team, sizeof(row.team), "%s", o->team);
	status = rule_store(c, o, DELETE, &row, ret);
	if (status)
		return status;
	*ret = NULL;
	return 204;
}

/* ---- reading ---- */

unsigned int core_rule_get(struct core *c, const struct core_owner *o, const char *rule,
			   json_t **ret)
{
	_cleanup_(store_rule_done) struct store_rule row = {.name = NULL};
	bool is_builtin = strcmp(rule, RULES_BUILTIN) == 0;
	unsigned int status;
	int r;

	status = core_need_read(o, ret);
	if (status)
		return status;
	if (is_builtin)
		r = rules_builtin(c, &row);
	else
		r = c->store->ops->rule_get(c->store, o->team, rule, &row);
	if (r < 0)
		return core_fail_http(r, "cannot read a rule", ret);
	if (r == STORE_E_NOT_FOUND)
		return core_problem(404, ret, "your team has no rule %.64s", rule);
	*ret = rule_json(&row, is_builtin);
	return *ret ? 200 : core_fail_http(-EBADMSG, "a stored rule is broken", ret);
}

unsigned int core_rule_list(struct core *c, const struct core_owner *o, json_t **ret)
{
	_cleanup_(rule_list_done) struct rule_list own = {NULL, 0};
	_cleanup_(store_rule_done) struct store_rule builtin = {.name = NULL};
	json_auto_t *items = json_array();
	unsigned int status;
	int r;

	status = core_need_read(o, ret);
	if (status)
		return status;
	r = rules_builtin(c, &builtin);
	if (r == 0)
		r = c->store->ops->rule_each(c->store, o->team, rule_collect, &own);
	if (r < 0)
		return core_fail_http(r, "cannot list the rules", ret);
	json_array_append_new(items, rule_json(&builtin, true));
	for (size_t i = 0; i < own.n; i++)
		json_array_append_new(items, rule_json(&own.items[i], false));
	*ret = json_pack("{s:O}", "items", items);
	return 200;
}
