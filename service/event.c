/* SPDX-License-Identifier: Apache-2.0 */

/* What happened to a device, for its timeline and for those who watch: written in the transaction
 * that made it happen. */

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "service/core_private.h"

int core_event(struct core *c, const char *team, const char *device, const char *kind,
	       const char *trace, json_t *detail)
{
	_cleanup_(store_event_done) struct store_event row = {.detail = NULL};
	json_auto_t *owned = detail;
	int r;

	snprintf(row.team, sizeof(row.team), "%s", team);
	snprintf(row.device, sizeof(row.device), "%s", device);
	snprintf(row.kind, sizeof(row.kind), "%s", kind);
	snprintf(row.trace, sizeof(row.trace), "%s", trace ? trace : "");
	row.at_ms = clock_wall_ms();
	if (owned) {
		row.detail = json_dumps(owned, JSON_COMPACT);
		if (!row.detail)
			return -ENOMEM;
	}
	r = c->store->ops->event_add(c->store, &row);
	return r > 0 ? -EEXIST : r;
}
