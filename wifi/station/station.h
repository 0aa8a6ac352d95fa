/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One Wi-Fi interface in station mode, whatever program runs it: wpa_supplicant (wpa_supplicant.c)
 * or NetworkManager (networkmanager.c), each over D-Bus. It does what it is told and tries nothing
 * again by itself: link.h decides. DHCP is the system's. Everything is told by events, never from
 * within the call that asked. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "proto/wifi/wifi.h"

struct station;

/* Members may be NULL. */
struct station_events {
	/* The back end and the interface are there (again), or gone: then nothing is under way any
	 * more and no further event of it comes. */
	void (*available)(void *userdata, bool is_available);
	/* A network of the scan under way; one call a BSSID. */
	void (*found)(void *userdata, const struct wifi_record *record);
	/* The scan under way ended by itself: 0, or -errno (-EIO: refused by the driver). */
	void (*scan_done)(void *userdata, int r);
	/* The connection under way got here: AUTHENTICATION, ASSOCIATION, then OBTAINING_IP when
	 * the link carries traffic. In this order, each at most once, some may be left out. */
	void (*progress)(void *userdata, enum wifi_state state);
	/* The connection under way came to nothing and was given up. */
	void (*failed)(void *userdata, enum wifi_reason reason);
	/* A link that had got to OBTAINING_IP is gone and was given up. Roaming and rekeying are no
	 * loss. */
	void (*lost)(void *userdata);
	/* The answer to station_ask_signal(). */
	void (*signal)(void *userdata, int rssi_dbm);
	void *userdata;
};

/* interface NULL: the first wireless one there is, or comes. NetworkManager when it is on the bus
 * and manages the interface, else wpa_supplicant; looked at again whenever one of them comes or
 * goes. bus and events are borrowed and outlive the station. -errno. */
int station_new(sd_event *event, sd_bus *bus, const char *interface,
		const struct station_events *events, struct station **ret) _must_check_;
/* Leaves the link as it is. */
struct station *station_free(struct station *s);
DEFINE_CLEANUP(struct station *, station_free);

bool station_is_available(const struct station *s);
/* "" while not known. */
const char *station_interface(const struct station *s);
/* "wpa_supplicant", "NetworkManager" or "none". */
const char *station_backend(const struct station *s);
/* The interface's own address. -ENODEV. */
int station_mac(const struct station *s, uint8_t ret[static 6]) _must_check_;

/* Keeps a live link. params NULL: every band, active, until done. One that runs already is joined:
 * what it found before is told, too. -ENODEV; -EBUSY while a connection is under way. */
int station_scan(struct station *s, const struct wifi_scan_params *params) _must_check_;
/* No event of the scan comes after this. */
void station_scan_stop(struct station *s);

/* Whatever link there is is dropped first, and a scan under way ends without an event. config is
 * copied, and wiped when done. Pinned to BSSID (any_channel said false, and a BSSID is there) or
 * free. -ENODEV, -EINVAL (wifi_config_refusal()), -EIO. */
int station_connect(struct station *s, const struct wifi_config *config) _must_check_;
/* Gives up connection or link; fine when there is none. No event of it comes after this. */
void station_disconnect(struct station *s);
/* What the link is to, with its real BSSID, channel and authentication; NULL when there is none. */
const struct wifi_network *station_network(const struct station *s);
/* Answered by one `signal`, or not at all without a link. */
void station_ask_signal(struct station *s);
