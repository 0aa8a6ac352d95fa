/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/wpa_network.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "wifi/station/backend.h"

#define KEYS_PSK "WPA-PSK WPA-PSK-SHA256"
#define KEYS_BOTH "WPA-PSK WPA-PSK-SHA256 SAE"

static int take_key(const struct wifi_config *c, struct wpa_block *b)
{
	b->secret = WPA_SECRET_KEY;
	b->len = 32;
	return hex_decode((const char *)c->passphrase, c->passphrase_len, b->bytes, b->len);
}

/* A passphrase travels as a D-Bus string, and wpa_supplicant refuses control characters in it. */
static bool is_text(const uint8_t *text, size_t len)
{
	uint32_t point = 0;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_char(text + i, len - i, &point);

		if (n == 0 || point < ' ' || point == 0x7f)
			return false;
		i += n;
	}
	return true;
}

static int take_text(const struct wifi_config *c, enum wpa_secret secret, struct wpa_block *b)
{
	bool is_good = secret == WPA_SECRET_PASSPHRASE
			       ? is_text(c->passphrase, c->passphrase_len)
			       : !memchr(c->passphrase, 0, c->passphrase_len);

	if (!is_good)
		return -EINVAL;
	b->secret = secret;
	b->len = c->passphrase_len;
	memcpy(b->bytes, c->passphrase, b->len);
	return 0;
}

static int take_sae(const struct wifi_config *c, struct wpa_block *b)
{
	if (c->passphrase_len == 0)
		return -EINVAL;
	b->key_mgmt = "SAE";
	b->has_pmf = true;
	b->pmf = 2;
	return take_text(c, WPA_SECRET_SAE, b);
}

static int take_psk(const struct wifi_config *c, bool with_sae, struct wpa_block *b)
{
	b->has_pmf = true;
	b->pmf = 1;
	b->key_mgmt = KEYS_PSK;
	if (backend_is_raw_key(c))
		return take_key(c, b);
	if (c->passphrase_len < 8 || c->passphrase_len > 63)
		return -EINVAL;
	/* An access point in transition mode is better joined with SAE. */
	if (with_sae)
		b->key_mgmt = KEYS_BOTH;
	return take_text(c, WPA_SECRET_PASSPHRASE, b);
}

static int take_auth(const struct wifi_config *c, bool can_sae, struct wpa_block *b)
{
	switch (backend_auth(c)) {
	case WIFI_AUTH_OPEN:
		b->key_mgmt = "NONE";
		return 0;
	case WIFI_AUTH_WPA_PSK:
	case WIFI_AUTH_WPA_WPA2_PSK:
		return take_psk(c, false, b);
	case WIFI_AUTH_WPA2_PSK:
		b->proto = "RSN";
		return take_psk(c, can_sae, b);
	case WIFI_AUTH_WPA3_PSK:
		return take_sae(c, b);
	case WIFI_AUTH_UNKNOWN:
		if (c->passphrase_len < 8)
			return take_sae(c, b);
		return take_psk(c, can_sae, b);
	case WIFI_AUTH_WEP:
	case WIFI_AUTH_WPA2_ENTERPRISE:
		return -EINVAL;
	}
	return -EINVAL;
}

#define MHZ_2_4 "2412 2417 2422 2427 2432 2437 2442 2447 2452 2457 2462 2467 2472 2484"
#define MHZ_5                                                                                      \
	"5180 5200 5220 5240 5260 5280 5300 5320 5500 5520 5540 5560 5580 5600 5620 5640 5660 "    \
	"5680 5700 5720 5745 5765 5785 5805 5825 5845 5865 5885"

