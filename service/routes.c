/* SPDX-License-Identifier: Apache-2.0 */
#include "service/routes.h"

#include "service/core_owner.h"
#include "service/device_http.h"
#include "service/portal.h"
#include "service/routes_private.h"

/* Most handlers hand on what the request says, and nothing else: one line each. */
#define HANDLER(name, call)                                                                        \
	static unsigned int name(const struct router_call *c, struct answer *ret)                  \
	{                                                                                          \
		return call;                                                                       \
	}                                                                                          \
	_Static_assert(1, "")

static struct core_list list_of(const struct router_call *c)
{
	return (struct core_list){
		.limit = c->query[QUERY_PAGE_LIMIT],
		.token = c->query[QUERY_PAGE_TOKEN],
		.search = c->query[QUERY_SEARCH],
		.tag = c->query[QUERY_TAG],
		.status = c->query[QUERY_STATUS],
	};
}

#define OWNER c->core, c->owner
#define DEVICE c->core, c->owner, c->params->device

static unsigned int claim(const struct router_call *c, struct answer *ret)
{
	if (c->kind == BODY_CSV)
		return routes_claim_rows(c, ret);
	return core_claim(OWNER, c->body, &ret->json);
}

static unsigned int claimed_list(const struct router_call *c, struct answer *ret)
{
	struct core_list list = list_of(c);

	return core_claimed_list(OWNER, &list, &ret->json);
}

static unsigned int timeline(const struct router_call *c, struct answer *ret)
{
	struct core_list list = list_of(c);

	return core_timeline(DEVICE, &list, &ret->json);
}

static unsigned int device_list(const struct router_call *c, struct answer *ret)
{
	struct core_list list = list_of(c);

	return core_device_list(OWNER, &list, &ret->json);
}

static unsigned int audit_list(const struct router_call *c, struct answer *ret)
{
	struct core_list list = list_of(c);

	return core_audit_list(OWNER, &list, &ret->json);
}

HANDLER(claimed_get, core_claimed_get(DEVICE, &ret->json));
HANDLER(device_change, core_device_change(DEVICE, c->body, &ret->json));
HANDLER(unclaim, core_unclaim(DEVICE, &ret->json));
HANDLER(reset, core_device_reset(DEVICE, &ret->json));
HANDLER(block, core_device_block(DEVICE, true, &ret->json));
HANDLER(unblock, core_device_block(DEVICE, false, &ret->json));
HANDLER(transfer, core_transfer(DEVICE, c->body, &ret->json));
HANDLER(command_add, core_command_add(DEVICE, c->body, &ret->json));
HANDLER(command_list, core_command_list(DEVICE, &ret->json));
HANDLER(command_get, core_command_get(DEVICE, c->params->command, &ret->json));
HANDLER(command_delete, core_command_delete(DEVICE, c->params->command, &ret->json));
HANDLER(device_get, core_device_get(DEVICE, &ret->json));
HANDLER(state_get, core_device_state_get(DEVICE, &ret->json));
HANDLER(state_patch, core_device_state_patch(DEVICE, c->body, &ret->json));
HANDLER(certificate_list, core_certificate_list(DEVICE, &ret->json));
HANDLER(certificate_revoke,
	core_certificate_revoke(DEVICE, c->params->serial, c->body, &ret->json));
HANDLER(rule_add, core_rule_add(OWNER, c->body, &ret->json));
HANDLER(rule_list, core_rule_list(OWNER, &ret->json));
HANDLER(rule_get, core_rule_get(OWNER, c->params->rule, &ret->json));
HANDLER(rule_put, core_rule_put(OWNER, c->params->rule, c->body, &ret->json));
HANDLER(rule_delete, core_rule_delete(OWNER, c->params->rule, &ret->json));
HANDLER(tag_list, core_tag_list(OWNER, &ret->json));
HANDLER(tag_add, core_tag_add(OWNER, c->body, &ret->json));
HANDLER(tag_delete, core_tag_delete(OWNER, c->params->tag, &ret->json));
HANDLER(account, core_account(OWNER, &ret->json));
HANDLER(key_list, core_apikey_list(OWNER, &ret->json));
HANDLER(key_add, core_apikey_add(OWNER, c->body, &ret->json));
HANDLER(key_delete, core_apikey_delete(OWNER, c->params->key, &ret->json));
HANDLER(user_list, core_user_list(OWNER, &ret->json));
HANDLER(user_delete, core_user_delete(OWNER, c->params->user, &ret->json));

