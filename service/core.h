/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What onboard-service does, apart from how it is asked: verifies devices, keeps queues, expands
 * requests, applies results, keeps shadows, claims. The fronts (device_front: CoAP, owner_front:
 * REST) translate and call this; it calls the store. Synchronous, single-threaded: the caller's
 * loop is the lock. What a call changes it changes in one store transaction. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct core;
struct crypto_makers;
struct metrics;
struct service_store;

struct core_config {
	struct service_store *store; /* borrowed */
	const char *ca_dir; /* the service's own CA for CSRs lives here: ca.key (0600), ca.pem; made
			       at first use */
	const char *root_ca_pem; /* what the built-in rule installs as server certificate: the CA of
				    our CoAP endpoint; NULL when only the administration
				    calls are used */
	const char *amazon_ca_pem; /* or NULL: prepended to it */
	/* borrowed, or NULL: whose devices are taken without an import */
	struct crypto_makers *makers;
	uint32_t cloud_tag;             /* 16842753 */
	unsigned int session_max_age_s; /* Max-Age of an authentication; 2592000; for the fronts */
	unsigned int clock_skew_s;      /* 60 */
	const char *crl_url; /* written into device certificates: where GET /ca/crl is; or NULL */
	uint32_t audit_keep_days; /* 0: for ever */
	uint32_t device_rate;     /* requests a minute of one device; 0: no limit */
	struct metrics *metrics;  /* borrowed; or NULL */
};

int core_new(const struct core_config *config, struct core **ret, char **ret_detail) _must_check_;
struct core *core_free(struct core *c);
DEFINE_CLEANUP(struct core *, core_free);

/* Opens the CA, or makes it: what serves does it at its start, so that a store that belongs to
 * another CA is refused then. -errno with *ret_detail. */
int core_ca_open(struct core *c, char **ret_detail) _must_check_;

#define CORE_UUID_TEXT 37 /* lower-case UUID with NUL */
#define CORE_NAME_MAX 128 /* bytes of the name of a key, a user, a team, a rule, a device */
#define CORE_ACTOR_TEXT 64
#define CORE_ADDRESS_TEXT 48 /* a numeric address without port, with NUL */

/* ---- device side ---- */

enum core_verdict {
	CORE_OK,
	CORE_UNCLAIMED, /* genuine, or perhaps (with makers); nobody's: 4.01 */
	CORE_REJECTED,  /* unknown or blocked device, bad signature, expired or replayed token: 4.03
			 */
	CORE_INVALID,   /* the request cannot be understood: 4.00 */
	CORE_FAILED,    /* our own failure: 5.00; the reason is logged */
	CORE_BUSY,      /* asked too often: 4.29, and again after wait_s */
	CORE_AWAY,      /* the store is busy: 5.03, and again */
};

#define CORE_TRACE_TEXT 17 /* 16 hex digits with NUL */

/* The device that asks, as far as its session has proved which one it is. */
struct core_caller {
	char address[CORE_ADDRESS_TEXT]; /* of the peer; empty when unknown */
	uint64_t now_ms;                 /* must not go backwards */
	char device[CORE_UUID_TEXT];
	char trace[CORE_TRACE_TEXT]; /* of its cycle, from its token; or empty */
	uint32_t wait_s;             /* set with CORE_BUSY */
	const char *clock; /* set with CORE_REJECTED when the token is genuine and its times are
			      not good: static, "clock: …", for the device */
};

/* p/auth-jwt: verifies with the identity key of the device that iss names. device and trace of who
 * are filled for OK and UNCLAIMED.
 */
enum core_verdict core_authenticate(struct core *c, struct core_caller *who, const char *jwt,
				    size_t len);
/* auth/jwt: verifies with the registered cloud access key; the device is sub, or iss's UUID. Must
 * be claimed. */
enum core_verdict core_authenticate_cloud(struct core *c, struct core_caller *who, const char *jwt,
					  size_t len);

struct core_fetch {
	const char *after; /* "" when absent; not needed: the queue knows what was answered */
	size_t rx_max, tx_max, limit;
};

