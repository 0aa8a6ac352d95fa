/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "service/ca.h"
#include "service/cli/check.h"
#include "service/core.h"
#include "service/store.h"
#include "service/store/postgres.h"
#include "service/store/schema.h"
#include "service/store/sqlite.h"

#define SLOW_MS 20

static bool exists(const char *dir, const char *name)
{
	_cleanup_(freep) char *path = NULL;

	return asprintf(&path, "%s/%s", dir, name) >= 0 && access(path, F_OK) == 0;
}

/* Its key may be read and its certificate is of that key; nothing is made. */
static bool ca_look(struct check_report *r, const struct serve_options *o)
{
	_cleanup_(ca_freep) struct ca *ca = NULL;
	_cleanup_(freep) char *detail = NULL;

	if (!exists(o->state, "ca.key"))
		return false;
	if (!exists(o->state, "ca.pem")) {
		check_say(r, CHECK_WARN, "device-ca",
			  "copy it from a backup; the start makes another of the same key",
			  "%s/ca.pem is missing", o->state);
		return false;
	}
	if (ca_open(o->state, &ca, &detail) < 0) {
		check_say(r, CHECK_FAIL, "device-ca",
			  "copy ca.key and ca.pem from a backup, mode 0600 and 0644", "%s",
			  detail ? detail : "cannot be read");
		return false;
	}
	return true;
}

/* A store of our schema: its CA is ours, and it answers. */
static void store_look(struct check_report *r, const struct serve_options *o,
		       struct service_store *store, bool has_ca)
{
	_cleanup_(freep) char *detail = NULL, *known = NULL;
	uint64_t from = clock_ms(), took_ms;
	struct core *core = NULL;
	int e;

	e = store->ops->ping(store);
	took_ms = clock_ms() - from;
	if (e < 0)
		check_say(r, CHECK_FAIL, "store", "look at the log of the data base", "%s",
			  strerror(-e));
	else if (took_ms > SLOW_MS)
		check_say(r, CHECK_WARN, "store", "put the service close to its data base",
			  "it takes %llu ms to answer", (unsigned long long)took_ms);

	e = store->ops->meta_get(store, "device-ca", &known);
	if (e == STORE_E_NOT_FOUND) {
		check_say(r, CHECK_OK, "device-ca", NULL, "%s",
			  has_ca ? "will be the store's" : "will be made at the start");
		return;
	}
	if (core_new(&(struct core_config){.store = store, .ca_dir = o->state}, &core, &detail) ==
		    0 &&
	    core_ca_open(core, &detail) == 0)
		check_say(r, CHECK_OK, "device-ca", NULL, "the one that the store belongs to");
	else
		check_say(r, CHECK_FAIL, "device-ca", "copy ca.key and ca.pem of this store", "%s",
			  detail ? detail : "cannot be read");
	core_free(core);
}

static void store_open(struct check_report *r, const struct serve_options *o, const char *path,
		       bool has_ca)
{
	_cleanup_(service_store_freep) struct service_store *store = NULL;
	_cleanup_(freep) char *detail = NULL;
	int e = o->store ? store_postgres_open(o->store, &store, &detail)
			 : store_sqlite_open(path, &store, &detail);

	if (e == 0)
		store_look(r, o, store, has_ca);
	else
		check_say(r, CHECK_FAIL, "store", "see the log of the data base", "%s",
			  detail ? detail : strerror(-e));
}

void check_store(struct check_report *r, const struct serve_options *o)
{
	_cleanup_(freep) char *path = NULL, *detail = NULL, *about = NULL;
	bool has_ca = ca_look(r, o);
	int64_t version = 0;
	int e;

	if (asprintf(&path, "%s/service.db", o->state) < 0)
		return;
	if (!o->store && access(path, F_OK) < 0) {
		check_say(r, CHECK_OK, "store", NULL, "%s will be made at the start", path);
		return;
	}
	e = o->store ? store_postgres_look(o->store, &version, &about, &detail)
		     : store_sqlite_look(path, &version, &detail);
	if (e < 0) {
		check_say(r, CHECK_FAIL, "store",
			  o->store ? "start the server, make the data base, let us in"
				   : "restore it from a backup if it is damaged",
			  "%s", detail ? detail : strerror(-e));
		return;
	}
	if (version > SCHEMA_VERSION)
		check_say(r, CHECK_FAIL, "store", "run the newer program",
			  "schema %lld, and this program knows up to %d", (long long)version,
			  SCHEMA_VERSION);
	else if (version == 0)
		check_say(r, CHECK_OK, "store", NULL, "%s is empty; tables are made at the start",
			  about ? about : path);
	else if (version < SCHEMA_VERSION)
		check_say(r, CHECK_WARN, "store", "make a backup first",
			  "schema %lld becomes %d at the start", (long long)version,
			  SCHEMA_VERSION);
	else
		check_say(r, CHECK_OK, "store", NULL, "%s, schema %d", about ? about : path,
			  SCHEMA_VERSION);
	if (version == SCHEMA_VERSION)
		store_open(r, o, path, has_ca);
}
