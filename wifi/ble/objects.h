/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reads what BlueZ tells of its objects, in lists and in signals. -errno for a message of another
 * shape; what was read before is told by then. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"

/* The properties of adapters and devices that matter here; -1: not said. */
struct bluez_seen {
	int powered, connected, paired, scan_response;
	bool has_address;
	uint8_t address[6];
};

#define BLUEZ_SEEN_NOTHING                                                                         \
	(struct bluez_seen)                                                                        \
	{                                                                                          \
		.powered = -1, .connected = -1, .paired = -1, .scan_response = -1                  \
	}

struct bluez_reader {
	/* What is not wanted is skipped unread. */
	bool (*wants)(void *userdata, const char *path, const char *interface);
	void (*see)(void *userdata, const char *path, const char *interface,
		    const struct bluez_seen *s);
	void *userdata;
};

/* a{sv} */
int bluez_read_properties(sd_bus_message *m, struct bluez_seen *ret) _must_check_;
/* oa{sa{sv}}: InterfacesAdded, and every entry of the list. */
int bluez_read_object(sd_bus_message *m, const struct bluez_reader *reader) _must_check_;
/* a{oa{sa{sv}}}: GetManagedObjects. */
int bluez_read_objects(sd_bus_message *m, const struct bluez_reader *reader) _must_check_;
