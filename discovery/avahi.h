/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Calls to avahi-daemon on the system bus, by the numbers of avahi-common/defs.h. Nothing here
 * starts it: whoever runs no Avahi does not want one. */

#include <systemd/sd-bus.h>

#include "base/macros.h"

#define AVAHI_NAME "org.freedesktop.Avahi"
#define AVAHI_SERVER "org.freedesktop.Avahi.Server"
#define AVAHI_GROUP "org.freedesktop.Avahi.EntryGroup"
#define AVAHI_BROWSER "org.freedesktop.Avahi.ServiceBrowser"
#define AVAHI_ANY (-1) /* AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC */

enum {
	AVAHI_SERVER_RUNNING = 2,
	AVAHI_GROUP_ESTABLISHED = 2,
	AVAHI_GROUP_COLLISION = 3,
	AVAHI_GROUP_FAILURE = 4,
};

enum {
	AVAHI_NO_ADDRESS = 8, /* AVAHI_LOOKUP_NO_ADDRESS */
};

/* A call to be filled in; *ret owned. -errno. */
int avahi_message(sd_bus *bus, const char *path, const char *interface, const char *method,
		  sd_bus_message **ret) _must_check_;
/* Sends it; slot may be NULL: nobody waits for the answer. -errno. */
int avahi_send(sd_bus *bus, sd_bus_message *m, sd_bus_message_handler_t fn, void *userdata,
	       sd_bus_slot **ret) _must_check_;
/* Calls fn whenever avahi-daemon comes or goes. */
int avahi_watch(sd_bus *bus, sd_bus_message_handler_t fn, void *userdata,
		sd_bus_slot **ret) _must_check_;
/* -1: it went, 1: it came, 0: it was replaced or the message says neither. */
int avahi_came(sd_bus_message *name_owner_changed);
