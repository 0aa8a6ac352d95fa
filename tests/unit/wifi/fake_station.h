/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A station (wifi/station/station.h) that does what the test says. There is one; it fails the test
 * when its user breaks the header's rules. */

#include <stdbool.h>
#include <stdint.h>

#include "wifi/station/station.h"

struct fake_station {
	struct station_events events;
	bool exists, is_available;
	const char *interface, *backend;

	/* What the next calls return. */
	int connect_r, scan_r;

	/* What it was told to do. */
	bool is_connecting, is_linked, is_scanning;
	enum wifi_state progressed; /* of the connection under way */
	struct wifi_config config;  /* of the last station_connect() */
	struct wifi_scan_params scan_params;
	bool has_scan_params;
	unsigned int n_connects, n_disconnects, n_scans, n_scan_stops, n_asked_signal;

	struct wifi_network network; /* what a link is to */
};

extern struct fake_station fake_station;

void fake_station_reset(void);
/* What happens to it: each calls back as the header says. */
void fake_station_set_available(bool is_available);
void fake_station_progress(enum wifi_state state);
void fake_station_failed(enum wifi_reason reason);
void fake_station_lost(void);
void fake_station_found(const char *ssid);
void fake_station_scan_done(int r);
void fake_station_signal(int rssi_dbm);
