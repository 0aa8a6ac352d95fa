/* Targets: what reads the properties of BlueZ, wpa_supplicant and NetworkManager. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/macros.h"
#include "tests/fuzz/busmsg.h"
#include "tests/fuzz/fuzz.h"
#include "wifi/ble/gattoptions.h"
#include "wifi/ble/objects.h"
#include "wifi/central/seen.h"
#include "wifi/station/networkmanager.h"
#include "wifi/station/wpa_read.h"

#define PATHS_MAX 4

static void again(sd_bus_message *m)
{
	FUZZ_ASSERT(sd_bus_message_rewind(m, 1) >= 0);
}

static void read_wpa(sd_bus_message *m)
{
	struct wpa_properties p;
	struct wifi_record record;
	struct wpa_bss bss;
	char *paths[PATHS_MAX];
	size_t n = 0;
	int rssi;

	if (wpa_read_properties(m, &p) == 0)
		FUZZ_ASSERT(!p.news.has_state || p.news.state <= WPA_STATE_COMPLETED);
	wpa_properties_done(&p);
	again(m);
	if (wpa_read_bss(m, &bss) == 0) {
		FUZZ_ASSERT(bss.ssid_len <= WIFI_SSID_MAX);
		if (wpa_bss_record(&bss, &record) == 0)
			/* A hidden network has no name, or one of zeros. */
			FUZZ_ASSERT(record.network.ssid_len == bss.ssid_len ||
				    (record.network.ssid_len == 0 && bss.ssid[0] == 0));
	}
	again(m);
	(void)!wpa_read_rssi(m, &rssi);
	again(m);
	if (wpa_read_bss_paths(m, paths, PATHS_MAX, &n) == 0)
		FUZZ_ASSERT(n <= PATHS_MAX);
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	again(m);
}

static void read_bluez(sd_bus_message *m)
{
	static struct seen seen;
	struct bluez_seen b = BLUEZ_SEEN_NOTHING;
	const struct central_device *d;
	struct gatt_options o;

	if (bluez_read_properties(m, &b) == 0)
		FUZZ_ASSERT(b.powered >= -1 && b.powered <= 1 && b.paired >= -1 && b.paired <= 1);
	again(m);
	if (gatt_options_read(m, &o) == 0) {
		FUZZ_ASSERT(o.mtu >= GATT_MTU_MIN && gatt_options_limit(&o) < o.mtu);
		FUZZ_ASSERT(memchr(o.device, '\0', sizeof(o.device)));
	}
	again(m);
	for (unsigned int i = 0; i < 2; i++) {
		(void)!seen_update(&seen, "/org/bluez/hci0/dev_1", m);
		again(m);
	}
	FUZZ_ASSERT(seen.n <= SEEN_MAX);
	for (unsigned int i = 0; (d = seen_next(&seen)); i++)
		FUZZ_ASSERT(i < SEEN_MAX && strcmp(d->path, "/org/bluez/hci0/dev_1") == 0);
	seen_clear(&seen);
	FUZZ_ASSERT(seen.n == 0);
}

static void read_networkmanager(sd_bus_message *m)
{
	struct nm_supplicant_change supplicant;
	struct nm_access_point ap;
	struct nm_change change;

	if (nm_read_access_point(m, &ap) == 0)
		FUZZ_ASSERT(ap.record.network.ssid_len <= WIFI_SSID_MAX);
	again(m);
	(void)!nm_read_change(m, &change);
	again(m);
	if (nm_read_supplicant(m, &supplicant) == 0)
		FUZZ_ASSERT(memchr(supplicant.state, '\0', sizeof(supplicant.state)));
	again(m);
}

/* data: properties, and in half of the cases other values instead. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static sd_bus *bus, *other;
	sd_bus_message *m = NULL;
	struct reader input;
	bool ok;

	if (!bus)
		busmsg_pair(&other, &bus);
	reader_init(&input, data, len);
	FUZZ_ASSERT(sd_bus_message_new_signal(bus, &m, "/", "a.b", "C") >= 0);
	ok = reader_u8(&input) < 0xc0 ? busmsg_append_properties(m, &input, 0)
				      : busmsg_append(m, &input);
	if (ok && busmsg_seal(m)) {
		read_wpa(m);
		read_bluez(m);
		read_networkmanager(m);
	}
	sd_bus_message_unref(m);
	return 0;
}
