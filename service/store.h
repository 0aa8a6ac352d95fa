/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the service remembers, as one table of functions, so that SQLite and other data bases are
 * chosen when the program starts. Rows in, rows out, and nothing else: every rule about them is
 * core's, every SQL sentence is the implementation's (service/store/). Several processes may have
 * the same store open. Times are seconds since 1970, 0 for never. JSON values travel as text. Lists
 * are read in pages: at most `limit` rows behind a position, so that no table is walked in one go.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/limits.h"

#define STORE_UUID_TEXT 37 /* with NUL */
#define STORE_SPKI_LEN 91  /* SubjectPublicKeyInfo of an uncompressed P-256 point */
#define STORE_QUERY_MAX 128
#define STORE_TRACE_TEXT 17   /* 16 hex digits with NUL */
#define STORE_ADDRESS_TEXT 48 /* a numeric address without port, with NUL */
#define STORE_SERIAL_TEXT 41  /* a certificate's serial number in hex, with NUL */
#define STORE_PASSWORD_TEXT 160

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
	char *tags;     /* owned; JSON array of strings */
	char *name;     /* owned; what its owner calls it, or NULL */
	char *sub_type; /* owned; of devices onboarded by a list, or NULL */
	int64_t claimed_at, seen_at;
	int64_t blocked_at;           /* 0: not blocked */
	char trace[STORE_TRACE_TEXT]; /* of its latest cycle, or empty */

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
	int64_t handed_at; /* when a device got it first, in milliseconds since 1970; 0 while
			      PENDING */
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

/* Somebody who signs in to the portal. */
struct store_user {
	char id[STORE_UUID_TEXT], team[STORE_UUID_TEXT];
	char role[16];
	char *name;                         /* owned; unique over all teams */
	char password[STORE_PASSWORD_TEXT]; /* hash with its parameters and salt, as text */
	int64_t created_at;
};

/* A browser that signed in. */
struct store_session {
	uint8_t hash[32]; /* SHA-256 of what its cookie says */
	char user[STORE_UUID_TEXT];
	int64_t created_at, seen_at, until;
};

/* A tag that somebody described; devices and rules may have others. */
struct store_tag {
	char team[STORE_UUID_TEXT];
	char *tag, *description; /* owned */
};

/* A certificate that the service's CA issued. */
struct store_certificate {
	char serial[STORE_SERIAL_TEXT];
	char device[STORE_UUID_TEXT], team[STORE_UUID_TEXT]; /* outlives both */
	uint32_t sec_tag;
	int64_t not_before, not_after;
	int64_t revoked_at;  /* 0: not revoked */
	unsigned int reason; /* CRLReason of RFC 5280 §5.3.1 */
};

/* Where a walk through events is: all that were committed before it are behind it, those of other
 * processes too. {0, 0} is the beginning. */
struct store_position {
	int64_t commit, seq;
};

/* Something that happened to a device: its timeline, and what the portal shows live. */
struct store_event {
	struct store_position position; /* given by the store */
	char team[STORE_UUID_TEXT], device[STORE_UUID_TEXT];
	char kind[32];                /* "claimed", "authenticated", ... docs/rest-api.md */
	char trace[STORE_TRACE_TEXT]; /* or empty */
	char *detail;                 /* owned; JSON object, or NULL */
	int64_t at_ms;                /* milliseconds since 1970 */
};

/* Who of a team changed what. */
struct store_audit {
	int64_t seq; /* given by the store */
	char team[STORE_UUID_TEXT];
	char actor[64];  /* "key:<id>", "user:<id>", "cli:<user name>" */
	char action[48]; /* "device.claim", "rule.delete", ... */
	char object[80]; /* what was changed: a device's UUID, a rule's id, ... or empty */
	char address[STORE_ADDRESS_TEXT]; /* where the request came from, or empty */
	char *detail;                     /* owned; JSON object without secrets, or NULL */
	int64_t at;
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
typedef int (*store_apikey_fn)(void *userdata, const struct store_apikey *row);
typedef int (*store_user_fn)(void *userdata, const struct store_user *row);
typedef int (*store_team_fn)(void *userdata, const struct store_team *row);
typedef int (*store_tag_fn)(void *userdata, const struct store_tag *row);
typedef int (*store_certificate_fn)(void *userdata, const struct store_certificate *row);
typedef int (*store_event_fn)(void *userdata, const struct store_event *row);
typedef int (*store_audit_fn)(void *userdata, const struct store_audit *row);

enum store_txn_mode {
	STORE_READ, /* one state of the store throughout */
	/* Others see it at once, but a power cut may undo it, never without all that was committed
	 * after it. Costs no wait for the disk. */
	STORE_WRITE_RELAXED,
	STORE_WRITE, /* on disk when the commit returns, with all relaxed ones before it */
};

enum store_device_state {
	STORE_DEVICE_ANY,
	STORE_DEVICE_WAITING,   /* claimed, has not been in the cloud since, not blocked */
	STORE_DEVICE_VALIDATED, /* has been, not blocked */
	STORE_DEVICE_BLOCKED,
};

/* Which devices of a team, in the order of claiming. */
struct store_device_filter {
	const char *team;
	const char *search; /* part of the UUID, or of the name in any case; or NULL */
	const char *tag;    /* or NULL */
	enum store_device_state state;
	int64_t after_claimed_at; /* the last one of the page before; 0 and "" for the first page */
	const char *after_uuid;
	size_t limit;
};

struct service_store;

struct service_store_ops {
	void (*close)(struct service_store *s);

