/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One move with its choices, and a death in the middle of it or right after. */

#include "world.h"

#define CHOICES_MAX 8
#define SNAPSHOTS_MAX 32

struct choices {
	uint8_t made[CHOICES_MAX], of[CHOICES_MAX];
	uint8_t n; /* of made that are to be followed */
};

struct step {
	struct choices choices, crash_choices;
	uint32_t from;
	uint8_t move;
	uint8_t crash; /* MOVE_KILL or MOVE_POWER: before the move ends; else MOVE_N */
	uint8_t snapshot;
	const struct fsm_move *row; /* of the table; NULL: none */
};

/* The world after each durable effect of the present move. */
extern struct world snapshots[SNAPSHOTS_MAX];
extern unsigned int n_snapshots;
extern enum property violated;

/* Of these choices, as far as they go; then all zero. */
void step_begin(const struct choices *c);
/* *ret: what was chosen. Reads the agent out and judges. */
void step_end(struct choices *ret);
/* The next way to make the same move. */
bool choices_next(struct choices *c);
bool choices_are_zero(const struct choices *c);
/* The process dies in this world, and the next one starts. */
void crash(enum move how);