/* p/cmd: the longest prefix of the queue that fits; *ret_len 0 means nothing to do. A repeat
 * returns the same body until a report changes the queue. ret has room for rx_max bytes, at most
 * BODY_MAX. Here and below: CORE_UNCLAIMED when the device was unclaimed meanwhile, CORE_REJECTED
 * when it is blocked. CORE_INVALID when rx_max or tx_max is below 64 or limit is 0. */
enum core_verdict core_fetch(struct core *c, struct core_caller *who, const struct core_fetch *f,
			     uint8_t *ret, size_t size, size_t *ret_len);
/* p/rsp: successes leave the queue, an error drops the rest; unknown ids are ignored; a repeat
 * changes nothing. */
enum core_verdict core_report(struct core *c, struct core_caller *who, const uint8_t *body,
			      size_t len);

/* state: what differs between desired and reported (delta) or all of desired; NULL in *ret when
 * empty. New reference. */
enum core_verdict core_state_get(struct core *c, struct core_caller *who, bool delta, json_t **ret);
/* state/reported, state/desired: merge patch (RFC 7396). section: "reported" or "desired". */
enum core_verdict core_state_patch(struct core *c, struct core_caller *who, const char *section,
				   const json_t *patch);

/* ---- owner side: what an owner may ask is service/core_owner.h ---- */

struct core_owner {
	char team[CORE_UUID_TEXT];
	char role[16];                   /* "viewer", "editor", "admin" */
	char key_id[CORE_UUID_TEXT];     /* empty for a user */
	char actor[CORE_ACTOR_TEXT];     /* "key:<id>", "user:<id>" */
	char name[CORE_NAME_MAX + 1];    /* of the key or user */
	char address[CORE_ADDRESS_TEXT]; /* where the request came from; the front's to fill in */
};

/* The owner of an API key. CORE_OK or CORE_REJECTED; constant time in the key. */
enum core_verdict core_owner_of_key(struct core *c, const char *api_key, struct core_owner *ret);

/* For everybody: the CA's certificate (PEM) and its revocation list (DER, RFC 5280), borrowed until
 * the next call. 0 or -errno, logged. */
int core_ca_certificate(struct core *c, const char **ret_pem) _must_check_;
int core_ca_crl(struct core *c, const uint8_t **ret, size_t *ret_len) _must_check_;

/* Whether requests can be answered: the store does, and core_stop() was not called. */
bool core_is_ready(struct core *c);
void core_stop(struct core *c);
/* What is to be done now and then, once a minute. */
void core_upkeep(struct core *c);

/* A problem-details object; also used by the fronts for their own errors. Returns status. */
unsigned int core_problem(unsigned int status, json_t **ret, const char *detail_format, ...)
	_printf_(3, 4);

/* ---- administration: onboard-service's verbs ---- */

/* Rows "uuid,hardware,<base64 SubjectPublicKeyInfo>"; a header row and # lines are skipped. All or
 * nothing. 0, -errno, or 1 with *ret_detail "line N: …". *ret_n rows imported; a known device with
 * the same key is not an error. */
int core_import_identities(struct core *c, const char *csv, size_t len, size_t *ret_n,
			   char **ret_detail) _must_check_;
enum {
	CORE_IDENTITY_UNKNOWN = 11, /* or no UUID at all */
	CORE_IDENTITY_CLAIMED = 12,
};
/* Forgets a device's identity key: its tokens are refused from then on, and another key may be
 * imported for it. One that is claimed is refused with *ret_detail, or (may_unclaim) unclaimed with
 * it as by its owner: certificates revoked, commands, shadow and timeline gone, the team's audit
 * log tells. 0, -errno, CORE_IDENTITY_*; nothing was changed then. */
int core_identity_remove(struct core *c, const char *device, bool may_unclaim,
			 char **ret_detail) _must_check_;
/* Makes a key; *ret_key is shown once and only its hash is stored. */
int core_apikey_create(struct core *c, const char *team, const char *role, const char *name,
		       char ret_key[static 64]) _must_check_;
/* All devices of all teams. New reference. */
int core_admin_devices(struct core *c, json_t **ret) _must_check_;
