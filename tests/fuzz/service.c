/* SPDX-License-Identifier: Apache-2.0 */
/* Only the old interface replaces the generator of random numbers. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tests/fuzz/service.h"

#include <sqlite3.h>

#include <openssl/rand.h>

#include "base/log.h"
#include "base/text.h"
#include "proto/jwt.h"
#include "service/core_private.h"

#define NOW 1796000000
#define OPEN_MAX 20

/* ---- what the linker puts in the place of clocks, random numbers and SQLite's doors ---- */

int64_t __wrap_clock_wall_s(void);
int64_t __wrap_clock_wall_ms(void);
uint64_t __wrap_clock_ms(void);
void __wrap_random_fill(void *buf, size_t len);
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **ret, int flags, const char *vfs);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int len, unsigned int flags,
			      sqlite3_stmt **ret, const char **ret_tail);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, sqlite3_callback fn, void *userdata,
			char **ret_error);
int __real_sqlite3_open_v2(const char *path, sqlite3 **ret, int flags, const char *vfs);
int __real_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int len, unsigned int flags,
			      sqlite3_stmt **ret, const char **ret_tail);
int __real_sqlite3_exec(sqlite3 *db, const char *sql, sqlite3_callback fn, void *userdata,
			char **ret_error);

static struct service service;
static sqlite3 *db;
static int64_t writes_before;
static int64_t now_s = NOW;
static uint64_t random_state = 1;

int64_t __wrap_clock_wall_s(void)
{
	return now_s;
}

int64_t __wrap_clock_wall_ms(void)
{
	return now_s * 1000;
}

uint64_t __wrap_clock_ms(void)
{
	return (uint64_t)(now_s - NOW + 1000) * 1000;
}

void __wrap_random_fill(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		random_state ^= random_state << 13;
		random_state ^= random_state >> 7;
		random_state ^= random_state << 17;
		((uint8_t *)buf)[i] = (uint8_t)(random_state >> 32);
	}
}

static int openssl_random(unsigned char *buf, int len)
{
	__wrap_random_fill(buf, (size_t)len);
	return 1;
}

static int openssl_ready(void)
{
	return 1;
}

int __wrap_sqlite3_open_v2(const char *path, sqlite3 **ret, int flags, const char *vfs)
{
	int rc;

	(void)path;
	rc = __real_sqlite3_open_v2(":memory:", ret, flags, vfs);
	db = *ret;
	return rc;
}

/* Every transaction of the store lies within the one that a run is undone with. */
static const char *nested(const char *sql)
{
	if (strncmp(sql, "BEGIN", 5) == 0)
		return "SAVEPOINT run";
	if (strncmp(sql, "COMMIT", 6) == 0)
		return "RELEASE run";
	if (strncmp(sql, "ROLLBACK", 8) == 0)
		return "ROLLBACK TO run; RELEASE run";
	if (strncmp(sql, "PRAGMA synchronous", 18) == 0) /* not within a transaction */
		return "";
	return sql;
}

int __wrap_sqlite3_prepare_v3(sqlite3 *handle, const char *sql, int len, unsigned int flags,
			      sqlite3_stmt **ret, const char **ret_tail)
{
	return __real_sqlite3_prepare_v3(handle, nested(sql), len, flags, ret, ret_tail);
}

int __wrap_sqlite3_exec(sqlite3 *handle, const char *sql, sqlite3_callback fn, void *userdata,
			char **ret_error)
{
	return __real_sqlite3_exec(handle, nested(sql), fn, userdata, ret_error);
}

