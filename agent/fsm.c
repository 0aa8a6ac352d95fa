/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/fsm.h"

#include <string.h>

#define STATE(x) FSM_STATE_##x
#define EVENT(x) FSM_EVENT_##x

/* A new cycle starts by looking at the network; the same two actions every time. */
#define NEW_CYCLE (FSM_DO_BEGIN_CYCLE | FSM_DO_WAIT_NETWORK)
/* A cycle that ends before its time leaves nothing open behind it. */
#define GIVE_UP (FSM_DO_CANCEL | FSM_DO_END_CYCLE)

/* Edges that every state of a running provisioning exchange has. */
#define BUSY_EDGES(s)                                                                              \
	{STATE(s), EVENT(PROVISION), STATE(s), FSM_DO_QUEUE},                                      \
	{                                                                                          \
		STATE(s), EVENT(STOP), STATE(STOPPED), FSM_DO_CANCEL                               \
	}
#define FAILURE_EDGES(s)                                                                           \
	{STATE(s), EVENT(TRANSIENT), STATE(BACKING_OFF), GIVE_UP},                                 \
		{STATE(s), EVENT(PERMANENT), STATE(FAILED), GIVE_UP},                              \
	{                                                                                          \
		STATE(s), EVENT(TIMEOUT), STATE(BACKING_OFF), GIVE_UP                              \
	}
/* Edges of a state that waits between cycles. */
#define REST_EDGES(s)                                                                              \
	{STATE(s), EVENT(TIMEOUT), STATE(WAITING_FOR_NETWORK), NEW_CYCLE},                         \
		{STATE(s), EVENT(PROVISION), STATE(WAITING_FOR_NETWORK), NEW_CYCLE},               \
	{                                                                                          \
		STATE(s), EVENT(STOP), STATE(STOPPED), 0                                           \
	}

