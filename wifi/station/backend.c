/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/backend.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

bool backend_is_pinned(const struct wifi_config *config)
{
	static const uint8_t unknown[WIFI_BSSID_LEN];

	return config->has_any_channel && !config->any_channel &&
	       memcmp(config->network.bssid, unknown, sizeof(unknown)) != 0;
}

enum wifi_band backend_band(const struct wifi_config *config)
{
	if (config->has_any_channel && config->any_channel)
		return WIFI_BAND_ANY;
	return config->network.band;
}

enum wifi_auth backend_auth(const struct wifi_config *config)
{
	if (config->network.auth != WIFI_AUTH_UNKNOWN)
		return config->network.auth;
	return config->has_passphrase && config->passphrase_len > 0 ? WIFI_AUTH_UNKNOWN
								    : WIFI_AUTH_OPEN;
}

bool backend_is_raw_key(const struct wifi_config *config)
{
	if (config->passphrase_len != 64)
		return false;
	for (size_t i = 0; i < config->passphrase_len; i++)
		if (!isxdigit(config->passphrase[i]))
			return false;
	return true;
}

void backend_set_frequency(struct wifi_network *network, uint32_t mhz)
{
	network->band = WIFI_BAND_ANY;
	network->channel = 0;
	if (mhz == 2484) {
		network->band = WIFI_BAND_2_4_GHZ;
		network->channel = 14;
	} else if (mhz >= 2412 && mhz <= 2472) {
		network->band = WIFI_BAND_2_4_GHZ;
		network->channel = (mhz - 2407) / 5;
	} else if (mhz >= 5005 && mhz <= 5900) {
		network->band = WIFI_BAND_5_GHZ;
		network->channel = (mhz - 5000) / 5;
	} else if (mhz >= 5955 && mhz <= 7115) {
		network->channel = (mhz - 5950) / 5; /* 6 GHz */
	}
}

int backend_set_ssid(struct wifi_network *network, const void *ssid, size_t len)
{
	const uint8_t *bytes = ssid;
	bool is_hidden = true;

	if (len > sizeof(network->ssid))
		return -EINVAL;
	/* Some access points hide their name behind as many zeroes. */
	for (size_t i = 0; i < len; i++)
		is_hidden = is_hidden && bytes[i] == 0;
	memset(network->ssid, 0, sizeof(network->ssid));
	network->ssid_len = is_hidden ? 0 : len;
	if (network->ssid_len > 0)
		memcpy(network->ssid, ssid, len);
	return 0;
}
