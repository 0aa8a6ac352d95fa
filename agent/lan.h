/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What an engineer's laptop sees of the device while it waits for an owner, on behalf of the agent:
 * the DNS-SD announcement and the CoAP port of discovery/. Watches the agent; nothing that goes
 * wrong here stops anything else. */

#include <systemd/sd-event.h>

#include "agent/agent.h"
#include "base/macros.h"

struct lan;

/* agent is borrowed. No bus and no Avahi yet are no error. -errno. */
int lan_new(sd_event *event, struct agent *agent, struct lan **ret) _must_check_;
struct lan *lan_free(struct lan *l);
DEFINE_CLEANUP(struct lan *, lan_free);
