/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>

#include "agent/cli/bench.h"
#include "agent/cli/show.h"
#include "agent/cli/verbs.h"
#include "base/exitcode.h"

static json_t *device_json(const struct bench_device *d)
{
	json_t *addresses = json_array();

	for (size_t i = 0; i < d->n_addresses; i++) {
		char text[BENCH_ADDRESS_TEXT_MAX];

		bench_address(&d->addresses[i], text);
		json_array_append_new(addresses, json_string(text));
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "uuid", d->record.uuid, "state",
			 d->record.state, "version", d->record.version, "host", d->host, "port",
			 bench_port(&d->addresses[0]), "addresses", addresses);
}

static void show(const struct bench *b, bool json)
{
	json_auto_t *all = json ? json_array() : NULL;

	for (size_t i = 0; i < b->n; i++) {
		const struct bench_device *d = &b->devices[i];
		char text[BENCH_ADDRESS_TEXT_MAX];

		bench_address(&d->addresses[0], text);
		if (json)
			json_array_append_new(all, device_json(d));
		else
			printf("%-36s  %-12s  %-8s  %s\n", d->record.uuid, d->record.state,
			       d->record.version, text);
	}
	if (json)
		show_json(all, false);
	else if (b->n == 0)
		fprintf(stderr, "onboardctl: no device here announces that it waits for an owner; "
				"does its configuration have 'enable = yes' in [discovery]?\n");
}

int verb_discover(int argc, char **argv)
{
	_cleanup_(bench_done) struct bench b = {.count = 0};
	const char *count = NULL, *timeout = NULL;
	uint64_t timeout_ms = BENCH_TIMEOUT_MS;
	bool json = false;
	const struct option_place options[] = {
		{"json", .flag = &json},
		{"count", .text = &count},
		{"timeout", .text = &timeout},
	};
	int r;

	r = verb_options("discover", argc, argv, options, ARRAY_SIZE(options));
	if (r == 0 && count)
		r = bench_count_of("discover", count, &b.count);
	if (r == 0 && timeout)
		r = timeout_of("discover", timeout, &timeout_ms);
	if (r != 0)
		return r;
	if (timeout_ms == 0 && b.count == 0)
		return usage_error("discover", "--timeout 0 looks for ever; it needs --count");
	r = bench_run(&b, timeout_ms);
	if (r == 0 || r == EXIT_CODE_TIMEOUT)
		show(&b, json);
	if (r == EXIT_CODE_TIMEOUT)
		fprintf(stderr, "onboardctl: found %zu of %zu devices in time\n", b.n, b.count);
	return r;
}
