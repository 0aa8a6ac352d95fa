/* SPDX-License-Identifier: Apache-2.0 */
/* What may happen next, and what must hold after it. */

#include <stdlib.h>
#include <string.h>

#include "around.h"
#include "credstore/staged.h"

const char *move_name(enum move m)
{
	static const char *const names[MOVE_N] = {
		[MOVE_DISPATCH] = "event",
		[MOVE_ANSWER] = "request",
		[MOVE_CONNECTED] = "connect",
		[MOVE_WORKER] = "worker",
		[MOVE_HOOK] = "hook",
		[MOVE_CLOUD] = "cloud",
		[MOVE_TICK] = "tick",
		[MOVE_TIMER] = "timer",
		[MOVE_POLL] = "poll is due",
		[MOVE_PROVISION] = "provision",
		[MOVE_NETWORK] = "network",
		[MOVE_CLOCK] = "the clock is set",
		[MOVE_CLAIM] = "claimed",
		[MOVE_ADD] = "owner",
		[MOVE_LATE] = "a late report arrives",
		[MOVE_LOGOUT] = "the service forgets the login",
		[MOVE_EXPIRE] = "the login expires",
		[MOVE_STOP] = "stop",
		[MOVE_KILL] = "KILL",
		[MOVE_POWER] = "POWER CUT",
	};

	return names[m];
}

/* What the agent cannot see before its next request matters while that is on its way, or when
 * nothing is under way at all: elsewhere it would only be the same in another order. */
static bool is_seen_next(void)
{
	const struct process *p = &world.process;

	return p->request != REQUEST_NONE ||
	       (p->n_posted == 0 && !fsm_is_busy((enum fsm_state)p->state) &&
		p->cloud == CLOUD_IDLE);
}

/* The same for the time that a login is good for: it is looked at when a session is there. */
static bool is_login_seen_next(void)
{
	const struct process *p = &world.process;

	return p->state == FSM_STATE_WAITING_FOR_TIME || p->state == FSM_STATE_EXECUTING ||
	       p->state == FSM_STATE_RESUMING;
}

bool move_is_possible(enum move m)
{
	const struct process *p = &world.process;
	const struct outside *o = &world.outside;
	uint8_t none[COMMANDS] = {0};

	switch (m) {
	case MOVE_DISPATCH:
		return p->n_posted > 0;
	case MOVE_ANSWER:
		return p->request != REQUEST_NONE;
	case MOVE_CONNECTED:
		return p->session == SESSION_CONNECTING;
	case MOVE_WORKER:
		return p->worker;
	case MOVE_HOOK:
		return p->hook;
	case MOVE_CLOUD:
		return p->cloud != CLOUD_IDLE;
	case MOVE_TICK:
		return p->state == FSM_STATE_WAITING_FOR_TIME && p->n_posted == 0;
	case MOVE_TIMER:
		return p->state != FSM_STATE_BOOTING && p->n_posted == 0;
	case MOVE_POLL:
		return p->state == FSM_STATE_IDLE && p->poll_due && p->n_posted == 0;
	case MOVE_PROVISION:
		return scenario->asks && !(p->pending && !p->taken);
	case MOVE_NETWORK:
		return scenario->has_network;
	case MOVE_CLOCK:
		return !o->is_clock_good;
	case MOVE_CLAIM:
		return !o->is_claimed && is_seen_next();
	case MOVE_ADD:
		return o->is_claimed && service_can_add() && is_seen_next();
	case MOVE_LATE:
		return memcmp(o->late, none, sizeof(none)) != 0 && is_seen_next();
	case MOVE_LOGOUT:
		return o->is_authenticated && p->request != REQUEST_NONE &&
		       p->request != REQUEST_LOGIN;
	case MOVE_EXPIRE:
		return (p->authenticated || p->note || world.kept.note) && is_login_seen_next();
	case MOVE_STOP:
		return true;
	case MOVE_KILL:
	case MOVE_POWER:
	case MOVE_N:
		break;
	}
	return false;
}

static bool is_settled(void)
{
	const struct process *p = &world.process;
	bool is_at_rest = p->state == FSM_STATE_IDLE || (p->state == FSM_STATE_DEGRADED &&
							 world.disk.staged == STAGED_ROLLED_BACK);

	for (unsigned int i = 0; i < COMMANDS; i++)
		if (world.disk.journal[i])
			return false;
	return is_at_rest && p->n_posted == 0 && !p->pending && world.witness.asked == 0 &&
	       service_is_done();
}

enum move move_good(void)
{
	static const enum move order[] = {MOVE_CLOCK, MOVE_CLAIM, MOVE_DISPATCH,  MOVE_WORKER,
					  MOVE_HOOK,  MOVE_CLOUD, MOVE_CONNECTED, MOVE_ANSWER,
					  MOVE_TICK,  MOVE_TIMER};

