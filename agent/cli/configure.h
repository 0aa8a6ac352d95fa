/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of `onboardctl wifi configure` share: configuring another device over Bluetooth.
 * configure_find.c finds it, configure_session.c talks to it, configure_claim.c makes it
 * somebody's. As verbs.h says. */

#include <jansson.h>

#include "agent/cli/claiming.h"
#include "agent/cli/networks.h"
#include "proto/wifi/wifi.h"
#include "wifi/central/central.h"

struct configure {
	const char *device, *adapter, *passphrase_file, *label_file; /* borrowed from argv */
	bool has_ssid;
	struct wifi_network wanted; /* its ssid, and auth when it was said */
	bool is_volatile, is_list, is_forget, is_json;
	bool is_identity, is_token; /* say who it is and nothing else; its claim token, too */
	struct claiming claiming;   /* server: claim it */
	uint64_t timeout_ms;        /* of each step */

	uint8_t label_code[WIFI_LABEL_CODE_MAX];
	size_t label_code_len;
	struct central_claim claim;
	struct central *central; /* owned */
};

/* One JSON object a line; takes over the reference. */
void configure_put(json_t *event);
/* Tells why a call to the central failed: an exit code. */
int configure_failed(const struct configure *k, int r);

/* The device to configure: the only one, or the one that was asked for. *ret_path is owned by the
 * caller. */
int configure_find(struct configure *k, char **ret_path) _must_check_;

/* Connected and paired, with its version and status told. */
int configure_begin(struct configure *k, const char *path) _must_check_;
int configure_scan(struct configure *k, struct networks *ret) _must_check_;
/* One attempt; *ret_reason is what it failed by, "" when it is connected. */
int configure_try(struct configure *k, const struct wifi_config *config,
		  const char **ret_reason) _must_check_;
int configure_forget(struct configure *k) _must_check_;
/* Reads and shows who the device is, and what else of claim was asked for. */
int configure_read_claim(struct configure *k) _must_check_;
/* Claims it at the service; the device is not needed for it. */
int configure_claim(const struct configure *k) _must_check_;
/* Says where the device stands. */
int configure_status(struct configure *k) _must_check_;
