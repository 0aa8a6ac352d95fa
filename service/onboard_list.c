/* SPDX-License-Identifier: Apache-2.0 */

/* Devices that get their cloud credentials elsewhere, by a list of their public keys: rows
 * <id>,<subType>,<tag>|<tag>,<firmware types>,"<PEM of a public key or certificate>".
 *
 * Nothing in such a row proves that the device is the sender's. So it takes an admin, a device that
 * is known here by a factory or a manufacturer is claimed by its token only, and a key that is
 * known is never replaced (docs/rest-api.md). */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "service/core_rows.h"
#include "service/crypto.h"

#define HARDWARE_LISTED "listed" /* of identities that are known by a list only */
#define NO_FIRMWARE "00000000-0000-0000-0000-000000000000"
#define SUB_TYPE_MAX 64
#define FIRMWARE_TYPES_MAX 64
#define RESULTS_BACK 1000 /* rows of the audit log that are searched for a result */

struct listed {
	char uuid[CORE_UUID_TEXT];
	const char *sub_type; /* borrowed */
	json_t *tags;         /* owned */
	uint8_t spki[CRYPTO_SPKI_LEN];
};

static void listed_done(struct listed *l)
{
	json_decref(TAKE_PTR(l->tags));
}

static bool is_text(const char *text, size_t max, const char *others)
{
	if (strlen(text) > max)
		return false;
	for (; *text; text++)
		if (!isascii(*text) || (!isalnum(*text) && !strchr(others, *text)))
			return false;
	return true;
}

/* 0, or the status of the problem in *ret. */
static unsigned int row_read(const struct row *row, struct listed *l, json_t **ret)
{
	_cleanup_(freep) char *detail = NULL;
	int r;

	if (row->n != 5)
		return core_problem(422, ret,
				    "a row has five fields: id, subType, tags with | "
				    "between them, firmware types, PEM in quotes");
	if (core_uuid_normal(row->fields[0], l->uuid) < 0)
		return core_problem(422, ret, "the id is not a UUID");
	l->sub_type = row->fields[1];
	if (!is_text(l->sub_type, SUB_TYPE_MAX, "-_.: "))
		return core_problem(
			422, ret,
			"the subType must be at most %d letters, digits and - _ . :", SUB_TYPE_MAX);
	l->tags = core_rows_tags(row->fields[2], &detail);
	if (!l->tags)
		return core_problem(422, ret, "%s", detail ? detail : "no memory");
	if (!is_text(row->fields[3], FIRMWARE_TYPES_MAX, "_|"))
		return core_problem(422, ret, "the firmware types are words with | between them");
	r = crypto_key_of_public(row->fields[4], l->spki);
	if (r < 0)
		return core_fail_http(r, "cannot read a key", ret);
	if (r > 0)
		return core_problem(422, ret,
				    "the last field is not the PEM of a certificate or "
				    "public key, or its key is not P-256");
	return 0;
}

/* Who the device is, in the transaction: known by nobody until now, or by a list with that key. */
static unsigned int identity_settle(struct core *c, const struct listed *l, json_t **ret)
{
	struct store_identity identity;
	int r;

	r = c->store->ops->identity_get(c->store, l->uuid, &identity);
	if (r < 0)
		return core_fail_http(r, "cannot read an identity", ret);
	if (r == 0 && strcmp(identity.hardware, HARDWARE_LISTED) != 0)
		return core_problem(409, ret,
				    "device %s is known to this service: claim it with "
				    "its claim token",
				    l->uuid);
	if (r == 0 && memcmp(identity.spki, l->spki, sizeof(l->spki)) != 0)
		return core_problem(409, ret,
				    "device %s is known with another key, which is not replaced",
				    l->uuid);
	if (r == 0)
		return 0;
	memset(&identity, 0, sizeof(identity));
	memcpy(identity.uuid, l->uuid, sizeof(identity.uuid));
	memcpy(identity.hardware, HARDWARE_LISTED, sizeof(HARDWARE_LISTED));
	memcpy(identity.spki, l->spki, sizeof(identity.spki));
	identity.imported_at = clock_wall_s();
	r = c->store->ops->identity_add(c->store, &identity);
	return r == 0 ? 0 : core_fail_http(r < 0 ? r : -EEXIST, "cannot store an identity", ret);
}