static const struct fsm_move moves[] = {
	{STATE(BOOTING), EVENT(START), STATE(WAITING_FOR_NETWORK), NEW_CYCLE},
	{STATE(BOOTING), EVENT(STOP), STATE(STOPPED), 0},

	{STATE(WAITING_FOR_NETWORK), EVENT(NETWORK_UP), STATE(WAITING_FOR_TIME), FSM_DO_WAIT_TIME},
	{STATE(WAITING_FOR_NETWORK), EVENT(TIMEOUT), STATE(BACKING_OFF), FSM_DO_END_CYCLE},
	BUSY_EDGES(WAITING_FOR_NETWORK),

	{STATE(WAITING_FOR_TIME), EVENT(TIME_OK), STATE(CONNECTING), FSM_DO_CONNECT},
	{STATE(WAITING_FOR_TIME), EVENT(TIMEOUT), STATE(BACKING_OFF), FSM_DO_END_CYCLE},
	BUSY_EDGES(WAITING_FOR_TIME),

	{STATE(CONNECTING), EVENT(CONNECTED), STATE(AUTHENTICATING), FSM_DO_AUTHENTICATE},
	{STATE(CONNECTING), EVENT(READY), STATE(FETCHING), FSM_DO_FETCH},
	{STATE(CONNECTING), EVENT(READY_UNREPORTED), STATE(REPORTING), FSM_DO_REPORT},
	FAILURE_EDGES(CONNECTING),
	BUSY_EDGES(CONNECTING),

	{STATE(AUTHENTICATING), EVENT(READY), STATE(FETCHING), FSM_DO_FETCH},
	{STATE(AUTHENTICATING), EVENT(READY_UNREPORTED), STATE(REPORTING), FSM_DO_REPORT},
	{STATE(AUTHENTICATING), EVENT(UNCLAIMED), STATE(UNCLAIMED),
	 FSM_DO_SHOW_TOKEN | FSM_DO_END_CYCLE},
	{STATE(AUTHENTICATING), EVENT(LOST), STATE(CONNECTING), FSM_DO_CONNECT},
	FAILURE_EDGES(AUTHENTICATING),
	BUSY_EDGES(AUTHENTICATING),

	/* A poll is one request on the session that is still open; when it is not, LOST. */
	{STATE(UNCLAIMED), EVENT(TIMEOUT), STATE(AUTHENTICATING), FSM_DO_AUTHENTICATE},
	{STATE(UNCLAIMED), EVENT(PROVISION), STATE(AUTHENTICATING), FSM_DO_AUTHENTICATE},
	{STATE(UNCLAIMED), EVENT(STOP), STATE(STOPPED), FSM_DO_CANCEL},

	{STATE(FETCHING), EVENT(COMMANDS), STATE(SUSPENDING), FSM_DO_SUSPEND},
	{STATE(FETCHING), EVENT(NO_COMMANDS), STATE(VALIDATING), FSM_DO_PARK | FSM_DO_VALIDATE},
	{STATE(FETCHING), EVENT(REAUTHENTICATE), STATE(AUTHENTICATING), FSM_DO_AUTHENTICATE},
	{STATE(FETCHING), EVENT(LOST), STATE(CONNECTING), FSM_DO_CONNECT},
	FAILURE_EDGES(FETCHING),
	BUSY_EDGES(FETCHING),

	{STATE(SUSPENDING), EVENT(SUSPENDED), STATE(EXECUTING), FSM_DO_EXECUTE},
	{STATE(SUSPENDING), EVENT(NOT_SUSPENDED), STATE(EXECUTING), FSM_DO_EXECUTE},
	FAILURE_EDGES(SUSPENDING),
	BUSY_EDGES(SUSPENDING),

	{STATE(EXECUTING), EVENT(EXECUTED), STATE(RESUMING), FSM_DO_RESUME},
	FAILURE_EDGES(EXECUTING),
	BUSY_EDGES(EXECUTING),

	{STATE(RESUMING), EVENT(READY), STATE(FETCHING), FSM_DO_FETCH},
	{STATE(RESUMING), EVENT(READY_UNREPORTED), STATE(REPORTING), FSM_DO_REPORT},
	{STATE(RESUMING), EVENT(CONNECTED), STATE(AUTHENTICATING), FSM_DO_AUTHENTICATE},
	{STATE(RESUMING), EVENT(LOST), STATE(CONNECTING), FSM_DO_CONNECT},
	FAILURE_EDGES(RESUMING),
	BUSY_EDGES(RESUMING),

	{STATE(REPORTING), EVENT(REPORTED), STATE(FETCHING), FSM_DO_FETCH},
	{STATE(REPORTING), EVENT(FINISHED), STATE(VALIDATING), FSM_DO_PARK | FSM_DO_VALIDATE},
	{STATE(REPORTING), EVENT(REAUTHENTICATE), STATE(AUTHENTICATING), FSM_DO_AUTHENTICATE},
	{STATE(REPORTING), EVENT(LOST), STATE(CONNECTING), FSM_DO_CONNECT},
	FAILURE_EDGES(REPORTING),
	BUSY_EDGES(REPORTING),

	{STATE(VALIDATING), EVENT(VALIDATED), STATE(IDLE), FSM_DO_END_CYCLE},
	{STATE(VALIDATING), EVENT(NOT_NEEDED), STATE(IDLE), FSM_DO_END_CYCLE},
	{STATE(VALIDATING), EVENT(NOT_YET), STATE(WAITING_TO_VALIDATE), 0},
	{STATE(VALIDATING), EVENT(DEGRADED), STATE(DEGRADED), FSM_DO_END_CYCLE},
	{STATE(VALIDATING), EVENT(REFUSED), STATE(FALLING_BACK), FSM_DO_VALIDATE_PREVIOUS},
	/* No key to validate with: commands may be on their way. The parked session stays. */
	{STATE(VALIDATING), EVENT(TRANSIENT), STATE(BACKING_OFF), FSM_DO_END_CYCLE},
	{STATE(VALIDATING), EVENT(PERMANENT), STATE(FAILED), FSM_DO_END_CYCLE},
	{STATE(VALIDATING), EVENT(TIMEOUT), STATE(DEGRADED), GIVE_UP},
	BUSY_EDGES(VALIDATING),

	{STATE(WAITING_TO_VALIDATE), EVENT(TIMEOUT), STATE(VALIDATING), FSM_DO_VALIDATE},
	{STATE(WAITING_TO_VALIDATE), EVENT(NETWORK_UP), STATE(VALIDATING), FSM_DO_VALIDATE},
	{STATE(WAITING_TO_VALIDATE), EVENT(PROVISION), STATE(WAITING_FOR_NETWORK), NEW_CYCLE},
	{STATE(WAITING_TO_VALIDATE), EVENT(STOP), STATE(STOPPED), 0},

	{STATE(FALLING_BACK), EVENT(ROLLED_BACK), STATE(DEGRADED), FSM_DO_END_CYCLE},
	{STATE(FALLING_BACK), EVENT(DEGRADED), STATE(DEGRADED), FSM_DO_END_CYCLE},
	{STATE(FALLING_BACK), EVENT(TIMEOUT), STATE(DEGRADED), GIVE_UP},
	BUSY_EDGES(FALLING_BACK),

	REST_EDGES(IDLE),
	{STATE(IDLE), EVENT(POLL), STATE(POLLING), FSM_DO_POLL},

	/* A look at the shadow, on the cloud's session. Whoever asks for a cycle does not wait. */
	{STATE(POLLING), EVENT(POLLED), STATE(IDLE), FSM_DO_END_POLL},
	{STATE(POLLING), EVENT(TRANSIENT), STATE(IDLE), FSM_DO_END_POLL},
	{STATE(POLLING), EVENT(TIMEOUT), STATE(IDLE), FSM_DO_STOP_POLL | FSM_DO_END_POLL},
	/* What was validated is refused: whoever did that may have new credentials ready. */
	{STATE(POLLING), EVENT(REFUSED), STATE(WAITING_FOR_NETWORK), NEW_CYCLE},
	{STATE(POLLING), EVENT(PROVISION), STATE(WAITING_FOR_NETWORK),
	 FSM_DO_STOP_POLL | NEW_CYCLE},
	{STATE(POLLING), EVENT(STOP), STATE(STOPPED), FSM_DO_STOP_POLL},

	/* Another network may be what was missing. */
	REST_EDGES(DEGRADED),
	{STATE(DEGRADED), EVENT(NETWORK_UP), STATE(WAITING_FOR_NETWORK), NEW_CYCLE},
	REST_EDGES(BACKING_OFF),
	{STATE(BACKING_OFF), EVENT(NETWORK_UP), STATE(WAITING_FOR_NETWORK), NEW_CYCLE},
	REST_EDGES(FAILED),
	{STATE(FAILED), EVENT(NETWORK_UP), STATE(WAITING_FOR_NETWORK), NEW_CYCLE},
};

