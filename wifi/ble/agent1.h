/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Pairing: BlueZ's default agent. Answers for devices below our adapters and refuses the rest. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "wifi/ble/adapters.h"
#include "wifi/ble/peripheral.h"

struct agent1;

struct agent1_events {
	/* May this device pair now? It has asked. */
	bool (*may_pair)(void *userdata, const char *device);
	void (*passkey)(void *userdata, const char *device, uint32_t passkey, bool is_over);
	void *userdata;
};

/* Everything is borrowed. -errno. */
int agent1_new(sd_event *event, sd_bus *bus, const struct adapters *adapters, enum pairing pairing,
	       const struct agent1_events *events, struct agent1 **ret) _must_check_;
struct agent1 *agent1_free(struct agent1 *a);
DEFINE_CLEANUP(struct agent1 *, agent1_free);

/* bluetoothd came or went. */
void agent1_set_bluez(struct agent1 *a, bool is_there);
/* The pairing of device came to its end. */
void agent1_ended(struct agent1 *a, const char *device);
