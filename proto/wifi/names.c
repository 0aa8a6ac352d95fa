/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "proto/wifi/wire.h"

const char *wifi_op_name(uint32_t op)
{
	static const char *const names[] = {
		[WIFI_OP_GET_STATUS] = "get-status",       [WIFI_OP_START_SCAN] = "start-scan",
		[WIFI_OP_STOP_SCAN] = "stop-scan",         [WIFI_OP_SET_CONFIG] = "set-config",
		[WIFI_OP_FORGET_CONFIG] = "forget-config",
	};

	return op < ARRAY_SIZE(names) && names[op] ? names[op] : "unknown";
}

const char *wifi_answer_name(enum wifi_answer answer)
{
	switch (answer) {
	case WIFI_ANSWER_SUCCESS:
		return "success";
	case WIFI_ANSWER_INVALID_ARGUMENT:
		return "invalid-argument";
	case WIFI_ANSWER_INVALID_PROTO:
		return "invalid-proto";
	case WIFI_ANSWER_INTERNAL_ERROR:
		return "internal-error";
	}
	return "unknown";
}

const char *wifi_state_name(enum wifi_state state)
{
	switch (state) {
	case WIFI_STATE_DISCONNECTED:
		return "disconnected";
	case WIFI_STATE_AUTHENTICATION:
		return "authentication";
	case WIFI_STATE_ASSOCIATION:
		return "association";
	case WIFI_STATE_OBTAINING_IP:
		return "obtaining-ip";
	case WIFI_STATE_CONNECTED:
		return "connected";
	case WIFI_STATE_CONNECTION_FAILED:
		return "connection-failed";
	}
	return "unknown";
}

const char *wifi_reason_name(enum wifi_reason reason)
{
	switch (reason) {
	case WIFI_REASON_AUTH_ERROR:
		return "auth-error";
	case WIFI_REASON_NETWORK_NOT_FOUND:
		return "network-not-found";
	case WIFI_REASON_TIMEOUT:
		return "timeout";
	case WIFI_REASON_FAIL_IP:
		return "fail-ip";
	case WIFI_REASON_FAIL_CONN:
		return "fail-conn";
	}
	return "unknown";
}

const char *wifi_claim_state_name(enum wifi_claim_state state)
{
	switch (state) {
	case WIFI_CLAIM_STATE_UNKNOWN:
		break;
	case WIFI_CLAIM_STATE_UNCLAIMED:
		return "unclaimed";
	case WIFI_CLAIM_STATE_CLAIMED:
		return "claimed";
	}
	return "unknown";
}

const char *wifi_band_name(enum wifi_band band)
{
	switch (band) {
	case WIFI_BAND_ANY:
		return "any";
	case WIFI_BAND_2_4_GHZ:
		return "2.4 GHz";
	case WIFI_BAND_5_GHZ:
		return "5 GHz";
	}
	return "unknown";
}

const char *wifi_auth_name(enum wifi_auth auth)
{
	switch (auth) {
	case WIFI_AUTH_OPEN:
		return "open";
	case WIFI_AUTH_WEP:
		return "wep";
	case WIFI_AUTH_WPA_PSK:
		return "wpa-psk";
	case WIFI_AUTH_WPA2_PSK:
		return "wpa2-psk";
	case WIFI_AUTH_WPA_WPA2_PSK:
		return "wpa-wpa2-psk";
	case WIFI_AUTH_WPA2_ENTERPRISE:
		return "wpa2-enterprise";
	case WIFI_AUTH_WPA3_PSK:
		return "wpa3-psk";
	case WIFI_AUTH_UNKNOWN:
		break;
	}
	return "unknown";
}

/* Characters that would let a network's name rearrange the line it is shown in: line and paragraph
 * separators, marks and overrides of the direction of writing. */
static bool is_layout(uint32_t point)
{
	return (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069);
}

const char *wifi_ssid_text(const struct wifi_network *n, char ret[static WIFI_SSID_TEXT_MAX])
{
	const size_t len = MIN(n->ssid_len, WIFI_SSID_MAX);
	size_t at = 0;
	uint32_t point;

	for (size_t i = 0; i < len;) {
		size_t n_char = utf8_char(n->ssid + i, len - i, &point);
		const bool is_shown = n_char > 0 && !wire_is_control(point) && !is_layout(point);

		if (n_char == 0)
			n_char = 1;
		for (size_t end = i + n_char; i < end; i++) {
			if (is_shown)
				ret[at++] = (char)n->ssid[i];
			else
				at += (size_t)snprintf(ret + at, WIFI_SSID_TEXT_MAX - at, "\\x%02x",
						       n->ssid[i]);
		}
	}
	ret[at] = '\0';
	return ret;
}
