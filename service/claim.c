/* SPDX-License-Identifier: Apache-2.0 */

/* Binds a device to a team: the owner shows what only the device could have signed
 * (docs/protocol.md §2.3, §7.1). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "proto/attest.h"
#include "service/certificates.h"
#include "service/device_change.h"
#include "service/device_json.h"
#include "service/enroll.h"
#include "service/proof.h"

/* Who a token says that its device is. */
struct claimant {
	struct store_identity identity;
	bool is_new; /* known by a maker's certificate only: to be stored with the claim */
};

static unsigned int token_verify(struct core *c, const struct attest *a, const char *device,
				 struct claimant *ret_claimant, json_t **ret)
{
	struct claimant who = {.is_new = false};
	unsigned int status;
	int r;

	r = c->store->ops->identity_get(c->store, device, &who.identity);
	if (r < 0)
		return core_fail_http(r, "cannot read an identity", ret);
	if (r == STORE_E_NOT_FOUND) {
		who.is_new = true;
		status = enroll_vouch(c, a, device, &who.identity, ret);
		if (status)
			return status;
	}
	r = proof_attest(a, who.identity.spki);
	if (r < 0)
		return core_fail_http(r, "cannot verify a claim token", ret);
	if (r > 0 && who.is_new)
		return core_problem(422, ret,
				    "the claim token of device %s is not signed by the key of the "
				    "certificate in it",
				    device);
	if (r > 0) {
		status = enroll_differs(a, &who.identity, ret);
		if (status)
			return status;
		return core_problem(422, ret,
				    "the claim token is not signed by the identity key of device "
				    "%s",
				    device);
	}
	*ret_claimant = who;
	return 0;
}

/* A claim repeated by the same team: more tags join, nothing is lost. */
static int claim_again(struct core *c, struct store_device *row, const json_t *tags,
		       bool *ret_changed)
{
	json_auto_t *all = NULL;
	json_t *tag;
	char *text;
	size_t i, had;
	int r;

	r = core_json_load(row->tags, &all);
	if (r < 0)
		return r;
	had = json_array_size(all);
	json_array_foreach(tags, i, tag) if (!core_has_tag(all, json_string_value(tag)) &&
					     json_array_append(all, tag) < 0) return -ENOMEM;
	if (json_array_size(all) > TAGS_MAX)
		return -E2BIG;
	*ret_changed = json_array_size(all) > had;
	if (!*ret_changed)
		return 0;
	text = json_dumps(all, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	free(row->tags);
	row->tags = text;
	r = c->store->ops->device_update(c->store, row);
	return r > 0 ? -ENOENT : r;
}

static int claim_first(struct core *c, const struct core_owner *o, const struct attest *a,
		       const char *device, const json_t *tags, struct store_device *row)
{
	int r;

	snprintf(row->uuid, sizeof(row->uuid), "%s", device);
	snprintf(row->team, sizeof(row->team), "%s", o->team);
	uuid_format(a->firmware, row->firmware);
	row->device_type = a->device_type;
	row->claimed_at = clock_wall_s();
	row->tags = json_dumps(tags, JSON_COMPACT);
	if (!row->tags)
		return -ENOMEM;
	r = c->store->ops->device_add(c->store, row);
	return r > 0 ? -EEXIST : r;
}

/* What became of it, for the log and the timeline. */
static int claim_tell(struct core *c, const struct core_owner *o, const struct store_device *row,
		      const char *kind)
{
	json_auto_t *tags = NULL;
	int r;

	r = core_json_load(row->tags, &tags);
	if (r == 0)
		r = core_event(c, row->team, row->uuid, kind, NULL,
			       json_pack("{s:O}", "tags", tags));
	if (r == 0)
		r = core_audit(c, o, "device.claim", row->uuid, json_pack("{s:O}", "tags", tags));
	return r;
}

static unsigned int claim_store(struct core *c, const struct core_owner *o, const struct attest *a,
				const struct claimant *who, const json_t *tags, json_t **ret)
{
	const char *device = who->identity.uuid;
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	unsigned int status = 201;
	bool changed = true;
	int r;

	r = store_txn_begin(&t, c->store, STORE_WRITE, device);
	if (r < 0)
		return core_fail_http(r, "cannot claim", ret);
	if (who->is_new) {
		status = enroll_register(c, &who->identity, ret);
		if (status)
			return status;
		status = 201;
	}
	r = c->store->ops->device_get(c->store, device, &row);
	if (r < 0)
		return core_fail_http(r, "cannot read a device", ret);
	if (r == 0 && strcmp(row.team, o->team) != 0)
		return core_problem(409, ret,
				    "device %s is claimed by another team, which has to unclaim it "
				    "first",
				    device);
	if (r == 0) {
		status = 200;
		r = claim_again(c, &row, tags, &changed);
		if (r == -E2BIG)
			return core_problem(422, ret, "device %s would have more than %d tags",
					    device, TAGS_MAX);
	} else {
		r = claim_first(c, o, a, device, tags, &row);
	}
	if (r == 0 && changed)
		r = claim_tell(c, o, &row, status == 201 ? "claimed" : "tagged");
	if (r == 0)
		r = store_txn_commit(&t);
	if (r < 0)
		return core_fail_http(r, "cannot store a claim", ret);
	log_info("device=%s team=%s claim=%s", device, o->team,
		 status == 201 ? "made" : "repeated");
	*ret = device_json_claimed(&row);
	return status;
}

unsigned int core_claim(struct core *c, const struct core_owner *o, const json_t *body,
			json_t **ret)
{
	const json_t *token = json_object_get(body, "claimToken");
	json_t *given = json_object_get(body, "tags");
	json_auto_t *tags = NULL;
	_cleanup_(freep) char *detail = NULL;
	char device[CORE_UUID_TEXT];
	struct claimant who = {.is_new = false};
	unsigned int status;
	struct attest a;
	int r;

	status = core_need_write(o, ret);
	if (status)
		return status;
	if (!json_is_string(token))
		return core_problem(422, ret, "claimToken must be a text");
	tags = given ? core_tags(given, &detail) : json_array();
	if (!tags)
		return core_problem(422, ret, "%s", detail ? detail : "tags cannot be read");
	r = attest_parse(json_string_value(token), json_string_length(token), &a);
	if (r < 0)
		return core_fail_http(r, "cannot read a claim token", ret);
	if (r > 0)
		return core_problem(422, ret,
				    "claimToken is not an attestation token: copy all of it, both "
				    "parts and the dot between them");
	uuid_format(a.uuid, device);
	status = token_verify(c, &a, device, &who, ret);
	if (status)
		return status;
	return claim_store(c, o, &a, &who, tags, ret);
}

unsigned int core_unclaim(struct core *c, const struct core_owner *o, const char *device,
			  json_t **ret)
{
	_cleanup_(device_change_done) struct device_change ch = {.core = c};
	unsigned int status;
	int r;

	status = core_need_write(o, ret);
	if (!status)
		status = device_change_open(c, o, device, &ch, ret);
	if (status)
		return status;
	r = certificates_revoke_all(c, &ch.row, CERTIFICATE_CESSATION_OF_OPERATION);
	if (r == 0)
		r = c->store->ops->device_delete(c->store, ch.row.uuid);
	if (r == 0)
		r = c->store->ops->event_prune(c->store, ch.row.uuid, 0);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, "cannot unclaim", ret);
	status = device_change_commit(&ch, "device.unclaim", "unclaimed", NULL, ret);
	if (status)
		return status;
	*ret = NULL;
	return 204;
}