static const char *const state_names[FSM_N_STATES] = {
	[STATE(BOOTING)] = "booting",
	[STATE(WAITING_FOR_NETWORK)] = "waiting-for-network",
	[STATE(WAITING_FOR_TIME)] = "waiting-for-time",
	[STATE(CONNECTING)] = "connecting",
	[STATE(AUTHENTICATING)] = "authenticating",
	[STATE(UNCLAIMED)] = "unclaimed",
	[STATE(FETCHING)] = "fetching",
	[STATE(SUSPENDING)] = "suspending",
	[STATE(EXECUTING)] = "executing",
	[STATE(RESUMING)] = "resuming",
	[STATE(REPORTING)] = "reporting",
	[STATE(VALIDATING)] = "validating",
	[STATE(WAITING_TO_VALIDATE)] = "waiting-to-validate",
	[STATE(FALLING_BACK)] = "falling-back",
	[STATE(IDLE)] = "idle",
	[STATE(POLLING)] = "polling",
	[STATE(DEGRADED)] = "degraded",
	[STATE(BACKING_OFF)] = "backing-off",
	[STATE(FAILED)] = "failed",
	[STATE(STOPPED)] = "stopped",
};

static const char *const event_names[FSM_N_EVENTS] = {
	[EVENT(START)] = "start",
	[EVENT(NETWORK_UP)] = "network-up",
	[EVENT(TIME_OK)] = "time-ok",
	[EVENT(CONNECTED)] = "connected",
	[EVENT(READY)] = "ready",
	[EVENT(READY_UNREPORTED)] = "ready-unreported",
	[EVENT(UNCLAIMED)] = "unclaimed",
	[EVENT(COMMANDS)] = "commands",
	[EVENT(NO_COMMANDS)] = "no-commands",
	[EVENT(SUSPENDED)] = "suspended",
	[EVENT(NOT_SUSPENDED)] = "not-suspended",
	[EVENT(EXECUTED)] = "executed",
	[EVENT(REPORTED)] = "reported",
	[EVENT(FINISHED)] = "finished",
	[EVENT(REAUTHENTICATE)] = "reauthenticate",
	[EVENT(LOST)] = "lost",
	[EVENT(TRANSIENT)] = "transient",
	[EVENT(PERMANENT)] = "permanent",
	[EVENT(VALIDATED)] = "validated",
	[EVENT(NOT_NEEDED)] = "not-needed",
	[EVENT(NOT_YET)] = "not-yet",
	[EVENT(DEGRADED)] = "degraded",
	[EVENT(REFUSED)] = "refused",
	[EVENT(ROLLED_BACK)] = "rolled-back",
	[EVENT(POLL)] = "poll",
	[EVENT(POLLED)] = "polled",
	[EVENT(TIMEOUT)] = "timeout",
	[EVENT(PROVISION)] = "provision",
	[EVENT(STOP)] = "stop",
};

void fsm_init(struct fsm *f)
{
	*f = (struct fsm){.state = STATE(BOOTING)};
}

const struct fsm_move *fsm_find(enum fsm_state state, enum fsm_event event)
{
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
		if (moves[i].state == state && moves[i].event == event)
			return &moves[i];
	return NULL;
}

int fsm_step(struct fsm *f, enum fsm_event event, struct fsm_move *ret)
{
	const struct fsm_move *m = fsm_find(f->state, event);

	if (!m) {
		uint32_t bit = UINT32_C(1) << event;
		bool again = f->refused[f->state] & bit;

		f->refused[f->state] |= bit;
		return again ? FSM_E_REFUSED_AGAIN : FSM_E_REFUSED;
	}
	f->state = m->next;
	*ret = *m;
	return 0;
}

