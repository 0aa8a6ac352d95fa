/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What runs the agent: its loop, its workers, its hooks, the clock, in a world where each of them
 * moves only when it is told to. */

#include "world.h"

#define NOW_MS UINT64_C(1000000) /* for ever */
#define NOW_S INT64_C(2000000000)

extern char around_sentinel; /* what the agent may hold a pointer to */

/* Callbacks of the agent that is made next are others. */
void around_forget(void);
void around_dispatch(void);
void around_timer(void);
void around_tick(void);
void around_network(void);
void around_end_worker(void);
void around_end_hook(void);
