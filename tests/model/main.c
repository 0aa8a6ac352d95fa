/* SPDX-License-Identifier: Apache-2.0 */
/* model                      explores every scenario, then shows that broken rules and missing rows
 * are noticed model SCENARIO...          explores these model --traces FILE...     whether what
 * agents told is a way through the states of the scenario "batch"
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"
#include "graph.h"
#include "rows.h"
#include "trace.h"

#define STATES_MAX 3000000
#define NO_CLOUD "[cloud]\nvalidate = no\n"
#define CLOUD "[cloud]\nattempts = 2\npoll = 5min\n"
#define HOOKS "[hooks]\noffline = /bin/true\nonline = /bin/true\n"

static const struct scenario scenarios[] = {
	{.name = "batch", .config = NO_CLOUD, .kinds = "oof"},
	{.name = "late", .config = NO_CLOUD, .kinds = "eo ", .has_late = true},
	{.name = "asked", .config = NO_CLOUD, .kinds = "f  ", .asks = true},
	{.name = "network",
	 .config = NO_CLOUD "[network]\nwait = 1min\n",
	 .kinds = "o  ",
	 .has_network = true,
	 .is_claimed_late = true,
	 .is_clock_late = true},
	{.name = "nothing to do",
	 .config = NO_CLOUD,
	 .kinds = "   ",
	 .has_network = true,
	 .is_claimed_late = true,
	 .asks = true},
	{.name = "validated",
	 .config = CLOUD,
	 .kinds = "   ",
	 .has_previous = true,
	 .has_cloud = true,
	 .asks = true},
	{.name = "hooks", .config = NO_CLOUD HOOKS, .kinds = "o  "},
	{.name = "beside", .config = "[provisioning]\nsuspend = no\n" NO_CLOUD, .kinds = "of "},
	{.name = "cloud", .config = CLOUD, .kinds = "o  ", .has_cloud = true},
	{.name = "roll-back",
	 .config = CLOUD,
	 .kinds = "o  ",
	 .has_cloud = true,
	 .has_previous = true},
};

static const struct scenario small = {.name = "small", .config = NO_CLOUD, .kinds = "o  "};
static const struct scenario small_asked = {
	.name = "small asked", .config = NO_CLOUD, .kinds = "f  ", .asks = true};

static const struct {
	const char *name;
	const struct scenario *scenario;
} mutants[MUTANT_N] = {
	[MUTANT_FORGETS_EARLY] = {"the journal forgets before the service has it", &small},
	[MUTANT_FORGETS_NEVER] = {"the journal never forgets", &small},
	[MUTANT_NOT_MARKED] = {"a saved session is not marked before it is loaded", &small},
	[MUTANT_MARKED_LATE] = {"a saved session is marked after it was loaded", &small},
	[MUTANT_COUNTS_NOTHING] = {"unreported results are not seen", &small},
	[MUTANT_NO_JOURNAL_LOOKUP] = {"nor does a command's execution look into the journal",
				      &small},
	[MUTANT_NO_TRANSACTION] = {"what a command does is durable before its result", &small},
	[MUTANT_REQUEST_TAKEN] = {"a request leaves the store when its cycle begins", &small_asked},
	[MUTANT_SERVICE_REPEATS] = {"the service takes a repeat as new", &small},
	[MUTANT_SERVICE_FORGETS] = {"the service hands a command out once", &small},
	[MUTANT_MUTE] = {"a failed connect is told to nobody", &small},
	[MUTANT_OLD_FINISHED] = {"an earlier finished ends a cycle", &small_asked},
	[MUTANT_TRACE_LOST] = {"an adopted session is of no cycle", &small},
	[MUTANT_TRACE_CHANGED] = {"an adopted session goes on under another trace id", &small},
};

static const char *const properties[PROPERTY_N] = {
	[PROPERTY_NO_RESULT_LOST] = "a result is in the journal until the service has it",
	[PROPERTY_NO_RESULT_NEW_TWICE] = "the service takes no result as new twice",
	[PROPERTY_NO_COMMAND_TWICE] = "no command is executed twice",
	[PROPERTY_ONE_ANSWER] = "whatever is repeated, it is the same answer",
	[PROPERTY_NO_SESSION_TWICE] = "no saved session is loaded twice",
	[PROPERTY_REPORTS_FIRST] = "results go before any fetch",
	[PROPERTY_REQUEST_SERVED] =
		"no request is forgotten before a cycle has asked the service for it",
	[PROPERTY_REQUEST_NOT_LEFT] = "no request waits while nothing is under way",
	[PROPERTY_NO_HANG] = "no state of a cycle waits for its limit alone",
	[PROPERTY_PROGRESS] = "undisturbed, it comes to rest: all reported, nothing left to fetch",
	[PROPERTY_STOPS] = "it can be stopped",
	[PROPERTY_NOTHING_UNDERWAY] = "no session is put away or closed under a request",
	[PROPERTY_ONE_TRACE] =
		"each state is of a cycle, the one that the service knows the session by",
};

static bool is_violated[PROPERTY_N + 1];
static struct explored sum;
static struct rows rows;
static unsigned int n_violations;

static void run(const struct scenario *s)
{
	struct explored e = explore(s, STATES_MAX, true);

	printf("model: scenario=%s states=%zu transitions=%zu depth=%u moves-to-rest=%u\n", s->name,
	       e.n_states, e.n_transitions, e.depth, e.n_to_rest);
	if (e.violation[0]) {
		printf("model: VIOLATION in %s: %s\n", s->name, e.violation);
		is_violated[e.violated] = true;
		n_violations++;
	}
	fflush(stdout);
	sum.n_states += e.n_states;
	sum.n_transitions += e.n_transitions;
	sum.depth = MAX(sum.depth, e.depth);
	sum.n_to_rest = MAX(sum.n_to_rest, e.n_to_rest);
}

/* True when all are noticed. */
static bool break_rules(void)
{
	unsigned int n_caught = 0;

	for (mutant = MUTANT_NONE + 1; mutant < MUTANT_N; mutant++) {
		struct explored e = explore(mutants[mutant].scenario, STATES_MAX, false);

		n_caught += e.violation[0] != '\0';
		printf("model: mutant=\"%s\" %s=\"%s\"\n", mutants[mutant].name,
		       e.violation[0] ? "caught" : "MISSED", e.violation);
	}
	mutant = MUTANT_NONE;
	printf("model: mutants=%d caught=%u (rules broken on purpose)\n", MUTANT_N - 1, n_caught);
	return n_caught == MUTANT_N - 1;
}

