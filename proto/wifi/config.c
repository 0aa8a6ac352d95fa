/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"
#include "base/text.h"
#include "proto/wifi/wire.h"

#define PSK_PASSPHRASE_MIN 8
#define PASSPHRASE_MAX 63
#define PSK_KEY_DIGITS 64

void wifi_config_wipe(struct wifi_config *c)
{
	secret_wipe(c, sizeof(*c));
}

/* Both back ends take a passphrase as a D-Bus string: UTF-8 without NUL. A line feed would end the
 * value in the file that wpa_supplicant or NetworkManager keeps. */
static bool is_plain_text(const uint8_t *text, size_t len)
{
	uint32_t point;

	for (size_t i = 0; i < len;) {
		const size_t n = utf8_char(text + i, len - i, &point);

		if (n == 0 || wire_is_control(point))
			return false;
		i += n;
	}
	return true;
}

static bool is_hex(const uint8_t *text, size_t len)
{
	uint8_t key[PSK_KEY_DIGITS / 2];
	const bool yes =
		len == PSK_KEY_DIGITS && hex_decode((const char *)text, len, key, sizeof(key)) == 0;

	secret_wipe(key, sizeof(key));
	return yes;
}

static const char *psk_refusal(const struct wifi_config *c)
{
	if (c->passphrase_len == 0)
		return "the network needs a passphrase";
	if (c->passphrase_len == PSK_KEY_DIGITS)
		return is_hex(c->passphrase, c->passphrase_len)
			       ? NULL
			       : "64 characters can only be a key of hex digits";
	if (c->passphrase_len < PSK_PASSPHRASE_MIN || c->passphrase_len > PASSPHRASE_MAX)
		return "the passphrase must have 8 to 63 characters";
	if (!is_plain_text(c->passphrase, c->passphrase_len))
		return "the passphrase has characters that cannot be typed";
	return NULL;
}

static const char *sae_refusal(const struct wifi_config *c)
{
	if (c->passphrase_len == 0)
		return "the network needs a passphrase";
	if (c->passphrase_len > PASSPHRASE_MAX)
		return "the passphrase must have at most 63 characters";
	if (!is_plain_text(c->passphrase, c->passphrase_len))
		return "the passphrase has characters that cannot be typed";
	return NULL;
}

const char *wifi_config_refusal(const struct wifi_config *c)
{
	if (c->network.ssid_len == 0 || c->network.ssid_len > WIFI_SSID_MAX)
		return "the network has no name";
	switch (c->network.auth) {
	case WIFI_AUTH_OPEN:
		/* The iOS app sends an empty one. */
		return c->passphrase_len > 0 ? "an open network takes no passphrase" : NULL;
	case WIFI_AUTH_WEP:
		return "WEP is not supported";
	case WIFI_AUTH_WPA_PSK:
	case WIFI_AUTH_WPA2_PSK:
	case WIFI_AUTH_WPA_WPA2_PSK:
		return psk_refusal(c);
	case WIFI_AUTH_WPA2_ENTERPRISE:
		return "enterprise authentication is not supported";
	case WIFI_AUTH_WPA3_PSK:
		return sae_refusal(c);
	case WIFI_AUTH_UNKNOWN:
		/* Some number for enterprise that we do not know: never taken for open. */
		if (c->has_certs)
			return "enterprise authentication is not supported";
		/* WPA2 or WPA3, whichever the network has: only what suits both. */
		return c->passphrase_len > 0 ? psk_refusal(c) : NULL;
	}
	return "the authentication is not known";
}
