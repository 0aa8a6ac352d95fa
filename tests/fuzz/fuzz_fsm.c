/* Targets: fsm_step(), over long sequences of events. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "agent/fsm.h"
#include "tests/fuzz/fuzz.h"

/* Which events came in which state, and what the agent had in it. */
FUZZ_COUNTERS static uint8_t seen[FSM_N_STATES][FSM_N_EVENTS + 32];

/* What the agent has, told from the moves alone. */
struct world {
	bool connected;     /* a session that a request may go out on */
	bool authenticated; /* the service has said so, of this session */
	bool has_commands;  /* fetched, not yet executed */
	bool unreported;    /* executed, and the report has not been acknowledged since */
	bool polling;
};

static void take_event(struct world *w, const struct fsm_move *m)
{
	switch ((int)m->event) {
	case FSM_EVENT_CONNECTED:
		w->connected = true;
		w->authenticated = false;
		break;
	case FSM_EVENT_READY:
		w->connected = w->authenticated = true;
		FUZZ_ASSERT(m->next == FSM_STATE_FETCHING);
		break;
	case FSM_EVENT_READY_UNREPORTED:
		w->connected = w->authenticated = true;
		FUZZ_ASSERT(m->next == FSM_STATE_REPORTING);
		break;
	case FSM_EVENT_UNCLAIMED:
	case FSM_EVENT_REAUTHENTICATE:
		w->authenticated = false;
		break;
	case FSM_EVENT_LOST:
		w->connected = w->authenticated = false;
		break;
	case FSM_EVENT_COMMANDS:
		w->has_commands = true;
		break;
	case FSM_EVENT_EXECUTED:
		w->has_commands = false;
		w->unreported = true;
		break;
	case FSM_EVENT_REPORTED:
	case FSM_EVENT_FINISHED:
		w->unreported = false;
		break;
	case FSM_EVENT_POLLED:
	case FSM_EVENT_TRANSIENT:
	case FSM_EVENT_REFUSED:
		w->polling = false; /* if it was one */
		break;
	}
}

/* The actions of a move, in their order. */
static void take_action(struct world *w, enum fsm_action action)
{
	switch (action) {
	case FSM_DO_BEGIN_CYCLE:
		FUZZ_ASSERT(!w->polling);
		break;
	case FSM_DO_CONNECT:
		w->connected = w->authenticated = false;
		break;
	case FSM_DO_AUTHENTICATE:
		FUZZ_ASSERT(w->connected && !w->authenticated);
		break;
	case FSM_DO_FETCH:
		/* What was fetched before is executed, or was let go with its session. */
		FUZZ_ASSERT(w->authenticated && !w->unreported);
		w->has_commands = false;
		break;
	case FSM_DO_SUSPEND:
		FUZZ_ASSERT(w->authenticated && w->has_commands);
		break;
	case FSM_DO_EXECUTE:
		FUZZ_ASSERT(w->has_commands);
		break;
	case FSM_DO_RESUME:
		FUZZ_ASSERT(w->unreported);
		break;
	case FSM_DO_REPORT:
		FUZZ_ASSERT(w->authenticated);
		break;
	case FSM_DO_PARK:
		FUZZ_ASSERT(w->connected && !w->unreported);
		w->connected = w->authenticated = false;
		break;
	case FSM_DO_CANCEL:
		w->connected = w->authenticated = w->has_commands = false;
		break;
	case FSM_DO_POLL:
		w->polling = true;
		break;
	case FSM_DO_STOP_POLL:
		FUZZ_ASSERT(w->polling);
		w->polling = false;
		break;
	case FSM_DO_END_POLL:
		FUZZ_ASSERT(!w->polling);
		break;
	case FSM_DO_WAIT_NETWORK:
	case FSM_DO_WAIT_TIME:
	case FSM_DO_SHOW_TOKEN:
	case FSM_DO_VALIDATE:
	case FSM_DO_VALIDATE_PREVIOUS:
	case FSM_DO_QUEUE:
	case FSM_DO_END_CYCLE:
		break;
	}
}

