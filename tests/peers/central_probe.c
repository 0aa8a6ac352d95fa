/* SPDX-License-Identifier: Apache-2.0 */

/* A BLE central that does what its standard input says, one command a line, and answers with one
 * line each ("ok ..." or "error NAME: text"), so that a test can send the other side anything in
 * any order. Usage: central_probe [ADAPTER [PASSKEY-FILE]]; the file holds the passkey when one is
 * asked for ("-": none is known, the pairing is refused). */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wifi/central/central.h"

#define DISCOVER_MS 20000
#define NEXT_MS 10000

static int answer(struct central *c, int r)
{
	if (r < 0)
		printf("error %s: %s\n", strerrorname_np(-r), central_error(c));
	return r;
}

static bool print_device(void *userdata, const struct central_device *d)
{
	int *n = userdata;

	printf("ok %s %s %s version=%d provisioned=%d connected=%d wifi=%d\n", d->path, d->address,
	       d->name, d->version, d->is_provisioned, d->is_connected, d->wifi_rssi_dbm);
	(*n)++;
	return true;
}

static void discover(struct central *c)
{
	int n = 0;

	if (answer(c, central_discover(c, DISCOVER_MS, print_device, &n)) == 0 && n == 0)
		printf("error ETIMEDOUT: nothing found\n");
}

static void request(struct central *c, const char *hex)
{
	uint8_t data[1024];
	const size_t len = strlen(hex) / 2;

	if (len > sizeof(data) || hex_decode(hex, strlen(hex), data, len) < 0)
		printf("error EINVAL: not bytes in hex\n");
	else if (answer(c, central_write(c, data, len)) == 0)
		printf("ok\n");
}

static void next(struct central *c, const char *timeout)
{
	uint8_t data[WIFI_MESSAGE_MAX];
	char hex[2 * sizeof(data) + 1];
	bool is_response;
	uint64_t ms = *timeout ? strtoull(timeout, NULL, 10) : NEXT_MS;
	size_t len;

	if (answer(c, central_next_message(c, ms, &is_response, data, sizeof(data), &len)) < 0)
		return;
	hex_encode(data, len, hex);
	printf("ok %s %s\n", is_response ? "response" : "result", hex);
}

static void info(struct central *c)
{
	uint32_t version;

	if (answer(c, central_read_info(c, &version)) == 0)
		printf("ok %u\n", version);
}

static void claim(struct central *c)
{
	_cleanup_(central_claim_wipe) struct central_claim claim;

	if (answer(c, central_read_claim(c, &claim)) == 0)
		printf("ok %s %s %s\n", claim.uuid, wifi_claim_state_name(claim.state),
		       *claim.token ? claim.token : "-");
}

static void plain(struct central *c, int r)
{
	if (answer(c, r) == 0)
		printf("ok\n");
}

static void run(struct central *c, const char *verb, const char *argument)
{
	if (strcmp(verb, "discover") == 0)
		discover(c);
	else if (strcmp(verb, "connect") == 0)
		plain(c, central_connect(c, argument, 0));
	else if (strcmp(verb, "connect-paired") == 0)
		plain(c, central_connect_paired(c, argument, 0));
	else if (strcmp(verb, "pair") == 0)
		plain(c, central_pair(c, 0));
	else if (strcmp(verb, "unpair") == 0)
		plain(c, central_unpair(c));
	else if (strcmp(verb, "subscribe") == 0)
		plain(c, central_subscribe(c));
	else if (strcmp(verb, "info") == 0)
		info(c);
	else if (strcmp(verb, "claim") == 0)
		claim(c);
	else if (strcmp(verb, "request") == 0)
		request(c, argument);
	else if (strcmp(verb, "next") == 0)
		next(c, argument);
	else if (strcmp(verb, "disconnect") == 0) {
		central_disconnect(c);
		printf("ok\n");
	} else
		printf("error EINVAL: no such command\n");
}

static int read_passkey(void *userdata, uint32_t *ret)
{
	const char *path = userdata;
	FILE *f = fopen(path, "re");
	int n = 0;

	if (f) {
		n = fscanf(f, "%6u", ret);
		fclose(f);
	}
	return n == 1 ? 0 : -ECANCELED;
}

int main(int argc, char **argv)
{
	struct central_options options = {.adapter = argc > 1 ? argv[1] : NULL};
	struct central *c = NULL;
	char line[2100];
	int r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2) {
		options.passkey = read_passkey;
		options.userdata = argv[2];
	}
	r = central_open(&options, &c);
	if (r < 0) {
		printf("error %s: %s\n", strerrorname_np(-r), c ? central_error(c) : "");
		central_free(c);
		return EXIT_FAILURE;
	}
	printf("ok ready\n");
	while (fgets(line, sizeof(line), stdin)) {
		char *argument;

		line[strcspn(line, "\n")] = '\0';
		argument = line + strcspn(line, " ");
		if (*argument)
			*argument++ = '\0';
		run(c, line, argument);
	}
	central_free(c);
	return 0;
}
