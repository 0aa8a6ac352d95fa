/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/tell.h"

#include <stdio.h>

static const char *why_failed(enum wifi_reason reason)
{
	switch (reason) {
	case WIFI_REASON_AUTH_ERROR:
		return "the access point refuses the passphrase";
	case WIFI_REASON_NETWORK_NOT_FOUND:
		return "the network is not in reach";
	case WIFI_REASON_TIMEOUT:
		return "no answer in time";
	case WIFI_REASON_FAIL_IP:
		return "no address from the network's DHCP server";
	case WIFI_REASON_FAIL_CONN:
		return "the connection was refused or is lost";
	}
	return "the connection failed";
}

static void tell_unconfigured(const struct wifi_view *v, char *ret)
{
	if (!v->is_window_open)
		snprintf(ret, TELL_TEXT_MAX,
			 "not configured, and the time to do it is over: restart the device, press "
			 "its button or run: onboardctl wifi advertise");
	else if (v->has_configurator)
		snprintf(ret, TELL_TEXT_MAX, "a configurator is connected");
	else if (v->is_advertising)
		snprintf(ret, TELL_TEXT_MAX,
			 "waiting for a configurator: find %s with the phone app or with: "
			 "onboardctl wifi configure",
			 v->name);
	else
		snprintf(ret, TELL_TEXT_MAX,
			 "not configured, and not visible over Bluetooth: %s; or run: onboardctl "
			 "wifi connect",
			 v->advertising_why && *v->advertising_why ? v->advertising_why
								   : "no adapter yet");
}

const char *tell_stage(const struct wifi_view *v, char ret[static TELL_TEXT_MAX])
{
	const struct link_view *l = &v->link;
	char ssid[WIFI_SSID_TEXT_MAX] = "";

	if (l->connected)
		wifi_ssid_text(l->connected, ssid);
	else if (l->trying)
		wifi_ssid_text(l->trying, ssid);
	else if (l->configured)
		wifi_ssid_text(l->configured, ssid);
	switch (l->stage) {
	case LINK_STAGE_NO_INTERFACE:
		snprintf(ret, TELL_TEXT_MAX,
			 "no Wi-Fi interface that wpa_supplicant or NetworkManager runs");
		break;
	case LINK_STAGE_UNCONFIGURED:
		tell_unconfigured(v, ret);
		break;
	case LINK_STAGE_CONNECTING:
		snprintf(ret, TELL_TEXT_MAX, "connecting to \"%s\"", ssid);
		break;
	case LINK_STAGE_OBTAINING_IP:
		snprintf(ret, TELL_TEXT_MAX, "linked to \"%s\", waiting for an address", ssid);
		break;
	case LINK_STAGE_CONNECTED:
		if (l->has_ip4)
			snprintf(ret, TELL_TEXT_MAX, "connected to \"%s\" as %u.%u.%u.%u", ssid,
				 l->ip4[0], l->ip4[1], l->ip4[2], l->ip4[3]);
		else
			snprintf(ret, TELL_TEXT_MAX, "connected to \"%s\"", ssid);
		break;
	case LINK_STAGE_RETRYING:
		snprintf(ret, TELL_TEXT_MAX, "no link to \"%s\": %s; trying again", ssid,
			 l->has_failed ? why_failed(l->last_reason) : "it was lost");
		break;
	}
	return ret;
}
