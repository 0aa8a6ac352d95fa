/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the agent tells about itself, the same for D-Bus, --once and the log. A plain snapshot:
 * texts are borrowed from the agent and valid until it runs again. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/exports.h"
#include "provisioning/outcome.h"
#include "session/session.h"

struct agent_status {
	const char *state;    /* name of the state machine's state: "waiting-for-network" …
				 docs/state-machine.md */
	enum outcome outcome; /* of the last cycle or of the step that stopped it */
	const char *reason;   /* for people: why it is in this state, and what to do */
	const char *uuid;
	const char *hardware;
	const char *server;
	uint16_t port;
	const char *claim_token; /* "" unless unclaimed */
	const char *claimed; /* "unknown", "no", "yes", "released": was claimed, is not any more */
	const char *cloud;   /* "unknown", "validated", "refused", "unreachable", "no-credentials",
				"rolled-back", "off" */
	const char *trace;   /* of the cycle, as the service logs it; "" before the first */
	const char *suite;
	const char *store; /* what its opening did that somebody should know, "" for nothing */
	uint64_t cycles;   /* completed */
	uint64_t pending_results;              /* in the journal */
	uint64_t commands_ok, commands_failed; /* of the last cycle */
	int64_t last_success_s;                /* wall clock, 0 never */
	uint64_t interval_s;                   /* of the schedule, 0 never */
	int64_t next_run_s;                    /* of the schedule, wall clock, 0 none */
	const char *requests;                  /* that are pending, "" for none */
	uint64_t poll_interval_s;              /* of the shadow, 0 never */
	uint64_t polls;                        /* of the shadow, answered */
	uint64_t next_try_ms;                  /* from now; 0 = nothing armed */
	struct session_stats provisioning, cloud_stats;
	const struct export_status *exports;
	size_t n_exports;
};

/* New reference; keys as in docs/dbus-api.md. */
json_t *agent_status_json(const struct agent_status *s);
