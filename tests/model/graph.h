/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every state that was met, and the moves between them. */

#include <stddef.h>

#include "step.h"

#define GRAPH_NONE UINT32_MAX

struct edge {
	uint32_t to : 27, move : 5;
};

struct graph {
	size_t n; /* states */
	struct world *states;
	struct step *steps;   /* the first way to a state */
	uint32_t *first_edge; /* n + 1 of them: of a state until the next one's */
	uint32_t *good_to;    /* where the undisturbed move leads; GRAPH_NONE: to rest */
	uint32_t *depths;
	struct edge *edges;
	size_t n_edges;
};
extern struct graph graph;

/* The present world, which came this way: its number. */
uint32_t graph_find_or_add(const struct step *how);
void graph_add_edge(uint32_t to, uint8_t move);
void graph_free(void);
/* reallocarray() that succeeds. */
void *grow(void *p, size_t n, size_t size);