	/* Reads and writes outside a transaction are each their own, and durable. A write
	 * transaction excludes from its start every other writer of the same scope, in other
	 * processes too: the UUID of a device, the id of a team, or "" for what belongs to neither.
	 * Within one, only rows of its scope are written, and new events, audit and certificates.
	 */
	int (*begin)(struct service_store *s, enum store_txn_mode mode, const char *scope);
	int (*commit)(struct service_store *s);
	void (*rollback)(struct service_store *s);

	int (*identity_add)(struct service_store *s, const struct store_identity *row);
	int (*identity_get)(struct service_store *s, const char *uuid, struct store_identity *ret);
	int (*identity_each)(struct service_store *s, store_identity_fn fn, void *userdata);
	/* With a claim of it, if there is one. */
	int (*identity_delete)(struct service_store *s, const char *uuid);
	/* Counts n more of the commands ever made for a device, over all its claims: 1, 2, ... *ret
	 * is the number of the first of them. */
	int (*identity_count)(struct service_store *s, const char *uuid, size_t n, int64_t *ret);

	int (*device_add)(struct service_store *s, const struct store_device *row);
	int (*device_get)(struct service_store *s, const char *uuid, struct store_device *ret);
	int (*device_update)(struct service_store *s, const struct store_device *row);
	/* With its commands, shadow and marks of applied rules. */
	int (*device_delete)(struct service_store *s, const char *uuid);
	/* Of one team, or of all when team is NULL; in the order of claiming. */
	int (*device_each)(struct service_store *s, const char *team, store_device_fn fn,
			   void *userdata);
	int (*device_page)(struct service_store *s, const struct store_device_filter *filter,
			   store_device_fn fn, void *userdata);
	/* All that the filter lets through, whatever the page. */
	int (*device_count)(struct service_store *s, const struct store_device_filter *filter,
			    int64_t *ret);

	int (*shadow_get)(struct service_store *s, const char *device, struct store_shadow *ret);
	int (*shadow_put)(struct service_store *s, const char *device,
			  const struct store_shadow *row);

	int (*command_add)(struct service_store *s, const struct store_command *row,
			   int64_t *ret_seq);
	int (*command_get)(struct service_store *s, const char *device, const char *id,
			   struct store_command *ret);
	/* status, prepared, wire, error, response, updated_at and handed_at of row->seq. */
	int (*command_update)(struct service_store *s, const struct store_command *row);
	/* In the order of the queue; open: PENDING and IN_PROGRESS only. */
	int (*command_each)(struct service_store *s, const char *device, bool open,
			    store_command_fn fn, void *userdata);
	int (*command_count_open)(struct service_store *s, const char *device, size_t *ret);
	int (*command_delete)(struct service_store *s, const char *device, const char *id);
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
	/* Every rule of the device counts as not applied: they are queued again. */
	int (*rule_clear_applied)(struct service_store *s, const char *device);
	int (*rule_get)(struct service_store *s, const char *team, const char *id,
			struct store_rule *ret);
	int (*rule_update)(struct service_store *s, const struct store_rule *row);
	int (*rule_delete)(struct service_store *s, const char *team, const char *id);

	int (*team_add)(struct service_store *s, const struct store_team *row);
	int (*team_get)(struct service_store *s, const char *id, struct store_team *ret);
	int (*team_find)(struct service_store *s, const char *name, struct store_team *ret);
	int (*apikey_add)(struct service_store *s, const struct store_apikey *row);
	int (*apikey_find)(struct service_store *s, const uint8_t hash[static 32],
			   struct store_apikey *ret);
	/* All of a team, in the order of making. */
	int (*apikey_each)(struct service_store *s, const char *team, store_apikey_fn fn,
			   void *userdata);
	int (*apikey_delete)(struct service_store *s, const char *team, const char *id);
	int (*team_each)(struct service_store *s, store_team_fn fn, void *userdata);

