/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* org.onboardd.Agent1 on D-Bus: docs/dbus-api.md. Observes an agent and forwards calls to it. */

#include <systemd/sd-event.h>

#include "agent/agent.h"

struct bus;

/* Connects to the system bus ($DBUS_SYSTEM_BUS_ADDRESS), exports the object, requests the name
 * org.onboardd, adds itself as an observer. -errno. */
int bus_new(sd_event *event, struct agent *agent, struct bus **ret) _must_check_;
struct bus *bus_free(struct bus *b);
DEFINE_CLEANUP(struct bus *, bus_free);
