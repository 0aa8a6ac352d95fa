/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* org.onboardd.Reset1: docs/dbus-api.md. */

#include <systemd/sd-bus.h>

#include "agent/agent.h"
#include "agent/permit.h"

struct bus_reset {
	struct agent *agent;
	struct permit *permit;
};

/* All is borrowed; the slot ends it. -errno. */
int bus_reset_add(sd_bus *bus, struct bus_reset *b, sd_bus_slot **ret) _must_check_;
