/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tells another program that its files changed: a systemd unit is reloaded or restarted over D-Bus,
 * or a command is run, without a shell and with a minimal environment. The loop never waits. */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

struct hook;

struct hook_config {
	const char *unit;         /* or NULL: then a command */
	char *const *command;     /* absolute program, words, NULL; or NULL */
	const char *const *names; /* NULL-terminated "NAME=VALUE" for the command's environment */
	uint64_t timeout_ms;
};

/* failure: NULL, or a text for people, valid inside the call. The hook no longer exists then. */
typedef void (*hook_fn)(void *userdata, const char *failure);

/* Texts of c are borrowed until the call returns. fn is called later, in the loop. On failure
 * (-errno) nothing runs. */
int hook_start(sd_event *event, const struct hook_config *c, hook_fn fn, void *userdata,
	       struct hook **ret) _must_check_;
/* Kills a command that runs, and calls nothing. */
struct hook *hook_free(struct hook *h);
DEFINE_CLEANUP(struct hook *, hook_free);
