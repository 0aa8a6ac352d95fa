/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/wpa_attempt.h"

#include <string.h>

#include "base/macros.h"

#define SCANS_MAX 2
#define SETBACKS_MAX 3

enum wpa_state wpa_state_of(const char *text)
{
	static const struct {
		const char *text;
		enum wpa_state state;
	} states[] = {
		{"interface_disabled", WPA_STATE_INTERFACE_DISABLED},
		{"disconnected", WPA_STATE_DISCONNECTED},
		{"inactive", WPA_STATE_INACTIVE},
		{"scanning", WPA_STATE_SCANNING},
		{"authenticating", WPA_STATE_AUTHENTICATING},
		{"associating", WPA_STATE_ASSOCIATING},
		{"associated", WPA_STATE_ASSOCIATED},
		{"4way_handshake", WPA_STATE_4WAY_HANDSHAKE},
		{"group_handshake", WPA_STATE_GROUP_HANDSHAKE},
		{"completed", WPA_STATE_COMPLETED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(text, states[i].text) == 0)
			return states[i].state;
	return WPA_STATE_UNKNOWN;
}

void wpa_attempt_start(struct wpa_attempt *a, bool has_sae, bool is_scanning)
{
	*a = (struct wpa_attempt){.has_sae = has_sae, .is_foreign = is_scanning};
}

static struct wpa_verdict failed(enum wifi_reason reason)
{
	return (struct wpa_verdict){.outcome = WPA_FAILED, .reason = reason};
}

static struct wpa_verdict goes_on(void)
{
	return (struct wpa_verdict){.outcome = WPA_GOES_ON};
}

static bool is_down(enum wpa_state state)
{
	return state != WPA_STATE_UNKNOWN && state < WPA_STATE_AUTHENTICATING;
}

/* Status codes, IEEE 802.11-2020 table 9-50. */
static struct wpa_verdict judge_auth_status(const struct wpa_attempt *a, int status)
{
	switch (status) {
	case 0:
	case 76:  /* anti-clogging token required: SAE goes on */
	case 77:  /* unsupported group: the next one is tried */
	case 126: /* hash-to-element: SAE goes on */
	case 127:
		return goes_on();
	case 1: /* how a failed SAE confirm is answered */
	case 15:
		return failed(a->has_sae ? WIFI_REASON_AUTH_ERROR : WIFI_REASON_FAIL_CONN);
	default:
		return failed(WIFI_REASON_FAIL_CONN);
	}
}

/* Reason codes, IEEE 802.11-2020 table 9-49. */
static struct wpa_verdict judge_disconnect(const struct wpa_attempt *a, int reason)
{
	switch (reason) {
	case 15: /* 4-way handshake timeout: what a wrong passphrase comes to */
	case -15:
		return failed(WIFI_REASON_AUTH_ERROR);
	case 1:
	case 2:
	case 14:
	case 23:
		/* Access points that give another reason for the same. */
		if (a->highest == WPA_STATE_4WAY_HANDSHAKE)
			return failed(WIFI_REASON_AUTH_ERROR);
		return goes_on();
	default:
		/* Setbacks are counted by state. */
		return goes_on();
	}
}

static struct wpa_verdict judge_codes(const struct wpa_attempt *a, const struct wpa_news *n)
{
	struct wpa_verdict v = goes_on();

	if (n->has_auth_status)
		v = judge_auth_status(a, n->auth_status);
	/* 30: refused for now, come back in a moment, which wpa_supplicant does. */
	if (v.outcome == WPA_GOES_ON && n->has_assoc_status && n->assoc_status != 0 &&
	    n->assoc_status != 30)
		v = failed(WIFI_REASON_FAIL_CONN);
	if (v.outcome == WPA_GOES_ON && n->has_disconnect_reason)
		v = judge_disconnect(a, n->disconnect_reason);
	return v;
}

static struct wpa_verdict judge_state(struct wpa_attempt *a, enum wpa_state before)
{
	if (a->now == WPA_STATE_INTERFACE_DISABLED)
		return failed(WIFI_REASON_FAIL_CONN);
	if (a->now == WPA_STATE_COMPLETED) {
		a->is_up = true;
		return (struct wpa_verdict){.outcome = WPA_UP};
	}
	if (is_down(a->now) && before >= WPA_STATE_AUTHENTICATING && ++a->setbacks >= SETBACKS_MAX)
		return failed(WIFI_REASON_FAIL_CONN);
	if (a->now == WPA_STATE_AUTHENTICATING)
		return (struct wpa_verdict){.outcome = WPA_PROGRESS,
					    .progress = WIFI_STATE_AUTHENTICATION};
	if (a->now > WPA_STATE_AUTHENTICATING)
		return (struct wpa_verdict){.outcome = WPA_PROGRESS,
					    .progress = WIFI_STATE_ASSOCIATION};
	return goes_on();
}

struct wpa_verdict wpa_attempt_news(struct wpa_attempt *a, const struct wpa_news *n)
{
	enum wpa_state before = a->now;
	struct wpa_verdict v;

	if (n->has_state && n->state != WPA_STATE_UNKNOWN) {
		a->now = n->state;
		a->highest = MAX(a->highest, a->now);
	}
	if (n->has_auth_status || a->now > WPA_STATE_AUTHENTICATING)
		a->is_answered = true;
	if (a->is_up) {
		/* Roaming and rekeying step back no further than to authenticating. */
		v = goes_on();
		if (is_down(a->now))
			v.outcome = WPA_LOST;
		return v;
	}
	/* Of a passed attempt at another access point, once this one is good. */
	if (a->now != WPA_STATE_COMPLETED) {
		v = judge_codes(a, n);
		if (v.outcome != WPA_GOES_ON)
			return v;
	}
	return n->has_state ? judge_state(a, before) : goes_on();
}

bool wpa_attempt_scanned(struct wpa_attempt *a, bool is_good)
{
	if (a->is_up || a->now >= WPA_STATE_AUTHENTICATING)
		return false;
	if (a->is_foreign) {
		a->is_foreign = false;
		return false;
	}
	if (is_good)
		a->scans++;
	return is_good && a->scans >= SCANS_MAX;
}

struct wpa_verdict wpa_attempt_fruitless(const struct wpa_attempt *a)
{
	if (a->is_up || a->now >= WPA_STATE_AUTHENTICATING)
		return goes_on();
	/* wpa_supplicant may have tried one that it remembered. */
	return failed(a->is_answered ? WIFI_REASON_FAIL_CONN : WIFI_REASON_NETWORK_NOT_FOUND);
}
