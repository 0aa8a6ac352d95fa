/* SPDX-License-Identifier: Apache-2.0 */
#include "service/cli/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/exitcode.h"
#include "base/log.h"
#include "service/store/postgres.h"
#include "service/store/sqlite.h"

static int make_dir(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(dir, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int fail(const char *dir, int r, const char *detail)
{
	if (dir)
		log_error("state %s: %s", dir, detail ? detail : strerror(-r));
	else
		log_error("%s", detail ? detail : strerror(-r));
	return EXIT_CODE_STORE;
}

static int store_open(const char *dir, const char *url, struct service_store **ret,
		      char **ret_detail)
{
	_cleanup_(freep) char *path = NULL;

	if (url)
		return store_postgres_open(url, ret, ret_detail);
	if (asprintf(&path, "%s/service.db", dir) < 0)
		return -ENOMEM;
	return store_sqlite_open(path, ret, ret_detail);
}

int state_open(const char *dir, const char *store_url, bool create, struct core_config config,
	       struct state *ret)
{
	_cleanup_(service_store_freep) struct service_store *store = NULL;
	_cleanup_(freep) char *detail = NULL;
	struct core *core;
	int r = 0;

	if (dir)
		r = create ? make_dir(dir) : access(dir, X_OK) < 0 ? -errno : 0;
	if (r < 0)
		return fail(dir, r, NULL);
	r = store_open(dir, store_url, &store, &detail);
	if (r < 0)
		return fail(store_url ? NULL : dir, r, detail);
	config.store = store;
	config.ca_dir = dir ? dir : "";
	r = core_new(&config, &core, &detail);
	if (r != 0)
		return fail(dir, r < 0 ? r : -EIO, detail);
	ret->store = TAKE_PTR(store);
	ret->core = core;
	return 0;
}

void state_close(struct state *s)
{
	core_free(s->core);
	service_store_free(s->store);
	*s = (struct state){0};
}
