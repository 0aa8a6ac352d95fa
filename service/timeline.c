/* SPDX-License-Identifier: Apache-2.0 */

/* What happened to a device, newest first, since its team claimed it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/event.h"
#include "service/page.h"

#define KIND 'e'

struct walk {
	const char *team;
	json_t *items;
	size_t limit, seen;
	struct store_position last, shown; /* position of the last row that was seen, shown */
	bool has_more;
};

static int push(void *userdata, const struct store_event *row)
{
	struct walk *w = userdata;

	w->seen++;
	w->last = row->position;
	/* What another team did with the device before is not ours to see. */
	if (strcmp(row->team, w->team) != 0)
		return 0;
	if (json_array_size(w->items) == w->limit) {
		w->has_more = true;
		return 0;
	}
	w->shown = row->position;
	return json_array_append_new(w->items, event_json(row)) < 0 ? -ENOMEM : 0;
}

static int collect(struct core *c, const char *device, struct walk *w)
{
	int r;

	do {
		w->seen = 0;
		r = c->store->ops->event_before(c->store, device, &w->last, w->limit + 1, push, w);
	} while (r == 0 && w->seen == w->limit + 1 && !w->has_more);
	return r > 0 ? -ENOENT : r;
}

unsigned int core_timeline(struct core *c, const struct core_owner *o, const char *device,
			   const struct core_list *list, json_t **ret)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	json_auto_t *items = json_array();
	struct walk w = {.team = o->team, .items = items};
	struct page page, next;
	unsigned int status;
	int r;

	status = core_need_read(o, ret);
	if (!status)
		status = page_read(list, KIND, &page, ret);
	if (!status)
		status = core_owned_device(c, o, device, &row, ret);
	if (status)
		return status;
	w.limit = page.limit;
	w.last = (struct store_position){page.number, strtoll(page.text, NULL, 10)};
	r = collect(c, row.uuid, &w);
	if (r < 0)
		return core_fail_http(r, "cannot read a timeline", ret);
	next = (struct page){.number = w.shown.commit};
	snprintf(next.text, sizeof(next.text), "%lld", (long long)w.shown.seq);
	*ret = page_json(json_incref(items), KIND, w.has_more ? &next : NULL);
	return *ret ? 200 : core_fail_http(-ENOMEM, "cannot read a timeline", ret);
}
