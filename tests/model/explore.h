/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Breadth first through every state that the world can get into, each move with every choice, a
 * crash between any two durable effects; stops at the first state that must not be. */

#include <stdio.h>

#include "world.h"

struct explored {
	size_t n_states, n_transitions;
	unsigned int depth;     /* moves to the state that is furthest away */
	unsigned int n_to_rest; /* moves that the slowest needs, undisturbed, until all is done */
	char violation[256];    /* "" for none */
	enum property violated; /* when there is one */
};

/* is_loud: a violation is printed with the way to it. */
struct explored explore(const struct scenario *s, size_t max_states, bool is_loud);
