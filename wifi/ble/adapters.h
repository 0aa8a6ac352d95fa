/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What BlueZ has: itself, its adapters that we serve, and the devices below those. Switches an
 * adapter on when it appears, and makes it pairable; one that somebody switches off later stays
 * off, and is only noticed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "wifi/ble/bluez.h"

struct adapters;

struct adapter_view {
	const char *path;
	unsigned int index; /* the kernel's number of it */
	bool is_powered;
	/* bluetoothd is new enough to fill the scan response as it is told. */
	bool can_scan_response;
};

struct device_view {
	const char *path;
	bool is_connected, is_paired;
	bool was_connected, was_paired; /* before this event */
};

struct adapters_events {
	/* bluetoothd is on the bus, or not any more. By then its adapters are told to be gone. */
	void (*bluez)(void *userdata, bool is_there);
	/* One with GATT and advertising appeared, or is switched on or off. */
	void (*changed)(void *userdata, const struct adapter_view *a);
	void (*gone)(void *userdata, const char *path);
	/* A device below one of our adapters, connected or paired, now or before. */
	void (*device)(void *userdata, const struct device_view *d);
	void *userdata;
};

/* name: "hci0", NULL for all. bus, name and events are borrowed. -errno. */
int adapters_new(sd_event *event, sd_bus *bus, const char *name,
		 const struct adapters_events *events, struct adapters **ret) _must_check_;
struct adapters *adapters_free(struct adapters *a);
DEFINE_CLEANUP(struct adapters *, adapters_free);

/* Whether the message comes from bluetoothd itself: anybody can call our objects and forge
 * signals. */
bool adapters_is_bluez(const struct adapters *a, sd_bus_message *m);
/* bluetoothd's unique name; NULL while it is not there. */
const char *adapters_bluez(const struct adapters *a);
/* Whether path is below an adapter that we serve. */
bool adapters_has(const struct adapters *a, const char *path);
/* A device that has just used us is connected, even if we have not heard that yet. */
void adapters_note_connected(struct adapters *a, const char *device);
/* The address that the kernel has of a device that is connected or paired, last byte first. The one
 * in the path may be a random one from before it was paired. -ENOENT. */
int adapters_address(const struct adapters *a, const char *device,
		     uint8_t ret[static 6]) _must_check_;
/* What the adapters call themselves, from now on. */
void adapters_set_alias(struct adapters *a, const char *alias);
/* "bluetoothd is not running", "there is no Bluetooth adapter", "the adapter is switched off", or
 * NULL when one is on. */
const char *adapters_missing(const struct adapters *a);
