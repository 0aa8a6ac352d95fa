/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Resets: asked for by agent_reset() (agent.h), and carried out when a store is opened, before
 * anything else is done with it. So a reset that a power cut interrupts takes the same way as every
 * other. Not while commands are executed or their results are unreported; the agent's loop ends
 * then with AGENT_LOOP_RESET. */

#include "agent/config.h"
#include "credstore/store.h"

/* Carries out what is asked for, and what is left of it. EXIT_CODE_STORE with *ret_detail when
 * nothing could be done about it. */
int reset_finish(const struct config *config, const struct store_options *options, struct store *s,
		 char **ret_detail) _must_check_;
