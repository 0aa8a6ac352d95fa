/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One device: an agent with a store and an identity of its own. Or, for the floor, one that does a
 * handshake and nothing else. */

#include "bench/simulator/fleet.h"

enum device_state {
	DEVICE_WAITING,
	DEVICE_RUNNING,
	DEVICE_DONE,
	DEVICE_LOST,
};

struct device {
	struct fleet *fleet; /* borrowed */
	size_t index;
	enum device_state state;
	struct config config; /* shares its texts with the fleet's, but for these */
	char state_dir[128], address[48];
	struct agent *agent;     /* owned, as all below; NULL while it is down */
	struct session *session; /* of a handshake alone */
	sd_event_source *life;   /* its next death or birth */
	unsigned int restarts_due,
		restarts;     /* of enum restart_point, as bits; how many were made */
	unsigned int retries; /* cycles that ended without success */
	const char *last;     /* name of the agent's state */
	uint64_t started_us, admitted_us, provisioned_us, ended_us;
	char why[192]; /* of a loss */
};

/* The store and the identity, at the factory. */
int device_prepare(struct device *d) _must_check_;
/* Power on. */
int device_start(struct device *d) _must_check_;
void device_done(struct device *d);

/* ---- handshakes.c ---- */
int handshake_start(struct device *d, const char *ca_pem) _must_check_;