#define CLAIMED "/v1/claimed-devices"
#define CLAIMED_OTHER "/v1/identities/claimed-devices"
#define ONE CLAIMED "/{id}"
#define RULES "/v1/provisioning-rules"
#define TAGS "/v1/provisioning/tags"
#define BULK "/v1/bulk-ops-requests/{requestId}"

#define VERSIONS (QUERY(QUERY_MVER) | QUERY(QUERY_CVER) | QUERY(QUERY_DVER))
#define FETCH                                                                                      \
	(QUERY(QUERY_AFTER) | QUERY(QUERY_RX_MAX) | QUERY(QUERY_TX_MAX) | QUERY(QUERY_LIMIT) |     \
	 VERSIONS)
#define REPORTED "/v1/device/state/reported"
#define DESIRED "/v1/device/state/desired"

#define CSV_MAX ((size_t)8 << 20) /* 1,000 rows of the longest claim token, and their tags */
#define DEVICES_QUERY (QUERY_PAGE | QUERY(QUERY_SEARCH) | QUERY(QUERY_TAG) | QUERY(QUERY_STATUS))

/* method, pattern, least role, bodies, their limit, query, handler */
static const struct router_route routes[] = {
	/* claims */
	{"POST", CLAIMED, ROLE_EDITOR, BODY_JSON | BODY_CSV, CSV_MAX, 0, claim},
	{"GET", CLAIMED, ROLE_VIEWER, 0, 0, DEVICES_QUERY, claimed_list},
	{"POST", CLAIMED_OTHER, ROLE_EDITOR, BODY_JSON | BODY_CSV, CSV_MAX, 0, claim},
	{"GET", CLAIMED_OTHER, ROLE_VIEWER, 0, 0, DEVICES_QUERY, claimed_list},
	{"GET", ONE, ROLE_VIEWER, 0, 0, 0, claimed_get},
	{"PATCH", ONE, ROLE_EDITOR, BODY_JSON, 0, 0, device_change},
	{"DELETE", ONE, ROLE_EDITOR, 0, 0, 0, unclaim},
	{"POST", ONE "/reset", ROLE_EDITOR, 0, 0, 0, reset},
	{"POST", ONE "/block", ROLE_EDITOR, 0, 0, 0, block},
	{"POST", ONE "/unblock", ROLE_EDITOR, 0, 0, 0, unblock},
	{"POST", ONE "/transfer", ROLE_ADMIN, BODY_JSON, 0, 0, transfer},
	{"GET", ONE "/events", ROLE_VIEWER, 0, 0, QUERY_PAGE, timeline},
	{"POST", ONE "/provisioning", ROLE_EDITOR, BODY_JSON, 0, 0, command_add},
	{"GET", ONE "/provisioning", ROLE_VIEWER, 0, 0, 0, command_list},
	{"GET", ONE "/provisioning/{cmdId}", ROLE_VIEWER, 0, 0, 0, command_get},
	{"DELETE", ONE "/provisioning/{cmdId}", ROLE_EDITOR, 0, 0, 0, command_delete},
	{"GET", ONE "/certificates", ROLE_VIEWER, 0, 0, 0, certificate_list},
	{"POST", ONE "/certificates/{serial}/revoke", ROLE_ADMIN, BODY_JSON | BODY_OPTIONAL, 0, 0,
	 certificate_revoke},
	/* rules and tags */
	{"POST", RULES, ROLE_EDITOR, BODY_JSON, 0, 0, rule_add},
	{"GET", RULES, ROLE_VIEWER, 0, 0, 0, rule_list},
	{"GET", RULES "/{ruleId}", ROLE_VIEWER, 0, 0, 0, rule_get},
	{"PUT", RULES "/{ruleId}", ROLE_EDITOR, BODY_JSON, 0, 0, rule_put},
	{"DELETE", RULES "/{ruleId}", ROLE_EDITOR, 0, 0, 0, rule_delete},
	{"GET", TAGS, ROLE_VIEWER, 0, 0, 0, tag_list},
	{"POST", TAGS, ROLE_EDITOR, BODY_JSON, 0, 0, tag_add},
	{"DELETE", TAGS "/{tag}", ROLE_EDITOR, 0, 0, 0, tag_delete},
	/* devices as they are managed */
	{"GET", "/v1/devices", ROLE_VIEWER, 0, 0, DEVICES_QUERY, device_list},
	{"POST", "/v1/devices", ROLE_ADMIN, BODY_CSV | BODY_OCTETS, CSV_MAX, 0,
	 routes_onboard_rows},
	{"GET", "/v1/devices/{id}", ROLE_VIEWER, 0, 0, 0, device_get},
	{"PUT", "/v1/devices/{id}/name", ROLE_EDITOR, BODY_JSON | BODY_ANY_JSON, 0, 0,
	 routes_device_name},
	{"GET", "/v1/devices/{id}/state", ROLE_VIEWER, 0, 0, 0, state_get},
	{"PATCH", "/v1/devices/{id}/state", ROLE_EDITOR, BODY_JSON, 0, 0, state_patch},
	{"GET", BULK, ROLE_ADMIN, 0, 0, 0, routes_onboard_result},
	{"GET", BULK "/errors/{tenantId}", ROLE_PUBLIC, 0, 0, 0, routes_onboard_errors},
	/* the team */
	{"GET", "/v1/account", ROLE_VIEWER, 0, 0, 0, account},
	{"GET", "/v1/api-keys", ROLE_ADMIN, 0, 0, 0, key_list},
	{"POST", "/v1/api-keys", ROLE_ADMIN, BODY_JSON, 0, 0, key_add},
	{"DELETE", "/v1/api-keys/{keyId}", ROLE_ADMIN, 0, 0, 0, key_delete},
	{"GET", "/v1/users", ROLE_ADMIN, 0, 0, 0, user_list},
	{"POST", "/v1/users", ROLE_ADMIN, BODY_JSON, 0, 0, portal_user_add},
	{"PATCH", "/v1/users/{userId}", ROLE_ADMIN, BODY_JSON, 0, 0, portal_user_change},
	{"DELETE", "/v1/users/{userId}", ROLE_ADMIN, 0, 0, 0, user_delete},
	{"GET", "/v1/audit", ROLE_ADMIN, 0, 0, QUERY_PAGE, audit_list},
	/* Public rows find out for themselves who is signed in. */
	{"GET", "/", ROLE_PUBLIC, 0, 0, 0, portal_redirect},
	{"GET", "/portal", ROLE_PUBLIC, 0, 0, 0, portal_redirect},
	{"POST", "/v1/session", ROLE_PUBLIC, BODY_JSON, 0, 0, portal_session_create},
	{"GET", "/v1/session", ROLE_PUBLIC, 0, 0, 0, portal_session_get},
	{"DELETE", "/v1/session", ROLE_PUBLIC, 0, 0, 0, portal_session_delete},
	{"GET", "/v1/events", ROLE_VIEWER, 0, 0, QUERY(QUERY_AFTER), portal_events},
	/* devices: the twins of what device_dispatch.c has (proto/twin.h) */
	{"POST", "/v1/provisioning/auth-jwt", ROLE_DEVICE, 0, 0, VERSIONS, device_http},
	{"GET", "/v1/provisioning/commands", ROLE_DEVICE, 0, 0, FETCH, device_http},
	{"POST", "/v1/provisioning/response", ROLE_DEVICE, BODY_CBOR, BODY_MAX, VERSIONS,
	 device_http},
	{"POST", "/v1/device/auth/jwt", ROLE_DEVICE, 0, 0, VERSIONS, device_http},
	{"GET", "/v1/device/state", ROLE_DEVICE, 0, 0, QUERY(QUERY_DELTA), device_http},
	{"PATCH", REPORTED, ROLE_DEVICE, BODY_CBOR | BODY_JSON, BODY_MAX, 0, device_http},
	{"PATCH", DESIRED, ROLE_DEVICE, BODY_CBOR | BODY_JSON, BODY_MAX, 0, device_http},
	/* whoever asks */
	{"GET", "/v1/ca/certificate", ROLE_PUBLIC, 0, 0, 0, routes_ca_certificate},
	{"GET", "/v1/ca/crl", ROLE_PUBLIC, 0, 0, 0, routes_ca_crl},
	{"GET", "/v1/openapi.json", ROLE_PUBLIC, 0, 0, 0, routes_openapi},
	{"GET", "/health/live", ROLE_PUBLIC, 0, 0, 0, routes_health_live},
	{"GET", "/health/ready", ROLE_PUBLIC, 0, 0, 0, routes_health_ready},
};

const struct router routes_owner = {routes, ARRAY_SIZE(routes)};
