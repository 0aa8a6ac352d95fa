/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Rules: lists of commands that devices with a tag get once per claim, when they connect. One is
 * built in, and gives way to a team's own rule for its tag. */

#include "service/core_private.h"

#define RULES_BUILTIN "nrf-cloud-onboarding"

/* Whether a rule waits to become commands of the device. */
int rules_pending(struct core *c, const struct store_device *device, bool *ret) _must_check_;
/* Queues the commands of every rule that waits and for which the queue has room. Inside a write
 * transaction. */
int rules_apply(struct core *c, const struct store_device *device) _must_check_;

/* ---- between rules.c and rules_owner.c ---- */

struct rule_list {
	struct store_rule *items; /* owned */
	size_t n;
};

void rule_list_done(struct rule_list *l);
/* A store_rule_fn over a rule_list: keeps each row. */
int rule_collect(void *userdata, struct store_rule *row);
/* The built-in rule as a row, of no team. -ENOMEM. */
int rules_builtin(struct core *c, struct store_rule *ret) _must_check_;
