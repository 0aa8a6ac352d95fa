/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/networkmanager.h"

#include <string.h>

/* NM80211ApFlags and NM80211ApSecurityFlags. */
#define AP_PRIVACY 0x1U
#define SEC_PSK 0x100U
#define SEC_8021X 0x200U
#define SEC_SAE 0x400U
#define SEC_OWE 0x800U
#define SEC_OWE_TRANSITION 0x1000U
#define SEC_SUITE_B 0x2000U

enum backend_state nm_backend_state(const struct nm_device *d, bool is_starting)
{
	/* At its start it has no devices yet, and those that it has are not managed yet. */
	if (!*d->path)
		return is_starting ? BACKEND_AWAY : BACKEND_FOREIGN;
	if (d->type != NM_DEVICE_TYPE_WIFI)
		return BACKEND_FOREIGN;
	if (d->state <= NM_DEVICE_UNMANAGED)
		return is_starting || d->reason == NM_REASON_SLEEPING ? BACKEND_AWAY
								      : BACKEND_FOREIGN;
	/* Without its supplicant, or switched off. */
	if (d->state < NM_DEVICE_DISCONNECTED)
		return BACKEND_AWAY;
	return BACKEND_READY;
}

bool nm_is_activating(uint32_t state)
{
	return state >= NM_DEVICE_PREPARE && state <= NM_DEVICE_ACTIVATED;
}

enum nm_step nm_step_of(uint32_t state, uint32_t reason)
{
	if (state == NM_DEVICE_PREPARE)
		return NM_STEP_NONE;
	if (state == NM_DEVICE_CONFIG)
		return NM_STEP_ASSOCIATING;
	/* Every activation with a passphrase comes through here once without a reason: it asks its
	 * own profile. With one, the supplicant failed and it would ask a person. */
	if (state == NM_DEVICE_NEED_AUTH)
		return reason == NM_REASON_NONE ? NM_STEP_NONE : NM_STEP_WRONG_KEY;
	if (state >= NM_DEVICE_IP_CONFIG && state <= NM_DEVICE_ACTIVATED)
		return NM_STEP_LINKED;
	return NM_STEP_OVER;
}

enum wifi_reason nm_failure_of(uint32_t reason, bool is_reached)
{
	switch (reason) {
	case NM_REASON_NO_SECRETS:
		return WIFI_REASON_AUTH_ERROR;
	case NM_REASON_SSID_NOT_FOUND:
		/* This is what it says of every association that took longer than 25 s. */
		return is_reached ? WIFI_REASON_FAIL_CONN : WIFI_REASON_NETWORK_NOT_FOUND;
	case NM_REASON_SUPPLICANT_TIMEOUT:
		return WIFI_REASON_TIMEOUT;
	case NM_REASON_IP_UNAVAILABLE:
	case NM_REASON_IP_EXPIRED:
	case NM_REASON_DHCP_START_FAILED:
	case NM_REASON_DHCP_ERROR:
	case NM_REASON_DHCP_FAILED:
		return WIFI_REASON_FAIL_IP;
	default:
		return WIFI_REASON_FAIL_CONN;
	}
}

enum wifi_auth nm_auth_of(uint32_t flags, uint32_t wpa_flags, uint32_t rsn_flags)
{
	uint32_t both = wpa_flags | rsn_flags;

	if ((wpa_flags & SEC_PSK) && (rsn_flags & SEC_PSK))
		return WIFI_AUTH_WPA_WPA2_PSK;
	if (rsn_flags & SEC_PSK)
		return WIFI_AUTH_WPA2_PSK;
	if (rsn_flags & SEC_SAE)
		return WIFI_AUTH_WPA3_PSK;
	if (wpa_flags & SEC_PSK)
		return WIFI_AUTH_WPA_PSK;
	if (both & (SEC_8021X | SEC_SUITE_B))
		return WIFI_AUTH_WPA2_ENTERPRISE;
	/* The open half of an OWE network that serves old stations, too. */
	if (both & SEC_OWE_TRANSITION)
		return WIFI_AUTH_OPEN;
	if (both != 0)
		return WIFI_AUTH_UNKNOWN;
	return flags & AP_PRIVACY ? WIFI_AUTH_WEP : WIFI_AUTH_OPEN;
}

int nm_dbm_of(uint8_t percent)
{
	return -100 + MIN(percent, 100) * 60 / 100;
}

bool nm_copy(char *ret, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size)
		return false;
	memcpy(ret, text, len + 1);
	return true;
}