static bool is_rest(enum fsm_state s)
{
	return s == FSM_STATE_IDLE || s == FSM_STATE_DEGRADED || s == FSM_STATE_BACKING_OFF ||
	       s == FSM_STATE_FAILED;
}

/* Whoever waits for the end of a cycle hears of it, once. */
static void check_cycle(const struct fsm_move *m)
{
	const bool was_poll = m->state == FSM_STATE_POLLING;

	if (is_rest(m->next))
		FUZZ_ASSERT(m->actions & (was_poll ? FSM_DO_END_POLL : FSM_DO_END_CYCLE));
	if (m->next == FSM_STATE_WAITING_FOR_NETWORK && m->state != m->next)
		FUZZ_ASSERT(m->actions & FSM_DO_BEGIN_CYCLE);
	if (m->actions & FSM_DO_END_CYCLE)
		FUZZ_ASSERT(fsm_is_busy(m->state) &&
			    (is_rest(m->next) || m->next == FSM_STATE_UNCLAIMED));
}

/* The facts that the agent asks before it says an event: fsm.h. */
static bool is_true(const struct world *w, enum fsm_event event)
{
	if (event == FSM_EVENT_READY)
		return !w->unreported;
	if (event == FSM_EVENT_READY_UNREPORTED)
		return w->unreported;
	return true;
}

static void move(struct fsm *f, struct world *w, enum fsm_event event)
{
	const enum fsm_state before = f->state;
	const struct fsm_move *found = fsm_find(before, event);
	struct fsm_move m;
	int r = fsm_step(f, event, &m);

	seen[before][event] = 1;
	seen[before][FSM_N_EVENTS + (w->connected | w->authenticated << 1 | w->has_commands << 2 |
				     w->unreported << 3 | w->polling << 4)] = 1;
	FUZZ_ASSERT(f->state < FSM_N_STATES && (r == 0) == (found != NULL));
	if (r != 0) {
		struct fsm again = *f;

		FUZZ_ASSERT(f->state == before);
		FUZZ_ASSERT(fsm_step(&again, event, &m) == FSM_E_REFUSED_AGAIN);
		return;
	}
	FUZZ_ASSERT(m.state == before && m.event == event && m.next == f->state);
	FUZZ_ASSERT(m.actions == found->actions && before != FSM_STATE_STOPPED);
	take_event(w, &m);
	check_cycle(&m);
	for (uint32_t bit = 1; bit <= FSM_DO_END_CYCLE; bit <<= 1)
		if (m.actions & bit)
			take_action(w, (enum fsm_action)bit);
	/* Every state that waits has an end, and says what the timer is. */
	FUZZ_ASSERT(fsm_timer_of(f->state) != FSM_TIMER_NONE || f->state == FSM_STATE_STOPPED);
	FUZZ_ASSERT(f->state == FSM_STATE_STOPPED || fsm_find(f->state, FSM_EVENT_TIMEOUT));
	FUZZ_ASSERT(f->state == FSM_STATE_STOPPED || fsm_find(f->state, FSM_EVENT_STOP));
	FUZZ_ASSERT(w->polling == (f->state == FSM_STATE_POLLING));
}

/* data: events. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world w = {.connected = false};
	struct fsm f;

	fsm_init(&f);
	for (size_t i = 0; i < len; i++) {
		enum fsm_event event = (enum fsm_event)(data[i] % FSM_N_EVENTS);

		if (is_true(&w, event))
			move(&f, &w, event);
	}
	/* From wherever that led, one event ends it. */
	if (f.state != FSM_STATE_STOPPED)
		move(&f, &w, FSM_EVENT_STOP);
	FUZZ_ASSERT(f.state == FSM_STATE_STOPPED);
	return 0;
}
