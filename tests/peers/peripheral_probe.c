/* SPDX-License-Identifier: Apache-2.0 */
/* wifi/ble/ alone, for tests with a real BlueZ: prints every event, and answers what a central
 * writes. Commands come on stdin:
 *   advertise fast|slow IS_PROVISIONED IS_CONNECTED RSSI
 *   stop | pairing yes|no | quit */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "wifi/ble/peripheral.h"

/* What a response has to have room for. */
#define LIMIT_MIN 34
#define N_NOTES 5

struct probe {
	sd_event *event;
	struct peripheral *peripheral;
	bool may_pair;
	char line[128];
	size_t len;
};

static int on_read(void *userdata, uint8_t *ret, size_t size, size_t *ret_len)
{
	static const uint8_t info[] = {0x08, 0x01};

	(void)userdata;
	if (size < sizeof(info))
		return -ENOBUFS;
	memcpy(ret, info, sizeof(info));
	*ret_len = sizeof(info);
	printf("read\n");
	return 0;
}

/* Longer than one packet, and each byte says where it is. */
static int on_read_claim(void *userdata, const char *peer, size_t offset, uint8_t *ret, size_t size,
			 size_t *ret_len)
{
	(void)userdata;
	(void)peer;
	printf("read-claim offset=%zu\n", offset);
	if (offset > size)
		return -ERANGE;
	for (size_t i = offset; i < size; i++)
		ret[i - offset] = (uint8_t)(i ^ i >> 8);
	*ret_len = size - offset;
	return 0;
}

static int on_write(void *userdata, const char *peer, size_t limit, const void *data, size_t len)
{
	struct probe *p = userdata;
	const uint8_t *bytes = data;
	uint8_t response[] = {0x08, 0, 0x10, 0};
	uint8_t note[LIMIT_MIN] = {0x0a, LIMIT_MIN - 2};

	printf("write %s limit=%zu len=%zu\n", peer, limit, len);
	if (limit < LIMIT_MIN)
		return -EMSGSIZE;
	if (len < 2)
		return -EINVAL;
	if (bytes[1] == 9)
		return -EBUSY;
	response[1] = bytes[1];
	peripheral_indicate(p->peripheral, response, sizeof(response));
	for (uint8_t i = 0; bytes[1] == 2 && i < N_NOTES; i++) {
		memset(note + 2, i, sizeof(note) - 2);
		peripheral_notify(p->peripheral, note, sizeof(note));
	}
	return 0;
}

static void on_peer(void *userdata, const char *peer, bool is_connected)
{
	(void)userdata;
	printf("peer %s %s\n", peer, is_connected ? "connected" : "gone");
}

static bool on_may_pair(void *userdata, const char *peer)
{
	const struct probe *p = userdata;

	printf("may-pair %s %s\n", peer, p->may_pair ? "yes" : "no");
	return p->may_pair;
}

static void on_passkey(void *userdata, uint32_t passkey, bool is_over)
{
	(void)userdata;
	printf("passkey %06" PRIu32 " %s\n", passkey, is_over ? "over" : "shown");
}

static void on_advertising(void *userdata, bool is_on, const char *why)
{
	(void)userdata;
	printf("advertising %s: %s\n", is_on ? "on" : "off", why ? why : "");
}

static void obey(struct probe *p, const char *line)
{
	struct advertisement a = {.name = "PV0A0B0C"};
	char speed[8];
	int provisioned, connected, rssi;

	if (sscanf(line, "advertise %7s %d %d %d", speed, &provisioned, &connected, &rssi) == 4) {
		a.is_fast = strcmp(speed, "fast") == 0;
		a.is_provisioned = provisioned;
		a.is_connected = connected;
		a.rssi_dbm = (int8_t)rssi;
		peripheral_advertise(p->peripheral, &a);
	} else if (strcmp(line, "stop") == 0) {
		peripheral_stop_advertising(p->peripheral);
	} else if (strncmp(line, "pairing ", 8) == 0) {
		p->may_pair = strcmp(line + 8, "yes") == 0;
	} else if (strcmp(line, "quit") == 0) {
		(void)sd_event_exit(p->event, 0);
	} else {
		printf("what? %s\n", line);
	}
}

static int on_stdin(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct probe *p = userdata;
	char c;
	ssize_t n = read(fd, &c, 1);

	(void)revents;
	if (n <= 0) {
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	} else if (c == '\n') {
		p->line[p->len] = '\0';
		p->len = 0;
		obey(p, p->line);
	} else if (p->len < sizeof(p->line) - 1) {
		p->line[p->len++] = c;
	}
	return 0;
}

static int run(struct probe *p, sd_bus *bus, const struct peripheral_options *options)
{
	const struct peripheral_events events = {.read = on_read,
						 .read_claim = on_read_claim,
						 .write = on_write,
						 .peer = on_peer,
						 .may_pair = on_may_pair,
						 .passkey = on_passkey,
						 .advertising = on_advertising,
						 .userdata = p};
	int r;

	r = peripheral_new(p->event, bus, options, &events, &p->peripheral);
	if (r < 0)
		return r;
	r = sd_event_add_io(p->event, NULL, STDIN_FILENO, EPOLLIN, on_stdin, p);
	if (r >= 0)
		r = sd_event_loop(p->event);
	peripheral_free(p->peripheral);
	return r;
}

int main(int argc, char **argv)
{
	struct peripheral_options options = {0};
	struct probe p = {.may_pair = true};
	sd_bus *bus = NULL;
	int r;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--passkey") == 0)
			options.pairing = PAIRING_PASSKEY;
		else
			options.adapter = argv[i];
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	log_set_level(LOG_LEVEL_DEBUG);
	r = sd_event_default(&p.event);
	if (r >= 0)
		r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = sd_bus_attach_event(bus, p.event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = run(&p, bus, &options);
	sd_bus_flush_close_unref(bus);
	sd_event_unref(p.event);
	if (r < 0)
		fprintf(stderr, "peripheral_probe: %s\n", strerror(-r));
	return r < 0;
}
