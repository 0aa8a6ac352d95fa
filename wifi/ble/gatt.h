/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The GATT services (docs/ble.md §1) as objects on the bus, registered with every adapter. */

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "wifi/ble/adapters.h"
#include "wifi/ble/peripheral.h"

struct gatt;

struct gatt_events {
	/* As those of peripheral_events, for a device that is told. */
	int (*read)(void *userdata, const char *device, uint8_t *ret, size_t size, size_t *ret_len);
	int (*read_claim)(void *userdata, const char *device, size_t offset, uint8_t *ret,
			  size_t size, size_t *ret_len);
	int (*write)(void *userdata, const char *device, size_t limit, const void *data,
		     size_t len);
	void *userdata;
};

enum gatt_channel { GATT_CONTROL, GATT_DATA_OUT };

/* Everything is borrowed. -errno. */
int gatt_new(sd_event *event, sd_bus *bus, const struct adapters *adapters, enum pairing pairing,
	     const struct gatt_events *events, struct gatt **ret) _must_check_;
struct gatt *gatt_free(struct gatt *g);
DEFINE_CLEANUP(struct gatt *, gatt_free);

/* Fine when it is served already. */
void gatt_serve(struct gatt *g, const char *adapter);
void gatt_leave(struct gatt *g, const char *adapter);
/* To whoever subscribed. */
void gatt_send(struct gatt *g, enum gatt_channel channel, const void *data, size_t len);
