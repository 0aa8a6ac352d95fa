/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Wi-Fi for the agent: link, presence window, provisioning over BLE, all of it. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "credstore/store.h"
#include "wifi/ble/peripheral.h"
#include "wifi/claimread.h"
#include "wifi/link.h"

struct wifi;

struct wifi_options {
	struct link_options link;
	const char *adapter;     /* NULL: every Bluetooth adapter */
	const char *name_prefix; /* "PV" */
	enum pairing pairing;
	const char *label_file; /* NULL: no label code is asked for */
	uint64_t window_ms;     /* by power-on, button or command */
	bool window_at_boot;
	const char *button_chip; /* NULL: no button */
	unsigned int button_line;
	bool button_active_low;
	unsigned int attempts;
	uint64_t attempts_period_ms;
	uint64_t rssi_refresh_ms;
};

/* Members may be NULL. */
struct wifi_events {
	void (*changed)(void *userdata); /* anything of wifi_get_view() */
	/* A step a person would like to see: "wifi", "connected to \"home\" with 192.0.2.7". */
	void (*step)(void *userdata, const char *name, const char *text);
	/* Show it on the console; empty: take it away. */
	void (*passkey)(void *userdata, const char *digits);
	/* Of wifi_connect() and of every configurator's attempt. */
	void (*result)(void *userdata, enum wifi_state state, enum wifi_reason reason);
	/* Of wifi_scan(). */
	void (*found)(void *userdata, const struct wifi_record *record);
	void (*scan_done)(void *userdata, int r);
	/* What a configurator may read of the device and its owner. NULL: nothing. */
	claimread_fn claim;
	void *userdata;
};

/* Everything is borrowed and outlives it. ret_detail (may be NULL): an owned text for people.
 * -errno, STORE_E_*. */
int wifi_new(sd_event *event, sd_bus *bus, struct store *store, const struct wifi_options *options,
	     const struct wifi_events *events, struct wifi **ret, char **ret_detail) _must_check_;
struct wifi *wifi_free(struct wifi *w);
DEFINE_CLEANUP(struct wifi *, wifi_free);
int wifi_start(struct wifi *w) _must_check_;

/* The owner's way to it (onboardctl), which no window and no limit holds up. As link_*(). A scan is
 * refused (-EBUSY) while a phone scans, and ends with -ECANCELED when one asks for something. */
int wifi_scan(struct wifi *w) _must_check_;
int wifi_connect(struct wifi *w, const struct wifi_config *config) _must_check_;
int wifi_forget(struct wifi *w) _must_check_;
/* Opens the presence window; ms 0: for the configured time. */
void wifi_open_window(struct wifi *w, uint64_t ms);

struct wifi_view {
	struct link_view link;
	const char *name; /* that it advertises */
	bool is_advertising;
	const char *advertising_why; /* not */
	bool is_window_open;
	uint64_t window_left_ms;
	bool has_configurator;
};
void wifi_get_view(const struct wifi *w, struct wifi_view *ret);
