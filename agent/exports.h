/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The [export] sections at work: when a tag is exported, and who is told. Credentials that wait for
 * their validation, or for the service to acknowledge their results, are not shown to anybody:
 * until then the directory holds those before them. docs/export.md. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "agent/config.h"
#include "base/macros.h"
#include "credstore/store.h"

struct exports;

/* Texts are the exports' own and valid until the loop runs again. */
struct export_status {
	const char *name, *directory;
	const char *state; /* "waiting", "exported", "hook-running", "hook-failed", "failed" */
	const char *error; /* why it waits or failed, and what to do; else "" */
};

struct exports_events {
	/* Something a person would like to see, or has to see to. */
	void (*step)(void *userdata, bool failed, const char *text);
	/* No hook runs any more. */
	void (*settled)(void *userdata);
	void *userdata;
};

/* config and store are borrowed. Exports nothing yet. -errno. */
int exports_new(sd_event *event, const struct config *config, struct store *store,
		const struct exports_events *events, struct exports **ret) _must_check_;
/* For whoever removed the directories, inside of a transaction: the hooks are due, so that programs
 * let go of what they read there. */
int exports_note_removed(const struct config *config, struct store *store) _must_check_;
/* Kills hooks that run; they run again in the next life. */
struct exports *exports_free(struct exports *e);
DEFINE_CLEANUP(struct exports *, exports_free);

/* Compares store and directories, replaces what differs, starts the hooks that are due. Short and
 * synchronous but for the hooks. Failures are told by the status, and tried again by the next
 * call. */
void exports_update(struct exports *e);
bool exports_are_busy(const struct exports *e);
/* The URI of the token's key that the directory of section i shows, owned. -ENOENT: of none. */
int exports_shown_key(struct exports *e, size_t i, char **ret) _must_check_;
/* Since it was asked last: programs have been told to use another key than such a one. */
bool exports_let_go_of_key(struct exports *e);
/* As many as there are sections. */
const struct export_status *exports_get_status(struct exports *e, size_t *ret_n);
