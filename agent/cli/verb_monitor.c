/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/verbs.h"
#include "base/clock.h"

struct monitor {
	struct client *client; /* borrowed */
	bool json;
};

/* One line, with the time of day. Takes over the reference. */
static void put(json_t *event)
{
	const int64_t now_ms = clock_wall_ms();
	const time_t now_s = (time_t)(now_ms / 1000);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&now_s, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	if (event && json_object_set_new(event, "time",
					 json_sprintf("%s.%03dZ", text, (int)(now_ms % 1000))) == 0)
		show_json(event, true);
	json_decref(event);
}

static void on_state(void *userdata, const char *old_state, const char *new_state, const char *why)
{
	const struct monitor *m = userdata;

	if (m->json)
		put(json_pack("{s:s, s:s, s:s, s:s}", "event", "state", "old", old_state, "new",
			      new_state, "why", why));
	else
		show_state(old_state, new_state, why);
}

static void on_step(void *userdata, const char *name, const char *text)
{
	const struct monitor *m = userdata;

	if (m->json)
		put(json_pack("{s:s, s:s, s:s}", "event", "step", "name", name, "text", text));
	else
		show_step(name, text);
}

static void on_rolled_back(void *userdata, uint32_t tag, const char *why)
{
	const struct monitor *m = userdata;
	char text[1024];

	if (m->json) {
		put(json_pack("{s:s, s:I, s:s}", "event", "rolled-back", "tag", (json_int_t)tag,
			      "why", why));
		return;
	}
	snprintf(text, sizeof(text), "tag %" PRIu32 ": %.900s", tag, why);
	show_step("rolled back", text);
}

static void on_served(void *userdata, bool is_served)
{
	const struct monitor *m = userdata;

	if (m->json)
		put(json_pack("{s:s}", "event", is_served ? "started" : "ended"));
	else
		printf("onboardd %s\n", is_served ? "started" : "ended; waiting for it");
}

/* Tells where it stands as the watching begins. */
static int begin(struct monitor *m)
{
	static const char *const names[] = {"State", "Reason", "Outcome", "Claimed", "Cloud"};
	_cleanup_(freep) char *state = NULL, *reason = NULL, *outcome = NULL, *claimed = NULL,
			      *cloud = NULL;
	char **const values[] = {&state, &reason, &outcome, &claimed, &cloud};
	int r;

	if (!client_is_served(m->client)) {
		if (m->json)
			put(json_pack("{s:s}", "event", "ended"));
		else
			printf("onboardd is not running; waiting for it\n");
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		r = client_get(m->client, CLIENT_AGENT, names[i], values[i]);
		if (r != 0)
			return r;
	}
	if (m->json)
		put(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "event", "now", "state", state,
			      "why", reason, "outcome", outcome, "claimed", claimed, "cloud",
			      cloud));
	else
		show_now(state, reason);
	return 0;
}

int verb_monitor(int argc, char **argv)
{
	_cleanup_(client_freep) struct client *c = NULL;
	struct monitor m = {0};
	const struct client_events events = {.state = on_state,
					     .step = on_step,
					     .rolled_back = on_rolled_back,
					     .served = on_served,
					     .userdata = &m};
	bool never = false;
	const struct option_place options[] = {
		{"json", .flag = &m.json},
	};
	int r;

	r = verb_options("monitor", argc, argv, options, ARRAY_SIZE(options));
	if (r != 0)
		return r;
	r = client_open(&c);
	if (r != 0)
		return r;
	m.client = c;
	r = client_watch(c, &events);
	if (r != 0)
		return r;
	r = begin(&m);
	if (r != 0)
		return r;
	return client_run(c, &never, 0);
}