static int row_fill(struct core *c, const struct core_owner *o, const struct listed *l,
		    struct store_device *row)
{
	int64_t now = clock_wall_s();

	memcpy(row->uuid, l->uuid, sizeof(row->uuid));
	memcpy(row->team, o->team, sizeof(row->team));
	snprintf(row->firmware, sizeof(row->firmware), "%s", NO_FIRMWARE);
	row->claimed_at = row->cloud_key_at = now;
	row->tags = json_dumps(l->tags, JSON_COMPACT);
	row->sub_type = strdup(l->sub_type);
	row->has_cloud_key = true;
	memcpy(row->cloud_key, l->spki, sizeof(row->cloud_key));
	row->cloud_key_tag = c->cloud_tag;
	return row->tags && row->sub_type ? 0 : -ENOMEM;
}

static int tell(struct core *c, const struct core_owner *o, const struct store_device *row,
		const json_t *tags)
{
	int r;

	r = core_event(c, row->team, row->uuid, "claimed", NULL,
		       json_pack("{s:O, s:b}", "tags", tags, "listed", 1));
	if (r == 0)
		r = core_audit(c, o, "device.onboard", row->uuid,
			       json_pack("{s:O, s:s}", "tags", tags, "subType", row->sub_type));
	return r;
}

static unsigned int row_store(struct core *c, const struct core_owner *o, const struct listed *l,
			      json_t **ret)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	unsigned int status;
	int r;

	r = store_txn_begin(&t, c->store, STORE_WRITE, l->uuid);
	if (r < 0)
		return core_fail_http(r, "cannot onboard a device", ret);
	r = c->store->ops->device_get(c->store, l->uuid, &row);
	if (r < 0)
		return core_fail_http(r, "cannot read a device", ret);
	if (r == 0 && strcmp(row.team, o->team) == 0 && row.has_cloud_key &&
	    memcmp(row.cloud_key, l->spki, sizeof(l->spki)) == 0)
		return 200;
	if (r == 0)
		return core_problem(409, ret, "device %s is claimed already: unclaim it first",
				    l->uuid);
	status = identity_settle(c, l, ret);
	if (status)
		return status;
	r = row_fill(c, o, l, &row);
	if (r == 0)
		r = c->store->ops->device_add(c->store, &row);
	if (r == 0)
		r = tell(c, o, &row, l->tags);
	if (r == 0)
		r = store_txn_commit(&t);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -EEXIST, "cannot onboard a device", ret);
	return 201;
}

static unsigned int onboard_row(struct core_rows *list, const struct row *row,
				char device[static CORE_UUID_TEXT], json_t **ret)
{
	_cleanup_(listed_done) struct listed l = {.tags = NULL};
	unsigned int status;

	status = row_read(row, &l, ret);
	memcpy(device, l.uuid, sizeof(l.uuid));
	return status ? status : row_store(list->core, &list->owner, &l, ret);
}

/* ---- what became of it: in the audit log, where every process finds it ---- */

#define ACTION "devices.onboard"

static int result_store(struct core_rows *list)
{
	struct core *c = list->core;
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	int r;

	r = store_txn_begin(&t, c->store, STORE_WRITE, list->owner.team);
	if (r == 0)
		r = core_audit(c, &list->owner, ACTION, list->request,
			       json_pack("{s:I, s:O}", "onboarded",
					 (json_int_t)json_array_size(list->done), "failed",
					 list->failed));
	return r == 0 ? store_txn_commit(&t) : r;
}

/* 202, as nRF Cloud's clients want it, although all of it is done. */
static unsigned int onboard_end(struct core_rows *list, json_t **ret)
{
	int r = result_store(list);

	if (r < 0)
		return core_fail_http(r, "cannot keep the result of a list", ret);
	*ret = json_pack("{s:s, s:O, s:O}", "bulkOpsRequestId", list->request, "onboardedIds",
			 list->done, "failed", list->failed);
	return 202;
}