	if (!world.outside.is_up)
		return MOVE_NETWORK;
	if (scenario->has_cloud && !world.disk.executed[0] && service_is_done() &&
	    move_is_possible(MOVE_ADD))
		return MOVE_ADD; /* without a key there is nothing to validate */
	if (is_settled())
		return MOVE_N;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (move_is_possible(order[i]))
			return order[i];
	violate(PROPERTY_PROGRESS, "nothing will ever happen");
	return MOVE_N;
}

void move_make(enum move m)
{
	uint8_t late[COMMANDS];

	switch (m) {
	case MOVE_DISPATCH:
		around_dispatch();
		return;
	case MOVE_ANSWER:
		session_answer();
		return;
	case MOVE_CONNECTED:
		session_connected();
		return;
	case MOVE_WORKER:
		around_end_worker();
		return;
	case MOVE_HOOK:
		around_end_hook();
		return;
	case MOVE_CLOUD:
		session_cloud_answer();
		return;
	case MOVE_TICK:
		around_tick();
		return;
	case MOVE_TIMER:
		if (world.process.state == FSM_STATE_IDLE)
			agent_post(agent, FSM_EVENT_TIMEOUT, -1, "a run of the schedule is due");
		else
			around_timer();
		return;
	case MOVE_POLL:
		agent->poll_due_ms = 1;
		agent_end_rest(agent);
		return;
	case MOVE_PROVISION:
		world.witness.asked = 1;
		agent_provision(agent, REQUEST_BUS);
		return;
	case MOVE_NETWORK:
		world.outside.is_up = !world.outside.is_up;
		say("the network is %s", world.outside.is_up ? "up" : "down");
		around_network();
		return;
	case MOVE_CLOCK:
		world.outside.is_clock_good = true;
		return;
	case MOVE_CLAIM:
		world.outside.is_claimed = true;
		return;
	case MOVE_ADD:
		service_add();
		return;
	case MOVE_LATE:
		memcpy(late, world.outside.late, sizeof(late));
		memset(world.outside.late, 0, sizeof(late));
		service_report(late);
		return;
	case MOVE_LOGOUT:
		session_forget_login();
		return;
	case MOVE_EXPIRE:
		agent->authenticated_until_ms = 0;
		world.process.note = world.kept.note = false;
		return;
	case MOVE_STOP:
		agent_stop(agent);
		if (agent->fsm.state != FSM_STATE_STOPPED)
			violate(PROPERTY_STOPS, "it does not stop");
		note_durable();
		machine_boot();
		return;
	case MOVE_KILL:
	case MOVE_POWER:
	case MOVE_N:
		break;
	}
	abort();
}

/* ---- what must hold ---- */

static bool is_waiting_for_something(void)
{
	const struct process *p = &world.process;

	return p->n_posted > 0 || p->request != REQUEST_NONE || p->session == SESSION_CONNECTING ||
	       p->worker || p->hook || p->cloud != CLOUD_IDLE ||
	       p->state == FSM_STATE_WAITING_FOR_TIME ||
	       (p->state == FSM_STATE_WAITING_FOR_NETWORK && !world.outside.is_up);
}

/* A cycle that has not ended takes none: it waits for its next validation. */
static bool is_request_left(void)
{
	const struct process *p = &world.process;

	return p->pending && !p->taken && p->n_posted == 0 && p->state != FSM_STATE_BOOTING &&
	       p->state != FSM_STATE_WAITING_TO_VALIDATE && !fsm_is_busy((enum fsm_state)p->state);
}

void judge(void)
{
	for (unsigned int i = 0; i < COMMANDS; i++) {
		const uint8_t said = world.outside.said[i];

		if (world.disk.executed[i] > 1)
			violate(PROPERTY_NO_COMMAND_TWICE, "command %u is executed twice", i);
		if (world.disk.executed[i] && !world.outside.news[i] && !world.disk.journal[i])
			violate(PROPERTY_NO_RESULT_LOST, "the result of command %u is lost", i);
		if (world.outside.news[i] > 1)
			violate(PROPERTY_NO_RESULT_NEW_TWICE,
				"the result of command %u is taken as new twice", i);
		if (said & (said - 1))
			violate(PROPERTY_ONE_ANSWER, "command %u was answered in two ways", i);
	}
	if (world.process.state != FSM_STATE_BOOTING && world.process.trace == TRACE_NONE)
		violate(PROPERTY_ONE_TRACE, "the state %s is of no cycle",
			fsm_state_name((enum fsm_state)world.process.state));
	if (is_request_left())
		violate(PROPERTY_REQUEST_NOT_LEFT, "a request waits while nothing is under way");
	if ((fsm_is_busy((enum fsm_state)world.process.state) ||
	     world.process.state == FSM_STATE_POLLING) &&
	    !is_waiting_for_something())
		violate(PROPERTY_NO_HANG, "nothing but its limit ends the state %s",
			fsm_state_name((enum fsm_state)world.process.state));
}