static void sql_run(const char *sql)
{
	FUZZ_ASSERT(__real_sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

/* ---- a fleet ---- */

static void token_make(const char *uuid, EVP_PKEY *key, bool is_cloud, int64_t iat,
		       char ret[static JWT_MAX])
{
	char iss[64], jti[128], random[33];
	uint8_t bytes[16];

	__wrap_random_fill(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), random);
	snprintf(iss, sizeof(iss), "nRF9160.%s", uuid);
	snprintf(jti, sizeof(jti), "nRF9160.%s.%s", uuid, random);
	FUZZ_ASSERT(jwt_build(&(struct jwt_claims){.iss = is_cloud ? NULL : iss,
						   .sub = is_cloud ? uuid : NULL,
						   .jti = jti,
						   .iat = iat,
						   .exp = iat + 300},
			      key_sign, key, ret, JWT_MAX) == 0);
}

static void tokens_make(struct service *s, size_t i)
{
	const struct device *d = &s->devices[i], *another = &s->devices[(i + 1) % SERVICE_DEVICES];
	char(*t)[JWT_MAX] = s->tokens[i];

	device_token(d, COSE_FORM_RFC9052, s->claim_tokens[i]);
	token_make(d->uuid, d->key, false, NOW, t[SERVICE_TOKEN_PROVISIONING]);
	token_make(d->uuid, s->cloud_keys[i], true, NOW, t[SERVICE_TOKEN_CLOUD]);
	token_make(d->uuid, d->key, false, NOW - 1000, t[SERVICE_TOKEN_EXPIRED]);
	token_make(d->uuid, d->key, false, NOW + 1000, t[SERVICE_TOKEN_FUTURE]);
	token_make(d->uuid, another->key, false, NOW, t[SERVICE_TOKEN_FORGED]);
}

static void theirs_claim(struct service *s)
{
	struct device *d = &s->devices[SERVICE_THEIRS];
	json_t *ret = NULL;

	device_import(s->f, d);
	device_token(d, COSE_FORM_RFC9052, s->claim_tokens[SERVICE_THEIRS]);
	FUZZ_ASSERT(token_claim(s->f, &s->f->other, s->claim_tokens[SERVICE_THEIRS], "[\"theirs\"]",
				&ret) == 201);
	json_decref(ret);
}

static void rule_make(struct service *s)
{
	json_t *ret = NULL, *body;

	body = json_loads("{\"name\":\"r\",\"active\":true,\"tags\":[\"a\"],\"commands\":["
			  "{\"description\":\"certificate\",\"request\":{\"certificateSigning"
			  "Request\":{\"secTag\":17}}}]}",
			  0, NULL);
	FUZZ_ASSERT(body && core_rule_add(s->f->core, &s->f->editor, body, &ret) / 100 == 2);
	json_decref(body);
	json_decref(ret);
}

static void keys_make(struct service *s)
{
	static const char *const roles[] = {
		[SERVICE_NOBODY] = NULL,   [SERVICE_VIEWER] = "viewer", [SERVICE_EDITOR] = "editor",
		[SERVICE_ADMIN] = "admin", [SERVICE_OTHER] = "admin",
	};
	char key[64] = "x";

	for (size_t i = 0; i < SERVICE_OWNERS; i++) {
		if (roles[i])
			FUZZ_ASSERT(core_apikey_create(s->f->core,
						       i == SERVICE_OTHER ? "theirs" : "ours",
						       roles[i], "fuzz", key) == 0);
		snprintf(s->keys[i], sizeof(s->keys[i]), "Bearer %s", key);
	}
}

static void fleet_make(struct service *s)
{
	void *state;

	FUZZ_ASSERT(fixture_setup(&state) == 0);
	s->f = state;
	/* They count over runs; test_service_limits has them. */
	s->f->core->limits = limits_free(s->f->core->limits);
	keys_make(s);
	for (size_t i = 0; i < SERVICE_DEVICES; i++) {
		device_init(&s->devices[i]);
		s->cloud_keys[i] = key_make();
	}
	rule_make(s);
	device_claim(s->f, &s->devices[SERVICE_CLAIMED], "[\"nrf-cloud-onboarding\"]");
	device_import(s->f, &s->devices[SERVICE_UNCLAIMED]);
	theirs_claim(s);
	while (device_obey(s->f, &s->devices[SERVICE_CLAIMED], s->cloud_keys[SERVICE_CLAIMED]) > 0)
		;
	command_add(s->f, &s->devices[SERVICE_CLAIMED],
		    "{\"cloudAccessKeyGeneration\":{\"secTag\":16842753}}");
	for (size_t i = 0; i < SERVICE_DEVICES; i++)
		tokens_make(s, i);
}

static void at_exit(void)
{
	folder_remove(service.f->dir);
}

/* ---- runs ---- */

int64_t service_writes(void)
{
	return sqlite3_total_changes64(db);
}

struct service *service_begin(void)
{
	static RAND_METHOD method = {
		.bytes = openssl_random, .pseudorand = openssl_random, .status = openssl_ready};

	if (!service.f) {
		FUZZ_ASSERT(RAND_set_rand_method(&method) == 1);
		fleet_make(&service);
		log_set_level(LOG_LEVEL_ERROR);
		atexit(at_exit);
	}
	now_s = NOW;
	random_state = 88172645463325252U;
	writes_before = service_writes();
	sql_run("BEGIN");
	return &service;
}

struct service *service_get(void)
{
	return &service;
}

void service_clock_advance(int64_t seconds)
{
	now_s += seconds;
}

static int no_row(void *userdata, int n, char **values, char **names)
{
	(void)userdata, (void)n, (void)values, (void)names;
	return 1;
}

static void check_store(void)
{
	const struct service_store_ops *ops = service.f->store->ops;

	for (size_t i = 0; i < SERVICE_DEVICES; i++) {
		size_t n = 0;

		FUZZ_ASSERT(ops->command_count_open(service.f->store, service.devices[i].uuid,
						    &n) == 0);
		FUZZ_ASSERT(n <= OPEN_MAX);
	}
	FUZZ_ASSERT(__real_sqlite3_exec(db, "PRAGMA foreign_key_check", no_row, NULL, NULL) ==
		    SQLITE_OK);
}

void service_end(void)
{
	if (service_writes() != writes_before)
		check_store();
	/* A transaction that was left open would have made this its savepoint's. */
	sql_run("ROLLBACK");
	FUZZ_ASSERT(sqlite3_get_autocommit(db));
}

enum service_team service_team(enum service_device device)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	struct service_store *s = service.f->store;

	if (s->ops->device_get(s, service.devices[device].uuid, &row) != 0)
		return SERVICE_TEAM_NOBODY;
	return strcmp(row.team, service.f->other.team) == 0 ? SERVICE_TEAM_THEIRS
							    : SERVICE_TEAM_OURS;
}

