/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The agent: owns store, identity, sessions and the state machine, and performs the machine's
 * actions. Who watches it (D-Bus, the console of --once) is told through one observer. */

#include <systemd/sd-event.h>

#include "agent/config.h"
#include "agent/requests.h"
#include "agent/status.h"
#include "credstore/reset.h"
#include "credstore/signer.h"
#include "credstore/store.h"
#include "wifi/wifi.h"

struct agent;

/* The steps that are told of because they failed; what else fails is a change of state. */
#define STEP_EXPORT_FAILED "export failed"
#define STEP_HOOK_FAILED "hook failed"

struct agent_observer {
	/* After every state change. */
	void (*changed)(void *userdata, const char *old_state, const char *new_state,
			const char *why);
	/* A step a person would like to see: name ("authenticate"), text ("2.01 Created, session
	 * good for 30 days"). */
	void (*step)(void *userdata, const char *name, const char *text);
	/* The predecessors are the credentials of this tag again. why: a sentence's part. */
	void (*rolled_back)(void *userdata, uint32_t tag, const char *why);
	/* The cycle ended (done, degraded or waiting to retry): --once stops here. */
	void (*cycle_ended)(void *userdata, enum outcome outcome);
	void *userdata;
	/* NULL: not interested. Borrowed; its `step` is not called, the one above is. */
	const struct wifi_events *wifi;
};

/* config is borrowed and outlives the agent. ret_detail (may be NULL): an owned text for people.
 * -errno, or positive: the exit code (EXIT_CODE_STORE, EXIT_CODE_IDENTITY) that fits. */
int agent_new(sd_event *event, const struct config *config, struct agent **ret,
	      char **ret_detail) _must_check_;
/* Blocks, for ten seconds at most, while a token is at work. */
struct agent *agent_free(struct agent *a);
DEFINE_CLEANUP(struct agent *, agent_free);

/* Several observers may be added before agent_start(). */
int agent_add_observer(struct agent *a, const struct agent_observer *observer) _must_check_;
/* For a program that ends with its cycle: sessions are closed at the end instead of kept suspended.
 * Before agent_start(). */
void agent_set_once(struct agent *a);
/* Starts Wi-Fi as [wifi] says, which may be not at all. After the observers, before agent_start().
 * As agent_new(). */
int agent_start_wifi(struct agent *a, char **ret_detail) _must_check_;
/* Announces the device on the LAN while it waits for an owner, if [discovery] says so. After
 * agent_new(), before agent_start(). -errno. */
int agent_start_discovery(struct agent *a) _must_check_;
int agent_start(struct agent *a) _must_check_;
/* Starts a cycle now, or right after the one that runs; the request is durable when this returns.
 */
void agent_provision(struct agent *a, enum request_source source);
/* Time between cycles, 0 for never, as schedule.h holds it to. As the store failed. */
int agent_set_interval(struct agent *a, uint64_t interval_s) _must_check_;
/* Keeps or closes sessions, then no more callbacks. */
void agent_stop(struct agent *a);

void agent_get_status(struct agent *a, struct agent_status *ret);
/* For `onboardctl check`: new reference, NULL without memory; keys as in docs/dbus-api.md. Nothing
 * in it is secret. */
json_t *agent_facts_json(struct agent *a);
/* A fresh claim token, signed on a worker. ret is the caller's to cancel before the agent ends. As
 * identity_signer(). */
int agent_claim_token(struct agent *a, sign_fn fn, void *userdata,
		      struct worker **ret) _must_check_;
int agent_identity_csv(struct agent *a, char *ret, size_t size) _must_check_;
int agent_list_credentials(struct agent *a, struct credential_info **ret,
			   size_t *ret_n) _must_check_;

/* Predecessors, see credstore/staged.h. *ret owned. */
int agent_list_previous(struct agent *a, struct credential_info **ret, size_t *ret_n) _must_check_;
/* Makes the predecessors of a tag its credentials again, and starts a cycle that validates them.
 * -EBUSY while a cycle runs, -ENOENT when the tag has none, else as the store failed. */
int agent_roll_back(struct agent *a, uint32_t tag) _must_check_;

/* Asks for a reset of these parts (credstore/reset.h), durably. The loop ends with AGENT_LOOP_RESET
 * when it is safe, *ret_at_once: now; whoever runs it frees this agent and makes another one, which
 * carries the reset out. -EOPNOTSUPP with *ret_refusal for people; -errno: nothing is asked for. */
#define AGENT_LOOP_RESET 200 /* no exit code */
int agent_reset(struct agent *a, unsigned int parts, char ret_id[static RESET_ID_LEN + 1],
		bool *ret_at_once, const char **ret_refusal) _must_check_;
/* The receipt of the last one as JSON (docs/dbus-api.md). *ret owned. -ENOENT: there was none. */
int agent_last_reset(struct agent *a, char **ret) _must_check_;

/* [wifi] is enabled. */
bool agent_has_wifi(const struct agent *a);
/* NULL when it is off, or there is no bus to it. */
struct wifi *agent_wifi(struct agent *a);
/* To show on the console, "" for none. */
const char *agent_passkey(const struct agent *a);
