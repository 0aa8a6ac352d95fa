/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The parts of the wpa_supplicant back end: wpa_supplicant.c (its object for our interface),
 * wpa_scan.c, wpa_connect.c. Internal to wifi/station/. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "proto/wifi/wifi.h"
#include "wifi/station/backend.h"
#include "wifi/station/call.h"
#include "wifi/station/wpa_attempt.h"
#include "wifi/station/wpa_network.h"
#include "wifi/station/wpa_read.h"

#define WPA_NAME "fi.w1.wpa_supplicant1"
#define WPA_PATH "/fi/w1/wpa_supplicant1"
#define WPA_INTERFACE WPA_NAME ".Interface"
#define WPA_BSS WPA_NAME ".BSS"
#define WPA_BSS_MAX 256 /* networks of one scan that are told */

struct wpa;

/* One BSS of a listing, asked for its properties. */
struct wpa_listed {
	struct wpa *wpa;   /* borrowed */
	sd_bus_slot *call; /* owned */
};

enum wpa_scan_step {
	WPA_SCAN_NONE,
	WPA_SCAN_ASKING,  /* the request is on its way */
	WPA_SCAN_WAITING, /* it was refused: wpa_supplicant is busy */
	WPA_SCAN_RUNNING, /* ours, or another's that we joined */
	WPA_SCAN_LISTING, /* it ended: what has it found? */
};

struct wpa_scan {
	enum wpa_scan_step step;
	bool is_ours;     /* RUNNING: not joined */
	bool is_cut;      /* told early to end */
	bool is_aborting; /* the end of one that we stopped is still to come */
	struct wifi_scan_params params;
	unsigned int rung, tries;
	uint64_t since_ms;      /* 0: not known */
	sd_bus_slot *call;      /* owned */
	sd_event_source *timer; /* owned */
	/* The answers of the listing still to come. */
	struct wpa_listed listed[WPA_BSS_MAX];
	size_t n_listed, n_left;
	unsigned int listing; /* which one it is */
};

enum wpa_phase {
	WPA_PHASE_NONE,
	WPA_PHASE_PREPARING, /* the network is made known to wpa_supplicant */
	WPA_PHASE_TRYING,
	WPA_PHASE_UP, /* completed; its BSS is asked for, then it is told */
};

struct wpa_link {
	enum wpa_phase phase;
	struct wpa_block block; /* wiped when it was sent */
	struct wpa_attempt attempt;
	struct wifi_network wanted;
	struct wifi_network network; /* has_network */
	bool has_network;
	bool is_sae;
	sd_bus_slot *call;      /* owned */
	sd_bus_slot *poll;      /* owned */
	sd_event_source *timer; /* owned */
};

struct wpa {
	sd_event *event;                     /* borrowed */
	sd_bus *bus;                         /* borrowed */
	const char *interface;               /* borrowed */
	const struct backend_events *events; /* borrowed */
	char *path;                          /* owned; NULL while not known */
	char sender[CALL_SENDER_MAX];        /* wpa_supplicant's; "" while path is not known */
	bool is_ready;
	bool can_sae;
	enum wpa_state state;
	bool is_scanning;
	uint64_t scanning_since_ms;                            /* 0: not known */
	sd_bus_slot *added, *removed, *properties, *scan_done; /* owned */
	sd_bus_slot *call;                                     /* owned */
	sd_event_source *timer;                                /* owned */
	unsigned int failures;
	struct wpa_scan scan;
	struct wpa_link link;
};

/* Where calls to the interface go. */
struct call_target wpa_target(const struct wpa *w);
/* A call without arguments whose answer nobody waits for. */
void wpa_tell(struct wpa *w, const char *member);
/* Starts a one-shot timer of ms in *timer. */
int wpa_arm(struct wpa *w, sd_event_source **timer, uint64_t ms,
	    sd_event_time_handler_t fn) _must_check_;
void wpa_disarm(sd_event_source **timer);

int wpa_scan_start(struct wpa *w, const struct wifi_scan_params *params) _must_check_;
/* Ends it early; what it found is told, then that it is done. */
void wpa_scan_cut(struct wpa *w);
void wpa_scan_stop(struct wpa *w);
/* Forgets it without a word to anybody. */
void wpa_scan_drop(struct wpa *w);
/* May tell events: last thing to call. */
void wpa_scan_on_done(struct wpa *w, bool is_good);

int wpa_connect(struct wpa *w, const struct wifi_config *config) _must_check_;
void wpa_disconnect(struct wpa *w);
void wpa_connect_drop(struct wpa *w);
void wpa_ask_signal(struct wpa *w);
void wpa_connect_on_scan_done(struct wpa *w, bool is_good);
/* May tell events: last thing to call. */
void wpa_connect_on_properties(struct wpa *w, const struct wpa_properties *p);