struct digest {
	uint64_t hash;
};

static void digest_add(struct digest *d, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		d->hash = (d->hash ^ ((const uint8_t *)data)[i]) * 1099511628211U;
}

static void digest_text(struct digest *d, const char *text)
{
	digest_add(d, text ? text : "-", text ? strlen(text) + 1 : 1);
}

static int digest_command(void *userdata, struct store_command *row)
{
	struct digest *d = userdata;

	digest_add(d, &row->status, sizeof(row->status));
	digest_add(d, &row->prepared, sizeof(row->prepared));
	digest_text(d, row->id);
	digest_text(d, row->error);
	digest_text(d, row->response);
	return 0;
}

uint64_t service_digest(enum service_device device)
{
	_cleanup_(store_shadow_done) struct store_shadow shadow = {NULL, NULL, 0};
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	struct service_store *s = service.f->store;
	const char *uuid = service.devices[device].uuid;
	struct digest d = {14695981039346656037U};

	FUZZ_ASSERT(s->ops->command_each(s, uuid, false, digest_command, &d) == 0);
	if (s->ops->shadow_get(s, uuid, &shadow) == 0) {
		digest_text(&d, shadow.desired);
		digest_text(&d, shadow.reported);
	}
	if (s->ops->device_get(s, uuid, &row) == 0) {
		digest_text(&d, row.tags);
		digest_add(&d, row.cloud_key, row.has_cloud_key ? sizeof(row.cloud_key) : 0);
		digest_add(&d, row.cloud_key_before,
			   row.has_cloud_key_before ? sizeof(row.cloud_key_before) : 0);
	}
	return d.hash;
}
