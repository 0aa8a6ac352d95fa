/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The dictionary that BlueZ gives along with ReadValue and WriteValue. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"
#include "wifi/ble/bluez.h"

/* What every central must take: the MTU before it is negotiated. */
#define GATT_MTU_MIN 23

struct gatt_options {
	char device[BLUEZ_PATH_MAX]; /* "" when not said */
	uint16_t offset;
	uint16_t mtu; /* at least GATT_MTU_MIN */
	/* Asked in advance whether a long write would be allowed: nothing is written yet. */
	bool is_prepare;
};

/* m stands before an a{sv}. -EBADMSG and what sd-bus says about a message that has another shape,
 * or whose device is no path of BlueZ. */
int gatt_options_read(sd_bus_message *m, struct gatt_options *ret) _must_check_;

/* The longest value that reaches the peer whole. The protocol would carry MTU - 3, but BlueZ 5.66
 * cuts at MTU - 5 and says nothing. */
size_t gatt_options_limit(const struct gatt_options *o);
