/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The lines of onboardd that scripts and people look for, with fields of the journal: MESSAGE_ID
 * (packaging/journal/onboardd.catalog says what each means and what to do), STATE, OLD_STATE,
 * OUTCOME, TRACE, TAG, EXIT_CODE. Where stderr is not the journal the line alone is written.
 */

#include <stdbool.h>
#include <stdint.h>

#include "agent/fsm.h"
#include "provisioning/outcome.h"

/* Sends what is logged from now on to the journal itself, when stderr leads there. */
void journal_connect(void);

/* is_quiet: a poll, which changes nothing. */
void journal_state(bool is_quiet, enum fsm_state from, enum fsm_state to, enum outcome outcome,
		   const char *trace, const char *why);
void journal_rolled_back(uint32_t tag, const char *why);
void journal_started_anew(const char *notice);
/* onboardd ends by itself. */
void journal_ended(int exit_code, const char *detail);
