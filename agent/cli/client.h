/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* onboardctl's end of org.onboardd.Agent1. Return values as verbs.h says. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"

struct client;

int client_open(struct client **ret) _must_check_;
struct client *client_free(struct client *c);
DEFINE_CLEANUP(struct client *, client_free);

/* A method without arguments. *ret owned by the caller. */
int client_call(struct client *c, const char *method, sd_bus_message **ret) _must_check_;
/* The same for methods that answer one string; *ret owned by the caller. */
int client_call_text(struct client *c, const char *method, char **ret) _must_check_;
/* The answer of Status. New reference. */
int client_status(struct client *c, json_t **ret) _must_check_;
/* A text property. *ret owned by the caller. */
int client_get(struct client *c, const char *property, char **ret) _must_check_;
/* Whether onboardd is on the bus. */
bool client_is_served(struct client *c);

/* What happens, in the order in which it does; members may be NULL. */
struct client_events {
	void (*state)(void *userdata, const char *old_state, const char *new_state,
		      const char *why);
	void (*step)(void *userdata, const char *name, const char *text);
	/* onboardd came to the bus or left it. */
	void (*served)(void *userdata, bool is_served);
	/* The answer to client_call_later(). */
	void (*called)(void *userdata, int exit_code);
	void *userdata;
};

/* events is borrowed and outlives the client. What happens after this call is not missed; it is
 * told by client_run(). */
int client_watch(struct client *c, const struct client_events *events) _must_check_;
/* Sends the call; the answer comes among the other events, in its place. */
int client_call_later(struct client *c, const char *method) _must_check_;
/* Until *done, EXIT_CODE_TIMEOUT (the only one not told on standard error) after timeout_ms, 0
 * being never. */
int client_run(struct client *c, const bool *done, uint64_t timeout_ms) _must_check_;

static inline void message_unrefp(sd_bus_message **m)
{
	sd_bus_message_unref(*m);
}

static inline void json_freep(json_t **j)
{
	json_decref(*j);
}
