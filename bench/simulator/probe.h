/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Looks into agents, and does to them what the world does: by the linker's --wrap, so the agent
 * itself is the one that devices run. */

#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"

/* CLOCK_MONOTONIC in microseconds. */
uint64_t now_us(void);

/* When the handshake that was begun last on the provisioning session was begun: the ClientHello
 * that it starts with is the one that the service let in, once the session is open. 0: none. */
uint64_t probe_attempt_us(const struct agent *a);

/* What this device's clock shows more than ours, for all that it signs. */
void probe_set_skew(struct agent *a, int64_t skew_s);

/* Nothing that this process sends arrives: power is gone. */
void probe_mute(bool mute);

void probe_done(void);
