/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The world of a whole agent in one process, as a target's bytes make it: time that stands still
 * until it is told to go on, random numbers that repeat, threads that are none, a network that
 * comes and goes, and sockets without a network. It takes the place of base/clock.c,
 * base/worker.c, agent/netwatch.c and agent/network.c, and of sd-event's timers. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/* Everything as at boot, with a good network and clock. No agent may be there. */
void world_begin(void);
/* Time goes on to whatever waits first, and that is due then. False: nothing waits. */
bool world_wait(void);
/* Seconds of either clock. */
uint64_t world_uptime_s(void);
void world_step_clock(int64_t seconds);
/* The default route goes, or comes (back, or as another one). */
void world_set_network(bool up);
