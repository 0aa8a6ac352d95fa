/* SPDX-License-Identifier: Apache-2.0 */
/* What `onboardctl check` wants to know of the inside of a running agent. */

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/internal.h"
#include "agent/timewatch.h"

static const char *sealing_of(const struct config *c)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	if (credentials &&
	    (size_t)snprintf(path, sizeof(path), "%s/onboardd.seal", credentials) < sizeof(path) &&
	    access(path, F_OK) == 0)
		return "credential";
	return c->seal_uri ? "token" : "file";
}

/* The running agent has the key in memory; it is its next start that needs the file. */
static bool is_sealing_file_gone(const struct config *c)
{
	const char *names[] = {"seal.key", "seal.wrapped"};
	bool is_there = false;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[PATH_MAX];

		if ((size_t)snprintf(path, sizeof(path), "%s/%s", c->state_dir, names[i]) <
		    sizeof(path))
			is_there = is_there || access(path, F_OK) == 0;
	}
	return !is_there;
}

json_t *agent_facts_json(struct agent *a)
{
	const struct config *c = a->config;
	const char *sealing = sealing_of(c);
	json_t *json;

	json = json_pack("{s:s, s:i, s:s, s:s, s:s, s:b, s:b, s:I, s:s, s:s, s:b, s:b}", "server",
			 c->server, "port", c->port, "address", c->address ? c->address : "",
			 "state_directory", c->state_dir, "root_ca", a->ca_pem,
			 "wait_for_default_route", c->network_wait, "require_sync",
			 c->time_require_sync, "time_floor", (json_int_t)timewatch_floor(a->store),
			 "identity_key", c->key_uri ? "token" : "store", "sealing", sealing,
			 "sealing_file_gone",
			 strcmp(sealing, "credential") != 0 && is_sealing_file_gone(c), "wifi",
			 c->wifi_enable);
	return json;
}
