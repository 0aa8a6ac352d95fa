/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* org.onboardd.Agent1 on D-Bus: docs/dbus-api.md. Observes an agent and forwards calls to it. Who
 * may call what is the bus's policy (packaging/dbus/org.onboardd.conf), and permit.h's. When the
 * bus goes away the agent works on without it. */

#include <systemd/sd-event.h>

#include "agent/agent.h"

struct bus;

/* Connects to the system bus ($DBUS_SYSTEM_BUS_ADDRESS), exports the object, requests the name
 * org.onboardd, adds itself as an observer. -errno; -EEXIST: somebody else has the name. */
int bus_new(sd_event *event, struct agent *agent, struct bus **ret) _must_check_;
/* The agent, which still knows the observer, must be stopped before. */
struct bus *bus_free(struct bus *b);
DEFINE_CLEANUP(struct bus *, bus_free);
