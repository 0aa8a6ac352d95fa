/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Calls core_upkeep() once a minute. */

#include <systemd/sd-event.h>

#include "service/core.h"

struct upkeep;

/* core is borrowed. -errno. */
int upkeep_new(sd_event *event, struct core *core, struct upkeep **ret) _must_check_;
struct upkeep *upkeep_free(struct upkeep *u);
DEFINE_CLEANUP(struct upkeep *, upkeep_free);
