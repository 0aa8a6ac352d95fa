/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/linkfsm.h"

#define STATE(x) LINKFSM_STATE_##x
#define EVENT(x) LINKFSM_EVENT_##x
#define DO(x) LINKFSM_DO_##x

/* A trial that failed gives its place back to what is kept. */
#define TRIAL_FAILED (DO(TELL_FAILED) | DO(CHOOSE))

/* Results that were not told yet are dropped, too. */
#define FORGOTTEN (DO(DISCONNECT) | DO(DROP_TRIAL))

static const struct linkfsm_move moves[] = {
	{STATE(NO_INTERFACE), EVENT(AVAILABLE), STATE(CHOOSING), DO(CHOOSE)},
	{STATE(NO_INTERFACE), EVENT(FORGET), STATE(NO_INTERFACE), DO(DROP_TRIAL)},

	{STATE(CHOOSING), EVENT(CONFIGURED), STATE(CONNECTING), DO(CONNECT)},
	{STATE(CHOOSING), EVENT(UNCONFIGURED), STATE(UNCONFIGURED), 0},

	{STATE(UNCONFIGURED), EVENT(GONE), STATE(NO_INTERFACE), 0},
	{STATE(UNCONFIGURED), EVENT(TRY), STATE(TRYING), DO(STOP_SCAN) | DO(TRY)},
	{STATE(UNCONFIGURED), EVENT(FORGET), STATE(UNCONFIGURED), FORGOTTEN},
	{STATE(UNCONFIGURED), EVENT(SCAN), STATE(UNCONFIGURED), DO(SCAN)},

	{STATE(CONNECTING), EVENT(GONE), STATE(NO_INTERFACE), 0},
	{STATE(CONNECTING), EVENT(TRY), STATE(TRYING), DO(TRY)},
	{STATE(CONNECTING), EVENT(FORGET), STATE(UNCONFIGURED), FORGOTTEN},
	/* Who looks for networks stands beside the device: that is worth more than this attempt. */
	{STATE(CONNECTING), EVENT(SCAN), STATE(SCANNING), DO(DISCONNECT) | DO(SCAN)},
	{STATE(CONNECTING), EVENT(LINKED), STATE(OBTAINING_IP), DO(WAIT_ADDRESS)},
	{STATE(CONNECTING), EVENT(REFUSED), STATE(RETRYING), 0},
	{STATE(CONNECTING), EVENT(FAILED), STATE(RETRYING), 0},
	{STATE(CONNECTING), EVENT(TIMEOUT), STATE(RETRYING), DO(DISCONNECT)},

	/* The link is there: a scan runs beside it. */
	{STATE(OBTAINING_IP), EVENT(GONE), STATE(NO_INTERFACE), 0},
	{STATE(OBTAINING_IP), EVENT(TRY), STATE(TRYING), DO(STOP_SCAN) | DO(TRY)},
	{STATE(OBTAINING_IP), EVENT(FORGET), STATE(UNCONFIGURED), FORGOTTEN},
	{STATE(OBTAINING_IP), EVENT(SCAN), STATE(OBTAINING_IP), DO(SCAN)},
	{STATE(OBTAINING_IP), EVENT(ADDRESS), STATE(CONNECTED), 0},
	{STATE(OBTAINING_IP), EVENT(FAILED), STATE(RETRYING), 0},
	{STATE(OBTAINING_IP), EVENT(LOST), STATE(RETRYING), 0},
	{STATE(OBTAINING_IP), EVENT(TIMEOUT), STATE(RETRYING), DO(DISCONNECT)},

	{STATE(CONNECTED), EVENT(GONE), STATE(NO_INTERFACE), 0},
	{STATE(CONNECTED), EVENT(TRY), STATE(TRYING), DO(STOP_SCAN) | DO(TRY)},
	{STATE(CONNECTED), EVENT(FORGET), STATE(UNCONFIGURED), FORGOTTEN},
	{STATE(CONNECTED), EVENT(SCAN), STATE(CONNECTED), DO(SCAN)},
	{STATE(CONNECTED), EVENT(LOST), STATE(RETRYING), 0},
	{STATE(CONNECTED), EVENT(NO_ADDRESS), STATE(OBTAINING_IP), DO(WAIT_ADDRESS)},

	{STATE(RETRYING), EVENT(GONE), STATE(NO_INTERFACE), 0},
	{STATE(RETRYING), EVENT(TRY), STATE(TRYING), DO(STOP_SCAN) | DO(TRY)},
	{STATE(RETRYING), EVENT(FORGET), STATE(UNCONFIGURED), FORGOTTEN},
	{STATE(RETRYING), EVENT(SCAN), STATE(SCANNING), DO(SCAN)},
	{STATE(RETRYING), EVENT(HOLD), STATE(SCANNING), 0},
	{STATE(RETRYING), EVENT(TIMEOUT), STATE(CONNECTING), DO(CONNECT)},

	{STATE(SCANNING), EVENT(GONE), STATE(NO_INTERFACE), 0},
	{STATE(SCANNING), EVENT(TRY), STATE(TRYING), DO(STOP_SCAN) | DO(TRY)},
	{STATE(SCANNING), EVENT(FORGET), STATE(UNCONFIGURED), FORGOTTEN},
	{STATE(SCANNING), EVENT(SCAN), STATE(SCANNING), DO(SCAN)},
	{STATE(SCANNING), EVENT(SCAN_OVER), STATE(CONNECTING), DO(CONNECT)},
	/* A scan that nobody ends must not keep the device off the network. */
	{STATE(SCANNING), EVENT(TIMEOUT), STATE(CONNECTING), DO(STOP_SCAN) | DO(CONNECT)},

	{STATE(TRYING), EVENT(GONE), STATE(NO_INTERFACE), DO(TELL_FAILED)},
	{STATE(TRYING), EVENT(TRY), STATE(TRYING), DO(TRY)},
	{STATE(TRYING), EVENT(FORGET), STATE(UNCONFIGURED), FORGOTTEN},
	{STATE(TRYING), EVENT(LINKED), STATE(TRYING_IP), DO(WAIT_ADDRESS)},
	/* Told by what link_try() returns. */
	{STATE(TRYING), EVENT(REFUSED), STATE(CHOOSING), DO(DROP_TRIAL) | DO(CHOOSE)},
	{STATE(TRYING), EVENT(FAILED), STATE(CHOOSING), TRIAL_FAILED},
	{STATE(TRYING), EVENT(TIMEOUT), STATE(CHOOSING), DO(DISCONNECT) | TRIAL_FAILED},

	{STATE(TRYING_IP), EVENT(GONE), STATE(NO_INTERFACE), DO(TELL_FAILED)},
	{STATE(TRYING_IP), EVENT(TRY), STATE(TRYING), DO(TRY)},
	{STATE(TRYING_IP), EVENT(FORGET), STATE(UNCONFIGURED), FORGOTTEN},
	{STATE(TRYING_IP), EVENT(FAILED), STATE(CHOOSING), TRIAL_FAILED},
	{STATE(TRYING_IP), EVENT(LOST), STATE(CHOOSING), TRIAL_FAILED},
	{STATE(TRYING_IP), EVENT(KEPT), STATE(CONNECTED), DO(TELL_CONNECTED)},
	{STATE(TRYING_IP), EVENT(NOT_KEPT), STATE(CHOOSING), DO(DISCONNECT) | TRIAL_FAILED},
	{STATE(TRYING_IP), EVENT(TIMEOUT), STATE(CHOOSING), DO(DISCONNECT) | TRIAL_FAILED},
};

