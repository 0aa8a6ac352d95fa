/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* onboardctl's end of onboardd's interfaces. Return values as verbs.h says. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"
#include "proto/wifi/wifi.h"

#define CLIENT_AGENT "org.onboardd.Agent1"
#define CLIENT_RESET "org.onboardd.Reset1"
/* There when Wi-Fi is on. */
#define CLIENT_WIFI "org.onboardd.Wifi1"

struct client;

int client_open(struct client **ret) _must_check_;
struct client *client_free(struct client *c);
DEFINE_CLEANUP(struct client *, client_free);

/* A call to be filled in and sent; *ret owned by the caller. */
int client_message(struct client *c, const char *interface, const char *method,
		   sd_bus_message **ret) _must_check_;
/* Tells a failure to fill it in. */
int client_message_failed(int r);
/* *ret, which may be asked for with NULL, is owned by the caller. */
int client_send(struct client *c, sd_bus_message *m, sd_bus_message **ret) _must_check_;
/* A method without arguments. *ret owned by the caller. */
int client_call(struct client *c, const char *interface, const char *method,
		sd_bus_message **ret) _must_check_;
/* The same for methods that answer one string; *ret owned by the caller. */
int client_call_text(struct client *c, const char *interface, const char *method,
		     char **ret) _must_check_;
/* The answer of the interface's Status. New reference. */
int client_status(struct client *c, const char *interface, json_t **ret) _must_check_;
/* The same; NULL, in silence, when it cannot be had. New reference. */
json_t *client_status_or_null(struct client *c, const char *interface);
/* The answer of Facts, in the same way. */
json_t *client_facts_or_null(struct client *c);
/* A text property. *ret owned by the caller. */
int client_get(struct client *c, const char *interface, const char *property,
	       char **ret) _must_check_;
/* Whether onboardd is on the bus. */
bool client_is_served(struct client *c);

/* What happens, in the order in which it does; members may be NULL. */
struct client_events {
	void (*state)(void *userdata, const char *old_state, const char *new_state,
		      const char *why);
	void (*step)(void *userdata, const char *name, const char *text);
	/* The predecessors of this tag are its credentials again. */
	void (*rolled_back)(void *userdata, uint32_t tag, const char *why);
	/* onboardd came to the bus or left it. */
	void (*served)(void *userdata, bool is_served);
	/* The answer to client_call_later() or client_send_later(). */
	void (*called)(void *userdata, int exit_code);
	/* A network of a scan that was asked for; its end: "" or what it failed by. */
	void (*found)(void *userdata, const struct wifi_record *record);
	void (*scan_done)(void *userdata, const char *error);
	/* How a connection goes, by the names of wifi_state_name() and wifi_reason_name(). */
	void (*result)(void *userdata, const char *state, const char *reason);
	void *userdata;
};

/* events is borrowed and outlives the client. What happens after this call is not missed; it is
 * told by client_run(). */
int client_watch(struct client *c, const struct client_events *events) _must_check_;
/* Sends the call; the answer comes among the other events, in its place. */
int client_send_later(struct client *c, sd_bus_message *m) _must_check_;
int client_call_later(struct client *c, const char *interface, const char *method) _must_check_;
/* Until *done, EXIT_CODE_TIMEOUT (the only one not told on standard error) after timeout_ms, 0
 * being never. */
int client_run(struct client *c, const bool *done, uint64_t timeout_ms) _must_check_;
