/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the SQLite store share: prepared statements with typed parameters. */

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "service/store.h"

#define SQLITE_STORE_STATEMENTS 64

struct sqlite_store {
	struct service_store base; /* first */
	sqlite3 *db;
	struct {
		const char *sql; /* a literal: its address is the key */
		sqlite3_stmt *stmt;
	} statements[SQLITE_STORE_STATEMENTS];
	size_t n_statements;
};

static inline struct sqlite_store *sqlite_store_of(struct service_store *s)
{
	return (struct sqlite_store *)s;
}

/* A statement in use; _cleanup_(query_done) gives it back. */
struct query {
	sqlite3_stmt *stmt;
};

void query_done(struct query *q);
/* types: t const char * or NULL; i int64_t; b const void * and size_t. Bound values must outlive
 * the query. */
int query_start(struct sqlite_store *s, struct query *q, const char *sql, const char *types,
		...) _must_check_;
/* 1 a row, 0 no more, -errno. */
int query_row(struct sqlite_store *s, struct query *q) _must_check_;
/* To the end: 0, STORE_E_EXISTS, -errno. */
int query_run(struct sqlite_store *s, struct query *q) _must_check_;
/* query_run(), and STORE_E_NOT_FOUND when no row was touched. */
int query_run_one(struct sqlite_store *s, struct query *q) _must_check_;

/* Column of the current row into a fixed buffer. -EBADMSG when it does not fit or is NULL. */
int query_text(struct query *q, int column, char *ret, size_t size) _must_check_;
int query_bytes(struct query *q, int column, uint8_t *ret, size_t len) _must_check_;
/* A copy, NULL for NULL. */
int query_dup(struct query *q, int column, char **ret) _must_check_;
int query_dup_bytes(struct query *q, int column, uint8_t **ret, size_t *ret_len) _must_check_;

int sqlite_store_err(struct sqlite_store *s, int rc);
int sqlite_store_upgrade(struct sqlite_store *s, char **ret_detail) _must_check_;

int sqlite_identity_add(struct service_store *s, const struct store_identity *row);
int sqlite_identity_get(struct service_store *s, const char *uuid, struct store_identity *ret);
int sqlite_identity_each(struct service_store *s, store_identity_fn fn, void *userdata);
int sqlite_identity_count(struct service_store *s, const char *uuid, int64_t *ret);
int sqlite_device_add(struct service_store *s, const struct store_device *row);
int sqlite_device_get(struct service_store *s, const char *uuid, struct store_device *ret);
int sqlite_device_update(struct service_store *s, const struct store_device *row);
int sqlite_device_delete(struct service_store *s, const char *uuid);
int sqlite_device_each(struct service_store *s, const char *team, store_device_fn fn,
		       void *userdata);
int sqlite_shadow_get(struct service_store *s, const char *device, struct store_shadow *ret);
int sqlite_shadow_put(struct service_store *s, const char *device, const struct store_shadow *row);

int sqlite_command_add(struct service_store *s, const struct store_command *row, int64_t *ret_seq);
int sqlite_command_get(struct service_store *s, const char *device, const char *id,
		       struct store_command *ret);
int sqlite_command_update(struct service_store *s, const struct store_command *row);
int sqlite_command_each(struct service_store *s, const char *device, bool open, store_command_fn fn,
			void *userdata);
int sqlite_command_count_open(struct service_store *s, const char *device, size_t *ret);
int sqlite_command_prune(struct service_store *s, const char *device, size_t keep);

int sqlite_rule_add(struct service_store *s, const struct store_rule *row);
int sqlite_rule_each(struct service_store *s, const char *team, store_rule_fn fn, void *userdata);
int sqlite_rule_is_applied(struct service_store *s, const char *device, const char *rule,
			   bool *ret);
int sqlite_rule_set_applied(struct service_store *s, const char *device, const char *rule);
int sqlite_team_add(struct service_store *s, const struct store_team *row);
int sqlite_team_get(struct service_store *s, const char *id, struct store_team *ret);
int sqlite_team_find(struct service_store *s, const char *name, struct store_team *ret);
int sqlite_apikey_add(struct service_store *s, const struct store_apikey *row);
int sqlite_apikey_find(struct service_store *s, const uint8_t hash[static 32],
		       struct store_apikey *ret);
