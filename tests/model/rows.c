/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <string.h>

#include "graph.h"

/* ---- where a row is needed, and was not on the way there ---- */

#define TRIES_MAX 64

static struct need {
	bool is_used;
	uint8_t n;
	struct step places[TRIES_MAX];
} needs[FSM_N_STATES][FSM_N_EVENTS];

static bool way_has(uint32_t state, const struct fsm_move *row)
{
	for (; graph.steps[state].from != GRAPH_NONE; state = graph.steps[state].from)
		if (graph.steps[state].row == row)
			return true;
	return false;
}

void rows_forget(void)
{
	memset(needs, 0, sizeof(needs));
}

void rows_note(const struct step *s)
{
	struct need *need;

	if (!s->row)
		return;
	need = &needs[s->row->state][s->row->event];
	need->is_used = true;
	if (need->n < TRIES_MAX && !way_has(s->from, s->row))
		need->places[need->n++] = *s;
}

/* ---- a row less ---- */

#define LIMIT 400 /* moves; nothing takes as many to come to rest */

/* Makes the move that needs the row without it, and goes on undisturbed. */
static bool is_missed(const struct step *s, const struct fsm_move *row)
{
	violation[0] = '\0';
	removed = row;
	memcpy(&world, &graph.states[s->from], sizeof(world));
	machine_put();
	step_begin(&s->choices);
	move_make((enum move)s->move);
	for (unsigned int i = 0; i < LIMIT && !violation[0]; i++) {
		const struct choices none = {.n = 0};
		struct choices made;
		enum move good;

		step_end(&made);
		good = move_good();
		if (good == MOVE_N)
			break;
		machine_put();
		step_begin(&none);
		move_make(good);
		if (i == LIMIT - 1)
			violate(PROPERTY_PROGRESS, "nothing disturbs, and it never comes to rest");
	}
	removed = NULL;
	return violation[0];
}

void rows_try(struct rows *ret)
{
	machine_init(scenario);
	for (unsigned int state = 0; state < FSM_N_STATES; state++)
		for (unsigned int e = 0; e < FSM_N_EVENTS; e++) {
			bool *caught = &ret->caught[state][e];

			ret->used[state][e] |= needs[state][e].is_used;
			for (unsigned int i = 0; i < needs[state][e].n && !*caught; i++)
				*caught = is_missed(&needs[state][e].places[i], fsm_find(state, e));
		}
	machine_done();
}