	int (*user_add)(struct service_store *s, const struct store_user *row);
	int (*user_get)(struct service_store *s, const char *id, struct store_user *ret);
	int (*user_find)(struct service_store *s, const char *name, struct store_user *ret);
	int (*user_each)(struct service_store *s, const char *team, store_user_fn fn,
			 void *userdata);
	/* role and password. */
	int (*user_update)(struct service_store *s, const struct store_user *row);
	/* With its sessions. */
	int (*user_delete)(struct service_store *s, const char *team, const char *id);

	int (*session_add)(struct service_store *s, const struct store_session *row);
	int (*session_find)(struct service_store *s, const uint8_t hash[static 32],
			    struct store_session *ret);
	int (*session_update)(struct service_store *s, const struct store_session *row);
	int (*session_delete)(struct service_store *s, const uint8_t hash[static 32]);
	/* Those that ended before now, and all of user when it is not NULL. */
	int (*session_prune)(struct service_store *s, int64_t now, const char *user);

	/* Added, or described anew. */
	int (*tag_put)(struct service_store *s, const struct store_tag *row);
	int (*tag_each)(struct service_store *s, const char *team, store_tag_fn fn, void *userdata);
	int (*tag_delete)(struct service_store *s, const char *team, const char *tag);

	int (*certificate_add)(struct service_store *s, const struct store_certificate *row);
	/* Of a device, newest first; of all devices when it is NULL, the revoked ones only. */
	int (*certificate_each)(struct service_store *s, const char *device,
				store_certificate_fn fn, void *userdata);
	/* revoked_at and reason. */
	int (*certificate_update)(struct service_store *s, const struct store_certificate *row);

	int (*event_add)(struct service_store *s, const struct store_event *row);
	/* Of a team behind a position, oldest first, of one device when it is not NULL. Never shows
	 * one while an earlier one may still be committed. */
	int (*event_after)(struct service_store *s, const char *team, const char *device,
			   const struct store_position *after, size_t limit, store_event_fn fn,
			   void *userdata);
	/* Of a device, newest first, in front of a position; {0, 0} for the newest. */
	int (*event_before)(struct service_store *s, const char *device,
			    const struct store_position *before, size_t limit, store_event_fn fn,
			    void *userdata);
	/* Where a walk that wants only what is new begins. */
	int (*event_last)(struct service_store *s, const char *team, struct store_position *ret);
	/* Forgets all but the newest keep of a device. */
	int (*event_prune)(struct service_store *s, const char *device, size_t keep);

	int (*audit_add)(struct service_store *s, const struct store_audit *row);
	/* Of a team, newest first, in front of seq; 0 for the newest. */
	int (*audit_page)(struct service_store *s, const char *team, int64_t before, size_t limit,
			  store_audit_fn fn, void *userdata);
	/* Forgets what is older by more than keep_s seconds than the newest row, whoever's: not
	 * than the clock, which may be wrong. */
	int (*audit_prune)(struct service_store *s, int64_t keep_s);

	/* Keeps what a token is known by until it ends. STORE_E_EXISTS when it is there already,
	 * with where it was shown first. */
	int (*token_note)(struct service_store *s, const uint8_t digest[static 32], int64_t until,
			  const char *address, char ret_address[static STORE_ADDRESS_TEXT]);
	int (*token_prune)(struct service_store *s, int64_t now);

	/* What all processes of one store have to agree on, by name: *ret is the caller's to
	 * free. */
	int (*meta_get)(struct service_store *s, const char *name, char **ret);
	int (*meta_add)(struct service_store *s, const char *name, const char *value);

	/* Readable when events were committed elsewhere; -1 when the store cannot tell, then ask
	 * watch_take() from time to time. */
	int (*watch_fd)(struct service_store *s);
	/* Whether events were committed since the last call, by any process. Does not block. */
	int (*watch_take)(struct service_store *s, bool *ret);
	/* Whether the store answers. */
	int (*ping)(struct service_store *s);
};

struct metrics;

struct service_store {
	const struct service_store_ops *ops;
	struct metrics *metrics; /* borrowed: where transactions are timed; or NULL */
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
void store_user_done(struct store_user *row);
void store_tag_done(struct store_tag *row);
void store_event_done(struct store_event *row);
void store_audit_done(struct store_audit *row);

/* A transaction bound to its scope: rolled back unless committed. */
struct store_txn {
	struct service_store *store; /* NULL when none is open */
	enum store_txn_mode mode;
	uint64_t since_us;
};

int store_txn_begin(struct store_txn *t, struct service_store *s, enum store_txn_mode mode,
		    const char *scope) _must_check_;
int store_txn_commit(struct store_txn *t) _must_check_;
void store_txn_rollback(struct store_txn *t);
