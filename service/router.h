/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The table of the owner side: method, path pattern, least role, what to call. Pure: finds the row
 * for a request and takes the parameters out of its path. What no row names does not exist. */

#include <stdbool.h>
#include <stddef.h>

#include "proto/limits.h"
#include "service/core.h"

enum router_role {
	ROLE_NONE, /* a role that we do not know may do nothing */
	ROLE_VIEWER,
	ROLE_EDITOR,
	ROLE_ADMIN,
};

enum router_role router_role_parse(const char *text);

struct router_params {
	char device[CORE_UUID_TEXT];       /* {id}: lower-case UUID */
	char command[CORRELATION_MAX + 1]; /* {cmdId} */
};

struct router_call {
	struct core *core;
	const struct core_owner *owner;
	const struct router_params *params;
	const json_t *body; /* NULL for routes without one */
};

struct router_route {
	const char *method;
	const char *pattern; /* segments {id} and {cmdId} are parameters */
	enum router_role role;
	bool has_body;
	unsigned int (*run)(const struct router_call *call, json_t **ret);
};

#define ROUTER_ALLOW_MAX 64

enum router_verdict {
	ROUTER_FOUND,
	ROUTER_NO_PATH,       /* 404 */
	ROUTER_NO_METHOD,     /* 405, ret_allow names the methods */
	ROUTER_BAD_PARAMETER, /* 400: {id} is not a UUID, or {cmdId} not an id */
};

/* path is what the client sent, undecoded, without its query. ret_route is set for FOUND and
 * BAD_PARAMETER. */
enum router_verdict router_find(const char *method, const char *path,
				const struct router_route **ret_route,
				struct router_params *ret_params,
				char ret_allow[static ROUTER_ALLOW_MAX]);
