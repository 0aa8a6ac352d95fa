/* SPDX-License-Identifier: Apache-2.0 */

/* What happened to a device, for its timeline and for those who watch: written in the transaction
 * that made it happen. */

#include "service/event.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "service/core_private.h"

#define EVENTS_KEPT 500 /* of a device */
#define PRUNE_ONE_IN 32 /* so that not each event pays for it */

void event_id(const struct store_position *position, char ret[static EVENT_ID_TEXT])
{
	snprintf(ret, EVENT_ID_TEXT, "%" PRId64 ".%" PRId64, position->commit, position->seq);
}

bool event_id_parse(const char *text, struct store_position *ret)
{
	const char *dot = strchr(text, '.');
	uint64_t commit, seq;

	if (!dot || decimal_parse(text, (size_t)(dot - text), INT64_MAX, &commit) < 0 ||
	    decimal_parse(dot + 1, strlen(dot + 1), INT64_MAX, &seq) < 0)
		return false;
	ret->commit = (int64_t)commit;
	ret->seq = (int64_t)seq;
	return true;
}

json_t *event_json(const struct store_event *row)
{
	json_t *detail = NULL;
	char id[EVENT_ID_TEXT];

	event_id(&row->position, id);
	if (row->detail && core_json_load(row->detail, &detail) < 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "id", id, "kind", row->kind, "device",
			 row->device, "at", core_json_time_ms(row->at_ms), "trace",
			 row->trace[0] ? json_string(row->trace) : json_null(), "detail",
			 detail ? detail : json_object());
}

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
	if (r == 0 && random_below(PRUNE_ONE_IN) == 0)
		r = c->store->ops->event_prune(c->store, device, EVENTS_KEPT);
	return r > 0 ? -EEXIST : r;
}
