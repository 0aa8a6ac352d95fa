/* SPDX-License-Identifier: Apache-2.0 */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

struct graph graph;

static uint32_t *table;
static size_t room, table_size, edges_room;

void *grow(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (!p)
		abort();
	return p;
}

static uint64_t hash(const struct world *w)
{
	const uint64_t *p = (const uint64_t *)(const void *)w;
	uint64_t h = 0;

	_Static_assert(sizeof(*w) % sizeof(*p) == 0, "hashed by words");
	for (size_t i = 0; i < sizeof(*w) / sizeof(*p); i++) {
		h = (h ^ p[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

static void rehash(void)
{
	table_size = table_size ? table_size * 2 : 1 << 16;
	table = grow(table, table_size, sizeof(*table));
	memset(table, 0xff, table_size * sizeof(*table));
	for (uint32_t i = 0; i < graph.n; i++) {
		size_t k = hash(&graph.states[i]) & (table_size - 1);

		while (table[k] != GRAPH_NONE)
			k = (k + 1) & (table_size - 1);
		table[k] = i;
	}
}

uint32_t graph_find_or_add(const struct step *how)
{
	size_t k;

	if (2 * graph.n >= table_size)
		rehash();
	for (k = hash(&world) & (table_size - 1); table[k] != GRAPH_NONE;
	     k = (k + 1) & (table_size - 1))
		if (memcmp(&graph.states[table[k]], &world, sizeof(world)) == 0)
			return table[k];
	if (graph.n == room) {
		room = room ? room * 2 : 1 << 14;
		graph.states = grow(graph.states, room, sizeof(*graph.states));
		graph.steps = grow(graph.steps, room, sizeof(*graph.steps));
		graph.first_edge = grow(graph.first_edge, room + 1, sizeof(*graph.first_edge));
		graph.good_to = grow(graph.good_to, room, sizeof(*graph.good_to));
		graph.depths = grow(graph.depths, room, sizeof(*graph.depths));
	}
	memcpy(&graph.states[graph.n], &world, sizeof(world));
	graph.steps[graph.n] = *how;
	graph.good_to[graph.n] = GRAPH_NONE;
	graph.depths[graph.n] = how->from == GRAPH_NONE ? 0 : graph.depths[how->from] + 1;
	table[k] = (uint32_t)graph.n;
	return (uint32_t)graph.n++;
}

void graph_add_edge(uint32_t to, uint8_t move)
{
	if (graph.n_edges == edges_room) {
		edges_room = edges_room ? edges_room * 2 : 1 << 16;
		graph.edges = grow(graph.edges, edges_room, sizeof(*graph.edges));
	}
	graph.edges[graph.n_edges++] = (struct edge){.to = to & 0x7ffffffU, .move = move & 31U};
}

void graph_free(void)
{
	free(graph.states);
	free(graph.steps);
	free(graph.first_edge);
	free(graph.good_to);
	free(graph.depths);
	free(table);
	free(graph.edges);
	graph.states = NULL;
	graph.steps = NULL;
	graph.first_edge = graph.good_to = graph.depths = table = NULL;
	graph.edges = NULL;
	graph.n = room = table_size = graph.n_edges = edges_room = 0;
}
