/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the agent share: the object, the one way to say that something happened
 * (agent_post()), and the actions of the state machine. Not for anybody else. */

#include "agent/agent.h"
#include "agent/exports.h"
#include "agent/fsm.h"
#include "agent/lan.h"
#include "agent/netwatch.h"
#include "agent/requests.h"
#include "agent/schedule.h"
#include "agent/wireless.h"
#include "base/backoff.h"
#include "cloud/device.h"
#include "credstore/execute.h"
#include "credstore/identity.h"
#include "discovery/finder.h"
#include "provisioning/provisioning.h"

#define AGENT_OBSERVERS_MAX 4
#define AGENT_QUEUE_MAX 8
#define AGENT_TEXT_MAX 384
/* Sessions lost in one cycle before it counts as a failure to wait after. */
#define AGENT_LOST_MAX 3
/* Batches in one cycle: a service that never runs out of commands must not keep us busy for ever.
 */
#define AGENT_BATCHES_MAX 64

struct agent_posted {
	enum fsm_event event;
	bool is_result;          /* of an action: void once its state was left */
	unsigned int generation; /* of the state it belongs to */
	int outcome;             /* enum outcome, or -1 to leave the status as it is */
	char why[AGENT_TEXT_MAX];
};

/* A provisioning server, however it is known: server.c. */
struct agent_server {
	char name[HOSTNAME_MAX + 1];    /* that its certificate must carry */
	char address[RESOLVE_TEXT_MAX]; /* "": the name is resolved */
	uint16_t port;
	bool is_found; /* by the network, not by the configuration */
};

struct agent {
	sd_event *event;             /* owned reference */
	const struct config *config; /* borrowed */
	struct keyring *ring;        /* owned, as all below */
	struct store *store;
	struct identity *identity;
	struct executor executor;
	struct session *session;
	struct provisioning *provisioning;
	struct cloud_device *cloud;
	struct netwatch *netwatch;
	struct wireless *wireless;   /* NULL: off */
	struct lan *lan;             /* NULL: off */
	struct worker *token_worker; /* NULL: no claim token is being made */
	struct worker *sweeper;      /* NULL: no token is being swept */
	struct exports *exports;
	enum session_transport first_way;                  /* of the connect that is under way */
	char *ca_pem;                                      /* what session trusts */
	struct finder *finder;                             /* NULL: no server is being looked for */
	struct agent_server server, session_server, found; /* in use; what session is to; port 0:
							      none */
	bool has_looked, found_failed;                     /* for this connection */
	struct session_stats earlier;                      /* of sessions with another CA */

	/* The machine and what drives it. */
	struct fsm fsm;
	unsigned int generation; /* counts state entries */
	struct agent_posted queue[AGENT_QUEUE_MAX];
	size_t queue_head, queue_len;
	sd_event_source *dispatch, *timer, *tick;
	uint64_t deadline_ms; /* of the state's timer; 0: none */
	bool stopped, once;

	struct agent_observer observers[AGENT_OBSERVERS_MAX];
	size_t n_observers;

	/* This cycle. */
	int64_t began_s;      /* wall clock */
	bool network_changed; /* since it began: when it fails, that may be why */
	bool end_is_owed;     /* to the observers, when the hooks of the exports are done */
	bool reauthenticated;
	bool trace_is_kept; /* from the cycle whose session goes on */
	unsigned int n_lost, n_batches;
	uint64_t abbreviated_before; /* handshakes, to tell what the next one was */
	bool failed_command;
	uint64_t commands_ok, commands_failed;

	/* New keys are not in the store yet while a batch is executed: a sweep would take them. */
	bool executing, execute_waits, sweep_again;

	/* The link goes down for the write: offline.c. */
	struct hook *link_hook; /* owned; NULL: none runs */
	bool link_is_down, link_comes_up;
	void (*link_then)(struct agent *a);
	sd_event *link_loop; /* borrowed: of a hook that is waited for at the end */
	enum fsm_event link_event;
	char link_why[AGENT_TEXT_MAX];

	unsigned int reset_parts; /* enum reset_part: waits for the end of a batch; 0: nothing */

