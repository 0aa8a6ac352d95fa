/* SPDX-License-Identifier: Apache-2.0 */

/* What an owner changes about a claimed device: its name and tags, whether it is served, and its
 * provisioning from the beginning. */
#include "service/device_change.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/device_json.h"
#include "service/queue.h"

unsigned int device_change_open(struct core *c, const struct core_owner *o, const char *device,
				struct device_change *ret_change, json_t **ret)
{
	unsigned int status;
	int r;

	ret_change->core = c;
	ret_change->owner = o;
	r = store_txn_begin(&ret_change->t, c->store, STORE_WRITE, device);
	if (r < 0)
		return core_fail_http(r, "cannot change a device", ret);
	status = core_owned_device(c, o, device, &ret_change->row, ret);
	return status;
}

void device_change_done(struct device_change *ch)
{
	store_txn_rollback(&ch->t);
	store_device_done(&ch->row);
}

unsigned int device_change_commit(struct device_change *ch, const char *action, const char *kind,
				  json_t *detail, json_t **ret)
{
	int r = 0;

	if (kind)
		r = core_event(ch->core, ch->row.team, ch->row.uuid, kind, NULL,
			       json_incref(detail));
	if (r == 0)
		r = core_audit(ch->core, ch->owner, action, ch->row.uuid, json_incref(detail));
	json_decref(detail);
	if (r == 0)
		r = store_txn_commit(&ch->t);
	if (r < 0)
		return core_fail_http(r, "cannot change a device", ret);
	log_info("device=%s team=%s actor=%s action=%s", ch->row.uuid, ch->row.team,
		 ch->owner->actor, action);
	return 0;
}

static unsigned int row_update(struct device_change *ch, json_t **ret)
{
	int r = ch->core->store->ops->device_update(ch->core->store, &ch->row);

	return r == 0 ? 0 : core_fail_http(r < 0 ? r : -ENOENT, "cannot change a device", ret);
}

static unsigned int show(const struct device_change *ch, json_t **ret)
{
	*ret = device_json_claimed(&ch->row);
	return *ret ? 200 : core_fail_http(-EBADMSG, "a stored device is broken", ret);
}

/* ---- name and tags ---- */

static unsigned int name_change(struct device_change *ch, const json_t *name, json_t **ret)
{
	char *copy = NULL;
	unsigned int status;

	if (!json_is_null(name)) {
		status = core_need_text(name, "name", 1, CORE_NAME_MAX, ret);
		if (status)
			return status;
		copy = strdup(json_string_value(name));
		if (!copy)
			return core_fail_http(-ENOMEM, "cannot name a device", ret);
	}
	free(ch->row.name);
	ch->row.name = copy;
	return 0;
}

static unsigned int tags_change(struct device_change *ch, const json_t *value, json_t **ret)
{
	_cleanup_(freep) char *detail = NULL;
	json_auto_t *tags = core_tags(value, &detail);
	char *text;

	if (!tags)
		return core_problem(422, ret, "%s", detail ? detail : "tags cannot be read");
	text = json_dumps(tags, JSON_COMPACT);
	if (!text)
		return core_fail_http(-ENOMEM, "cannot tag a device", ret);
	free(ch->row.tags);
	ch->row.tags = text;
	return 0;
}

static unsigned int change(struct device_change *ch, const json_t *body, json_t **ret)
{
	json_t *name = json_object_get(body, "name"), *tags = json_object_get(body, "tags");
	unsigned int status = 0;

	if (name)
		status = name_change(ch, name, ret);
	if (!status && tags)
		status = tags_change(ch, tags, ret);
	if (!status)
		status = row_update(ch, ret);
	/* One event each, and one row of the log for all. */
	if (!status && name && tags) {
		int r = core_event(ch->core, ch->row.team, ch->row.uuid, "renamed", NULL,
				   json_pack("{s:O}", "name", name));

		if (r < 0)
			status = core_fail_http(r, "cannot change a device", ret);
	}
	if (status)
		return status;
	return device_change_commit(ch, "device.change", tags ? "tagged" : "renamed",
				    json_deep_copy(body), ret);
}

unsigned int core_device_change(struct core *c, const struct core_owner *o, const char *device,
				const json_t *body, json_t **ret)
{
	static const char *const members[] = {"name", "tags", NULL};
	_cleanup_(device_change_done) struct device_change ch = {.core = c};
	unsigned int status;

	status = core_need_write(o, ret);
	if (!status)
		status = core_need_members(body, members, ret);
	if (!status && json_object_size(body) == 0)
		status = core_problem(422, ret, "say what to change: name, tags");
	if (!status)
		status = device_change_open(c, o, device, &ch, ret);
	if (!status)
		status = change(&ch, body, ret);
	return status ? status : show(&ch, ret);
}

/* ---- whether it is served ---- */

unsigned int core_device_block(struct core *c, const struct core_owner *o, const char *device,
			       bool block, json_t **ret)
{
	_cleanup_(device_change_done) struct device_change ch = {.core = c};
	unsigned int status;

	status = core_need_write(o, ret);
	if (!status)
		status = device_change_open(c, o, device, &ch, ret);
	if (status)
		return status;
	if (block == (ch.row.blocked_at != 0))
		return show(&ch, ret);
	ch.row.blocked_at = block ? clock_wall_s() : 0;
	status = row_update(&ch, ret);
	if (!status)
		status = device_change_commit(&ch, block ? "device.block" : "device.unblock",
					      block ? "blocked" : "unblocked", NULL, ret);
	return status ? status : show(&ch, ret);
}

/* ---- from the beginning ---- */

/* What is open belongs to a run that is given up, whoever queued it: it ends now, and what the
 * device still says about it is for nobody. */
static int open_drop(struct core *c, const char *device, size_t *ret_n)
{
	_cleanup_(queue_done) struct queue q = {.n = 0};
	int r;

	r = queue_load(c, device, &q);
	if (r < 0)
		return r;
	for (size_t i = 0; i < q.n; i++) {
		char *error = strdup("dropped: its device was reset by an owner");

		if (!error)
			return -ENOMEM;
		r = queue_close(c, &q.items[i], STORE_FAILED, error, NULL);
		if (r != 0)
			return r < 0 ? r : -ENOENT;
	}
	*ret_n = q.n;
	return 0;
}

unsigned int core_device_reset(struct core *c, const struct core_owner *o, const char *device,
			       json_t **ret)
{
	_cleanup_(device_change_done) struct device_change ch = {.core = c};
	unsigned int status;
	size_t n = 0;
	int r;

	status = core_need_write(o, ret);
	if (!status)
		status = device_change_open(c, o, device, &ch, ret);
	if (status)
		return status;
	r = open_drop(c, ch.row.uuid, &n);
	if (r == 0)
		r = c->store->ops->rule_clear_applied(c->store, ch.row.uuid);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, "cannot reset a device", ret);
	ch.row.batch_query[0] = '\0';
	status = row_update(&ch, ret);
	if (!status)
		status = device_change_commit(&ch, "device.reset", "reset",
					      json_pack("{s:I}", "dropped", (json_int_t)n), ret);
	return status ? status : show(&ch, ret);
}
