/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the service remembers, as one table of functions, so that SQLite and other data bases are
 * chosen when the program starts. Rows in, rows out, and nothing else: every rule about them is
 * core's, every SQL sentence is the implementation's (service/store/). Several processes may have
 * the same store open. Times are seconds since 1970, 0 for never. JSON values travel as text. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/limits.h"

#define STORE_UUID_TEXT 37 /* with NUL */
#define STORE_SPKI_LEN 91  /* SubjectPublicKeyInfo of an uncompressed P-256 point */
#define STORE_QUERY_MAX 128

/* Errors: 0, negative errno (already named in the debug log), or one of these. */
enum {
	STORE_E_NOT_FOUND = 1,
	STORE_E_EXISTS = 2, /* a row with this key is there */
};

/* A device that a factory made: exists whether anybody claimed it or not. */
struct store_identity {
	char uuid[STORE_UUID_TEXT];
	char hardware[HARDWARE_MAX + 1];
	uint8_t spki[STORE_SPKI_LEN];
	int64_t imported_at;
};

/* A device that a team claimed. */
struct store_device {
	char uuid[STORE_UUID_TEXT], team[STORE_UUID_TEXT], firmware[STORE_UUID_TEXT];
	unsigned int device_type;
	char *tags; /* owned; JSON array of strings */
	int64_t claimed_at, seen_at;

	/* the key that signs auth/jwt */
	bool has_cloud_key;
	uint8_t cloud_key[STORE_SPKI_LEN];
	uint32_t cloud_key_tag;
	int64_t cloud_key_at, cloud_seen_at;
	/* the one before, which logged in: good until its successor does */
	bool has_cloud_key_before;
	uint8_t cloud_key_before[STORE_SPKI_LEN];

	/* the commands handed out last: what was asked, and the last step in the answer; query is
	 * empty when a report changed the queue since */
	char batch_query[STORE_QUERY_MAX];
	int64_t batch_seq;
	unsigned int batch_step;
};

enum store_status {
	STORE_PENDING = 0,
	STORE_IN_PROGRESS = 1, /* handed to the device */
	STORE_SUCCEEDED = 2,
	STORE_FAILED = 3,
};

struct store_command {
	int64_t seq; /* order in the queue; given by the store */
	char id[CORRELATION_MAX + 1];
	char device[STORE_UUID_TEXT];
	char rule[STORE_UUID_TEXT]; /* the rule it came from, or empty */
	enum store_status status;
	bool prepared;     /* the preparatory step was answered */
	char *description; /* owned, as all below; or NULL */
	char *request;     /* JSON, without the secrets in it */
	uint8_t *wire;     /* CBOR commands, while open; NULL afterwards */
	size_t wire_len;
	char *error;    /* why it failed, or NULL */
	char *response; /* JSON, or NULL */
	int64_t created_at, updated_at;
};

struct store_rule {
	char id[STORE_UUID_TEXT], team[STORE_UUID_TEXT];
	char *name, *description; /* owned */
	bool active;
	char *commands, *tags; /* owned; JSON arrays */
	int64_t created_at;
};

struct store_team {
	char id[STORE_UUID_TEXT];
	char *name; /* owned */
};

struct store_apikey {
	char id[STORE_UUID_TEXT], team[STORE_UUID_TEXT];
	char role[16];
	char *name; /* owned */
	uint8_t hash[32];
	int64_t created_at;
};

struct store_shadow {
	char *desired, *reported; /* owned; JSON objects */
	int64_t version;
};

/* Called for each row. Must not call the store. A row that owns something may be moved away: what
 * is left in it is released. Not 0 ends the walk and is returned. */
typedef int (*store_identity_fn)(void *userdata, const struct store_identity *row);
typedef int (*store_device_fn)(void *userdata, const struct store_device *row);
typedef int (*store_command_fn)(void *userdata, struct store_command *row);
typedef int (*store_rule_fn)(void *userdata, struct store_rule *row);

