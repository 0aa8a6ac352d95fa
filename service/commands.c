/* SPDX-License-Identifier: Apache-2.0 */

/* The commands of a device as owners see them (docs/protocol.md §7.2). */

#include <errno.h>
#include <string.h>

#include "service/device_change.h"
#include "service/queue.h"

static const char *status_name(enum store_status status)
{
	switch (status) {
	case STORE_PENDING:
		return "PENDING";
	case STORE_IN_PROGRESS:
		return "IN_PROGRESS";
	case STORE_SUCCEEDED:
		return "SUCCEEDED";
	case STORE_FAILED:
		break;
	}
	return "FAILED";
}

static json_t *command_json(const struct store_command *row)
{
	json_auto_t *request = NULL, *response = NULL;

	if (core_json_load(row->request, &request) < 0)
		return NULL;
	if (row->response && core_json_load(row->response, &response) < 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:o, s:O, s:o, s:o, s:o, s:o, s:o}", "id", row->id,
			 "deviceId", row->device, "status", status_name(row->status), "description",
			 core_json_text(row->description ? row->description : ""), "request",
			 request, "response", response ? json_incref(response) : json_null(),
			 "error", row->error ? core_json_text(row->error) : json_null(), "ruleId",
			 row->rule[0] ? json_string(row->rule) : json_null(), "createdAt",
			 core_json_time(row->created_at), "updatedAt",
			 core_json_time(row->updated_at));
}

static int command_push(void *userdata, struct store_command *row)
{
	return json_array_append_new(userdata, command_json(row)) < 0 ? -ENOMEM : 0;
}

/* What a request asks for: the name of its only member. */
static const char *request_type(const json_t *request)
{
	void *first = json_object_iter((json_t *)request);

	return first ? json_object_iter_key(first) : "";
}

static int command_tell(struct core *c, const struct core_owner *o, const struct store_command *row,
			const char *action, const char *kind)
{
	json_auto_t *request = NULL, *detail = NULL;
	int r;

	r = core_json_load(row->request, &request);
	if (r < 0)
		return r;
	detail = json_pack("{s:s, s:s}", "id", row->id, "type", request_type(request));
	if (!detail)
		return -ENOMEM;
	r = core_event(c, o->team, row->device, kind, NULL, json_incref(detail));
	if (r == 0)
		r = core_audit(c, o, action, row->device, json_incref(detail));
	return r;
}

unsigned int core_command_add(struct core *c, const struct core_owner *o, const char *device,
			      const json_t *body, json_t **ret)
{
	_cleanup_(device_change_done) struct device_change ch = {.core = c};
	_cleanup_(store_command_done) struct store_command row = {.seq = 0};
	_cleanup_(freep) char *detail = NULL;
	const json_t *description = json_object_get(body, "description");
	struct queue_order order = {.request = json_object_get(body, "request"), .rule = ""};
	unsigned int status;
	int r;

	status = core_need_write(o, ret);
	if (status)
		return status;
	if (description && (!json_is_string(description) ||
			    json_string_length(description) > QUEUE_DESCRIPTION_MAX))
		return core_problem(422, ret, "description must be a text of at most %d characters",
				    QUEUE_DESCRIPTION_MAX);
	status = device_change_open(c, o, device, &ch, ret);
	if (status)
		return status;
	order.description = json_string_value(description);
	r = queue_reserve(c, ch.row.uuid, 1, &order.number);
	if (r == 0)
		r = queue_add(c, ch.row.uuid, &order, &row, &detail);
	if (r == QUEUE_E_FULL)
		return core_problem(409, ret,
				    "device %s has %d open commands already: wait until it "
				    "answered some",
				    ch.row.uuid, QUEUE_OPEN_MAX);
	if (r == QUEUE_E_REFUSED)
		return core_problem(422, ret, "%s", detail ? detail : "the request is refused");
	if (r == 0)
		r = command_tell(c, o, &row, "command.add", "command-queued");
	if (r == 0)
		r = store_txn_commit(&ch.t);
	if (r < 0)
		return core_fail_http(r, "cannot add a command", ret);
	*ret = command_json(&row);
	return 201;
}

unsigned int core_command_list(struct core *c, const struct core_owner *o, const char *device,
			       json_t **ret)
{
	_cleanup_(store_device_done) struct store_device owned = {.tags = NULL};
	json_auto_t *items = json_array();
	unsigned int status;

	status = core_need_read(o, ret);
	if (!status)
		status = core_owned_device(c, o, device, &owned, ret);
	if (status)
		return status;
	return core_items(
		c->store->ops->command_each(c->store, owned.uuid, false, command_push, items),
		items, "cannot list commands", ret);
}

/* 0, or the status of the problem in *ret. */
static unsigned int command_find(struct core *c, const char *device, const char *command,
				 struct store_command *ret_row, json_t **ret)
{
	int r;

	r = c->store->ops->command_get(c->store, device, command, ret_row);
	if (r < 0)
		return core_fail_http(r, "cannot read a command", ret);
	if (r == STORE_E_NOT_FOUND)
		return core_problem(404, ret, "device %s has no command %.64s", device, command);
	return 0;
}

unsigned int core_command_get(struct core *c, const struct core_owner *o, const char *device,
			      const char *command, json_t **ret)
{
	_cleanup_(store_device_done) struct store_device owned = {.tags = NULL};
	_cleanup_(store_command_done) struct store_command row = {.seq = 0};
	unsigned int status;

	status = core_need_read(o, ret);
	if (!status)
		status = core_owned_device(c, o, device, &owned, ret);
	if (!status)
		status = command_find(c, owned.uuid, command, &row, ret);
	if (status)
		return status;
	*ret = command_json(&row);
	return *ret ? 200 : core_fail_http(-EBADMSG, "a stored command is broken", ret);
}

/* What the device has may be under way: its answer is still wanted. */
unsigned int core_command_delete(struct core *c, const struct core_owner *o, const char *device,
				 const char *command, json_t **ret)
{
	_cleanup_(device_change_done) struct device_change ch = {.core = c};
	_cleanup_(store_command_done) struct store_command row = {.seq = 0};
	unsigned int status;
	int r;

	status = core_need_write(o, ret);
	if (!status)
		status = device_change_open(c, o, device, &ch, ret);
	if (!status)
		status = command_find(c, ch.row.uuid, command, &row, ret);
	if (status)
		return status;
	if (row.status == STORE_IN_PROGRESS)
		return core_problem(409, ret,
				    "the device has command %.64s already: wait for its answer, or "
				    "reset the device",
				    command);
	r = c->store->ops->command_delete(c->store, ch.row.uuid, row.id);
	if (r == 0)
		r = command_tell(c, o, &row, "command.delete", "command-deleted");
	if (r == 0)
		r = store_txn_commit(&ch.t);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, "cannot delete a command", ret);
	*ret = NULL;
	return 204;
}
