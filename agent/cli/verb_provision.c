/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/verbs.h"
#include "agent/fsm.h"
#include "base/exitcode.h"
#include "provisioning/outcome.h"

/* The agent answers Provision before it starts the cycle, and answers and signals keep their order.
 * So the state at the answer says which end of a cycle is the one that was asked for: the next, or,
 * when one was running already, the one after it. */
struct wait {
	bool busy; /* a cycle is under way */
	bool called;
	unsigned int ends_to_come;
	bool over;
	int exit_code;
};

static bool is_busy(const char *state)
{
	for (int s = 0; s < FSM_N_STATES; s++)
		if (strcmp(state, fsm_state_name((enum fsm_state)s)) == 0)
			return fsm_is_busy((enum fsm_state)s);
	return false;
}

/* Between two tries of one cycle a new one may begin at once, and yet this one has not ended. */
static bool is_under_way(const char *state)
{
	return is_busy(state) || strcmp(state, fsm_state_name(FSM_STATE_WAITING_TO_VALIDATE)) == 0;
}

static void on_state(void *userdata, const char *old_state, const char *new_state, const char *why)
{
	struct wait *w = userdata;

	w->busy = is_busy(new_state);
	if (!w->called)
		return;
	show_state(old_state, new_state, why);
	if (is_under_way(old_state) && !is_under_way(new_state) && --w->ends_to_come == 0)
		w->over = true;
}

static void on_step(void *userdata, const char *name, const char *text)
{
	const struct wait *w = userdata;

	if (w->called)
		show_step(name, text);
}

static void on_served(void *userdata, bool is_served)
{
	struct wait *w = userdata;

	if (is_served)
		return;
	fprintf(stderr, "onboardctl: onboardd ended before the cycle did\n");
	w->exit_code = EXIT_CODE_FAILED;
	w->over = true;
}

static void on_called(void *userdata, int exit_code)
{
	struct wait *w = userdata;

	w->called = true;
	w->ends_to_come = w->busy ? 2 : 1;
	w->exit_code = exit_code;
	w->over = exit_code != 0;
	if (w->busy && !w->over)
		printf("A cycle is running; another one follows it.\n");
}

static int exit_code_of(const char *outcome)
{
	for (int o = 0; o < OUTCOME_N; o++)
		if (strcmp(outcome, outcome_name((enum outcome)o)) == 0)
			return outcome_exit_code((enum outcome)o);
	return EXIT_CODE_FAILED;
}

static int wait_for_end(struct client *c, uint64_t timeout_ms)
{
	struct wait w = {0};
	const struct client_events events = {.state = on_state,
					     .step = on_step,
					     .served = on_served,
					     .called = on_called,
					     .userdata = &w};
	_cleanup_(freep) char *state = NULL, *outcome = NULL, *reason = NULL;
	int r;

	r = client_watch(c, &events);
	if (r != 0)
		return r;
	r = client_get(c, CLIENT_AGENT, "State", &state);
	if (r != 0)
		return r;
	w.busy = is_busy(state);
	r = client_call_later(c, CLIENT_AGENT, "Provision");
	if (r != 0)
		return r;
	r = client_run(c, &w.over, timeout_ms);
	if (r == EXIT_CODE_TIMEOUT)
		fprintf(stderr, "onboardctl: the cycle did not end in time; it goes on\n");
	if (r != 0 || w.exit_code != 0)
		return r != 0 ? r : w.exit_code;
	r = client_get(c, CLIENT_AGENT, "Outcome", &outcome);
	if (r != 0)
		return r;
	r = client_get(c, CLIENT_AGENT, "Reason", &reason);
	if (r != 0)
		return r;
	putchar('\n');
	show_field("Outcome", outcome);
	show_field("Why", reason);
	return exit_code_of(outcome);
}

int verb_provision(int argc, char **argv)
{
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *timeout = NULL;
	uint64_t timeout_ms = 0;
	bool wait = false;
	const struct option_place options[] = {
		{"wait", .flag = &wait},
		{"timeout", .text = &timeout},
	};
	int r;

	r = verb_options("provision", argc, argv, options, ARRAY_SIZE(options));
	if (r == 0 && timeout)
		r = timeout_of("provision", timeout, &timeout_ms);
	if (r != 0)
		return r;
	if (timeout_ms > 0 && !wait)
		return usage_error("provision", "--timeout belongs to --wait");
	r = client_open(&c);
	if (r != 0)
		return r;
	return wait ? wait_for_end(c, timeout_ms)
		    : client_call(c, CLIENT_AGENT, "Provision", &reply);
}