struct service_store;

struct service_store_ops {
	void (*close)(struct service_store *s);

	/* Reads and writes outside a transaction are each their own. A write transaction excludes
	 * every other writer from its start. */
	int (*begin)(struct service_store *s, bool write);
	int (*commit)(struct service_store *s);
	void (*rollback)(struct service_store *s);

	int (*identity_add)(struct service_store *s, const struct store_identity *row);
	int (*identity_get)(struct service_store *s, const char *uuid, struct store_identity *ret);
	int (*identity_each)(struct service_store *s, store_identity_fn fn, void *userdata);
	/* Counts the commands ever made for a device, over all its claims: 1, 2, ... */
	int (*identity_count)(struct service_store *s, const char *uuid, int64_t *ret);

	int (*device_add)(struct service_store *s, const struct store_device *row);
	int (*device_get)(struct service_store *s, const char *uuid, struct store_device *ret);
	int (*device_update)(struct service_store *s, const struct store_device *row);
	/* With its commands, shadow and marks of applied rules. */
	int (*device_delete)(struct service_store *s, const char *uuid);
	/* Of one team, or of all when team is NULL; in the order of claiming. */
	int (*device_each)(struct service_store *s, const char *team, store_device_fn fn,
			   void *userdata);

	int (*shadow_get)(struct service_store *s, const char *device, struct store_shadow *ret);
	int (*shadow_put)(struct service_store *s, const char *device,
			  const struct store_shadow *row);

	int (*command_add)(struct service_store *s, const struct store_command *row,
			   int64_t *ret_seq);
	int (*command_get)(struct service_store *s, const char *device, const char *id,
			   struct store_command *ret);
	/* status, prepared, wire, error, response and updated_at of row->seq. */
	int (*command_update)(struct service_store *s, const struct store_command *row);
	/* In the order of the queue; open: PENDING and IN_PROGRESS only. */
	int (*command_each)(struct service_store *s, const char *device, bool open,
			    store_command_fn fn, void *userdata);
	int (*command_count_open)(struct service_store *s, const char *device, size_t *ret);
	/* Forgets all but the newest keep that are closed. */
	int (*command_prune)(struct service_store *s, const char *device, size_t keep);

	int (*rule_add)(struct service_store *s, const struct store_rule *row);
	/* In the order of making. */
	int (*rule_each)(struct service_store *s, const char *team, store_rule_fn fn,
			 void *userdata);
	/* Whether a rule was turned into commands since the device was claimed. */
	int (*rule_is_applied)(struct service_store *s, const char *device, const char *rule,
			       bool *ret);
	int (*rule_set_applied)(struct service_store *s, const char *device, const char *rule);

	int (*team_add)(struct service_store *s, const struct store_team *row);
	int (*team_get)(struct service_store *s, const char *id, struct store_team *ret);
	int (*team_find)(struct service_store *s, const char *name, struct store_team *ret);
	int (*apikey_add)(struct service_store *s, const struct store_apikey *row);
	int (*apikey_find)(struct service_store *s, const uint8_t hash[static 32],
			   struct store_apikey *ret);
};

struct service_store {
	const struct service_store_ops *ops;
};

struct service_store *service_store_free(struct service_store *s);
DEFINE_CLEANUP(struct service_store *, service_store_free);

/* Wipe and release what a row owns. */
void store_device_done(struct store_device *row);
void store_command_done(struct store_command *row);
void store_rule_done(struct store_rule *row);
void store_team_done(struct store_team *row);
void store_apikey_done(struct store_apikey *row);
void store_shadow_done(struct store_shadow *row);

/* A transaction bound to its scope: rolled back unless committed. */
struct store_txn {
	struct service_store *store; /* NULL when none is open */
};

int store_txn_begin(struct store_txn *t, struct service_store *s, bool write) _must_check_;
int store_txn_commit(struct store_txn *t) _must_check_;
void store_txn_rollback(struct store_txn *t);
