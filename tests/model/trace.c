/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#include "graph.h"

/* States that the world may be in, as a list and as a bit for each. */
struct front {
	uint32_t *list;
	uint8_t *has;
	size_t n;
};

static void front_add(struct front *f, uint32_t state)
{
	if (f->has[state])
		return;
	f->has[state] = 1;
	f->list[f->n++] = state;
}

static void front_clear(struct front *f)
{
	for (size_t i = 0; i < f->n; i++)
		f->has[f->list[i]] = 0;
	f->n = 0;
}

static bool is_death(unsigned int move)
{
	return move == MOVE_KILL || move == MOVE_POWER || move == MOVE_STOP;
}

/* Whatever may happen without a word: the list grows while it is gone through. */
static void be_silent(struct front *f)
{
	for (size_t i = 0; i < f->n; i++)
		for (uint32_t k = graph.first_edge[f->list[i]];
		     k < graph.first_edge[f->list[i] + 1]; k++)
			if (!is_death(graph.edges[k].move) &&
			    graph.states[graph.edges[k].to].process.state ==
				    graph.states[f->list[i]].process.state)
				front_add(f, graph.edges[k].to);
}

struct observation {
	char old_state[64], new_state[64]; /* of MOVE_N */
	enum move death;                   /* MOVE_N: a change of state */
};

static void read_observation(const char *line, struct observation *ret)
{
	ret->death = MOVE_N;
	if (sscanf(line, "%63s %63s", ret->old_state, ret->new_state) == 2)
		return;
	ret->death = strncmp(line, "stop", 4) == 0    ? MOVE_STOP
		     : strncmp(line, "power", 5) == 0 ? MOVE_POWER
						      : MOVE_KILL;
}

static bool is_like(const struct observation *o, const struct world *from, const struct edge *e)
{
	const struct world *to = &graph.states[e->to];

	if (o->death != MOVE_N)
		return e->move == o->death;
	return !is_death(e->move) && from->process.state != to->process.state &&
	       strcmp(fsm_state_name((enum fsm_state)from->process.state), o->old_state) == 0 &&
	       strcmp(fsm_state_name((enum fsm_state)to->process.state), o->new_state) == 0;
}

static void follow(const struct front *f, const struct observation *o, struct front *ret)
{
	front_clear(ret);
	for (size_t i = 0; i < f->n; i++)
		for (uint32_t k = graph.first_edge[f->list[i]];
		     k < graph.first_edge[f->list[i] + 1]; k++)
			if (is_like(o, &graph.states[f->list[i]], &graph.edges[k]))
				front_add(ret, graph.edges[k].to);
}

bool trace_is_way(FILE *observed, size_t *ret_n)
{
	struct front fronts[2];
	struct observation o;
	char line[128];
	size_t n = 0;

	for (size_t i = 0; i < 2; i++)
		fronts[i] = (struct front){.list = grow(NULL, graph.n, sizeof(uint32_t)),
					   .has = grow(NULL, graph.n, 1)};
	for (size_t i = 0; i < 2; i++)
		memset(fronts[i].has, 0, graph.n);
	front_add(&fronts[0], 0);
	while (fronts[n % 2].n > 0 && fgets(line, sizeof(line), observed)) {
		be_silent(&fronts[n % 2]);
		read_observation(line, &o);
		follow(&fronts[n % 2], &o, &fronts[(n + 1) % 2]);
		n++;
	}
	*ret_n = n;
	if (fronts[n % 2].n == 0)
		printf("line %zu: the model has no way for: %s", n, line);
	for (size_t i = 0; i < 2; i++) {
		free(fronts[i].list);
		free(fronts[i].has);
	}
	return fronts[n % 2].n > 0;
}
