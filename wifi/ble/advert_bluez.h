/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Advertising by BlueZ's LEAdvertisingManager1, for processes that may not use the management
 * socket. What it can say depends on the version: with 5.80 and later everything, before that no
 * service data, because all of it would have to fit into the 31 bytes of the advertisement. */

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "wifi/ble/adapters.h"
#include "wifi/ble/peripheral.h"

struct advert_bluez;

/* why: NULL, or why not; then it is tried again. */
typedef void (*advert_bluez_fn)(void *userdata, bool is_on, const char *why);

/* Puts a copy of advertisement on the air of one adapter. bus and adapters are borrowed. -errno. */
int advert_bluez_new(sd_event *event, sd_bus *bus, const struct adapters *adapters,
		     const struct adapter_view *adapter, const struct advertisement *advertisement,
		     advert_bluez_fn fn, void *userdata, struct advert_bluez **ret) _must_check_;
struct advert_bluez *advert_bluez_free(struct advert_bluez *b);
DEFINE_CLEANUP(struct advert_bluez *, advert_bluez_free);
