/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>

#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/verbs.h"

struct monitor {
	struct client *client; /* borrowed */
	bool json;
};

/* Takes over the reference. */
static void put(json_t *event)
{
	if (event)
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
	_cleanup_(freep) char *state = NULL, *reason = NULL;
	int r;

	if (!client_is_served(m->client)) {
		if (m->json)
			put(json_pack("{s:s}", "event", "ended"));
		else
			printf("onboardd is not running; waiting for it\n");
		return 0;
	}
	r = client_get(m->client, CLIENT_AGENT, "State", &state);
	if (r != 0)
		return r;
	r = client_get(m->client, CLIENT_AGENT, "Reason", &reason);
	if (r != 0)
		return r;
	if (m->json)
		put(json_pack("{s:s, s:s, s:s}", "event", "now", "state", state, "why", reason));
	else
		show_now(state, reason);
	return 0;
}

int verb_monitor(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	_cleanup_(client_freep) struct client *c = NULL;
	struct monitor m = {0};
	const struct client_events events = {
		.state = on_state, .step = on_step, .served = on_served, .userdata = &m};
	bool never = false;
	int o, r;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (o != 'j')
			return usage_error("monitor", "unknown flag");
		m.json = true;
	}
	if (optind < argc)
		return usage_error("monitor", "'%s' is too much", argv[optind]);
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
