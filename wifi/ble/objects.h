/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reads what BlueZ tells of its objects. -errno for a message of another shape. */

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

/* a{sv}, of an adapter or a device. */
int bluez_read_properties(sd_bus_message *m, struct bluez_seen *ret) _must_check_;
