/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* org.onboardd.Wifi1 on D-Bus: docs/dbus-api.md. */

#include <systemd/sd-bus.h>

#include "agent/agent.h"
#include "agent/permit.h"

#define BUS_PATH "/org/onboardd"

struct bus_wifi;

/* Exports the interface on BUS_PATH. bus, agent and permit are borrowed. -errno. */
int bus_wifi_new(sd_bus *bus, struct agent *agent, struct permit *permit,
		 struct bus_wifi **ret) _must_check_;
struct bus_wifi *bus_wifi_free(struct bus_wifi *b);
DEFINE_CLEANUP(struct bus_wifi *, bus_wifi_free);
/* For the observer of the agent. */
const struct wifi_events *bus_wifi_events(const struct bus_wifi *b);
