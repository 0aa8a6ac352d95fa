/* SPDX-License-Identifier: Apache-2.0 */

/* A station on a terminal, for tests against real access points: one command a line in, one event a
 * line out.
 *
 *   scan [passive] [2.4|5] [MS]      stop        connect SSIDHEX AUTH SECRETHEX|- [BSSID] [2.4|5]
 *   disconnect    signal    status   restart (the address watch)   quit
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "wifi/station/address.h"
#include "wifi/station/station.h"

struct probe {
	sd_event *event;
	sd_bus *bus;
	struct station *station;
	struct address *address;
	uint64_t start_ms;
	char line[512];
	size_t len;
};

static void say(struct probe *p, const char *format, ...) _printf_(2, 3);
static void say(struct probe *p, const char *format, ...)
{
	uint64_t ms = clock_ms() - p->start_ms;
	va_list ap;

	printf("%" PRIu64 ".%03" PRIu64 " ", ms / 1000, ms % 1000);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

static void say_network(struct probe *p, const char *what, const struct wifi_network *n,
			const char *more)
{
	char ssid[WIFI_SSID_TEXT_MAX];

	say(p,
	    "%s ssid=\"%s\" len=%zu bssid=%02x:%02x:%02x:%02x:%02x:%02x band=%d channel=%" PRIu32
	    " auth=%d%s",
	    what, wifi_ssid_text(n, ssid), n->ssid_len, n->bssid[0], n->bssid[1], n->bssid[2],
	    n->bssid[3], n->bssid[4], n->bssid[5], (int)n->band, n->channel, (int)n->auth, more);
}

static void say_address(struct probe *p)
{
	uint8_t ip[4] = {0};
	bool has = address_ip4(p->address, ip);

	say(p, "address %d %d.%d.%d.%d ip6=%d", has, ip[0], ip[1], ip[2], ip[3],
	    address_has_ip6(p->address));
}

static void on_address(void *userdata)
{
	say_address(userdata);
}

static void on_available(void *userdata, bool is_available)
{
	struct probe *p = userdata;
	uint8_t mac[6] = {0};

	if (station_mac(p->station, mac) < 0)
		memset(mac, 0, sizeof(mac));
	say(p, "available %d interface=%s backend=%s mac=%02x:%02x:%02x:%02x:%02x:%02x",
	    is_available, station_interface(p->station), station_backend(p->station), mac[0],
	    mac[1], mac[2], mac[3], mac[4], mac[5]);
	p->address = address_free(p->address);
	if (is_available &&
	    address_new(p->event, station_interface(p->station), on_address, p, &p->address) < 0)
		say(p, "error address");
}

static void on_found(void *userdata, const struct wifi_record *record)
{
	char rssi[32];

	snprintf(rssi, sizeof(rssi), " rssi=%d", record->rssi_dbm);
	say_network(userdata, "found", &record->network, rssi);
}

static void on_scan_done(void *userdata, int r)
{
	say(userdata, "scan-done %d", r);
}

static void on_progress(void *userdata, enum wifi_state state)
{
	struct probe *p = userdata;
	const struct wifi_network *n = station_network(p->station);

	say(p, "progress %d", (int)state);
	if (n)
		say_network(p, "network", n, "");
	if (state == WIFI_STATE_OBTAINING_IP && p->address) {
		address_restart(p->address);
		say_address(p);
	}
}

static void on_failed(void *userdata, enum wifi_reason reason)
{
	say(userdata, "failed %d", (int)reason);
}

static void on_lost(void *userdata)
{
	say(userdata, "lost");
}

static void on_signal(void *userdata, int rssi_dbm)
{
	say(userdata, "signal %d", rssi_dbm);
}

static enum wifi_band band_of(const char *word)
{
	if (strcmp(word, "2.4") == 0)
		return WIFI_BAND_2_4_GHZ;
	return strcmp(word, "5") == 0 ? WIFI_BAND_5_GHZ : WIFI_BAND_ANY;
}

static int scan(struct probe *p, char *words)
{
	struct wifi_scan_params params = {0};
	char *save = NULL;

	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (strcmp(w, "passive") == 0)
			params.passive = true;
		else if (band_of(w) != WIFI_BAND_ANY)
			params.band = band_of(w);
		else
			params.period_ms = (uint32_t)strtoul(w, NULL, 10);
	}
	return station_scan(p->station, &params);
}

static int parse(char *words, struct wifi_config *c)
{
	char *save = NULL;
	char *ssid = strtok_r(words, " ", &save), *auth = strtok_r(NULL, " ", &save),
	     *secret = strtok_r(NULL, " ", &save);

	if (!secret || strlen(ssid) > sizeof(c->network.ssid) * 2 ||
	    strlen(secret) > sizeof(c->passphrase) * 2)
		return -EINVAL;
	c->network.ssid_len = strlen(ssid) / 2;
	c->network.auth = (enum wifi_auth)strtoul(auth, NULL, 10);
	if (hex_decode(ssid, strlen(ssid), c->network.ssid, c->network.ssid_len) < 0)
		return -EINVAL;
	if (strcmp(secret, "-") != 0) {
		c->has_passphrase = true;
		c->passphrase_len = strlen(secret) / 2;
		if (hex_decode(secret, strlen(secret), c->passphrase, c->passphrase_len) < 0)
			return -EINVAL;
	}
	c->has_any_channel = true;
	c->any_channel = true;
	for (char *w = strtok_r(NULL, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		c->any_channel = false;
		if (band_of(w) != WIFI_BAND_ANY)
			c->network.band = band_of(w);
		else if (hex_decode(w, strlen(w), c->network.bssid, WIFI_BSSID_LEN) < 0)
			return -EINVAL;
	}
	return 0;
}

static int run_connect(struct probe *p, char *words)
{
	_cleanup_(wifi_config_wipe) struct wifi_config config = {0};
	int r = parse(words, &config);

	return r < 0 ? r : station_connect(p->station, &config);
}

static void status(struct probe *p)
{
	const struct wifi_network *n = station_network(p->station);

	say(p, "status available=%d interface=%s backend=%s linked=%d",
	    station_is_available(p->station), station_interface(p->station),
	    station_backend(p->station), n != NULL);
}

static void run(struct probe *p, char *line)
{
	char *rest = strchr(line, ' ');
	int r = 0;

	if (rest)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
	if (strcmp(line, "scan") == 0)
		r = scan(p, rest);
	else if (strcmp(line, "stop") == 0)
		station_scan_stop(p->station);
	else if (strcmp(line, "connect") == 0)
		r = run_connect(p, rest);
	else if (strcmp(line, "disconnect") == 0)
		station_disconnect(p->station);
	else if (strcmp(line, "signal") == 0)
		station_ask_signal(p->station);
	else if (strcmp(line, "status") == 0)
		status(p);
	else if (strcmp(line, "restart") == 0 && p->address)
		address_restart(p->address);
	else if (strcmp(line, "quit") == 0)
		sd_event_exit(p->event, 0);
	else
		r = -EINVAL;
	say(p, "did %s %d", line, r);
}

static int on_input(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct probe *p = userdata;
	ssize_t n = read(fd, p->line + p->len, sizeof(p->line) - 1 - p->len);
	char *end;

	(void)revents;
	if (n <= 0)
		return sd_event_exit(sd_event_source_get_event(source), n < 0 ? -errno : 0);
	p->len += (size_t)n;
	p->line[p->len] = '\0';
	while ((end = strchr(p->line, '\n'))) {
		size_t used = (size_t)(end - p->line) + 1;

		*end = '\0';
		run(p, p->line);
		memmove(p->line, p->line + used, p->len - used + 1);
		p->len -= used;
	}
	return 0;
}

static int work(struct probe *p, const char *interface)
{
	const struct station_events events = {
		.available = on_available,
		.found = on_found,
		.scan_done = on_scan_done,
		.progress = on_progress,
		.failed = on_failed,
		.lost = on_lost,
		.signal = on_signal,
		.userdata = p,
	};
	int r;

	p->start_ms = clock_ms();
	r = sd_event_new(&p->event);
	if (r < 0)
		return r;
	r = sd_bus_open_system(&p->bus);
	if (r < 0)
		return r;
	r = sd_bus_attach_event(p->bus, p->event, 0);
	if (r < 0)
		return r;
	r = station_new(p->event, p->bus, interface, &events, &p->station);
	if (r < 0)
		return r;
	r = sd_event_add_io(p->event, NULL, STDIN_FILENO, EPOLLIN, on_input, p);
	if (r < 0)
		return r;
	return sd_event_loop(p->event);
}

int main(int argc, char **argv)
{
	struct probe p = {0};
	int r;

	log_set_level(LOG_LEVEL_DEBUG);
	r = work(&p, argc > 1 ? argv[1] : NULL);
	if (r < 0)
		fprintf(stderr, "station_probe: %s\n", strerror(-r));
	address_free(p.address);
	station_free(p.station);
	sd_bus_flush_close_unref(p.bus);
	sd_event_unref(p.event);
	return r < 0;
}
