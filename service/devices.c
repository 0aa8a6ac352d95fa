/* SPDX-License-Identifier: Apache-2.0 */

/* Reading devices: one or all, of a team or of everybody. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "service/crypto.h"
#include "service/device_json.h"
#include "service/page.h"

/* docs/protocol.md §2.3 */
static json_t *device_type_json(unsigned int type)
{
	static const struct {
		unsigned int type;
		const char *name;
	} names[] = {
		{1, "nrf9160_SIAA"}, {2, "nrf9160_SIBA"}, {3, "nrf9160_SICA"}, {4, "nrf9161_LACA"},
		{5, "nrf9131_LACA"}, {6, "nrf9151_LACA"}, {0x11, "nrf9220"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].type == type)
			return json_string(names[i].name);
	return json_sprintf("type_%u", type);
}

static json_t *name_json(const char *name)
{
	return name ? core_json_text(name) : json_null();
}

/* How far a device is, in a word. */
static const char *device_status(const struct store_device *row)
{
	if (row->blocked_at)
		return "blocked";
	if (row->cloud_seen_at)
		return "validated";
	return row->seen_at ? "connected" : "waiting";
}

json_t *device_json_claimed(const struct store_device *row)
{
	json_auto_t *tags = NULL;

	if (core_json_load(row->tags, &tags) < 0)
		return NULL;
	return json_pack("{s:s, s:o, s:s, s:s, s:O, s:o, s:o, s:o, s:s, s:o}", "id", row->uuid,
			 "deviceType", device_type_json(row->device_type), "firmwareId",
			 row->firmware, "ownerId", row->team, "tags", tags, "claimedAt",
			 core_json_time(row->claimed_at), "lastSeenAt",
			 core_json_time(row->seen_at), "name", name_json(row->name), "status",
			 device_status(row), "blockedAt", core_json_time(row->blocked_at));
}

static json_t *cloud_json(const struct store_device *row)
{
	uint8_t digest[32];
	char hex[65];

	if (!row->has_cloud_key)
		return json_null();
	crypto_sha256(row->cloud_key, sizeof(row->cloud_key), digest);
	hex_encode(digest, sizeof(digest), hex);
	return json_pack("{s:s, s:I, s:o, s:o}", "keyId", hex, "secTag",
			 (json_int_t)row->cloud_key_tag, "registeredAt",
			 core_json_time(row->cloud_key_at), "lastLoginAt",
			 core_json_time(row->cloud_seen_at));
}

static json_t *state_json(const struct store_shadow *shadow)
{
	json_auto_t *desired = NULL, *reported = NULL;

	if (!shadow)
		return json_pack("{s:{}, s:{}, s:i}", "desired", "reported", "version", 0);
	if (core_json_load(shadow->desired, &desired) < 0 ||
	    core_json_load(shadow->reported, &reported) < 0)
		return NULL;
	return json_pack("{s:O, s:O, s:I}", "desired", desired, "reported", reported, "version",
			 (json_int_t)shadow->version);
}

json_t *device_json_managed(const struct store_device *row, const struct store_shadow *shadow)
{
	json_auto_t *tags = NULL;

	if (core_json_load(row->tags, &tags) < 0)
		return NULL;
	return json_pack("{s:s, s:s, s:O, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "id", row->uuid,
			 "tenantId", row->team, "tags", tags, "createdAt",
			 core_json_time(row->claimed_at), "lastSeenAt",
			 core_json_time(row->seen_at), "name", name_json(row->name), "subType",
			 name_json(row->sub_type), "status", device_status(row), "cloudAccess",
			 cloud_json(row), "state", state_json(shadow));
}

/* ---- lists ---- */

#define KIND 'd'

struct walk {
	json_t *(*show)(const struct store_device *row);
	json_t *items;
	size_t limit;
	struct page last;
	bool has_more;
};

static int push(void *userdata, const struct store_device *row)
{
	struct walk *w = userdata;

	if (json_array_size(w->items) == w->limit) {
		w->has_more = true;
		return 0;
	}
	w->last.number = row->claimed_at;
	memcpy(w->last.text, row->uuid, sizeof(w->last.text));
	return json_array_append_new(w->items, w->show(row)) < 0 ? -ENOMEM : 0;
}

static unsigned int state_parse(const char *text, enum store_device_state *ret_state, json_t **ret)
{
	static const struct {
		const char *text;
		enum store_device_state state;
	} states[] = {
		{"waiting", STORE_DEVICE_WAITING},
		{"validated", STORE_DEVICE_VALIDATED},
		{"blocked", STORE_DEVICE_BLOCKED},
	};

	*ret_state = STORE_DEVICE_ANY;
	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i].text, text) == 0) {
			*ret_state = states[i].state;
			return 0;
		}
	return core_problem(400, ret, "status is waiting, validated or blocked");
}

static unsigned int filter_make(const struct core_owner *o, const struct core_list *list,
				struct page *page, struct store_device_filter *filter, json_t **ret)
{
	unsigned int status;

	status = page_read(list, KIND, page, ret);
	if (status)
		return status;
	*filter = (struct store_device_filter){
		.team = o->team,
		.search = list->search && *list->search ? list->search : NULL,
		.tag = list->tag && *list->tag ? list->tag : NULL,
		.after_claimed_at = page->number,
		.after_uuid = page->text,
		.limit = page->limit + 1,
	};
	return state_parse(list->status, &filter->state, ret);
}