	/* Across cycles. */
	uint64_t authenticated_until_ms;
	uint64_t unclaimed_since_ms;
	uint32_t max_age_s; /* the service's wish for the next wait */
	struct backoff backoff, poll_backoff, validate_backoff;
	unsigned int validate_tries;
	unsigned int n_refused; /* answers of the cloud against the credentials as they are */
	bool validated;

	/* What leads to the next cycle: rest.c. */
	struct requests requests;
	char requests_text[REQUESTS_TEXT_MAX]; /* for the status */
	struct schedule schedule;
	int64_t renew_at_s; /* wall clock; 0: never */

	/* Staying connected: stay.c. */
	uint64_t poll_interval_ms;  /* 0: never */
	uint64_t poll_due_ms;       /* clock_ms(); 0: never */
	bool stay_failed;           /* the last poll */
	const char *shadow_refused; /* what was told last; static */
	struct backoff stay_backoff;
	uint64_t polls;

	/* Why the new credentials are refused, while the ones before are tried. */
	enum outcome refusal;
	char refusal_why[AGENT_TEXT_MAX];

	/* The status. */
	enum outcome outcome;
	char reason[AGENT_TEXT_MAX + 512];
	char claim_token[CLAIM_TEXT_MAX + 1];
	bool token_shown;
	const char *claimed, *cloud_word;
	uint64_t cycles;
	int64_t last_success_s;
};

/* open.c: what must exist before the machine starts. As agent_new(). */
int agent_open_keyring(const struct config *config, struct keyring **ret) _must_check_;
int agent_open_store(const struct config *config, struct keyring *ring, struct store **ret,
		     char **ret_detail) _must_check_;
int agent_open_identity(const struct config *config, struct keyring *ring, struct store *store,
			struct identity **ret, char **ret_detail) _must_check_;
/* The provisioning root CA in its tag: put there when absent, replaced when the shipped one
 * changed. *ret is the PEM to trust. */
int agent_install_root_ca(const struct config *config, struct store *store, char **ret,
			  char **ret_detail) _must_check_;
/* The session to the provisioning service, for the CA that the tag holds now; an unchanged one is
 * kept. */
int agent_prepare_session(struct agent *a) _must_check_;
bool agent_root_ca_changed(struct agent *a);
const char *agent_check_config(const char *key, const char *value);
void agent_set_allowed_keys(char *const *keys);

/* ways.c: transports. Into the configuration of a session. */
void agent_set_ways(const struct config *config, struct session_config *ret);
/* Before and after a connect to the provisioning service. */
void agent_choose_way(struct agent *a);
void agent_note_way(struct agent *a);

/* agent.c */
/* Of the state that the machine is in, anew: what its length depends on has changed. */
void agent_arm_timer(struct agent *a);
void agent_post(struct agent *a, enum fsm_event event, int outcome, const char *format, ...)
	_printf_(4, 5);
void agent_post_external(struct agent *a, enum fsm_event event);
void agent_tell_step(struct agent *a, const char *name, const char *format, ...) _printf_(3, 4);

/* claim.c: what is known of an owner, also over restarts. */
void agent_note_claimed(struct agent *a);
void agent_note_unclaimed(struct agent *a);
/* "no" and "released" */
bool agent_is_unclaimed(const struct agent *a);
/* The claim token, while it may be shown to others than its owner: the service has said that there
 * is none. NULL else. */
const char *agent_token_to_show(const struct agent *a);
/* A claimread_fn: what a configurator may read. Unclaimed is who has a token to be claimed with:
 * until the key has signed it, nothing is known. */
void agent_tell_claim(void *userdata, struct claimread_news *ret);
/* For people, of a device that is unclaimed. */
const char *agent_unclaimed_why(const struct agent *a);
const char *agent_unclaimed_help(const struct agent *a);

/* reason.c: of the state that the agent is in now; why as it was posted. */
void agent_set_reason(struct agent *a, const char *why);
void agent_set_network_reason(struct agent *a);

