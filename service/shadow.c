/* SPDX-License-Identifier: Apache-2.0 */

/* Shadows: what the owner wants (desired), what the device says (reported), and the difference that
 * the device is told (docs/protocol.md §8.3). */

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "proto/cborjson.h"
#include "proto/limits.h"
#include "service/core_private.h"
#include "service/device_change.h"

/* Of a section's JSON; as CBOR it has to fit the body that a device reads it with as well. */
#define SECTION_MAX 8192

enum { SHADOW_E_REFUSED = 10, SHADOW_E_BLOCKED = 11 };

struct shadow {
	json_t *desired, *reported; /* owned; objects */
	int64_t version;
};

static void shadow_done(struct shadow *s)
{
	json_decref(TAKE_PTR(s->desired));
	json_decref(TAKE_PTR(s->reported));
}

static int shadow_load(struct core *c, const char *device, struct shadow *ret)
{
	_cleanup_(store_shadow_done) struct store_shadow row = {NULL, NULL, 0};
	int r;

	r = c->store->ops->shadow_get(c->store, device, &row);
	if (r < 0)
		return r;
	if (r == STORE_E_NOT_FOUND) {
		ret->desired = json_object();
		ret->reported = json_object();
		return ret->desired && ret->reported ? 0 : -ENOMEM;
	}
	ret->version = row.version;
	r = core_json_load(row.desired, &ret->desired);
	if (r < 0)
		return r;
	return core_json_load(row.reported, &ret->reported);
}

static int shadow_save(struct core *c, const char *device, struct shadow *s)
{
	_cleanup_(store_shadow_done) struct store_shadow row = {NULL, NULL, s->version + 1};
	int r;

	row.desired = json_dumps(s->desired, JSON_COMPACT);
	row.reported = json_dumps(s->reported, JSON_COMPACT);
	if (!row.desired || !row.reported)
		return -ENOMEM;
	r = c->store->ops->shadow_put(c->store, device, &row);
	if (r == 0)
		s->version++;
	return r > 0 ? -EEXIST : r;
}

