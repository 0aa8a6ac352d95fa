/* SPDX-License-Identifier: Apache-2.0 */

/* Who of a team changed what: written in the transaction of the change, so that neither is there
 * without the other. */

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "service/core_private.h"

int core_audit(struct core *c, const struct core_owner *o, const char *action, const char *object,
	       json_t *detail)
{
	return core_audit_for(c, o, o->team, action, object, detail);
}

int core_audit_for(struct core *c, const struct core_owner *o, const char *team, const char *action,
		   const char *object, json_t *detail)
{
	_cleanup_(store_audit_done) struct store_audit row = {.at = clock_wall_s()};
	json_auto_t *owned = detail;
	int r;

	snprintf(row.team, sizeof(row.team), "%s", team);
	snprintf(row.actor, sizeof(row.actor), "%s", o->actor);
	snprintf(row.action, sizeof(row.action), "%s", action);
	snprintf(row.object, sizeof(row.object), "%s", object);
	snprintf(row.address, sizeof(row.address), "%s", o->address);
	if (owned) {
		row.detail = json_dumps(owned, JSON_COMPACT);
		if (!row.detail)
			return -ENOMEM;
	}
	r = c->store->ops->audit_add(c->store, &row);
	return r > 0 ? -EEXIST : r;
}
