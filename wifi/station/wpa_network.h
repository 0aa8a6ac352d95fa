/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What wpa_supplicant's network block must say for a configuration, and what its BSS properties say
 * of a network. Pure. Internal to wifi/station/. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wifi/wifi.h"

enum wpa_secret {
	WPA_SECRET_NONE,
	WPA_SECRET_PASSPHRASE, /* "psk", a text: for WPA-PSK, and for SAE besides */
	WPA_SECRET_KEY,        /* "psk", 32 bytes */
	WPA_SECRET_SAE,        /* "sae_password", any bytes but NUL */
};

/* One network block; holds a secret. Texts that are pointers are constants. */
struct wpa_block {
	uint8_t ssid[WIFI_SSID_MAX];
	size_t ssid_len;
	const char *key_mgmt;
	const char *proto;       /* NULL: any */
	bool has_pmf;            /* ieee80211w */
	uint32_t pmf;            /* 1: when the access point can, 2: always */
	char bssid[18];          /* "": any */
	const char *frequencies; /* NULL: any */
	enum wpa_secret secret;
	uint8_t bytes[WIFI_PASSPHRASE_MAX + 1]; /* of the secret; NUL-terminated */
	size_t len;
};
/* can_sae: wpa_supplicant and the driver know SAE. -EINVAL for a configuration that there is no
 * block for. */
int wpa_block_make(const struct wifi_config *config, bool can_sae,
		   struct wpa_block *ret) _must_check_;
void wpa_block_wipe(struct wpa_block *b);
bool wpa_block_has_sae(const struct wpa_block *b);

/* Key management of a BSS, from its RSN or WPA element. */
enum {
	WPA_KEY_PSK = 1 << 0,
	WPA_KEY_SAE = 1 << 1,
	WPA_KEY_EAP = 1 << 2,
	WPA_KEY_ELEMENT = 1 << 3, /* the element is there, whatever it says */
};
/* The bit of one word of a KeyMgmt property; 0 for what this protocol has no credentials for. */
unsigned int wpa_key_flag(const char *word);

/* A BSS's properties. */
struct wpa_bss {
	uint8_t ssid[WIFI_SSID_MAX];
	size_t ssid_len;
	bool has_bssid;
	uint8_t bssid[WIFI_BSSID_LEN];
	uint32_t mhz;
	int signal_dbm;
	uint32_t age_s;
	bool is_private;
	unsigned int rsn, wpa; /* WPA_KEY_* */
};
enum wifi_auth wpa_bss_auth(const struct wpa_bss *bss);
/* -EINVAL when it lacks a BSSID or has an impossible SSID. */
int wpa_bss_record(const struct wpa_bss *bss, struct wifi_record *ret) _must_check_;

/* What the Channels argument of Scan lists, n frequencies of 20 MHz; 0: leave it out. Hardware that
 * lacks one of them refuses the whole scan, so there are rungs of ever less to ask for;
 * *ret_is_last says that there is none below. */
size_t wpa_scan_channels(const struct wifi_scan_params *params, unsigned int rung,
			 const uint32_t **ret, bool *ret_is_last);