/* RFC 7396 §2, on objects. */
static int merge(json_t *target, const json_t *patch)
{
	const char *key;
	json_t *value;
	int r;

	json_object_foreach((json_t *)patch, key, value)
	{
		json_t *old = json_object_get(target, key);

		if (json_is_null(value)) {
			json_object_del(target, key);
		} else if (!json_is_object(value)) {
			if (json_object_set_new(target, key, json_deep_copy(value)) < 0)
				return -ENOMEM;
		} else {
			if (!json_is_object(old)) {
				if (json_object_set_new(target, key, json_object()) < 0)
					return -ENOMEM;
				old = json_object_get(target, key);
			}
			r = merge(old, value);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static bool depth_is_ok(const json_t *value, unsigned int left)
{
	const char *key;
	json_t *item;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value))
		return true;
	if (left == 0)
		return false;
	if (json_is_array(value)) {
		json_array_foreach(value, i, item) if (!depth_is_ok(item, left - 1)) return false;
		return true;
	}
	json_object_foreach((json_t *)value, key,
			    item) if (!depth_is_ok(item, left - 1)) return false;
	return true;
}

static int section_size_check(const json_t *section, const char **ret_why)
{
	_cleanup_(freep) uint8_t *body = malloc(BODY_MAX);
	size_t len;
	int r;

	if (!body)
		return -ENOMEM;
	*ret_why = "the section would become too large";
	if (json_dumpb(section, NULL, 0, JSON_COMPACT) > SECTION_MAX)
		return SHADOW_E_REFUSED;
	r = cborjson_encode(section, body, BODY_MAX, &len);
	if (r == -ENOBUFS)
		return SHADOW_E_REFUSED;
	*ret_why = "the section has no form in CBOR";
	return r == -EINVAL ? SHADOW_E_REFUSED : r;
}

/* Merges into one section. SHADOW_E_REFUSED with a static reason; s may be half changed then. */
static int section_patch(struct shadow *s, const char *section, const json_t *patch,
			 const char **ret_why)
{
	json_t *target;
	int r;

	if (strcmp(section, "desired") == 0) {
		target = s->desired;
	} else if (strcmp(section, "reported") == 0) {
		target = s->reported;
	} else {
		*ret_why = "a section is desired or reported";
		return SHADOW_E_REFUSED;
	}
	if (json_is_null(patch))
		return json_object_clear(target) < 0 ? -ENOMEM : 0;
	*ret_why = "a section must be an object, or null to empty it";
	if (!json_is_object(patch))
		return SHADOW_E_REFUSED;
	*ret_why = "it is nested too deeply";
	if (!depth_is_ok(patch, CBORJSON_DEPTH_MAX))
		return SHADOW_E_REFUSED;
	r = merge(target, patch);
	if (r < 0)
		return r;
	return section_size_check(target, ret_why);
}

/* What desired has and reported has not, or has otherwise. */
static int difference(const json_t *desired, const json_t *reported, json_t **ret)
{
	json_auto_t *delta = json_object();
	const char *key;
	json_t *want;
	int r;

	if (!delta)
		return -ENOMEM;
	json_object_foreach((json_t *)desired, key, want)
	{
		json_t *have = json_object_get(reported, key), *inner;

		if (json_equal(want, have))
			continue;
		if (!json_is_object(want) || !json_is_object(have)) {
			if (json_object_set(delta, key, want) < 0)
				return -ENOMEM;
			continue;
		}
		r = difference(want, have, &inner);
		if (r < 0)
			return r;
		if (json_object_size(inner) == 0)
			json_decref(inner);
		else if (json_object_set_new(delta, key, inner) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(delta);
	return 0;
}

/* What a device may see and change: unless it is blocked. Result as of the store's device_get(), or
 * SHADOW_E_BLOCKED. */
static int device_shadow(struct core *c, const char *device, struct store_device *ret_row,
			 struct shadow *ret)
{
	int r;

	r = c->store->ops->device_get(c->store, device, ret_row);
	if (r != 0)
		return r;
	return ret_row->blocked_at ? SHADOW_E_BLOCKED : shadow_load(c, device, ret);
}

static int state_get(struct core *c, const char *device, bool delta, json_t **ret)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	_cleanup_(shadow_done) struct shadow s = {NULL, NULL, 0};
	json_auto_t *value = NULL;
	int r;

	r = store_txn_begin(&t, c->store, STORE_READ, device);
	if (r < 0)
		return r;
	r = device_shadow(c, device, &row, &s);
	if (r != 0)
		return r;
	if (delta) {
		r = difference(s.desired, s.reported, &value);
		if (r < 0)
			return r;
	} else {
		value = json_incref(s.desired);
	}
	if (json_object_size(value) == 0) {
		*ret = NULL;
		return 0;
	}
	*ret = TAKE_PTR(value);
	return 0;
}

/* Core's answer for a result of the two calls of a device. */
static enum core_verdict verdict_of(int r, const char *what, const struct core_caller *who)
{
	switch (r) {
	case 0:
		return CORE_OK;
	case STORE_E_NOT_FOUND:
		return CORE_UNCLAIMED;
	case SHADOW_E_REFUSED:
		return CORE_INVALID;
	case SHADOW_E_BLOCKED:
		return CORE_REJECTED;
	default:
		return core_fail(r < 0 ? r : -EINVAL, what, who->device);
	}
}

enum core_verdict core_state_get(struct core *c, struct core_caller *who, bool delta, json_t **ret)
{
	enum core_verdict verdict = limits_request(c->limits, who);

	if (verdict != CORE_OK)
		return verdict;
	return verdict_of(state_get(c, who->device, delta, ret), "cannot read the shadow", who);
}

static int state_patch(struct core *c, const struct core_caller *who, const char *section,
		       const json_t *patch)
{
	const char *device = who->device;
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	_cleanup_(shadow_done) struct shadow s = {NULL, NULL, 0};
	const char *why;
	int r;

	r = store_txn_begin(&t, c->store, STORE_WRITE, device);
	if (r < 0)
		return r;
	r = device_shadow(c, device, &row, &s);
	if (r != 0)
		return r;
	r = section_patch(&s, section, patch, &why);
	if (r == SHADOW_E_REFUSED)
		log_debug("device=%s trace=%s shadow=refused why=\"%s\"", device,
			  TRACE_OR_NONE(who->trace), why);
	if (r != 0)
		return r;
	r = shadow_save(c, device, &s);
	if (r == 0)
		r = core_event(c, row.team, device,
			       strcmp(section, "reported") == 0 ? "state-reported"
								: "state-desired",
			       who->trace, NULL);
	if (r < 0)
		return r;
	return store_txn_commit(&t);
}

enum core_verdict core_state_patch(struct core *c, struct core_caller *who, const char *section,
				   const json_t *patch)
{
	enum core_verdict verdict = limits_request(c->limits, who);

	if (verdict != CORE_OK)
		return verdict;
	return verdict_of(state_patch(c, who, section, patch), "cannot change the shadow", who);
}

/* Every section of the body; 0 or the status of the problem. */
static unsigned int body_patch(struct shadow *s, const json_t *body, json_t **ret)
{
	const char *section, *why;
	json_t *patch;
	int r;

	if (!json_is_object(body) || json_object_size(body) == 0)
		return core_problem(422, ret,
				    "the body must be an object with desired or reported in it");
	json_object_foreach((json_t *)body, section, patch)
	{
		r = section_patch(s, section, patch, &why);
		if (r < 0)
			return core_fail_http(r, "cannot change a shadow", ret);
		if (r > 0)
			return core_problem(422, ret, "%.64s: %s", section, why);
	}
	return 0;
}

/* Which sections; what is in them may be large, and is the device's business. */
static int state_tell(struct core *c, const struct core_owner *o, const char *device,
		      const json_t *body, int64_t version)
{
	json_auto_t *detail = json_pack("{s:[], s:I}", "sections", "version", (json_int_t)version);
	json_t *sections = json_object_get(detail, "sections"), *patch;
	const char *section;
	int r;

	json_object_foreach((json_t *)body, section, patch)
	{
		if (json_array_append_new(sections, json_string(section)) < 0)
			return -ENOMEM;
	}
	r = core_event(c, o->team, device, "state-desired", NULL, json_incref(detail));
	if (r == 0)
		r = core_audit(c, o, "state.change", device, json_incref(detail));
	return r;
}

unsigned int core_device_state_patch(struct core *c, const struct core_owner *o, const char *device,
				     const json_t *body, json_t **ret)
{
	_cleanup_(device_change_done) struct device_change ch = {.core = c};
	_cleanup_(shadow_done) struct shadow s = {NULL, NULL, 0};
	unsigned int status;
	int r;

	status = core_need_write(o, ret);
	if (!status)
		status = device_change_open(c, o, device, &ch, ret);
	if (status)
		return status;
	r = shadow_load(c, ch.row.uuid, &s);
	if (r < 0)
		return core_fail_http(r, "cannot read a shadow", ret);
	status = body_patch(&s, body, ret);
	if (status)
		return status;
	r = shadow_save(c, ch.row.uuid, &s);
	if (r == 0)
		r = state_tell(c, o, ch.row.uuid, body, s.version);
	if (r == 0)
		r = store_txn_commit(&ch.t);
	if (r < 0)
		return core_fail_http(r, "cannot change a shadow", ret);
	*ret = json_pack("{s:s, s:{s:O, s:O, s:I}}", "id", ch.row.uuid, "state", "desired",
			 s.desired, "reported", s.reported, "version", (json_int_t)s.version);
	return 200;
}
