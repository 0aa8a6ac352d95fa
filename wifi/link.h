/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The device's Wi-Fi link: connects what is configured, tries what a configurator asks for and
 * keeps it only when it works, comes back after a loss. Owns station and address watch; its moves
 * are a table (linkfsm.h, docs/wifi-link.md). Its events come from the event loop alone, never from
 * within a call of this header, and may call everything here but link_free(). */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "proto/wifi/wifi.h"
#include "wifi/saved.h"

struct link;

struct link_options {
	const char *interface; /* NULL: the first wireless one */
	uint64_t connect_ms;   /* limit of one attempt, from the request to the address */
	uint64_t address_ms;   /* of it, the wait for an address; then FAIL_IP */
	uint64_t retry_first_ms, retry_ceiling_ms;
	uint64_t fallback_ms; /* without a link for so long: link_is_stranded() */
};

/* Members may be NULL. */
struct link_events {
	/* Stage, configuration, address, signal or interface changed: link_get_view(). */
	void (*changed)(void *userdata);
	/* Of link_try(): AUTHENTICATION, ASSOCIATION, OBTAINING_IP, CONNECTED, or at any point
	 * CONNECTION_FAILED with its reason. Strictly in this order, none left out (a state that
	 * went by unseen is told before the next), none twice. By CONNECTED it is kept. */
	void (*result)(void *userdata, enum wifi_state state, enum wifi_reason reason);
	void (*found)(void *userdata, const struct wifi_record *record);
	void (*scan_done)(void *userdata, int r);
	void *userdata;
};

/* saved, bus and events are borrowed and outlive it. -errno. */
int link_new(sd_event *event, sd_bus *bus, struct saved *saved, const struct link_options *options,
	     const struct link_events *events, struct link **ret) _must_check_;
struct link *link_free(struct link *l);
DEFINE_CLEANUP(struct link *, link_free);
/* Connects what is configured, if anything is. */
int link_start(struct link *l) _must_check_;

/* Tries config in place of what runs; the attempt before it, if one is under way, is dropped
 * without a result. When it fails, the configuration that is kept is connected again. -EINVAL
 * (wifi_config_refusal()), -ENODEV without an interface, -EIO. */
int link_try(struct link *l, const struct wifi_config *config) _must_check_;
/* Disconnects and forgets. When the store refuses, the link goes on. */
int link_forget(struct link *l) _must_check_;
/* As station_scan(): a live link stays, and an attempt to connect what is kept waits for the end of
 * the scan (at most two minutes). -EBUSY while a link_try() is under way. link_try() ends a scan
 * with -ECANCELED, the loss of the interface with -ENODEV. */
int link_scan(struct link *l, const struct wifi_scan_params *params) _must_check_;
/* Nothing of the scan is told after this. */
void link_scan_stop(struct link *l);
/* Renews rssi_dbm of the view; `changed` when it is another. */
void link_ask_signal(struct link *l);

enum link_stage {
	LINK_STAGE_NO_INTERFACE, /* or nothing that runs it */
	LINK_STAGE_UNCONFIGURED,
	LINK_STAGE_CONNECTING,
	LINK_STAGE_OBTAINING_IP,
	LINK_STAGE_CONNECTED,
	LINK_STAGE_RETRYING,
};
const char *link_stage_name(enum link_stage stage); /* "no-interface", … "retrying" */

/* Borrowed, valid until the link runs again. */
struct link_view {
	enum link_stage stage;
	const char *interface, *backend;
	bool is_configured, is_volatile, is_trying; /* is_trying: a link_try() is under way */
	/* Without a link for link_options.fallback_ms although configured. */
	bool is_stranded;
	const struct wifi_network *configured; /* NULL when nothing is */
	const struct wifi_network *trying;     /* NULL unless is_trying */
	const struct wifi_network *connected;  /* NULL without a link */
	bool has_ip4;
	uint8_t ip4[4];
	bool has_rssi;
	int rssi_dbm;
	bool has_failed; /* since the last success */
	enum wifi_reason last_reason;
	uint64_t retry_in_ms; /* 0: none planned */
};
void link_get_view(const struct link *l, struct link_view *ret);
/* -ENODEV. */
int link_mac(const struct link *l, uint8_t ret[static 6]) _must_check_;
