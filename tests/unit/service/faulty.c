/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty.h"

static struct service_store_ops real, faulty;
static const char *fault;
static int fault_r;

#define WRAP(op, params, args)                                                                     \
	static int op##_fault params                                                               \
	{                                                                                          \
		return strcmp(fault, #op) == 0 ? fault_r : real.op args;                           \
	}                                                                                          \
	_Static_assert(1, "")

WRAP(begin, (struct service_store * s, enum store_txn_mode mode, const char *scope),
     (s, mode, scope));
WRAP(commit, (struct service_store * s), (s));
WRAP(device_get, (struct service_store * s, const char *uuid, struct store_device *ret),
     (s, uuid, ret));
WRAP(device_add, (struct service_store * s, const struct store_device *row), (s, row));
WRAP(device_update, (struct service_store * s, const struct store_device *row), (s, row));
WRAP(device_delete, (struct service_store * s, const char *uuid), (s, uuid));
WRAP(event_add, (struct service_store * s, const struct store_event *row), (s, row));
WRAP(audit_add, (struct service_store * s, const struct store_audit *row), (s, row));
WRAP(event_prune, (struct service_store * s, const char *device, size_t keep), (s, device, keep));
WRAP(command_add, (struct service_store * s, const struct store_command *row, int64_t *ret),
     (s, row, ret));
WRAP(command_update, (struct service_store * s, const struct store_command *row), (s, row));
WRAP(command_delete, (struct service_store * s, const char *device, const char *id),
     (s, device, id));
WRAP(rule_clear_applied, (struct service_store * s, const char *device), (s, device));
WRAP(rule_add, (struct service_store * s, const struct store_rule *row), (s, row));
WRAP(rule_update, (struct service_store * s, const struct store_rule *row), (s, row));
WRAP(rule_delete, (struct service_store * s, const char *team, const char *id), (s, team, id));
WRAP(tag_put, (struct service_store * s, const struct store_tag *row), (s, row));
WRAP(tag_delete, (struct service_store * s, const char *team, const char *tag), (s, team, tag));
WRAP(apikey_add, (struct service_store * s, const struct store_apikey *row), (s, row));
WRAP(apikey_delete, (struct service_store * s, const char *team, const char *id), (s, team, id));
WRAP(user_add, (struct service_store * s, const struct store_user *row), (s, row));
WRAP(user_update, (struct service_store * s, const struct store_user *row), (s, row));
WRAP(user_delete, (struct service_store * s, const char *team, const char *id), (s, team, id));
WRAP(session_prune, (struct service_store * s, int64_t now, const char *user), (s, now, user));
WRAP(shadow_put, (struct service_store * s, const char *device, const struct store_shadow *row),
     (s, device, row));
WRAP(identity_delete, (struct service_store * s, const char *uuid), (s, uuid));

void faulty_fail(const char *call, int r)
{
	fault = call;
	fault_r = r;
}

#define HOOK(op) faulty.op = op##_fault

void faulty_install(struct fixture *f)
{
	faulty_fail("", 0);
	real = faulty = *f->store->ops;
	HOOK(begin);
	HOOK(commit);
	HOOK(device_get);
	HOOK(device_add);
	HOOK(device_update);
	HOOK(device_delete);
	HOOK(event_add);
	HOOK(audit_add);
	HOOK(event_prune);
	HOOK(command_add);
	HOOK(command_update);
	HOOK(command_delete);
	HOOK(rule_clear_applied);
	HOOK(rule_add);
	HOOK(rule_update);
	HOOK(rule_delete);
	HOOK(tag_put);
	HOOK(tag_delete);
	HOOK(apikey_add);
	HOOK(apikey_delete);
	HOOK(user_add);
	HOOK(user_update);
	HOOK(user_delete);
	HOOK(session_prune);
	HOOK(shadow_put);
	HOOK(identity_delete);
	f->store->ops = &faulty;
}
