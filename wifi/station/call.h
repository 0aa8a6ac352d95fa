/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Asynchronous D-Bus calls that start no service: a program that went away is seen by its name, and
 * must not come back because somebody asked it something. Internal to wifi/station/. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"

/* Where a call goes. */
struct call_target {
	const char *name, *path, *interface;
};

/* A call to be filled in. -errno. */
int call_new(sd_bus *bus, const struct call_target *to, const char *member,
	     sd_bus_message **ret) _must_check_;
/* Sends it; fn gets the answer unless *slot is unreferenced before. The slot that was in *slot is
 * dropped. slot NULL: no answer is wanted. -errno. */
int call_send(sd_bus_slot **slot, sd_bus_message *m, sd_bus_message_handler_t fn,
	      void *userdata) _must_check_;
/* org.freedesktop.DBus.Properties.GetAll of to->interface. */
int call_get_all(sd_bus *bus, sd_bus_slot **slot, const struct call_target *to,
		 sd_bus_message_handler_t fn, void *userdata) _must_check_;
/* Drops the slot, and with it the answer. */
void call_drop(sd_bus_slot **slot);

/* Anybody on the bus can send us a signal straight, past every match, and sd-bus cannot tell whose
 * name a sender has. So whoever answered (nobody can forge an answer) is remembered, and signals
 * are heard from that one alone. */
#define CALL_SENDER_MAX 64 /* a unique name, with NUL */
/* From an answer. That of the bus itself, when nobody is there, is none. */
void call_learn_sender(char sender[static CALL_SENDER_MAX], sd_bus_message *answer);
/* false while sender is not known. */
bool call_is_from(sd_bus_message *m, const char *sender);
/* From the bus itself. */
bool call_is_from_bus(sd_bus_message *m);
