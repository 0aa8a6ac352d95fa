/* SPDX-License-Identifier: Apache-2.0 */

/* Gives a claimed device to another team. To the device, and to what this team knew of it, it is an
 * unclaim; only the claim stays, with the others. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "service/certificates.h"
#include "service/device_change.h"

/* 0, or the status of the problem in *ret. */
static unsigned int receiver_find(struct core *c, const struct core_owner *o, const json_t *body,
				  struct store_team *ret_team, json_t **ret)
{
	static const char *const members[] = {"tenantId", NULL};
	const char *id = json_string_value(json_object_get(body, "tenantId"));
	char uuid[CORE_UUID_TEXT];
	unsigned int status;
	int r;

	status = core_need_members(body, members, ret);
	if (status)
		return status;
	if (!id || core_uuid_normal(id, uuid) < 0)
		return core_problem(422, ret,
				    "tenantId must be a team's id: GET /account of that team says "
				    "it");
	if (strcmp(uuid, o->team) == 0)
		return core_problem(422, ret, "the device is your team's already");
	r = c->store->ops->team_get(c->store, uuid, ret_team);
	if (r < 0)
		return core_fail_http(r, "cannot read a team", ret);
	if (r == STORE_E_NOT_FOUND)
		return core_problem(422, ret, "there is no team %s", uuid);
	return 0;
}

/* The claim alone: everything else is deleted with the row. */
static int hand_over(struct core *c, const struct store_device *old, const char *team)
{
	struct store_device row = {
		.tags = (char[]){"[]"},
		.sub_type = old->sub_type,
		.device_type = old->device_type,
		.claimed_at = clock_wall_s(),
	};
	int r;

	memcpy(row.uuid, old->uuid, sizeof(row.uuid));
	memcpy(row.firmware, old->firmware, sizeof(row.firmware));
	snprintf(row.team, sizeof(row.team), "%s", team);
	r = certificates_revoke_all(c, old, CERTIFICATE_AFFILIATION_CHANGED);
	if (r == 0)
		r = c->store->ops->device_delete(c->store, old->uuid);
	if (r == 0)
		r = c->store->ops->device_add(c->store, &row);
	if (r == 0)
		r = c->store->ops->event_prune(c->store, old->uuid, 0);
	return r > 0 ? -ENOENT : r;
}

static int tell(struct device_change *ch, const char *team)
{
	struct core *c = ch->core;
	int r;

	r = core_event(c, team, ch->row.uuid, "transferred", NULL,
		       json_pack("{s:s}", "from", ch->row.team));
	if (r == 0)
		r = core_audit_for(c, ch->owner, team, "device.receive", ch->row.uuid,
				   json_pack("{s:s}", "from", ch->row.team));
	return r;
}

unsigned int core_transfer(struct core *c, const struct core_owner *o, const char *device,
			   const json_t *body, json_t **ret)
{
	_cleanup_(device_change_done) struct device_change ch = {.core = c};
	_cleanup_(store_team_done) struct store_team team = {.name = NULL};
	unsigned int status;
	int r;

	status = core_need_admin(o, ret);
	if (!status)
		status = receiver_find(c, o, body, &team, ret);
	if (!status)
		status = device_change_open(c, o, device, &ch, ret);
	if (status)
		return status;
	r = hand_over(c, &ch.row, team.id);
	if (r == 0)
		r = tell(&ch, team.id);
	if (r < 0)
		return core_fail_http(r, "cannot transfer a device", ret);
	status = device_change_commit(&ch, "device.transfer", "transferred",
				      json_pack("{s:s}", "to", team.id), ret);
	if (status)
		return status;
	*ret = NULL;
	return 204;
}
