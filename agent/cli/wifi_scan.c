/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>

#include "agent/cli/client.h"
#include "agent/cli/networks.h"
#include "agent/cli/show.h"
#include "agent/cli/wifi.h"
#include "agent/plain.h"
#include "base/exitcode.h"

#define SCAN_MS 60000

struct scan {
	struct networks networks;
	json_t *all; /* owned: one object a radio */
	bool over;
	int exit_code;
};

static void on_found(void *userdata, const struct wifi_record *record)
{
	struct scan *s = userdata;

	networks_add(&s->networks, record);
	json_array_append_new(s->all, networks_json(record));
}

static void fail(struct scan *s, const char *text)
{
	char plain[512];

	fprintf(stderr, "onboardctl: %s\n", plain_text(text, plain, sizeof(plain)));
	s->exit_code = EXIT_CODE_FAILED;
	s->over = true;
}

static void on_scan_done(void *userdata, const char *error)
{
	struct scan *s = userdata;

	s->over = true;
	if (*error)
		fail(s, error);
}

static void on_served(void *userdata, bool is_served)
{
	if (!is_served)
		fail(userdata, "onboardd ended before the scan did");
}

static void on_called(void *userdata, int exit_code)
{
	struct scan *s = userdata;

	s->exit_code = exit_code;
	s->over |= exit_code != 0;
}

static int scan(bool json)
{
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_(json_decrefp) json_t *all = json_array();
	struct scan s = {.all = all};
	const struct client_events events = {.found = on_found,
					     .scan_done = on_scan_done,
					     .served = on_served,
					     .called = on_called,
					     .userdata = &s};
	int r;

	r = client_open(&c);
	if (r == 0)
		r = client_watch(c, &events);
	if (r == 0)
		r = client_call_later(c, CLIENT_WIFI, "Scan");
	if (r == 0)
		r = client_run(c, &s.over, SCAN_MS);
	if (r == EXIT_CODE_TIMEOUT)
		fprintf(stderr, "onboardctl: the scan did not end in time\n");
	if (r != 0 || s.exit_code != 0)
		return r != 0 ? r : s.exit_code;
	if (json)
		show_json(all, false);
	else
		networks_show(&s.networks, stdout);
	return 0;
}

int wifi_verb_scan(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	bool json = false;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (o != 'j')
			return usage_error("wifi", "scan: unknown flag");
		json = true;
	}
	if (optind < argc)
		return usage_error("wifi", "scan: '%s' is too much", argv[optind]);
	return scan(json);
}
