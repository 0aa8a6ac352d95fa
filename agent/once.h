/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* onboardd --once: one cycle in the foreground for a person (aligned plain text) or a script (one
 * JSON object a line), ending with an exit code of base/exitcode.h. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/agent.h"
#include "base/exitcode.h"

struct once_options {
	bool wait_claim; /* stay when unclaimed */
	bool json;
	uint64_t timeout_ms; /* of the whole run */
};

struct once;

/* Adds itself as an observer; ends the event loop when the cycle is decided. Before agent_start().
 * -errno. */
int once_new(sd_event *event, struct agent *agent, const struct once_options *options,
	     struct once **ret) _must_check_;
struct once *once_free(struct once *o);
DEFINE_CLEANUP(struct once *, once_free);
/* Stops the agent, tells the result (also of a run that a signal ended) and returns the exit code.
 */
enum exit_code once_finish(struct once *o);

/* The block that a person copies the claim token from. */
void once_print_token(FILE *f, const char *token);
