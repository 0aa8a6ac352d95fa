/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reads wpa_supplicant's properties (a{sv}) out of D-Bus messages. Unknown ones, and known ones of
 * a foreign type, are skipped. Internal to wifi/station/. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"
#include "wifi/station/wpa_attempt.h"
#include "wifi/station/wpa_network.h"

/* Of an interface. */
struct wpa_properties {
	struct wpa_news news;
	bool has_scanning, is_scanning;
	char *current_bss;          /* owned; NULL: not told. "/": none */
	bool has_auth_mode, is_sae; /* CurrentAuthMode */
	bool has_capabilities, can_sae;
};
void wpa_properties_done(struct wpa_properties *p);
/* -errno; *ret is to be released in any case. */
int wpa_read_properties(sd_bus_message *m, struct wpa_properties *ret) _must_check_;

int wpa_read_bss(sd_bus_message *m, struct wpa_bss *ret) _must_check_;
/* At most max paths, owned, into ret; the rest is left out. */
int wpa_read_bss_paths(sd_bus_message *m, char **ret, size_t max, size_t *ret_n) _must_check_;
/* The RSSI in the answer to SignalPoll. -ENODATA when it says none. */
int wpa_read_rssi(sd_bus_message *m, int *ret) _must_check_;
/* A network block as the a{sv} of AddNetwork. */
int wpa_append_block(sd_bus_message *m, const struct wpa_block *b) _must_check_;
