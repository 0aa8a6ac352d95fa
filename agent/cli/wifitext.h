/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Wi-Fi as people write and read it. Pure. */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/wifi/wifi.h"

/* The name of a network as wifi_ssid_text() prints it: its bytes, where \xNN is any byte. (So the
 * backslash of a name that has these very characters is \x5c.) -EINVAL: empty, or longer than a
 * name can be. */
int wifitext_ssid(const char *text, struct wifi_network *n) _must_check_;
/* A name of wifi_auth_name(). -EINVAL. */
int wifitext_auth(const char *text, enum wifi_auth *ret) _must_check_;
/* Six pairs of hex digits with colons between. -EINVAL. */
int wifitext_mac(const char *text, uint8_t ret[static WIFI_BSSID_LEN]) _must_check_;

/* "WPA2", "open"; "?" when it is not known. */
const char *wifitext_auth_words(enum wifi_auth auth);
/* By the names of wifi_state_name() and wifi_reason_name(); a name that is not known stands for
 * itself. */
const char *wifitext_state_words(const char *state);
const char *wifitext_reason_words(const char *reason);
/* How a connection that failed for it ends the program: enum exit_code. */
int wifitext_reason_exit_code(const char *reason);
