/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wifi/fake_station.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct fake_station fake_station;

void fake_station_reset(void)
{
	fake_station = (struct fake_station){.interface = "wlan7", .backend = "fake"};
}

static void drop(void)
{
	fake_station.is_connecting = fake_station.is_linked = false;
	fake_station.progressed = WIFI_STATE_DISCONNECTED;
}

void fake_station_set_available(bool is_available)
{
	drop();
	fake_station.is_scanning = false;
	fake_station.is_available = is_available;
	fake_station.events.available(fake_station.events.userdata, is_available);
}

void fake_station_progress(enum wifi_state state)
{
	assert_true(fake_station.is_connecting);
	assert_true(state > fake_station.progressed && state <= WIFI_STATE_OBTAINING_IP);
	fake_station.progressed = state;
	if (state == WIFI_STATE_OBTAINING_IP) {
		fake_station.is_connecting = false;
		fake_station.is_linked = true;
		fake_station.network = fake_station.config.network;
	}
	fake_station.events.progress(fake_station.events.userdata, state);
}

void fake_station_failed(enum wifi_reason reason)
{
	assert_true(fake_station.is_connecting);
	drop();
	fake_station.events.failed(fake_station.events.userdata, reason);
}

void fake_station_lost(void)
{
	assert_true(fake_station.is_linked);
	drop();
	fake_station.events.lost(fake_station.events.userdata);
}

void fake_station_found(const char *ssid)
{
	struct wifi_record record = {.rssi_dbm = -40, .network.ssid_len = strlen(ssid)};

	assert_true(fake_station.is_scanning);
	memcpy(record.network.ssid, ssid, record.network.ssid_len);
	fake_station.events.found(fake_station.events.userdata, &record);
}

void fake_station_scan_done(int r)
{
	assert_true(fake_station.is_scanning);
	fake_station.is_scanning = false;
	fake_station.events.scan_done(fake_station.events.userdata, r);
}

void fake_station_signal(int rssi_dbm)
{
	fake_station.events.signal(fake_station.events.userdata, rssi_dbm);
}

/* --- the header's */

struct station {
	char unused;
};
static struct station only;

int station_new(sd_event *event, sd_bus *bus, const char *interface,
		const struct station_events *events, struct station **ret)
{
	(void)event;
	(void)bus;
	(void)interface;
	assert_false(fake_station.exists);
	fake_station.exists = true;
	fake_station.events = *events;
	*ret = &only;
	return 0;
}

struct station *station_free(struct station *s)
{
	(void)s;
	fake_station.exists = false;
	return NULL;
}

bool station_is_available(const struct station *s)
{
	(void)s;
	return fake_station.is_available;
}

const char *station_interface(const struct station *s)
{
	(void)s;
	return fake_station.is_available ? fake_station.interface : "";
}

const char *station_backend(const struct station *s)
{
	(void)s;
	return fake_station.is_available ? fake_station.backend : "none";
}

int station_mac(const struct station *s, uint8_t ret[static 6])
{
	(void)s;
	if (!fake_station.is_available)
		return -ENODEV;
	memcpy(ret, "\x02\x00\x00\x00\x00\x07", 6);
	return 0;
}

int station_scan(struct station *s, const struct wifi_scan_params *params)
{
	(void)s;
	if (fake_station.scan_r != 0)
		return fake_station.scan_r;
	if (!fake_station.is_available)
		return -ENODEV;
	if (fake_station.is_connecting)
		return -EBUSY;
	fake_station.n_scans++;
	fake_station.is_scanning = true;
	fake_station.has_scan_params = params != NULL;
	if (params)
		fake_station.scan_params = *params;
	return 0;
}

void station_scan_stop(struct station *s)
{
	(void)s;
	fake_station.n_scan_stops++;
	fake_station.is_scanning = false;
}

int station_connect(struct station *s, const struct wifi_config *config)
{
	(void)s;
	drop();
	if (fake_station.connect_r != 0)
		return fake_station.connect_r;
	if (!fake_station.is_available)
		return -ENODEV;
	assert_null(wifi_config_refusal(config));
	/* Nobody says what a scan does to a connection that begins. */
	assert_false(fake_station.is_scanning);
	fake_station.n_connects++;
	fake_station.is_connecting = true;
	fake_station.config = *config;
	return 0;
}

void station_disconnect(struct station *s)
{
	(void)s;
	fake_station.n_disconnects++;
	drop();
}

const struct wifi_network *station_network(const struct station *s)
{
	(void)s;
	return fake_station.is_linked ? &fake_station.network : NULL;
}

void station_ask_signal(struct station *s)
{
	(void)s;
	fake_station.n_asked_signal++;
}
