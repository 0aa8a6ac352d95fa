/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* org.onboardd.Reset1: docs/dbus-api.md. */

#include <systemd/sd-bus.h>

#include "agent/agent.h"

/* agent is borrowed; the slot ends it. -errno. */
int bus_reset_add(sd_bus *bus, struct agent *agent, sd_bus_slot **ret) _must_check_;
