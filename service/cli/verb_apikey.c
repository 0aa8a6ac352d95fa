/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/log.h"
#include "base/secret.h"
#include "service/cli/state.h"
#include "service/cli/verbs.h"
#include "service/router.h"

static int create(const char *dir, const char *store, const char *team, const char *role,
		  const char *name)
{
	_cleanup_(state_close) struct state state = {0};
	char key[64] = "";
	int r;

	r = state_open(dir, store, true, (struct core_config){0}, &state);
	if (r != 0)
		return r;
	r = core_apikey_create(state.core, team, role, name, key);
	if (r == -EINVAL)
		return verb_usage("apikey create: a team and a name are short texts in UTF-8");
	if (r != 0) {
		log_error("apikey create: %s", strerror(r < 0 ? -r : EINVAL));
		return EXIT_CODE_STORE;
	}
	r = puts(key) >= 0 && fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
	secret_wipe(key, sizeof(key));
	return r;
}

int verb_apikey(int argc, char **argv)
{
	const char *dir = NULL, *store = NULL, *team = "default", *role = "admin",
		   *name = "unnamed";
	const struct option_place options[] = {
		{"state", .text = &dir}, {"store", .text = &store}, {"team", .text = &team},
		{"role", .text = &role}, {"name", .text = &name},
	};

	if (verb_options(argc, argv, options, ARRAY_SIZE(options)) != 0)
		return EXIT_CODE_USAGE;
	if (argc - optind != 1 || strcmp(argv[optind], "create") != 0)
		return verb_usage("apikey: the one thing it does is create");
	if (!dir && !store)
		return verb_usage("apikey create: --state or --store is needed");
	if (router_role_parse(role) == ROLE_NONE)
		return verb_usage("apikey create: --role is viewer, editor or admin, not %s", role);
	if (!*team)
		return verb_usage("apikey create: --team must not be empty");
	return create(dir, store, team, role, name);
}
