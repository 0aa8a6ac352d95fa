/* SPDX-License-Identifier: Apache-2.0 */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "rows.h"

/* ---- the way there, for people ---- */

static void replay(const struct step *s, unsigned int number)
{
	memcpy(&world, &graph.states[s->from], sizeof(world));
	printf("%5u  %-22s %s\n", number, fsm_state_name((enum fsm_state)world.process.state),
	       s->crash != MOVE_N && s->move == MOVE_N ? "" : move_name((enum move)s->move));
	if (s->move != MOVE_N) {
		machine_put();
		step_begin(&s->choices);
		move_make((enum move)s->move);
	}
	if (s->crash == MOVE_N)
		return;
	if (s->move != MOVE_N)
		memcpy(&world, &snapshots[s->snapshot], sizeof(world));
	step_begin(&s->crash_choices);
	crash((enum move)s->crash);
}

static void tell_way(const struct step *last)
{
	uint32_t way[4096];
	unsigned int n = 0;

	for (uint32_t i = last->from;
	     i != GRAPH_NONE && graph.steps[i].from != GRAPH_NONE && n < ARRAY_SIZE(way);
	     i = graph.steps[i].from)
		way[n++] = i;
	is_telling = true;
	for (unsigned int i = 0; i < n; i++)
		replay(&graph.steps[way[n - 1 - i]], i + 1);
	replay(last, n + 1);
	is_telling = false;
}

static bool is_loud;

static void tell_violation(const struct step *last)
{
	if (is_loud && last->from != GRAPH_NONE)
		tell_way(last);
}

/* ---- breadth first ---- */

/* True to go on. */
static bool arrive(const struct step *s, uint8_t move, bool is_good)
{
	uint32_t to;

	if (violation[0]) {
		tell_violation(s);
		return false;
	}
	to = graph_find_or_add(s);
	if (s->from == GRAPH_NONE)
		return true;
	graph_add_edge(to, move);
	if (is_good)
		graph.good_to[s->from] = to;
	return true;
}

/* Dies in this snapshot, in every way. */
static bool expand_crash(struct step *s, const struct world *snapshot)
{
	for (uint8_t how = MOVE_KILL; how <= MOVE_POWER; how++) {
		s->crash = how;
		s->crash_choices = (struct choices){.n = 0};
		do {
			memcpy(&world, snapshot, sizeof(world));
			step_begin(&s->crash_choices);
			crash((enum move)how);
			step_end(&s->crash_choices);
			if (!arrive(s, how, false))
				return false;
		} while (choices_next(&s->crash_choices));
	}
	return true;
}

/* Dying there is not the same as dying in this state. */
static bool is_other(const struct world *snapshot, const struct world *state)
{
	return memcmp(&snapshot->disk, &state->disk, sizeof(state->disk)) != 0 ||
	       memcmp(&snapshot->kept, &state->kept, sizeof(state->kept)) != 0 ||
	       memcmp(&snapshot->outside, &state->outside, sizeof(state->outside)) != 0 ||
	       memcmp(&snapshot->witness, &state->witness, sizeof(state->witness)) != 0;
}

static bool expand_move(uint32_t from, enum move m, bool is_good)
{
	static struct world inside[SNAPSHOTS_MAX];
	struct step s = {.from = from, .move = (uint8_t)m, .choices = {.n = 0}};

	do {
		struct world after;
		unsigned int n;

		s.crash = MOVE_N;
		s.row = NULL;
		memcpy(&world, &graph.states[from], sizeof(world));
		machine_put();
		step_begin(&s.choices);
		move_make(m);
		step_end(&s.choices);
		s.row = row_made;
		rows_note(&s);
		n = n_snapshots;
		memcpy(inside, snapshots, n * sizeof(inside[0]));
		memcpy(&after, &world, sizeof(after));
		if (!arrive(&s, (uint8_t)m, is_good && choices_are_zero(&s.choices)))
			return false;
		for (unsigned int i = 0; i < n; i++) {
			s.snapshot = (uint8_t)i;
			if (is_other(&inside[i], &graph.states[from]) &&
			    is_other(&inside[i], &after) && !expand_crash(&s, &inside[i]))
				return false;
		}
	} while (choices_next(&s.choices));
	return true;
}

static bool expand(uint32_t from)
{
	struct step death = {.from = from, .move = MOVE_N};
	struct world here;
	enum move good;

	memcpy(&world, &graph.states[from], sizeof(world));
	good = move_good();
	if (violation[0]) {
		tell_violation(&graph.steps[from]);
		return false;
	}
	for (enum move m = 0; m < MOVE_KILL; m++) {
		memcpy(&world, &graph.states[from], sizeof(world));
		if (move_is_possible(m) && !expand_move(from, m, m == good))
			return false;
	}
	memcpy(&here, &graph.states[from], sizeof(here));
	return expand_crash(&death, &here);
}

/* ---- coming to rest ---- */

#define LAPS_TOLD 60

static void tell_circle(uint32_t state)
{
	tell_violation(&graph.steps[state]);
	for (unsigned int i = 0; is_loud && i < LAPS_TOLD; i++, state = graph.good_to[state]) {
		memcpy(&world, &graph.states[state], sizeof(world));
		printf("       %s: %s\n", fsm_state_name((enum fsm_state)world.process.state),
		       move_name(move_good()));
	}
}

/* Whoever is not disturbed comes to rest: the good moves, one a state, lead round no circle. The
 * most moves that any state needs. */
static unsigned int measure_rest(void)
{
	uint32_t *left = grow(NULL, graph.n, sizeof(*left)); /* GRAPH_NONE: not known */
	unsigned int most = 0;

	memset(left, 0xff, graph.n * sizeof(*left));
	for (uint32_t i = 0; i < graph.n; i++) {
		uint32_t n = 0, k = i, known;

		for (; left[k] == GRAPH_NONE && graph.good_to[k] != GRAPH_NONE && n <= graph.n;
		     k = graph.good_to[k])
			n++;
		if (n > graph.n) {
			violate(PROPERTY_PROGRESS, "nothing disturbs, and it never comes to rest");
			tell_circle(i);
			break;
		}
		known = left[k] == GRAPH_NONE ? 0 : left[k];
		left[k] = known;
		for (k = i; left[k] == GRAPH_NONE; k = graph.good_to[k])
			left[k] = known + n--;
		most = MAX(most, left[i]);
	}
	free(left);
	return most;
}

struct explored explore(const struct scenario *s, size_t max_states, bool loud)
{
	struct step start = {.from = GRAPH_NONE};
	struct explored e = {0};
	bool goes_on;

	graph_free();
	rows_forget();
	is_loud = loud;
	violation[0] = '\0';
	machine_init(s);
	machine_boot();
	step_end(&start.choices);
	goes_on = arrive(&start, MOVE_N, false);
	for (uint32_t i = 0; goes_on && i < graph.n; i++) {
		if (graph.n > max_states)
			violate(PROPERTY_BOUNDS, "more than %zu states", max_states);
		graph.first_edge[i] = (uint32_t)graph.n_edges;
		goes_on = !violation[0] && expand(i);
	}
	if (goes_on) {
		graph.first_edge[graph.n] = (uint32_t)graph.n_edges;
		e.n_to_rest = measure_rest();
	}
	e.n_states = graph.n;
	e.n_transitions = graph.n_edges;
	e.depth = graph.n > 0 ? graph.depths[graph.n - 1] : 0;
	memcpy(e.violation, violation, sizeof(e.violation));
	e.violated = violated;
	machine_done();
	return e;
}
