/* SPDX-License-Identifier: Apache-2.0 */

/* An operator's end of an identity: the device is unknown afterwards. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "service/certificates.h"
#include "service/core_private.h"

static int refuse_claimed(struct core *c, const struct store_device *row, char **ret_detail)
{
	_cleanup_(store_team_done) struct store_team team = {.name = NULL};
	int r = c->store->ops->team_get(c->store, row->team, &team);

	if (r < 0)
		return r;
	core_detail(ret_detail,
		    "device %s is claimed by the team '%s': let them unclaim it, or end the claim "
		    "together with the identity (--unclaim)",
		    row->uuid, r == 0 ? team.name : row->team);
	return CORE_IDENTITY_CLAIMED;
}

/* As an owner's unclaim, told in the same places. */
static int unclaim(struct core *c, const struct store_device *row)
{
	struct core_owner console;
	int r = certificates_revoke_all(c, row, CERTIFICATE_CESSATION_OF_OPERATION);

	core_at_the_console(row->team, &console);
	if (r == 0)
		r = c->store->ops->device_delete(c->store, row->uuid);
	if (r == 0)
		r = c->store->ops->event_prune(c->store, row->uuid, 0);
	if (r == 0)
		r = core_event(c, row->team, row->uuid, "unclaimed", NULL, NULL);
	if (r == 0)
		r = core_audit(c, &console, "identity.remove", row->uuid, NULL);
	return r > 0 ? -ENOENT : r;
}

static int end_claim(struct core *c, const char *uuid, bool may_unclaim, char **ret_detail)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	int r = c->store->ops->device_get(c->store, uuid, &row);

	if (r != 0)
		return r < 0 ? r : 0;
	return may_unclaim ? unclaim(c, &row) : refuse_claimed(c, &row, ret_detail);
}

int core_identity_remove(struct core *c, const char *device, bool may_unclaim, char **ret_detail)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	char uuid[CORE_UUID_TEXT];
	int r;

	if (core_uuid_normal(device, uuid) < 0)
		return CORE_IDENTITY_UNKNOWN;
	r = store_txn_begin(&t, c->store, STORE_WRITE, uuid);
	if (r == 0)
		r = end_claim(c, uuid, may_unclaim, ret_detail);
	if (r == 0)
		r = c->store->ops->identity_delete(c->store, uuid);
	if (r == STORE_E_NOT_FOUND)
		return CORE_IDENTITY_UNKNOWN;
	if (r == 0)
		r = store_txn_commit(&t);
	if (r == 0)
		log_notice("device=%s action=identity.remove", uuid);
	return r;
}
