/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/cli/ask.h"
#include "agent/cli/configure.h"
#include "agent/cli/verbs.h"
#include "agent/plain.h"
#include "base/clock.h"
#include "base/exitcode.h"
#include "base/text.h"

#define FOUND_MAX 32
/* So long it listens for more than one. */
#define LISTEN_MS 5000
#define RSSI_UNKNOWN 127

struct found {
	const struct configure *configure; /* borrowed */
	struct central_device devices[FOUND_MAX];
	size_t n;
	bool is_first_enough;
	bool is_match; /* the one that was asked for is the last */
};

static bool is_wanted(const struct configure *k, const struct central_device *d)
{
	return k->device &&
	       (strcmp(k->device, d->name) == 0 || strcasecmp(k->device, d->address) == 0);
}

static int copy(const struct central_device *from, struct central_device *ret)
{
	*ret = *from;
	ret->path = strdup(from->path);
	ret->name = strdup(from->name);
	ret->address = strdup(from->address);
	if (ret->path && ret->name && ret->address)
		return 0;
	central_device_done(ret);
	return -1;
}

static bool on_device(void *userdata, const struct central_device *d)
{
	struct found *f = userdata;
	size_t i = 0;

	while (i < f->n && strcmp(f->devices[i].path, d->path) != 0)
		i++;
	/* Told again: what it says now counts. */
	if (i < f->n) {
		central_device_done(&f->devices[i]);
		f->devices[i] = f->devices[--f->n];
	}
	if (f->n == FOUND_MAX || copy(d, &f->devices[f->n]) < 0)
		return false;
	f->n++;
	f->is_match = is_wanted(f->configure, d);
	return f->is_match || f->is_first_enough;
}

static const char *words(const struct central_device *d)
{
	return !d->has_service_data ? "?"
	       : d->is_connected    ? "configured, connected"
	       : d->is_provisioned  ? "configured"
				    : "not configured";
}

static void show_json_device(const struct central_device *d)
{
	char name[64];

	configure_put(json_pack("{s:s, s:s, s:s, s:b, s:b}", "event", "device", "name",
				plain_text(d->name, name, sizeof(name)), "address", d->address,
				"provisioned", d->is_provisioned, "connected", d->is_connected));
}

static void show(const struct found *f)
{
	char name[64], signal[16];

	if (f->configure->is_json) {
		for (size_t i = 0; i < f->n; i++)
			show_json_device(&f->devices[i]);
		return;
	}
	printf("%3s  %-16s  %-17s  %-8s  %s\n", "", "NAME", "ADDRESS", "SIGNAL", "WI-FI");
	for (size_t i = 0; i < f->n; i++) {
		const struct central_device *d = &f->devices[i];

		snprintf(signal, sizeof(signal), d->rssi_dbm == RSSI_UNKNOWN ? "-" : "%d dBm",
			 d->rssi_dbm);
		printf("%3zu  %-16s  %-17s  %-8s  %s\n", i + 1,
		       plain_text(d->name, name, sizeof(name)), d->address, signal, words(d));
	}
}

static int choose(const struct found *f, size_t *ret)
{
	char line[16];
	uint64_t number;

	if (f->n == 1 && !f->configure->device) {
		*ret = 0;
		return 0;
	}
	if (!ask_is_possible()) {
		fprintf(stderr, "onboardctl: there are %zu devices: choose one with --device\n",
			f->n);
		return EXIT_CODE_FAILED;
	}
	for (;;) {
		if (ask_line("Which one (number)? ", line, sizeof(line)) != 0)
			return EXIT_CODE_FAILED;
		if (decimal_parse(line, strlen(line), f->n, &number) == 0 && number > 0)
			break;
	}
	*ret = (size_t)number - 1;
	return 0;
}

static int discover(struct configure *k, struct found *f)
{
	const uint64_t begin_ms = clock_ms();
	uint64_t gone_ms;
	int r;

	r = central_discover(k->central, MIN(k->timeout_ms, (uint64_t)LISTEN_MS), on_device, f);
	gone_ms = clock_ms() - begin_ms;
	if (r == 0 && !f->is_match && (f->n == 0 || k->device) && gone_ms < k->timeout_ms) {
		f->is_first_enough = !k->device;
		r = central_discover(k->central, k->timeout_ms - gone_ms, on_device, f);
	}
	return r < 0 ? configure_failed(k, r) : 0;
}

static int take(struct configure *k, const struct found *f, char **ret_path)
{
	size_t i = f->n - 1;
	int r;

	if (f->n == 0 || (k->device && !f->is_match)) {
		fprintf(stderr,
			"onboardctl: %s was found that may be configured. Is it near, and its "
			"window open (power it on, or press its button)?\n",
			k->device ? "no device of this name" : "no device");
		return EXIT_CODE_TIMEOUT;
	}
	show(f);
	r = f->is_match ? 0 : choose(f, &i);
	if (r != 0)
		return r;
	*ret_path = strdup(f->devices[i].path);
	return *ret_path ? 0 : EXIT_CODE_FAILED;
}

int configure_find(struct configure *k, char **ret_path)
{
	struct found f = {.configure = k};
	int r;

	if (!k->is_json)
		printf("Looking for devices ...\n");
	r = discover(k, &f);
	if (r == 0)
		r = take(k, &f, ret_path);
	for (size_t i = 0; i < f.n; i++)
		central_device_done(&f.devices[i]);
	return r;
}