unsigned int core_onboard_rows(struct core *c, const struct core_owner *o, const char *csv,
			       size_t len, struct core_rows **ret_rows, json_t **ret)
{
	static const char *const headers[] = {"id", "deviceid", "device id", "device_id", NULL};
	unsigned int status;

	status = core_need_admin(o, ret);
	if (!status)
		status = core_rows_new(c, o, csv, len, headers, ret_rows, ret);
	if (status)
		return status;
	(*ret_rows)->row = onboard_row;
	(*ret_rows)->end = onboard_end;
	return 0;
}

struct search {
	const char *request;
	struct store_audit row; /* owned, when found */
	bool found;
};

static int search_push(void *userdata, const struct store_audit *row)
{
	struct search *s = userdata;

	if (s->found || strcmp(row->action, ACTION) != 0 || strcmp(row->object, s->request) != 0)
		return 0;
	s->row.at = row->at;
	s->row.detail = row->detail ? strdup(row->detail) : NULL;
	s->found = s->row.detail;
	return s->found ? 0 : -ENOMEM;
}

/* Its time and failures; 0, or the status of the problem in *ret. */
static unsigned int result_find(struct core *c, const char *team, const char *request,
				int64_t *ret_at, json_t **ret_failed, json_t **ret)
{
	struct search s = {.request = request};
	json_auto_t *detail = NULL;
	int r;

	r = c->store->ops->audit_page(c->store, team, 0, RESULTS_BACK, search_push, &s);
	if (r == 0 && !s.found)
		return core_problem(
			404, ret, "there is no result of a list %.36s, or it is too old", request);
	if (r == 0)
		r = core_json_load(s.row.detail, &detail);
	store_audit_done(&s.row);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, "cannot read the audit log", ret);
	*ret_at = s.row.at;
	*ret_failed = json_incref(json_object_get(detail, "failed"));
	return 0;
}

/* nRF Cloud's clients print every member as a text, so all are. */
unsigned int core_onboard_result(struct core *c, const struct core_owner *o, const char *request,
				 const char *base, json_t **ret)
{
	json_auto_t *failed = NULL;
	unsigned int status;
	bool is_good;
	int64_t at = 0;

	status = core_need_admin(o, ret);
	if (!status)
		status = result_find(c, o->team, request, &at, &failed, ret);
	if (status)
		return status;
	is_good = json_array_size(failed) == 0;
	*ret = json_pack("{s:s, s:s, s:s, s:o, s:o}", "bulkOpsRequestId", request, "endpoint",
			 "PROVISION_DEVICES", "status", is_good ? "SUCCEEDED" : "FAILED",
			 "requestedAt", core_json_time(at), "completedAt", core_json_time(at));
	if (!*ret ||
	    (!is_good && json_object_set_new(*ret, "errorSummaryUrl",
					     json_sprintf("%s/v1/bulk-ops-requests/%s/errors/%s",
							  base, request, o->team)) < 0))
		return core_fail_http(-ENOMEM, "cannot show a result", ret);
	return 200;
}

unsigned int core_onboard_errors(struct core *c, const char *team, const char *request,
				 json_t **ret)
{
	json_auto_t *failed = NULL, *errors = json_array();
	const json_t *item;
	unsigned int status;
	int64_t at = 0;
	size_t i;

	status = result_find(c, team, request, &at, &failed, ret);
	if (status)
		return status;
	json_array_foreach(failed, i, item)
	{
		json_int_t row = json_integer_value(json_object_get(item, "row"));
		const char *detail = json_string_value(json_object_get(item, "detail"));

		if (json_array_append_new(errors, json_sprintf("[%lld]: %s", (long long)row - 1,
							       detail ? detail : "")) < 0)
			return core_fail_http(-ENOMEM, "cannot show a result", ret);
	}
	*ret = json_pack("{s:O}", "errors", errors);
	return 200;
}
