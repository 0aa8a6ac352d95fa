/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/log.h"
#include "base/secret.h"
#include "service/apikey.h"
#include "service/cli/password_input.h"
#include "service/cli/state.h"
#include "service/cli/verbs.h"
#include "service/password.h"
#include "service/router.h"
#include "service/users_admin.h"

struct options {
	const char *dir, *store, *team, *role, *name, *password_file;
	bool generate, json;
};

static int fail(const char *what, const char *name, int r)
{
	if (r == USERS_ADMIN_E_EXISTS)
		log_error("user %s: there is a user %s already; names are unique over all teams",
			  what, name);
	else if (r == USERS_ADMIN_E_NOT_FOUND)
		log_error("user %s: there is no user %s", what, name);
	else if (r == -EINVAL)
		log_error("user %s: a team is a short text in UTF-8", what);
	else
		log_error("user %s: %s", what, strerror(-r));
	return r > 0 || r == -EINVAL ? EXIT_CODE_FAILED : EXIT_CODE_STORE;
}

/* Printed once all is written, and kept nowhere. */
static int tell(const struct options *o, const char *generated)
{
	if (o->generate && (puts(generated) < 0 || fflush(stdout) != 0))
		return EXIT_CODE_FAILED;
	return EXIT_CODE_DONE;
}

static int choose(const struct options *o, char generated[static PASSWORD_GENERATED_TEXT],
		  char ret_hash[static PASSWORD_TEXT])
{
	_cleanup_(secret_done) struct secret password = SECRET_INIT;
	int r;

	if (o->generate) {
		password_generate(generated);
		r = secret_set(&password, generated, strlen(generated));
	} else {
		r = password_input(o->password_file, &password);
		if (r > 0)
			return r;
	}
	if (r == 0)
		r = password_hash((const char *)password.data, password.len, PASSWORD_LOG2_N,
				  ret_hash);
	if (r == 0)
		return 0;
	log_error("cannot hash the password: %s", strerror(-r));
	return EXIT_CODE_FAILED;
}

static int create(struct core *core, const struct options *o)
{
	char generated[PASSWORD_GENERATED_TEXT] = "", hash[PASSWORD_TEXT];
	int r;

	r = choose(o, generated, hash);
	if (r != 0)
		return r;
	r = users_admin_create(core, o->team, o->role, o->name, hash);
	r = r == 0 ? tell(o, generated) : fail("create", o->name, r);
	secret_wipe(generated, sizeof(generated));
	return r;
}

static int passwd(struct core *core, const struct options *o)
{
	char generated[PASSWORD_GENERATED_TEXT] = "", hash[PASSWORD_TEXT];
	int r;

	r = choose(o, generated, hash);
	if (r != 0)
		return r;
	r = users_admin_passwd(core, o->name, hash);
	r = r == 0 ? tell(o, generated) : fail("passwd", o->name, r);
	secret_wipe(generated, sizeof(generated));
	return r;
}

static int remove_user(struct core *core, const struct options *o)
{
	int r = users_admin_remove(core, o->name);

	return r == 0 ? EXIT_CODE_DONE : fail("remove", o->name, r);
}

/* Names may come from REST: what steers a terminal stays out of it. */
static void print_field(const json_t *user, const char *name, char end)
{
	const char *text = json_string_value(json_object_get(user, name));

	for (const char *p = text ? text : "-"; *p; p++)
		putchar((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\xc2' ? '?' : *p);
	putchar(end);
}

static int list(struct core *core, const struct options *o)
{
	json_auto_t *users = NULL;
	const json_t *user;
	size_t i;
	int r;

	r = users_admin_list(core, &users);
	if (r != 0)
		return fail("list", "", r);
	if (o->json) {
		r = json_dumpf(users, stdout, JSON_INDENT(2));
		return r == 0 && puts("") >= 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
	}
	json_array_foreach(users, i, user)
	{
		print_field(user, "name", ' ');
		print_field(user, "role", ' ');
		print_field(user, "team", ' ');
		print_field(user, "createdAt", '\n');
	}
	return fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

static const struct {
	const char *name;
	bool has_name, makes_state;
	int (*run)(struct core *core, const struct options *o);
} actions[] = {
	{"create", true, true, create},
	{"list", false, false, list},
	{"remove", true, false, remove_user},
	{"passwd", true, false, passwd},
};

static int parse_options(int argc, char **argv, struct options *o)
{
	const struct option_place places[] = {
		{"state", .text = &o->dir},         {"store", .text = &o->store},
		{"team", .text = &o->team},         {"role", .text = &o->role},
		{"name", .text = &o->name},         {"password-file", .text = &o->password_file},
		{"generate", .flag = &o->generate}, {"json", .flag = &o->json},
	};

	return verb_options(argc, argv, places, ARRAY_SIZE(places));
}

static int check_options(const struct options *o, const char *action, bool has_name)
{
	if (!o->dir && !o->store)
		return verb_usage("user %s: --state or --store is needed", action);
	if (!has_name)
		return 0;
	if (!o->name)
		return verb_usage("user %s: --name is needed", action);
	if (!apikey_name_is_valid(o->name))
		return verb_usage("user %s: a name is 1 to %d bytes of UTF-8", action,
				  CORE_NAME_MAX);
	if (router_role_parse(o->role) == ROLE_NONE)
		return verb_usage("user %s: --role is viewer, editor or admin, not %s", action,
				  o->role);
	if (o->generate && o->password_file)
		return verb_usage("user %s: --generate or --password-file", action);
	return 0;
}

int verb_user(int argc, char **argv)
{
	struct options o = {.team = "default", .role = "viewer"};
	_cleanup_(state_close) struct state state = {0};
	int r;

	r = parse_options(argc, argv, &o);
	if (r != 0)
		return r;
	for (size_t i = 0; argc - optind == 1 && i < ARRAY_SIZE(actions); i++) {
		if (strcmp(argv[optind], actions[i].name) != 0)
			continue;
		r = check_options(&o, actions[i].name, actions[i].has_name);
		if (r == 0)
			r = state_open(o.dir, o.store, actions[i].makes_state,
				       (struct core_config){0}, &state);
		return r == 0 ? actions[i].run(state.core, &o) : r;
	}
	return verb_usage("user: create, list, remove or passwd");
}
