/* SPDX-License-Identifier: Apache-2.0 */

/* Who of a team changed what: written in the transaction of the change, so that neither is there
 * without the other. */

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/page.h"

void core_at_the_console(const char *team, struct core_owner *ret)
{
	struct passwd *pw = getpwuid(getuid());

	*ret = (struct core_owner){.team = ""};
	snprintf(ret->team, sizeof(ret->team), "%s", team);
	if (pw)
		snprintf(ret->actor, sizeof(ret->actor), "cli:%.48s", pw->pw_name);
	else
		snprintf(ret->actor, sizeof(ret->actor), "cli:%lu", (unsigned long)getuid());
}

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

/* ---- reading it ---- */

#define KIND 'a'

struct walk {
	json_t *items;
	size_t limit;
	int64_t last;
	bool has_more;
};

static int push(void *userdata, const struct store_audit *row)
{
	struct walk *w = userdata;
	json_t *detail = NULL;

	if (json_array_size(w->items) == w->limit) {
		w->has_more = true;
		return 0;
	}
	w->last = row->seq;
	if (row->detail && core_json_load(row->detail, &detail) < 0)
		return -EBADMSG;
	return json_array_append_new(
		       w->items,
		       json_pack("{s:I, s:o, s:s, s:s, s:s, s:o, s:o}", "seq", (json_int_t)row->seq,
				 "at", core_json_time(row->at), "actor", row->actor, "action",
				 row->action, "object", row->object, "address",
				 row->address[0] ? json_string(row->address) : json_null(),
				 "detail", detail ? detail : json_object())) < 0
		       ? -ENOMEM
		       : 0;
}

unsigned int core_audit_list(struct core *c, const struct core_owner *o,
			     const struct core_list *list, json_t **ret)
{
	json_auto_t *items = json_array();
	struct walk w = {.items = items};
	struct page page, next;
	unsigned int status;
	int r;

	status = core_need_admin(o, ret);
	if (!status)
		status = page_read(list, KIND, &page, ret);
	if (status)
		return status;
	w.limit = page.limit;
	r = c->store->ops->audit_page(c->store, o->team, page.number, page.limit + 1, push, &w);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, "cannot read the audit log", ret);
	next = (struct page){.number = w.last};
	*ret = page_json(json_incref(items), KIND, w.has_more ? &next : NULL);
	return *ret ? 200 : core_fail_http(-ENOMEM, "cannot read the audit log", ret);
}
