/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Between the station (station.c) and the programs that can run an interface for it: one table of
 * functions each. Internal to wifi/station/. The station checks arguments, orders events, filters
 * bands and ends scans in time; a back end talks D-Bus. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "proto/wifi/wifi.h"

enum backend_state {
	BACKEND_AWAY,    /* runs the interface or means to, but cannot serve now; at first */
	BACKEND_FOREIGN, /* does not run the interface: another back end may */
	BACKEND_READY,   /* serves; only then the functions from scan() on are called */
};

/* What a back end tells. Never from within one of its functions; only as the last thing that a
 * handler does, since the station may call any function but free() from within. Whatever comes in
 * the wrong phase (a second `progress`, `found` without a scan, `lost` without a link) the station
 * drops, so a back end need not count; but what belongs to an attempt or scan that was given up
 * must not be told as if it were of the next one. */
struct backend_events {
	/* Leaving READY ends everything under way without further events of it. */
	void (*state)(void *userdata, enum backend_state state);
	void (*found)(void *userdata, const struct wifi_record *record);
	void (*scan_done)(void *userdata, int r);
	void (*progress)(void *userdata, enum wifi_state state);
	/* The back end has given the connection up: it will not try again by itself. */
	void (*failed)(void *userdata, enum wifi_reason reason);
	void (*lost)(void *userdata);
	void (*signal)(void *userdata, int rssi_dbm);
	void *userdata;
};

struct backend_ops {
	const char *name;     /* station_backend() */
	const char *bus_name; /* the instance lives only while this name has an owner */

	/* Everything is borrowed and outlives it. Asks for what it needs, waits for nothing. */
	int (*new)(sd_event *event, sd_bus *bus, const char *interface,
		   const struct backend_events *events, void **ret);
	/* Leaves the link as it is. */
	void (*free)(void *backend);

	/* params is never NULL; period_ms is the station's. Called while a scan is under way: what
	 * that one has found is told again, with all that still comes, and one scan_done. */
	int (*scan)(void *backend, const struct wifi_scan_params *params);
	/* Its time is up: what was found till now is told, then scan_done. NULL: the station does
	 * with scan_stop() and a scan_done of its own. */
	void (*scan_cut)(void *backend);
	void (*scan_stop)(void *backend);
	/* config is no refused one and is wiped by the caller. A connection or link that is there
	 * is dropped first; no event of it comes any more. The station ends a scan before. */
	int (*connect)(void *backend, const struct wifi_config *config);
	void (*disconnect)(void *backend);
	const struct wifi_network *(*network)(void *backend);
	void (*ask_signal)(void *backend);
};

extern const struct backend_ops wpa_supplicant_ops;
extern const struct backend_ops networkmanager_ops;

/* Whether the connection is for one BSSID alone. */
bool backend_is_pinned(const struct wifi_config *config);
/* The band that the connection must keep to, or WIFI_BAND_ANY. */
enum wifi_band backend_band(const struct wifi_config *config);
/* The authentication to use: config's own, or what it stands for when it is not said
 * (WIFI_AUTH_OPEN without a passphrase, WIFI_AUTH_UNKNOWN for "WPA2 or WPA3" with one). */
enum wifi_auth backend_auth(const struct wifi_config *config);
/* 64 hex digits: the key itself, no passphrase. */
bool backend_is_raw_key(const struct wifi_config *config);
/* Band and channel of a frequency; ANY and 0 for what this protocol has no number for. */
void backend_set_frequency(struct wifi_network *network, uint32_t mhz);
/* -EINVAL when it is too long for one. */
int backend_set_ssid(struct wifi_network *network, const void *ssid, size_t len) _must_check_;