static unsigned int list_devices(struct core *c, const struct core_owner *o,
				 const struct core_list *list,
				 json_t *(*show)(const struct store_device *row), json_t **ret)
{
	json_auto_t *items = json_array();
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	struct walk w = {.show = show, .items = items};
	struct store_device_filter filter;
	struct page page;
	unsigned int status;
	int64_t total;
	int r;

	status = core_need_read(o, ret);
	if (!status)
		status = filter_make(o, list, &page, &filter, ret);
	if (status)
		return status;
	w.limit = page.limit;
	r = store_txn_begin(&t, c->store, STORE_READ, "");
	if (r == 0)
		r = c->store->ops->device_page(c->store, &filter, push, &w);
	if (r == 0)
		r = c->store->ops->device_count(c->store, &filter, &total);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, "cannot list the devices", ret);
	*ret = page_json(json_incref(items), KIND, w.has_more ? &w.last : NULL);
	if (!*ret || json_object_set_new(*ret, "total", json_integer(total)) < 0)
		return core_fail_http(-ENOMEM, "cannot list the devices", ret);
	return 200;
}

unsigned int core_claimed_list(struct core *c, const struct core_owner *o,
			       const struct core_list *list, json_t **ret)
{
	return list_devices(c, o, list, device_json_claimed, ret);
}

/* Shadows are left out of lists: each may be large. */
static json_t *show_managed(const struct store_device *row)
{
	json_t *item = device_json_managed(row, NULL);

	json_object_del(item, "state");
	return item;
}

unsigned int core_device_list(struct core *c, const struct core_owner *o,
			      const struct core_list *list, json_t **ret)
{
	return list_devices(c, o, list, show_managed, ret);
}

/* ---- one ---- */

unsigned int core_claimed_get(struct core *c, const struct core_owner *o, const char *device,
			      json_t **ret)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	unsigned int status;

	status = core_need_read(o, ret);
	if (!status)
		status = core_owned_device(c, o, device, &row, ret);
	if (status)
		return status;
	*ret = device_json_claimed(&row);
	return *ret ? 200 : core_fail_http(-EBADMSG, "a stored device is broken", ret);
}

unsigned int core_device_get(struct core *c, const struct core_owner *o, const char *device,
			     json_t **ret)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	_cleanup_(store_shadow_done) struct store_shadow shadow = {NULL, NULL, 0};
	unsigned int status;
	int r;

	status = core_need_read(o, ret);
	if (status)
		return status;
	status = core_owned_device(c, o, device, &row, ret);
	if (status)
		return status;
	r = c->store->ops->shadow_get(c->store, row.uuid, &shadow);
	if (r < 0)
		return core_fail_http(r, "cannot read a shadow", ret);
	*ret = device_json_managed(&row, r == 0 ? &shadow : NULL);
	return *ret ? 200 : core_fail_http(-EBADMSG, "a stored device is broken", ret);
}

unsigned int core_device_state_get(struct core *c, const struct core_owner *o, const char *device,
				   json_t **ret)
{
	json_t *all = NULL;
	unsigned int status = core_device_get(c, o, device, &all);

	if (status != 200) {
		*ret = all;
		return status;
	}
	*ret = json_incref(json_object_get(all, "state"));
	json_decref(all);
	return 200;
}

static int identity_push(void *userdata, const struct store_identity *row)
{
	json_t *item = json_pack("{s:s, s:s, s:o, s:b, s:n, s:n, s:n}", "id", row->uuid, "hardware",
				 row->hardware, "importedAt", core_json_time(row->imported_at),
				 "claimed", 0, "team", "lastSeenAt", "cloudLoginAt");

	return json_array_append_new(userdata, item) < 0 ? -ENOMEM : 0;
}

/* Both walks are ordered differently, so the claims are looked up one by one. */
static int claim_add(struct core *c, json_t *item)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	_cleanup_(store_team_done) struct store_team team = {.name = NULL};
	int r;

	r = c->store->ops->device_get(c->store, json_string_value(json_object_get(item, "id")),
				      &row);
	if (r != 0)
		return r < 0 ? r : 0;
	r = c->store->ops->team_get(c->store, row.team, &team);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	if (json_object_set_new(item, "claimed", json_true()) < 0 ||
	    json_object_set_new(item, "team", core_json_text(team.name)) < 0 ||
	    json_object_set_new(item, "lastSeenAt", core_json_time(row.seen_at)) < 0 ||
	    json_object_set_new(item, "cloudLoginAt", core_json_time(row.cloud_seen_at)) < 0)
		return -ENOMEM;
	return 0;
}

int core_admin_devices(struct core *c, json_t **ret)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	json_auto_t *items = json_array();
	json_t *item;
	size_t i;
	int r;

	r = store_txn_begin(&t, c->store, STORE_READ, "");
	if (r < 0)
		return r;
	r = c->store->ops->identity_each(c->store, identity_push, items);
	if (r < 0)
		return r;
	json_array_foreach(items, i, item)
	{
		r = claim_add(c, item);
		if (r < 0)
			return r;
	}
	*ret = json_pack("{s:O}", "items", items);
	return *ret ? 0 : -ENOMEM;
}
