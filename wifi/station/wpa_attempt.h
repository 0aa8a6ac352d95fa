/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Makes sense of what wpa_supplicant says while it connects: it has no word for "wrong key" or "no
 * such network", only states that may be skipped, and three status codes. Pure. Internal to
 * wifi/station/. */

#include <stdbool.h>

#include "proto/wifi/wifi.h"

/* In the order of a connection. */
enum wpa_state {
	WPA_STATE_UNKNOWN,
	WPA_STATE_INTERFACE_DISABLED,
	WPA_STATE_DISCONNECTED,
	WPA_STATE_INACTIVE,
	WPA_STATE_SCANNING,
	WPA_STATE_AUTHENTICATING,
	WPA_STATE_ASSOCIATING,
	WPA_STATE_ASSOCIATED,
	WPA_STATE_4WAY_HANDSHAKE,
	WPA_STATE_GROUP_HANDSHAKE,
	WPA_STATE_COMPLETED,
};
enum wpa_state wpa_state_of(const char *text);

/* One set of properties that changed together. */
struct wpa_news {
	bool has_state, has_auth_status, has_assoc_status, has_disconnect_reason;
	enum wpa_state state;
	int auth_status, assoc_status;
	int disconnect_reason; /* IEEE 802.11 reason code; negative: we left */
};

struct wpa_attempt {
	bool has_sae;       /* SAE is offered */
	bool is_foreign;    /* a scan that was not ours was under way at the start */
	bool is_answered;   /* an access point spoke with us */
	bool is_up;         /* completed was reached */
	enum wpa_state now; /* the last one told since the start */
	enum wpa_state highest;
	unsigned int scans, setbacks;
};
void wpa_attempt_start(struct wpa_attempt *a, bool has_sae, bool is_scanning);

enum wpa_outcome {
	WPA_GOES_ON,
	WPA_PROGRESS, /* with .progress, AUTHENTICATION or ASSOCIATION */
	WPA_UP,       /* completed for the first time */
	WPA_FAILED,   /* with .reason */
	WPA_LOST,     /* after WPA_UP */
};
struct wpa_verdict {
	enum wpa_outcome outcome;
	enum wifi_state progress;
	enum wifi_reason reason;
};
struct wpa_verdict wpa_attempt_news(struct wpa_attempt *a, const struct wpa_news *n);
/* A scan ended. True: it may have been one too many; unless the state has moved on shortly after,
 * wpa_attempt_fruitless() says what that means. */
bool wpa_attempt_scanned(struct wpa_attempt *a, bool is_good);
struct wpa_verdict wpa_attempt_fruitless(const struct wpa_attempt *a);