/* Why nothing is missed without a row that was used. */
static const char *why_spare(enum fsm_state state, enum fsm_event event)
{
	if (event == FSM_EVENT_TIMEOUT)
		return "a limit, for what would hang for ever: nothing does here";
	if (event == FSM_EVENT_NETWORK_UP)
		return "only sooner than the timer of the state";
	if (event == FSM_EVENT_PROVISION && fsm_is_busy(state))
		return "the store has the request, the end of the cycle sees it";
	if (event == FSM_EVENT_PROVISION && state == FSM_STATE_WAITING_TO_VALIDATE)
		return "only sooner than the end of the validation";
	if (event == FSM_EVENT_POLL)
		return "the shadow is not in the model";
	return NULL;
}

static bool tell_rows(void)
{
	unsigned int n = 0, used = 0, caught = 0, unexplained = 0;

	for (unsigned int s = 0; s < FSM_N_STATES; s++)
		for (unsigned int e = 0; e < FSM_N_EVENTS; e++) {
			const char *why = why_spare(s, e);

			n += fsm_find(s, e) != NULL;
			if (fsm_find(s, e) && !rows.used[s][e])
				printf("model: row=\"%s, %s\" never made in these scenarios\n",
				       fsm_state_name(s), fsm_event_name(e));
			used += rows.used[s][e];
			caught += rows.caught[s][e];
			if (!rows.used[s][e] || rows.caught[s][e])
				continue;
			unexplained += !why;
			printf("model: row=\"%s, %s\" spare: %s\n", fsm_state_name(s),
			       fsm_event_name(e), why ? why : "?");
		}
	printf("model: rows=%u mutants=%u caught=%u (a row of the table less, of those that are "
	       "made; the others are spare)\n",
	       n, used, caught);
	return unexplained == 0;
}

static bool check_trace(const char *path)
{
	FILE *f = fopen(path, "re");
	bool is_way;
	size_t n;

	if (!f) {
		perror(path);
		return false;
	}
	is_way = trace_is_way(f, &n);
	(void)fclose(f);
	printf("model: trace=%s lines=%zu is %s\n", path, n,
	       is_way ? "a way through the model" : "NOT a way through the model");
	return is_way;
}

static bool check_traces(char **paths)
{
	struct explored e = explore(&scenarios[0], STATES_MAX, true);
	bool are_ways = !e.violation[0];

	for (; *paths && !e.violation[0]; paths++)
		are_ways = check_trace(*paths) && are_ways;
	graph_free();
	return are_ways;
}

int main(int argc, char **argv)
{
	bool is_fine = true;

	if (argc > 2 && strcmp(argv[1], "--traces") == 0)
		return check_traces(argv + 2) ? EXIT_SUCCESS : EXIT_FAILURE;
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		bool is_wanted = argc == 1;

		for (int k = 1; k < argc; k++)
			is_wanted = is_wanted || strcmp(argv[k], scenarios[i].name) == 0;
		if (!is_wanted)
			continue;
		run(&scenarios[i]);
		if (argc == 1 && n_violations == 0)
			rows_try(&rows);
	}
	if (argc == 1 && n_violations == 0) {
		is_fine = tell_rows() && is_fine;
		is_fine = break_rules() && is_fine;
	}
	graph_free();
	for (unsigned int i = 0; i < PROPERTY_N; i++)
		printf("model: property=\"%s\" %s\n", properties[i],
		       is_violated[i] ? "VIOLATED" : "holds");
	printf("model: states=%zu transitions=%zu depth=%u moves-to-rest=%u properties=%d "
	       "violations=%u\n",
	       sum.n_states, sum.n_transitions, sum.depth, sum.n_to_rest, PROPERTY_N, n_violations);
	return is_fine && n_violations == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