/* server.c: the server to ask is in a->server. */
void agent_server_init(struct agent *a);
/* For a new connection. False when it is being looked for: then agent_do_connect() is called again.
 */
bool agent_server_choose(struct agent *a);
/* It cannot be connected to. True when another choice is left. */
bool agent_server_failed(struct agent *a, const char *why);
/* The next connection looks anew. */
void agent_server_forget(struct agent *a);
/* What it said of this device, once it was asked. */
void agent_server_note(struct agent *a, bool is_claimed);

/* agent.c */
/* What an earlier process left suspended, once, before anything is connected. */
void agent_adopt_session(struct agent *a);
int agent_make_cloud(struct agent *a) _must_check_;

/* sweep.c: destroys the keys that [cloud] key's token holds for nobody, in a while and on a thread.
 * To be called when the store may have let one go. */
void agent_sweep(struct agent *a);

/* rest.c */
uint32_t agent_random(void);
void agent_load_requests(struct agent *a);
/* A cycle has ended well: what led to it is over, durably. */
void agent_settle(struct agent *a);
/* How long the state idle may last, 0 for ever; and what comes then. */
uint64_t agent_rest_ms(struct agent *a);
void agent_end_rest(struct agent *a);

/* stay.c */
void agent_load_poll(struct agent *a);
/* The first poll after a cycle, unless one is planned. */
void agent_plan_poll(struct agent *a);
void agent_poll_now(struct agent *a, const char *why);
/* A cloud_delta_fn. */
json_t *agent_on_delta(const json_t *delta, void *userdata);
void agent_on_network(struct agent *a);

/* offline.c: [hooks] around the write. Posts the event when the link is down; why is copied. */
void agent_go_offline(struct agent *a, enum fsm_event event, const char *why);
/* Calls then when the link is up, at once without a hook. */
void agent_go_online(struct agent *a, void (*then)(struct agent *a));
/* An earlier life ended while the link was down; then brings it up. */
bool agent_was_left_offline(struct agent *a);
void agent_recover_online(struct agent *a, void (*then)(struct agent *a));
/* The batch is given up: the link comes up beside what follows; before an agent that stops returns.
 */
void agent_cancel_offline(struct agent *a);

/* reset.c: true when the loop ends for it. */
bool agent_reset_if_safe(struct agent *a);

/* timers.c: the length of a state's timer in ms, 0 for none. */
uint64_t agent_timer_ms(struct agent *a, enum fsm_timer timer);

/* access.c: other credentials than those that were tried. */
void agent_reset_attempts(struct agent *a);
/* How the status says what became of an attempt. */
const char *agent_cloud_word(enum outcome o);

/* cycle.c and access.c: the actions. Each ends in exactly one agent_post(), now or later. */
void agent_do_wait_network(struct agent *a);
void agent_do_wait_time(struct agent *a);
void agent_do_connect(struct agent *a);
void agent_do_authenticate(struct agent *a);
void agent_do_show_token(struct agent *a); /* posts nothing, like the next two */
void agent_do_fetch(struct agent *a);
void agent_do_suspend(struct agent *a);
void agent_do_execute(struct agent *a);
void agent_do_resume(struct agent *a);
void agent_do_report(struct agent *a);
void agent_do_park(struct agent *a);
void agent_do_cancel(struct agent *a);
void agent_do_validate(struct agent *a);
void agent_do_validate_previous(struct agent *a);
void agent_do_poll(struct agent *a);
/* These two post nothing of their own. */
void agent_do_stop_poll(struct agent *a);
void agent_do_end_poll(struct agent *a);

/* rollback.c: which credentials the cloud tag holds, docs/state-machine.md. */

/* The credentials are good: their predecessors go. False when the store failed; that is logged, and
 * the next validation tries again. */
bool agent_promote(struct agent *a);
/* The cloud's answer is about what this device holds. */
bool agent_is_refusal(enum outcome o);
/* A validation that failed for this reason is about the new credentials, and others are there. */
bool agent_may_roll_back(struct agent *a, enum outcome o);
/* Owned: why the credentials are not the newest ones; NULL when they are. */
char *agent_rolled_back_why(struct agent *a);