static const char *const state_names[LINKFSM_N_STATES] = {
	[STATE(NO_INTERFACE)] = "no-interface",
	[STATE(CHOOSING)] = "choosing",
	[STATE(UNCONFIGURED)] = "unconfigured",
	[STATE(CONNECTING)] = "connecting",
	[STATE(OBTAINING_IP)] = "obtaining-ip",
	[STATE(CONNECTED)] = "connected",
	[STATE(RETRYING)] = "retrying",
	[STATE(SCANNING)] = "scanning",
	[STATE(TRYING)] = "trying",
	[STATE(TRYING_IP)] = "trying-ip",
};

static const char *const event_names[LINKFSM_N_EVENTS] = {
	[EVENT(AVAILABLE)] = "available",
	[EVENT(GONE)] = "gone",
	[EVENT(CONFIGURED)] = "configured",
	[EVENT(UNCONFIGURED)] = "unconfigured",
	[EVENT(TRY)] = "try",
	[EVENT(FORGET)] = "forget",
	[EVENT(SCAN)] = "scan",
	[EVENT(SCAN_OVER)] = "scan-over",
	[EVENT(HOLD)] = "hold",
	[EVENT(LINKED)] = "linked",
	[EVENT(REFUSED)] = "refused",
	[EVENT(FAILED)] = "failed",
	[EVENT(LOST)] = "lost",
	[EVENT(ADDRESS)] = "address",
	[EVENT(NO_ADDRESS)] = "no-address",
	[EVENT(KEPT)] = "kept",
	[EVENT(NOT_KEPT)] = "not-kept",
	[EVENT(TIMEOUT)] = "timeout",
};

