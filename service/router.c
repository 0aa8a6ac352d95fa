/* SPDX-License-Identifier: Apache-2.0 */
#include "service/router.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static unsigned int claim(const struct router_call *c, json_t **ret)
{
	return core_claim(c->core, c->owner, c->body, ret);
}

static unsigned int claimed_list(const struct router_call *c, json_t **ret)
{
	return core_claimed_list(c->core, c->owner, ret);
}

static unsigned int unclaim(const struct router_call *c, json_t **ret)
{
	return core_unclaim(c->core, c->owner, c->params->device, ret);
}

static unsigned int command_add(const struct router_call *c, json_t **ret)
{
	return core_command_add(c->core, c->owner, c->params->device, c->body, ret);
}

static unsigned int command_list(const struct router_call *c, json_t **ret)
{
	return core_command_list(c->core, c->owner, c->params->device, ret);
}

static unsigned int command_get(const struct router_call *c, json_t **ret)
{
	return core_command_get(c->core, c->owner, c->params->device, c->params->command, ret);
}

static unsigned int device_list(const struct router_call *c, json_t **ret)
{
	return core_device_list(c->core, c->owner, ret);
}

static unsigned int device_get(const struct router_call *c, json_t **ret)
{
	return core_device_get(c->core, c->owner, c->params->device, ret);
}

static unsigned int device_state_patch(const struct router_call *c, json_t **ret)
{
	return core_device_state_patch(c->core, c->owner, c->params->device, c->body, ret);
}

static unsigned int rule_add(const struct router_call *c, json_t **ret)
{
	return core_rule_add(c->core, c->owner, c->body, ret);
}

static unsigned int rule_list(const struct router_call *c, json_t **ret)
{
	return core_rule_list(c->core, c->owner, ret);
}

static unsigned int account(const struct router_call *c, json_t **ret)
{
	return core_account(c->core, c->owner, ret);
}

#define CLAIMED "/v1/claimed-devices"
#define CLAIMED_OTHER "/v1/identities/claimed-devices"

/* All that owners may do. */
static const struct router_route routes[] = {
	{"POST", CLAIMED, ROLE_EDITOR, true, claim},
	{"GET", CLAIMED, ROLE_VIEWER, false, claimed_list},
	{"POST", CLAIMED_OTHER, ROLE_EDITOR, true, claim},
	{"GET", CLAIMED_OTHER, ROLE_VIEWER, false, claimed_list},
	{"DELETE", CLAIMED "/{id}", ROLE_EDITOR, false, unclaim},
	{"POST", CLAIMED "/{id}/provisioning", ROLE_EDITOR, true, command_add},
	{"GET", CLAIMED "/{id}/provisioning", ROLE_VIEWER, false, command_list},
	{"GET", CLAIMED "/{id}/provisioning/{cmdId}", ROLE_VIEWER, false, command_get},
	{"GET", "/v1/devices", ROLE_VIEWER, false, device_list},
	{"GET", "/v1/devices/{id}", ROLE_VIEWER, false, device_get},
	{"PATCH", "/v1/devices/{id}/state", ROLE_EDITOR, true, device_state_patch},
	{"POST", "/v1/provisioning-rules", ROLE_EDITOR, true, rule_add},
	{"GET", "/v1/provisioning-rules", ROLE_VIEWER, false, rule_list},
	{"GET", "/v1/account", ROLE_VIEWER, false, account},
};

enum router_role router_role_parse(const char *text)
{
	static const struct {
		const char *text;
		enum router_role role;
	} roles[] = {
		{"viewer", ROLE_VIEWER},
		{"editor", ROLE_EDITOR},
		{"admin", ROLE_ADMIN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (strcmp(roles[i].text, text) == 0)
			return roles[i].role;
	return ROLE_NONE;
}

static bool take_device(const char *segment, size_t len, struct router_params *params)
{
	uint8_t uuid[UUID_LEN];

	if (uuid_parse(segment, len, uuid) < 0)
		return false;
	uuid_format(uuid, params->device);
	return true;
}

static bool take_command(const char *segment, size_t len, struct router_params *params)
{
	if (len == 0 || len > CORRELATION_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = segment[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    c != '.' && c != '-' && c != '_')
			return false;
	}
	memcpy(params->command, segment, len);
	params->command[len] = '\0';
	return true;
}

static bool is_segment(const char *segment, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(segment, text, len) == 0;
}

/* Whether path has the shape of pattern; *ret_ok is false when a parameter is not what it must be.
 */
static bool path_matches(const char *pattern, const char *path, struct router_params *params,
			 bool *ret_ok)
{
	*ret_ok = true;
	for (;;) {
		size_t p = strcspn(pattern, "/"), n = strcspn(path, "/");

		if (is_segment(pattern, p, "{id}"))
			*ret_ok = take_device(path, n, params) && *ret_ok;
		else if (is_segment(pattern, p, "{cmdId}"))
			*ret_ok = take_command(path, n, params) && *ret_ok;
		else if (p != n || memcmp(pattern, path, n) != 0)
			return false;
		pattern += p;
		path += n;
		if (!*pattern || !*path)
			return *pattern == *path;
		pattern++;
		path++;
	}
}

enum router_verdict router_find(const char *method, const char *path,
				const struct router_route **ret_route,
				struct router_params *ret_params,
				char ret_allow[static ROUTER_ALLOW_MAX])
{
	size_t allow_len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		struct router_params params = {0};
		bool ok;

		if (!path_matches(routes[i].pattern, path, &params, &ok))
			continue;
		if (strcmp(routes[i].method, method) == 0) {
			*ret_route = &routes[i];
			*ret_params = params;
			return ok ? ROUTER_FOUND : ROUTER_BAD_PARAMETER;
		}
		allow_len += (size_t)snprintf(ret_allow + allow_len, ROUTER_ALLOW_MAX - allow_len,
					      "%s%s", allow_len > 0 ? ", " : "", routes[i].method);
	}
	return allow_len > 0 ? ROUTER_NO_METHOD : ROUTER_NO_PATH;
}
