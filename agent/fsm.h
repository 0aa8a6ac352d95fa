/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The agent's state machine: which moves are legal, and what to do on each. Pure: no I/O, no clock,
 * no allocation. One table holds all of it (docs/state-machine.md shows the same table); a move
 * that is not there is refused. Decisions that need facts (is anything unreported? is this failure
 * transient?) are taken by the agent, which then says the fitting event. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

enum fsm_state {
	FSM_STATE_BOOTING,
	FSM_STATE_WAITING_FOR_NETWORK,
	FSM_STATE_WAITING_FOR_TIME,
	FSM_STATE_CONNECTING,
	FSM_STATE_AUTHENTICATING,
	FSM_STATE_UNCLAIMED,
	FSM_STATE_FETCHING,
	FSM_STATE_SUSPENDING,
	FSM_STATE_EXECUTING,
	FSM_STATE_RESUMING,
	FSM_STATE_REPORTING,
	FSM_STATE_VALIDATING,
	FSM_STATE_WAITING_TO_VALIDATE,
	FSM_STATE_FALLING_BACK,
	FSM_STATE_IDLE,
	FSM_STATE_POLLING,
	FSM_STATE_DEGRADED,
	FSM_STATE_BACKING_OFF,
	FSM_STATE_FAILED,
	FSM_STATE_STOPPED,
	FSM_N_STATES,
};

enum fsm_event {
	FSM_EVENT_START,
	FSM_EVENT_NETWORK_UP,
	FSM_EVENT_TIME_OK,
	FSM_EVENT_CONNECTED,        /* a session is open, nobody is authenticated on it */
	FSM_EVENT_READY,            /* a session is open and authenticated, nothing is unreported */
	FSM_EVENT_READY_UNREPORTED, /* the same, and the journal holds results */
	FSM_EVENT_UNCLAIMED,
	FSM_EVENT_COMMANDS,
	FSM_EVENT_NO_COMMANDS,
	FSM_EVENT_SUSPENDED,
	FSM_EVENT_NOT_SUSPENDED, /* not wanted or not possible: work goes on beside an open session
				  */
	FSM_EVENT_EXECUTED,
	FSM_EVENT_REPORTED,
	FSM_EVENT_FINISHED, /* reported, and the service had said in this cycle that this was all */
	FSM_EVENT_REAUTHENTICATE,
	FSM_EVENT_LOST,      /* the session is gone: another one at once */
	FSM_EVENT_TRANSIENT, /* worth trying again soon */
	FSM_EVENT_PERMANENT, /* not before something changes */
	FSM_EVENT_VALIDATED,
	FSM_EVENT_NOT_NEEDED,  /* validation is off, or done before and nothing changed since */
	FSM_EVENT_NOT_YET,     /* validation failed, attempts are left */
	FSM_EVENT_DEGRADED,    /* validation failed for the last time */
	FSM_EVENT_REFUSED,     /* the same, and there are predecessors that may still work */
	FSM_EVENT_ROLLED_BACK, /* they do, and are in place again */
	FSM_EVENT_POLL,        /* time to look at the shadow */
	FSM_EVENT_POLLED,
	FSM_EVENT_TIMEOUT,   /* of the state that the machine is in */
	FSM_EVENT_PROVISION, /* somebody asks for a cycle */
	FSM_EVENT_STOP,
	FSM_N_EVENTS,
};

enum fsm_action {
	FSM_DO_STOP_POLL = 1 << 0, /* give the poll up, and what it may have left half done */
	FSM_DO_BEGIN_CYCLE = 1 << 1,
	FSM_DO_WAIT_NETWORK = 1 << 2,
	FSM_DO_WAIT_TIME = 1 << 3,
	FSM_DO_CONNECT = 1 << 4, /* resume what is suspended, else a new session */
	FSM_DO_AUTHENTICATE = 1 << 5,
	FSM_DO_SHOW_TOKEN = 1 << 6,
	FSM_DO_FETCH = 1 << 7,
	FSM_DO_SUSPEND = 1 << 8,
	FSM_DO_EXECUTE = 1 << 9,
	FSM_DO_RESUME = 1 << 10,
	FSM_DO_REPORT = 1 << 11,
	FSM_DO_PARK = 1 << 12, /* keep the session suspended for the next cycle, or close it */
	FSM_DO_VALIDATE = 1 << 13,
	FSM_DO_VALIDATE_PREVIOUS = 1 << 14,
	FSM_DO_POLL = 1 << 15,
	FSM_DO_CANCEL = 1 << 16, /* give up what is under way and close its session */
	FSM_DO_QUEUE = 1 << 17,  /* one more cycle after this one */
	FSM_DO_END_POLL =
		1 << 18, /* when the next one is due; what was asked for meanwhile begins */
	FSM_DO_END_CYCLE = 1 << 19,
};

/* What the timer of a state stands for; its length is configuration. */
enum fsm_timer {
	FSM_TIMER_NONE,
	FSM_TIMER_NETWORK,
	FSM_TIMER_TIME,
	FSM_TIMER_CONNECT,
	FSM_TIMER_EXCHANGE,
	FSM_TIMER_POLL,
	FSM_TIMER_WORK,
	FSM_TIMER_VALIDATE,
	FSM_TIMER_REVALIDATE,
	FSM_TIMER_SCHEDULE,
	FSM_TIMER_LOOK,
	FSM_TIMER_DEGRADED,
	FSM_TIMER_BACKOFF,
	FSM_TIMER_CEILING,
};

struct fsm_move {
	enum fsm_state state;
	enum fsm_event event;
	enum fsm_state next;
	uint32_t actions; /* enum fsm_action, in the order of their values */
};

struct fsm {
	enum fsm_state state;
	uint32_t refused[FSM_N_STATES]; /* bit per event: refused before */
};

enum {
	FSM_E_REFUSED = 1,       /* no such move; the first time for this pair */
	FSM_E_REFUSED_AGAIN = 2, /* the same, seen before: not worth a log line */
};

void fsm_init(struct fsm *f);
/* Makes the move and tells it. 0 or FSM_E_REFUSED*, the state being unchanged then. */
int fsm_step(struct fsm *f, enum fsm_event event, struct fsm_move *ret) _must_check_;

/* NULL when the table has no such move. */
const struct fsm_move *fsm_find(enum fsm_state state, enum fsm_event event);
enum fsm_timer fsm_timer_of(enum fsm_state state);
/* A cycle is under way: another one asked for must queue. */
bool fsm_is_busy(enum fsm_state state);

/* Stable words: "waiting-for-network", "network-up", "wait-network", "network". */
const char *fsm_state_name(enum fsm_state state);
const char *fsm_event_name(enum fsm_event event);
const char *fsm_action_name(enum fsm_action action);
const char *fsm_timer_name(enum fsm_timer timer);
