/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The provisioning requests over a session, one call each; who calls what next is the agent's state
 * machine. docs/protocol.md §3. Suspension is the session's own (session_suspend()). */

#include "credstore/execute.h"
#include "provisioning/outcome.h"
#include "session/session.h"

struct provisioning;

struct provisioning_config {
	unsigned int jwt_lifetime_s; /* 1 … JWT_LIFETIME_MAX; 0 = 300 */
	size_t rx_max;               /* rxMaxSize; 0 = 8192 */
	size_t tx_max;               /* txMaxSize and the size reports are split at; 0 = 4096 */
	unsigned int limit;          /* commands per body, at most COMMANDS_MAX; 0 = 10 */
};

/* The loop, session, executor and what it points to are borrowed and outlive the object. */
int provisioning_new(sd_event *event, struct session *session, struct executor *executor,
		     const struct provisioning_config *config,
		     struct provisioning **ret) _must_check_;
/* Cancels what runs; no callback after. */
struct provisioning *provisioning_free(struct provisioning *p);
DEFINE_CLEANUP(struct provisioning *, provisioning_free);

/* Gives up the call that runs: its callback will not come, a late answer or signature is dropped.
 * Commands that were fetched are let go; the service offers them again. */
void provisioning_cancel(struct provisioning *p);

struct provisioning_result {
	enum outcome outcome;
	uint8_t code;       /* CoAP code as a byte, 0 when none came */
	uint32_t max_age_s; /* the server's Max-Age, 0 when absent */
	const char *detail; /* for people, never NULL; valid inside the callback */
	size_t n;           /* fetch: commands; report: results acknowledged */
	size_t n_failed;    /* report: errors among the acknowledged results */
	bool finished;      /* report: the service's "finished" was among them */
};

typedef void (*provisioning_fn)(struct provisioning *p, const struct provisioning_result *result,
				void *userdata);

/* One at a time; -EBUSY otherwise. Own failures (-errno before anything was sent) are returned, all
 * else is reported. */
/* A fresh JWT, signed on a worker, POST p/auth-jwt. OUTCOME_OK: max_age_s is how long this session
 * stays authenticated. */
int provisioning_authenticate(struct provisioning *p, provisioning_fn fn,
			      void *userdata) _must_check_;
/* GET p/cmd. OUTCOME_OK: n commands are held for provisioning_execute(). */
int provisioning_fetch(struct provisioning *p, provisioning_fn fn, void *userdata) _must_check_;

struct provisioning_execution {
	enum outcome outcome; /* OUTCOME_OK, _PARTIAL, _FINISHED; else nothing was changed: _STORE,
				 or what kept a key from being made or from signing */
	const char *detail;   /* for people, never NULL; valid inside the callback */
	struct batch_result batch; /* of the first three */
};

typedef void (*provisioning_execute_fn)(struct provisioning *p,
					const struct provisioning_execution *result,
					void *userdata);

/* Makes keys and signs on a worker, then executes in one transaction; fn may come before this
 * returns. The held commands are released by success. -EBUSY, or -errno before anything was done.
 */
int provisioning_execute(struct provisioning *p, provisioning_execute_fn fn,
			 void *userdata) _must_check_;
/* POST p/rsp with the journal's pending results, in as many requests as tx_max asks for; each
 * acknowledged part is forgotten at once. Nothing pending is OUTCOME_OK with n 0. */
int provisioning_report(struct provisioning *p, provisioning_fn fn, void *userdata) _must_check_;
