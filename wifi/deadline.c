/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/deadline.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include "base/clock.h"

struct deadline {
	sd_event_source *source; /* owned */
	deadline_fn fn;
	void *userdata;
	bool is_set;
	uint64_t at_ms;
};

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct deadline *d = userdata;

	(void)source;
	(void)usec;
	d->is_set = false;
	d->fn(d->userdata);
	return 0;
}

int deadline_new(sd_event *event, deadline_fn fn, void *userdata, struct deadline **ret)
{
	struct deadline *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->fn = fn;
	d->userdata = userdata;
	r = sd_event_add_time(event, &d->source, CLOCK_BOOTTIME, 0, 1000, on_time, d);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->source, SD_EVENT_OFF);
	if (r < 0) {
		deadline_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

struct deadline *deadline_free(struct deadline *d)
{
	if (!d)
		return NULL;
	sd_event_source_disable_unref(d->source);
	free(d);
	return NULL;
}

int deadline_set(struct deadline *d, uint64_t ms)
{
	uint64_t now = clock_ms();
	int r;

	d->is_set = true;
	d->at_ms = ms > UINT64_MAX / 1000 - now ? UINT64_MAX / 1000 : now + ms;
	r = sd_event_source_set_time(d->source, d->at_ms * 1000);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->source, SD_EVENT_ONESHOT);
	if (r < 0)
		d->is_set = false;
	return r < 0 ? r : 0;
}

void deadline_clear(struct deadline *d)
{
	d->is_set = false;
	(void)sd_event_source_set_enabled(d->source, SD_EVENT_OFF);
}

uint64_t deadline_left_ms(const struct deadline *d)
{
	uint64_t now;

	if (!d->is_set)
		return 0;
	now = clock_ms();
	return d->at_ms > now ? d->at_ms - now : 1;
}
