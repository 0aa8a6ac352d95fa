/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The Bluetooth LE side of Wi-Fi provisioning, on BlueZ: adapters, advertisement, GATT service,
 * pairing. Follows bluetoothd and the adapters as they come and go; whatever is there is served.
 * Knows nothing of Wi-Fi. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

struct peripheral;

enum pairing {
	PAIRING_JUST_WORKS, /* encrypted link, nobody proved who they are */
	PAIRING_PASSKEY,    /* authenticated link: six digits that this device shows */
};

struct peripheral_options {
	const char *adapter; /* "hci0"; NULL: every one there is */
	enum pairing pairing;
};

/* Members may be NULL, except read, read_claim and write. */
struct peripheral_events {
	/* The Information characteristic was read. 0 or -errno. */
	int (*read)(void *userdata, uint8_t *ret, size_t size, size_t *ret_len);
	/* The Claim characteristic was read by peer from offset on, over a link as pairing wants
	 * it. 0 or -errno, which becomes an ATT error. ret is wiped afterwards. */
	int (*read_claim)(void *userdata, const char *peer, size_t offset, uint8_t *ret,
			  size_t size, size_t *ret_len);
	/* The control point was written, by peer, in one piece however long. limit: the longest
	 * value that reaches it in one indication or notification. 0, or -errno, which becomes an
	 * ATT error. */
	int (*write)(void *userdata, const char *peer, size_t limit, const void *data, size_t len);
	void (*peer)(void *userdata, const char *peer, bool is_connected);
	/* May this peer pair (or pair again) now? */
	bool (*may_pair)(void *userdata, const char *peer);
	/* PAIRING_PASSKEY: to be shown to who stands here; is_over when it is not wanted any more.
	 */
	void (*passkey)(void *userdata, uint32_t passkey, bool is_over);
	/* Advertising on at least one adapter, or on none, and why not. */
	void (*advertising)(void *userdata, bool is_on, const char *why);
	void *userdata;
};

/* bus, options' texts and events are borrowed and outlive it. A missing bluetoothd or adapter is no
 * error: it is waited for. -errno. */
int peripheral_new(sd_event *event, sd_bus *bus, const struct peripheral_options *options,
		   const struct peripheral_events *events, struct peripheral **ret) _must_check_;
/* Stops advertising, also in the kernel. */
struct peripheral *peripheral_free(struct peripheral *p);
DEFINE_CLEANUP(struct peripheral *, peripheral_free);

/* docs/ble.md §3: what the advertisement says. */
struct advertisement {
	char name[9]; /* "PV" and six hex digits, NUL-terminated; also the adapter's alias */
	bool is_provisioned, is_connected;
	int8_t rssi_dbm; /* INT8_MIN: not connected */
	bool is_fast;    /* 100 ms, else 1 s */
};
/* Starts or changes it. The same as before is no work. Not on the air while a central is
 * connected. */
void peripheral_advertise(struct peripheral *p, const struct advertisement *a);
void peripheral_stop_advertising(struct peripheral *p);

/* To the connected central; dropped when there is none. */
void peripheral_indicate(struct peripheral *p, const void *data, size_t len);
void peripheral_notify(struct peripheral *p, const void *data, size_t len);
