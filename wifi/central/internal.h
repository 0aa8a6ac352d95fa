/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of this folder share: the connection to BlueZ and waiting on it. Every signal is
 * taken in while any call waits, so none is lost between two calls. */

#include <systemd/sd-bus.h>

#include "wifi/busread.h"
#include "wifi/central/central.h"
#include "wifi/central/queue.h"
#include "wifi/central/seen.h"

#define BLUEZ "org.bluez"
#define ADAPTER1 "org.bluez.Adapter1"
#define DEVICE1 "org.bluez.Device1"
#define CHARACTERISTIC1 "org.bluez.GattCharacteristic1"
#define PROPERTIES "org.freedesktop.DBus.Properties"

struct central {
	sd_bus *bus;                    /* owned */
	char *owner;                    /* owned: bluetoothd's unique name */
	char *adapter;                  /* owned: its object */
	struct central_options options; /* what it points to is borrowed */
	bool is_gone;                   /* bluetoothd ended */
	bool is_ending;                 /* cleaning up: not to be cancelled */
	sd_bus_slot *agent;             /* owned */
	bool has_agent;                 /* BlueZ knows it */

	struct seen seen; /* devices, while discovering */

	char *device;                  /* owned: the object connected to, NULL for none */
	bool is_connected;             /* BlueZ said so, and did not take it back */
	bool is_resolved;              /* its services are known */
	bool is_paired;                /* with it */
	bool had_bond;                 /* it was when the connection began */
	bool is_subscribed;            /* to both characteristics */
	char *info, *control, *output; /* owned: objects of its characteristics */
	char *claim;                   /* the same; NULL: it has none */
	struct queue queue;

	char error[320];
};

/* ---- bus.c ---- */

/* Tells r to people and returns it. */
int central_fail(struct central *c, int r, const char *format, ...) _printf_(3, 4);

/* When a call that may take timeout_ms (0: fallback_ms) is over, by clock_ms(). */
uint64_t central_deadline(uint64_t timeout_ms, uint64_t fallback_ms);
/* Takes in what has arrived, or waits for it; comes back after each message. 0; -ENODEV when
 * bluetoothd is gone, -EINTR, -ETIMEDOUT; all told. what is for people: "the connection". */
int central_step(struct central *c, uint64_t end_ms, const char *what) _must_check_;
/* The same, and -ENOTCONN when the device is gone. */
int central_step_connected(struct central *c, uint64_t end_ms, const char *what) _must_check_;

int central_message(struct central *c, const char *path, const char *interface, const char *method,
		    sd_bus_message **ret) _must_check_;
/* Sends m and waits for the answer, while signals and the agent's calls are served. ret_reply may
 * be NULL. -errno by what BlueZ answers, told. */
int central_call(struct central *c, sd_bus_message *m, uint64_t end_ms, const char *what,
		 sd_bus_message **ret_reply) _must_check_;
/* The same for a method without arguments. */
int central_call_plain(struct central *c, const char *path, const char *interface,
		       const char *method, uint64_t end_ms, const char *what) _must_check_;
/* Gives fn the interfaces of all objects of BlueZ, with c as its userdata. */
int central_objects(struct central *c, busread_interface_fn fn) _must_check_;

/* ---- device.c ---- */

/* Properties of the device that is connected (to be). a{sv} follows in m. */
int device_on_changed(struct central *c, sd_bus_message *m) _must_check_;

/* ---- exchange.c ---- */

/* Properties of a characteristic. a{sv} follows in m. */
int exchange_on_value(struct central *c, const char *path, sd_bus_message *m) _must_check_;

/* ---- agent.c ---- */

int agent_register(struct central *c) _must_check_;
