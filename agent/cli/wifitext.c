/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/wifitext.h"

#include <errno.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/text.h"

/* One byte of the text at *at, which moves on. */
static uint8_t next_byte(const char **at)
{
	const char *p = *at;
	uint8_t byte;

	if (p[0] == '\\' && p[1] == 'x' && strlen(p) >= 4 && hex_decode(p + 2, 2, &byte, 1) == 0) {
		*at = p + 4;
		return byte;
	}
	*at = p + 1;
	return (uint8_t)*p;
}

int wifitext_ssid(const char *text, struct wifi_network *n)
{
	uint8_t ssid[WIFI_SSID_MAX];
	size_t len = 0;

	while (*text) {
		if (len == sizeof(ssid))
			return -EINVAL;
		ssid[len++] = next_byte(&text);
	}
	if (len == 0)
		return -EINVAL;
	memcpy(n->ssid, ssid, len);
	n->ssid_len = len;
	return 0;
}

int wifitext_auth(const char *text, enum wifi_auth *ret)
{
	for (int a = WIFI_AUTH_OPEN; a <= WIFI_AUTH_WPA3_PSK; a++)
		if (strcmp(text, wifi_auth_name((enum wifi_auth)a)) == 0) {
			*ret = (enum wifi_auth)a;
			return 0;
		}
	return -EINVAL;
}

int wifitext_mac(const char *text, uint8_t ret[static WIFI_BSSID_LEN])
{
	uint8_t mac[WIFI_BSSID_LEN];

	if (strlen(text) != 3 * WIFI_BSSID_LEN - 1)
		return -EINVAL;
	for (size_t i = 0; i < WIFI_BSSID_LEN; i++) {
		if (hex_decode(text + 3 * i, 2, &mac[i], 1) < 0)
			return -EINVAL;
		if (i + 1 < WIFI_BSSID_LEN && text[3 * i + 2] != ':')
			return -EINVAL;
	}
	memcpy(ret, mac, sizeof(mac));
	return 0;
}

const char *wifitext_auth_words(enum wifi_auth auth)
{
	switch (auth) {
	case WIFI_AUTH_OPEN:
		return "open";
	case WIFI_AUTH_WEP:
		return "WEP";
	case WIFI_AUTH_WPA_PSK:
		return "WPA";
	case WIFI_AUTH_WPA2_PSK:
		return "WPA2";
	case WIFI_AUTH_WPA_WPA2_PSK:
		return "WPA/WPA2";
	case WIFI_AUTH_WPA2_ENTERPRISE:
		return "enterprise";
	case WIFI_AUTH_WPA3_PSK:
		return "WPA3";
	case WIFI_AUTH_UNKNOWN:
		break;
	}
	return "?";
}

struct words {
	const char *name, *words;
};

static const char *words_of(const struct words *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].words;
	return name;
}

const char *wifitext_state_words(const char *state)
{
	static const struct words rows[] = {
		{"disconnected", "not connected"}, {"authentication", "authenticating"},
		{"association", "associating"},    {"obtaining-ip", "waiting for an address"},
		{"connected", "connected"},        {"connection-failed", "the connection failed"},
	};

	return words_of(rows, ARRAY_SIZE(rows), state);
}

const char *wifitext_reason_words(const char *reason)
{
	static const struct words rows[] = {
		{"auth-error", "the password is wrong"},
		{"network-not-found", "there is no such network here"},
		{"timeout", "it did not answer in time"},
		{"fail-ip", "no address was given out"},
		{"fail-conn", "the network did not let it in"},
	};

	return words_of(rows, ARRAY_SIZE(rows), reason);
}

int wifitext_reason_exit_code(const char *reason)
{
	if (strcmp(reason, "auth-error") == 0)
		return EXIT_CODE_IDENTITY;
	if (strcmp(reason, "timeout") == 0)
		return EXIT_CODE_TIMEOUT;
	return EXIT_CODE_NETWORK;
}
