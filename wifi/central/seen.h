/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What BlueZ says of the devices around: its Device1 properties, followed, and which of them offer
 * Wi-Fi provisioning now. BlueZ remembers devices that are long gone; only those that were heard in
 * this discovery count. */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"
#include "wifi/central/central.h"

#define WIFI_SERVICE "14387800-130c-49e7-b877-2881c89cb258"
#define SEEN_MAX 128 /* devices; more are not seen */

struct seen_device {
	struct central_device device;
	bool has_service; /* among its UUIDs */
	bool is_heard;    /* in this discovery */
	bool is_new;      /* says something that was not told yet */
};

struct seen {
	struct seen_device devices[SEEN_MAX];
	size_t n;
};

/* a{sv} follows in m: some of the properties of the device at path. Returns what
 * sd_bus_message_read() does; what has another type than it should is left out. */
int seen_update(struct seen *s, const char *path, sd_bus_message *m) _must_check_;
void seen_remove(struct seen *s, const char *path);
/* The next one that offers the service and has something new to say; NULL when there is none. Valid
 * until the next call. */
const struct central_device *seen_next(struct seen *s);
void seen_clear(struct seen *s);
