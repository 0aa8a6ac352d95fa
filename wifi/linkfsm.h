/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The moves of the Wi-Fi link: which are legal, and what to do on each. Pure: no I/O, no clock, no
 * allocation. One table holds all of it (docs/wifi-link.md shows the same table); a move that is
 * not there is refused. Decisions that need facts (is anything configured? did the store take it?)
 * are taken by link.c, which then says the fitting event. */

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

/* "Kept" is the configuration that worked once, "on trial" one that link_try() brought. */
enum linkfsm_state {
	LINKFSM_STATE_NO_INTERFACE,
	LINKFSM_STATE_CHOOSING, /* passing through: is anything kept? */
	LINKFSM_STATE_UNCONFIGURED,
	LINKFSM_STATE_CONNECTING,   /* the kept one */
	LINKFSM_STATE_OBTAINING_IP, /* of it */
	LINKFSM_STATE_CONNECTED,
	LINKFSM_STATE_RETRYING,
	LINKFSM_STATE_SCANNING, /* the kept one waits until the scan is over */
	LINKFSM_STATE_TRYING,   /* the one on trial */
	LINKFSM_STATE_TRYING_IP,
	LINKFSM_N_STATES,
};

enum linkfsm_event {
	LINKFSM_EVENT_AVAILABLE,
	LINKFSM_EVENT_GONE,
	LINKFSM_EVENT_CONFIGURED,
	LINKFSM_EVENT_UNCONFIGURED,
	LINKFSM_EVENT_TRY,
	LINKFSM_EVENT_FORGET, /* and the store has forgotten */
	LINKFSM_EVENT_SCAN,
	LINKFSM_EVENT_SCAN_OVER,
	LINKFSM_EVENT_HOLD,    /* time to retry, but a scan is under way */
	LINKFSM_EVENT_LINKED,  /* the link carries traffic */
	LINKFSM_EVENT_REFUSED, /* the station did not even begin */
	LINKFSM_EVENT_FAILED,
	LINKFSM_EVENT_LOST,
	LINKFSM_EVENT_ADDRESS, /* the kept one has got one */
	LINKFSM_EVENT_NO_ADDRESS,
	LINKFSM_EVENT_KEPT,     /* the one on trial has got one and is kept now */
	LINKFSM_EVENT_NOT_KEPT, /* the same, but the store refused */
	LINKFSM_EVENT_TIMEOUT,  /* of the state that the machine is in */
	LINKFSM_N_EVENTS,
};

enum linkfsm_action {
	LINKFSM_DO_STOP_SCAN = 1 << 0,
	LINKFSM_DO_DISCONNECT = 1 << 1,
	LINKFSM_DO_DROP_TRIAL = 1 << 2, /* without a result */
	LINKFSM_DO_TELL_FAILED = 1 << 3,
	LINKFSM_DO_TELL_CONNECTED = 1 << 4,
	LINKFSM_DO_CHOOSE = 1 << 5,
	LINKFSM_DO_CONNECT = 1 << 6, /* what is kept */
	LINKFSM_DO_TRY = 1 << 7,
	LINKFSM_DO_WAIT_ADDRESS = 1 << 8,
	LINKFSM_DO_SCAN = 1 << 9,
};
#define LINKFSM_DO_LAST LINKFSM_DO_SCAN

/* What the timer of a state stands for; its length is configuration. */
enum linkfsm_timer {
	LINKFSM_TIMER_NONE,
	LINKFSM_TIMER_CONNECT,
	LINKFSM_TIMER_ADDRESS,
	LINKFSM_TIMER_RETRY,
	LINKFSM_TIMER_SCAN,
};

struct linkfsm_move {
	enum linkfsm_state state;
	enum linkfsm_event event;
	enum linkfsm_state next;
	uint32_t actions; /* enum linkfsm_action, in the order of their values */
};

struct linkfsm {
	enum linkfsm_state state;
	uint32_t refused[LINKFSM_N_STATES]; /* bit per event: refused before */
};

enum {
	LINKFSM_E_REFUSED = 1,       /* no such move; the first time for this pair */
	LINKFSM_E_REFUSED_AGAIN = 2, /* the same, seen before: not worth a log line */
};

void linkfsm_init(struct linkfsm *f);
/* Makes the move and tells it. 0 or LINKFSM_E_REFUSED*, the state being unchanged then. */
int linkfsm_step(struct linkfsm *f, enum linkfsm_event event,
		 struct linkfsm_move *ret) _must_check_;

/* NULL when the table has no such move. */
const struct linkfsm_move *linkfsm_find(enum linkfsm_state state, enum linkfsm_event event);
enum linkfsm_timer linkfsm_timer_of(enum linkfsm_state state);
bool linkfsm_is_trial(enum linkfsm_state state);

/* Stable words: "obtaining-ip", "scan-over", "wait-address", "address limit". */
const char *linkfsm_state_name(enum linkfsm_state state);
const char *linkfsm_event_name(enum linkfsm_event event);
const char *linkfsm_action_name(enum linkfsm_action action);
const char *linkfsm_timer_name(enum linkfsm_timer timer);