enum fsm_timer fsm_timer_of(enum fsm_state state)
{
	switch (state) {
	case STATE(BOOTING):
	case STATE(STOPPED):
	case FSM_N_STATES:
		return FSM_TIMER_NONE;
	case STATE(WAITING_FOR_NETWORK):
		return FSM_TIMER_NETWORK;
	case STATE(WAITING_FOR_TIME):
		return FSM_TIMER_TIME;
	case STATE(CONNECTING):
		return FSM_TIMER_CONNECT;
	case STATE(AUTHENTICATING):
	case STATE(FETCHING):
	case STATE(REPORTING):
		return FSM_TIMER_EXCHANGE;
	case STATE(UNCLAIMED):
		return FSM_TIMER_POLL;
	case STATE(SUSPENDING):
	case STATE(EXECUTING):
	case STATE(RESUMING):
		return FSM_TIMER_WORK;
	case STATE(VALIDATING):
	case STATE(FALLING_BACK):
		return FSM_TIMER_VALIDATE;
	case STATE(WAITING_TO_VALIDATE):
		return FSM_TIMER_REVALIDATE;
	case STATE(IDLE):
		return FSM_TIMER_SCHEDULE;
	case STATE(POLLING):
		return FSM_TIMER_LOOK;
	case STATE(DEGRADED):
		return FSM_TIMER_DEGRADED;
	case STATE(BACKING_OFF):
		return FSM_TIMER_BACKOFF;
	case STATE(FAILED):
		return FSM_TIMER_CEILING;
	}
	return FSM_TIMER_NONE;
}

bool fsm_is_busy(enum fsm_state state)
{
	const struct fsm_move *m = fsm_find(state, EVENT(PROVISION));

	return m && (m->actions & FSM_DO_QUEUE);
}

const char *fsm_state_name(enum fsm_state state)
{
	return state < FSM_N_STATES ? state_names[state] : "unknown";
}

const char *fsm_event_name(enum fsm_event event)
{
	return event < FSM_N_EVENTS ? event_names[event] : "unknown";
}

const char *fsm_action_name(enum fsm_action action)
{
	switch (action) {
	case FSM_DO_STOP_POLL:
		return "stop-poll";
	case FSM_DO_BEGIN_CYCLE:
		return "begin-cycle";
	case FSM_DO_WAIT_NETWORK:
		return "wait-network";
	case FSM_DO_WAIT_TIME:
		return "wait-time";
	case FSM_DO_CONNECT:
		return "connect";
	case FSM_DO_AUTHENTICATE:
		return "authenticate";
	case FSM_DO_SHOW_TOKEN:
		return "show-token";
	case FSM_DO_FETCH:
		return "fetch";
	case FSM_DO_SUSPEND:
		return "suspend";
	case FSM_DO_EXECUTE:
		return "execute";
	case FSM_DO_RESUME:
		return "resume";
	case FSM_DO_REPORT:
		return "report";
	case FSM_DO_PARK:
		return "park";
	case FSM_DO_VALIDATE:
		return "validate";
	case FSM_DO_VALIDATE_PREVIOUS:
		return "validate-previous";
	case FSM_DO_POLL:
		return "poll";
	case FSM_DO_CANCEL:
		return "cancel";
	case FSM_DO_QUEUE:
		return "queue";
	case FSM_DO_END_POLL:
		return "end-poll";
	case FSM_DO_END_CYCLE:
		return "end-cycle";
	}
	return "unknown";
}

const char *fsm_timer_name(enum fsm_timer timer)
{
	switch (timer) {
	case FSM_TIMER_NONE:
		return "none";
	case FSM_TIMER_NETWORK:
		return "network wait";
	case FSM_TIMER_TIME:
		return "time wait";
	case FSM_TIMER_CONNECT:
		return "handshake limit";
	case FSM_TIMER_EXCHANGE:
		return "exchange limit";
	case FSM_TIMER_POLL:
		return "claim poll";
	case FSM_TIMER_WORK:
		return "work limit";
	case FSM_TIMER_VALIDATE:
		return "validation limit";
	case FSM_TIMER_REVALIDATE:
		return "validation retry";
	case FSM_TIMER_SCHEDULE:
		return "schedule";
	case FSM_TIMER_LOOK:
		return "poll limit";
	case FSM_TIMER_DEGRADED:
		return "validation retry ceiling";
	case FSM_TIMER_BACKOFF:
		return "backoff";
	case FSM_TIMER_CEILING:
		return "backoff ceiling";
	}
	return "unknown";
}
