/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The lines of onboardd that scripts and people look for, with fields of the journal: MESSAGE_ID
 * (packaging/journal/onboardd.catalog says what each means and what to do), STATE, OLD_STATE,
 * OUTCOME, TRACE, TAG, REQUEST, INTERVAL, EXIT_CODE. Where stderr is not the journal the line alone
 * is written.
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
/* What leads to a cycle (docs/state-machine.md): somebody asked for one, as requests_describe()
 * says it; what the shadow asked for was run; the time between cycles was set; a certificate grows
 * old.
 */
void journal_requested(const char *requests);
void journal_command_done(uint32_t command);
void journal_interval(uint64_t interval_s);
void journal_certificate_aged(uint32_t tag);
void journal_rolled_back(uint32_t tag, const char *why);
void journal_started_anew(const char *notice);
/* onboardd ends by itself. */
void journal_ended(int exit_code, const char *detail);
