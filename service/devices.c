/* SPDX-License-Identifier: Apache-2.0 */

/* Reading devices: one or all, of a team or of everybody. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "service/core_private.h"
#include "service/crypto.h"
#include "service/device_json.h"

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

json_t *device_json_claimed(const struct store_device *row)
{
	json_auto_t *tags = NULL;

	if (core_json_load(row->tags, &tags) < 0)
		return NULL;
	return json_pack("{s:s, s:o, s:s, s:s, s:O, s:o, s:o}", "id", row->uuid, "deviceType",
			 device_type_json(row->device_type), "firmwareId", row->firmware, "ownerId",
			 row->team, "tags", tags, "claimedAt", core_json_time(row->claimed_at),
			 "lastSeenAt", core_json_time(row->seen_at));
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
	return json_pack("{s:s, s:s, s:O, s:o, s:o, s:o, s:o}", "id", row->uuid, "tenantId",
			 row->team, "tags", tags, "createdAt", core_json_time(row->claimed_at),
			 "lastSeenAt", core_json_time(row->seen_at), "cloudAccess", cloud_json(row),
			 "state", state_json(shadow));
}

static int claimed_push(void *userdata, const struct store_device *row)
{
	return json_array_append_new(userdata, device_json_claimed(row)) < 0 ? -ENOMEM : 0;
}

unsigned int core_claimed_list(struct core *c, const struct core_owner *o, json_t **ret)
{
	json_auto_t *items = json_array();
	unsigned int status;
	int r;

	status = core_need_read(o, ret);
	if (status)
		return status;
	r = c->store->ops->device_each(c->store, o->team, claimed_push, items);
	if (r < 0)
		return core_fail_http(r, "cannot list the devices", ret);
	*ret = json_pack("{s:O}", "items", items);
	return 200;
}

/* Shadows are left out of lists: each may be large. */
static int managed_push(void *userdata, const struct store_device *row)
{
	json_t *item = device_json_managed(row, NULL);

	json_object_del(item, "state");
	return json_array_append_new(userdata, item) < 0 ? -ENOMEM : 0;
}

unsigned int core_device_list(struct core *c, const struct core_owner *o, json_t **ret)
{
	json_auto_t *items = json_array();
	unsigned int status;
	int r;

	status = core_need_read(o, ret);
	if (status)
		return status;
	r = c->store->ops->device_each(c->store, o->team, managed_push, items);
	if (r < 0)
		return core_fail_http(r, "cannot list the devices", ret);
	*ret = json_pack("{s:O, s:I}", "items", items, "total", (json_int_t)json_array_size(items));
	return 200;
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

unsigned int core_account(struct core *c, const struct core_owner *o, json_t **ret)
{
	_cleanup_(store_team_done) struct store_team team = {.name = NULL};
	unsigned int status;
	int r;

	status = core_need_read(o, ret);
	if (status)
		return status;
	r = c->store->ops->team_get(c->store, o->team, &team);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, "cannot read a team", ret);
	*ret = json_pack("{s:{s:s, s:o}, s:s, s:s}", "team", "tenantId", team.id, "name",
			 core_json_text(team.name), "role", o->role, "apiKeyId", o->key_id);
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