int wpa_block_make(const struct wifi_config *config, bool can_sae, struct wpa_block *ret)
{
	struct wpa_block b = {.ssid_len = config->network.ssid_len};
	const uint8_t *a = config->network.bssid;
	int r;

	if (b.ssid_len == 0 || b.ssid_len > sizeof(b.ssid) ||
	    config->passphrase_len > WIFI_PASSPHRASE_MAX)
		return -EINVAL;
	memcpy(b.ssid, config->network.ssid, b.ssid_len);
	if (backend_is_pinned(config))
		snprintf(b.bssid, sizeof(b.bssid), "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1],
			 a[2], a[3], a[4], a[5]);
	if (backend_band(config) == WIFI_BAND_2_4_GHZ)
		b.frequencies = MHZ_2_4;
	else if (backend_band(config) == WIFI_BAND_5_GHZ)
		b.frequencies = MHZ_5;
	r = take_auth(config, can_sae, &b);
	if (r == 0)
		*ret = b;
	wpa_block_wipe(&b);
	return r;
}

void wpa_block_wipe(struct wpa_block *b)
{
	secret_wipe(b, sizeof(*b));
}

bool wpa_block_has_sae(const struct wpa_block *b)
{
	return b->key_mgmt && strstr(b->key_mgmt, "SAE");
}

unsigned int wpa_key_flag(const char *word)
{
	if (strstr(word, "psk"))
		return WPA_KEY_PSK;
	if (strstr(word, "sae"))
		return WPA_KEY_SAE;
	if (strstr(word, "eap"))
		return WPA_KEY_EAP;
	return 0;
}

enum wifi_auth wpa_bss_auth(const struct wpa_bss *bss)
{
	if ((bss->rsn & WPA_KEY_PSK) && (bss->wpa & WPA_KEY_PSK))
		return WIFI_AUTH_WPA_WPA2_PSK;
	/* In transition mode, too: it is the one that every client and passphrase goes with. */
	if (bss->rsn & WPA_KEY_PSK)
		return WIFI_AUTH_WPA2_PSK;
	if (bss->rsn & WPA_KEY_SAE)
		return WIFI_AUTH_WPA3_PSK;
	if (bss->wpa & WPA_KEY_PSK)
		return WIFI_AUTH_WPA_PSK;
	if ((bss->rsn | bss->wpa) & WPA_KEY_EAP)
		return WIFI_AUTH_WPA2_ENTERPRISE;
	if (bss->rsn | bss->wpa) /* OWE and whatever comes */
		return WIFI_AUTH_UNKNOWN;
	return bss->is_private ? WIFI_AUTH_WEP : WIFI_AUTH_OPEN;
}

int wpa_bss_record(const struct wpa_bss *bss, struct wifi_record *ret)
{
	struct wifi_record record = {.rssi_dbm = bss->signal_dbm};
	int r;

	if (!bss->has_bssid)
		return -EINVAL;
	r = backend_set_ssid(&record.network, bss->ssid, bss->ssid_len);
	if (r < 0)
		return r;
	memcpy(record.network.bssid, bss->bssid, sizeof(bss->bssid));
	backend_set_frequency(&record.network, bss->mhz);
	record.network.auth = wpa_bss_auth(bss);
	*ret = record;
	return 0;
}

size_t wpa_scan_channels(const struct wifi_scan_params *params, unsigned int rung,
			 const uint32_t **ret, bool *ret_is_last)
{
	static const uint32_t every[] = {
		2412, 2417, 2422, 2427, 2432, 2437, 2442, 2447, 2452, 2457, 2462, 2467,
		2472, 5180, 5200, 5220, 5240, 5260, 5280, 5300, 5320, 5500, 5520, 5540,
		5560, 5580, 5600, 5620, 5640, 5660, 5680, 5700, 5745, 5765, 5785, 5805,
	};
	enum { N_2_4 = 13 };

	*ret = every;
	*ret_is_last = rung >= 1;
	if (params->band == WIFI_BAND_2_4_GHZ)
		return rung == 0 ? N_2_4 : 0;
	if (params->band == WIFI_BAND_5_GHZ) {
		*ret = every + N_2_4;
		return rung == 0 ? ARRAY_SIZE(every) - N_2_4 : 0;
	}
	/* wpa_supplicant scans passively only over channels that it is told. */
	*ret_is_last = !params->passive || rung >= 2;
	if (!params->passive || rung >= 2)
		return 0;
	return rung == 0 ? ARRAY_SIZE(every) : N_2_4;
}
