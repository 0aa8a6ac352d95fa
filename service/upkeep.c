/* SPDX-License-Identifier: Apache-2.0 */
#include "service/upkeep.h"

#include <errno.h>
#include <stdlib.h>

#define INTERVAL_US 60000000

struct upkeep {
	struct core *core; /* borrowed */
	sd_event_source *timer;
};

static int on_time(sd_event_source *source, uint64_t at_us, void *userdata)
{
	struct upkeep *u = userdata;
	int r;

	(void)at_us;
	core_upkeep(u->core);
	r = sd_event_source_set_time_relative(source, INTERVAL_US);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int upkeep_new(sd_event *event, struct core *core, struct upkeep **ret)
{
	_cleanup_(upkeep_freep) struct upkeep *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	u->core = core;
	/* The first one soon: processes may be restarted more often than once a minute. */
	r = sd_event_add_time_relative(event, &u->timer, CLOCK_MONOTONIC, INTERVAL_US / 60, 0,
				       on_time, u);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(u);
	return 0;
}

struct upkeep *upkeep_free(struct upkeep *u)
{
	if (!u)
		return NULL;
	sd_event_source_disable_unref(u->timer);
	free(u);
	return NULL;
}
