/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/verbs.h"
#include "agent/duration.h"
#include "agent/schedule.h"
#include "base/exitcode.h"

static int show(struct client *c)
{
	_cleanup_(json_decrefp) json_t *status = NULL;
	char every[DURATION_TEXT_MAX], next[64] = "when onboardd is idle";
	json_int_t interval, at;
	time_t when;
	struct tm tm;
	int r = client_status(c, CLIENT_AGENT, &status);

	if (r != 0)
		return r;
	interval = json_integer_value(json_object_get(status, "interval"));
	at = json_integer_value(json_object_get(status, "next_run"));
	if (interval <= 0) {
		show_field("Interval", "off: a cycle begins when somebody asks for it");
		return 0;
	}
	duration_format((uint64_t)interval * 1000, every);
	show_field("Interval", every);
	when = (time_t)at;
	if (at > 0 && localtime_r(&when, &tm))
		strftime(next, sizeof(next), "%Y-%m-%d %H:%M:%S", &tm);
	show_field("Next run", next);
	return 0;
}

static int parse(const char *text, uint64_t *ret_s)
{
	uint64_t ms;

	if (strcmp(text, "off") == 0) {
		*ret_s = 0;
		return 0;
	}
	if (duration_parse(text, &ms) == 0 && ms % 1000 == 0 &&
	    (ms == 0 || (ms >= SCHEDULE_INTERVAL_MIN_S * UINT64_C(1000) &&
			 ms <= SCHEDULE_INTERVAL_MAX_S * UINT64_C(1000)))) {
		*ret_s = ms / 1000;
		return 0;
	}
	return usage_error("interval", "'%s' is not 'off' or a time from 60s to 365d such as 12h",
			   text);
}

static int set(struct client *c, uint64_t interval_s)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = client_message(c, CLIENT_AGENT, "SetInterval", &m);

	if (r != 0)
		return r;
	r = sd_bus_message_append(m, "t", interval_s);
	if (r < 0)
		return client_message_failed(r);
	return client_send(c, m, NULL);
}

int verb_interval(int argc, char **argv)
{
	static const struct option options[] = {{NULL, 0, NULL, 0}};
	_cleanup_(client_freep) struct client *c = NULL;
	uint64_t interval_s = 0;
	int r;

	if (getopt_long(argc, argv, "", options, NULL) >= 0)
		return usage_error("interval", "unknown flag");
	if (optind + 1 < argc)
		return usage_error("interval", "'%s' is too much", argv[optind + 1]);
	if (optind < argc) {
		r = parse(argv[optind], &interval_s);
		if (r != 0)
			return r;
	}
	r = client_open(&c);
	if (r == 0 && optind < argc)
		r = set(c, interval_s);
	return r != 0 ? r : show(c);
}
