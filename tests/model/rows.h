/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Proof that the model can fail: the agent's table with one row less, in states that need the row
 * and were reached without it. */

#include "step.h"

struct rows {
	bool used[FSM_N_STATES][FSM_N_EVENTS];   /* ever made */
	bool caught[FSM_N_STATES][FSM_N_EVENTS]; /* something does not hold without it */
};

void rows_forget(void);
/* A step that was made. */
void rows_note(const struct step *s);
/* After explore(): adds what its states show. */
void rows_try(struct rows *ret);
