/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/networks.h"

#include <inttypes.h>
#include <string.h>

#include "agent/cli/wifitext.h"
#include "base/text.h"

static bool is_same_name(const struct wifi_network *a, const struct wifi_network *b)
{
	return a->ssid_len == b->ssid_len && memcmp(a->ssid, b->ssid, a->ssid_len) == 0;
}

static void remove_at(struct networks *n, size_t i)
{
	n->n--;
	memmove(&n->records[i], &n->records[i + 1], (n->n - i) * sizeof(n->records[0]));
}

void networks_add(struct networks *n, const struct wifi_record *record)
{
	size_t at = 0;

	if (record->network.ssid_len == 0)
		return;
	for (size_t i = 0; i < n->n; i++)
		if (is_same_name(&n->records[i].network, &record->network)) {
			if (n->records[i].rssi_dbm >= record->rssi_dbm)
				return;
			remove_at(n, i);
			break;
		}
	while (at < n->n && n->records[at].rssi_dbm >= record->rssi_dbm)
		at++;
	if (at == NETWORKS_MAX)
		return;
	if (n->n == NETWORKS_MAX)
		n->n--;
	memmove(&n->records[at + 1], &n->records[at], (n->n - at) * sizeof(n->records[0]));
	n->records[at] = *record;
	n->n++;
}

const struct wifi_record *networks_find(const struct networks *n, const struct wifi_network *name)
{
	for (size_t i = 0; i < n->n; i++)
		if (is_same_name(&n->records[i].network, name))
			return &n->records[i];
	return NULL;
}

void networks_show(const struct networks *n, FILE *f)
{
	char ssid[WIFI_SSID_TEXT_MAX];

	if (n->n == 0) {
		fprintf(f, "No networks were found.\n");
		return;
	}
	fprintf(f, "%3s  %7s  %7s  %-10s  %s\n", "", "SIGNAL", "CHANNEL", "SECURITY", "NAME");
	for (size_t i = 0; i < n->n; i++) {
		const struct wifi_record *r = &n->records[i];

		fprintf(f, "%3zu  %3d dBm  %7" PRIu32 "  %-10s  %s\n", i + 1, r->rssi_dbm,
			r->network.channel, wifitext_auth_words(r->network.auth),
			wifi_ssid_text(&r->network, ssid));
	}
}

json_t *networks_json(const struct wifi_record *record)
{
	const struct wifi_network *n = &record->network;
	const uint8_t *b = n->bssid;
	char ssid[WIFI_SSID_TEXT_MAX], hex[2 * WIFI_SSID_MAX + 1], bssid[18];

	hex_encode(n->ssid, n->ssid_len, hex);
	snprintf(bssid, sizeof(bssid), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3],
		 b[4], b[5]);
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:i}", "ssid", wifi_ssid_text(n, ssid),
			 "ssid_hex", hex, "bssid", bssid, "channel", (json_int_t)n->channel, "auth",
			 wifi_auth_name(n->auth), "signal", record->rssi_dbm);
}
