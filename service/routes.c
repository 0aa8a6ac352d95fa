/* SPDX-License-Identifier: Apache-2.0 */
#include "service/routes.h"

static unsigned int claim(const struct router_call *c, struct answer *ret)
{
	return core_claim(c->core, c->owner, c->body, &ret->json);
}

static unsigned int claimed_list(const struct router_call *c, struct answer *ret)
{
	return core_claimed_list(c->core, c->owner, &ret->json);
}

static unsigned int unclaim(const struct router_call *c, struct answer *ret)
{
	return core_unclaim(c->core, c->owner, c->params->device, &ret->json);
}

static unsigned int command_add(const struct router_call *c, struct answer *ret)
{
	return core_command_add(c->core, c->owner, c->params->device, c->body, &ret->json);
}

static unsigned int command_list(const struct router_call *c, struct answer *ret)
{
	return core_command_list(c->core, c->owner, c->params->device, &ret->json);
}

static unsigned int command_get(const struct router_call *c, struct answer *ret)
{
	return core_command_get(c->core, c->owner, c->params->device, c->params->command,
				&ret->json);
}

static unsigned int device_list(const struct router_call *c, struct answer *ret)
{
	return core_device_list(c->core, c->owner, &ret->json);
}

static unsigned int device_get(const struct router_call *c, struct answer *ret)
{
	return core_device_get(c->core, c->owner, c->params->device, &ret->json);
}

static unsigned int device_state_patch(const struct router_call *c, struct answer *ret)
{
	return core_device_state_patch(c->core, c->owner, c->params->device, c->body, &ret->json);
}

static unsigned int rule_add(const struct router_call *c, struct answer *ret)
{
	return core_rule_add(c->core, c->owner, c->body, &ret->json);
}

static unsigned int rule_list(const struct router_call *c, struct answer *ret)
{
	return core_rule_list(c->core, c->owner, &ret->json);
}

static unsigned int account(const struct router_call *c, struct answer *ret)
{
	return core_account(c->core, c->owner, &ret->json);
}

#define CLAIMED "/v1/claimed-devices"
#define CLAIMED_OTHER "/v1/identities/claimed-devices"

static const struct router_route routes[] = {
	{"POST", CLAIMED, ROLE_EDITOR, BODY_JSON, 0, 0, claim},
	{"GET", CLAIMED, ROLE_VIEWER, 0, 0, 0, claimed_list},
	{"POST", CLAIMED_OTHER, ROLE_EDITOR, BODY_JSON, 0, 0, claim},
	{"GET", CLAIMED_OTHER, ROLE_VIEWER, 0, 0, 0, claimed_list},
	{"DELETE", CLAIMED "/{id}", ROLE_EDITOR, 0, 0, 0, unclaim},
	{"POST", CLAIMED "/{id}/provisioning", ROLE_EDITOR, BODY_JSON, 0, 0, command_add},
	{"GET", CLAIMED "/{id}/provisioning", ROLE_VIEWER, 0, 0, 0, command_list},
	{"GET", CLAIMED "/{id}/provisioning/{cmdId}", ROLE_VIEWER, 0, 0, 0, command_get},
	{"GET", "/v1/devices", ROLE_VIEWER, 0, 0, 0, device_list},
	{"GET", "/v1/devices/{id}", ROLE_VIEWER, 0, 0, 0, device_get},
	{"PATCH", "/v1/devices/{id}/state", ROLE_EDITOR, BODY_JSON, 0, 0, device_state_patch},
	{"POST", "/v1/provisioning-rules", ROLE_EDITOR, BODY_JSON, 0, 0, rule_add},
	{"GET", "/v1/provisioning-rules", ROLE_VIEWER, 0, 0, 0, rule_list},
	{"GET", "/v1/account", ROLE_VIEWER, 0, 0, 0, account},
};

const struct router routes_owner = {routes, ARRAY_SIZE(routes)};