void linkfsm_init(struct linkfsm *f)
{
	*f = (struct linkfsm){.state = STATE(NO_INTERFACE)};
}

const struct linkfsm_move *linkfsm_find(enum linkfsm_state state, enum linkfsm_event event)
{
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
		if (moves[i].state == state && moves[i].event == event)
			return &moves[i];
	return NULL;
}

int linkfsm_step(struct linkfsm *f, enum linkfsm_event event, struct linkfsm_move *ret)
{
	const struct linkfsm_move *m = linkfsm_find(f->state, event);

	if (!m) {
		uint32_t bit = UINT32_C(1) << event;
		bool again = f->refused[f->state] & bit;

		f->refused[f->state] |= bit;
		return again ? LINKFSM_E_REFUSED_AGAIN : LINKFSM_E_REFUSED;
	}
	f->state = m->next;
	*ret = *m;
	return 0;
}

enum linkfsm_timer linkfsm_timer_of(enum linkfsm_state state)
{
	switch (state) {
	case STATE(NO_INTERFACE):
	case STATE(CHOOSING):
	case STATE(UNCONFIGURED):
	case STATE(CONNECTED):
	case LINKFSM_N_STATES:
		return LINKFSM_TIMER_NONE;
	case STATE(CONNECTING):
	case STATE(TRYING):
		return LINKFSM_TIMER_CONNECT;
	case STATE(OBTAINING_IP):
	case STATE(TRYING_IP):
		return LINKFSM_TIMER_ADDRESS;
	case STATE(RETRYING):
		return LINKFSM_TIMER_RETRY;
	case STATE(SCANNING):
		return LINKFSM_TIMER_SCAN;
	}
	return LINKFSM_TIMER_NONE;
}

bool linkfsm_is_trial(enum linkfsm_state state)
{
	return state == STATE(TRYING) || state == STATE(TRYING_IP);
}

const char *linkfsm_state_name(enum linkfsm_state state)
{
	return state < LINKFSM_N_STATES ? state_names[state] : "unknown";
}

const char *linkfsm_event_name(enum linkfsm_event event)
{
	return event < LINKFSM_N_EVENTS ? event_names[event] : "unknown";
}

const char *linkfsm_action_name(enum linkfsm_action action)
{
	switch (action) {
	case DO(STOP_SCAN):
		return "stop-scan";
	case DO(DISCONNECT):
		return "disconnect";
	case DO(DROP_TRIAL):
		return "drop-trial";
	case DO(TELL_FAILED):
		return "tell-failed";
	case DO(TELL_CONNECTED):
		return "tell-connected";
	case DO(CHOOSE):
		return "choose";
	case DO(CONNECT):
		return "connect";
	case DO(TRY):
		return "try";
	case DO(WAIT_ADDRESS):
		return "wait-address";
	case DO(SCAN):
		return "scan";
	}
	return "unknown";
}

const char *linkfsm_timer_name(enum linkfsm_timer timer)
{
	switch (timer) {
	case LINKFSM_TIMER_NONE:
		return "none";
	case LINKFSM_TIMER_CONNECT:
		return "attempt limit";
	case LINKFSM_TIMER_ADDRESS:
		return "address limit";
	case LINKFSM_TIMER_RETRY:
		return "retry";
	case LINKFSM_TIMER_SCAN:
		return "scan limit";
	}
	return "unknown";
}
