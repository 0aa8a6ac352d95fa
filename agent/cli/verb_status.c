/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "agent/cli/client.h"
#include "agent/cli/show.h"
#include "agent/cli/verbs.h"
#include "agent/cli/wifi.h"
#include "agent/fsm.h"
#include "base/exitcode.h"

struct wait {
	const char *wanted; /* borrowed; NULL = do not wait */
	uint64_t timeout_ms;
	bool reached, gone, over;
};

static void on_state(void *userdata, const char *old_state, const char *new_state, const char *why)
{
	struct wait *w = userdata;

	(void)old_state;
	(void)why;
	w->reached |= strcmp(new_state, w->wanted) == 0;
	w->over |= w->reached;
}

static void on_served(void *userdata, bool is_served)
{
	struct wait *w = userdata;

	w->gone = !is_served;
	w->over |= w->gone;
}

static int wait_for_state(struct client *c, struct wait *w)
{
	const struct client_events events = {.state = on_state, .served = on_served, .userdata = w};
	_cleanup_(freep) char *state = NULL;
	int r;

	/* Listening before asking: no change falls between. */
	r = client_watch(c, &events);
	if (r != 0)
		return r;
	r = client_get(c, CLIENT_AGENT, "State", &state);
	if (r != 0)
		return r;
	if (strcmp(state, w->wanted) == 0)
		return 0;
	r = client_run(c, &w->over, w->timeout_ms);
	if (r == 0 && !w->reached) {
		fprintf(stderr, "onboardctl: onboardd ended before it was %s\n", w->wanted);
		return EXIT_CODE_FAILED;
	}
	return r;
}

static int check_state(const char *wanted)
{
	for (int s = 0; s < FSM_N_STATES; s++)
		if (strcmp(wanted, fsm_state_name((enum fsm_state)s)) == 0)
			return 0;
	fprintf(stderr, "onboardctl status: there is no state '%s'; states are", wanted);
	for (int s = 0; s < FSM_N_STATES; s++)
		fprintf(stderr, " %s", fsm_state_name((enum fsm_state)s));
	fprintf(stderr, "\n");
	return EXIT_CODE_USAGE;
}

static int show(bool json, const struct wait *w)
{
	_cleanup_(client_freep) struct client *c = NULL;
	_cleanup_(json_decrefp) json_t *status = NULL, *wifi = NULL;
	struct wait wait = *w;
	int r, waited = 0;

	r = client_open(&c);
	if (r != 0)
		return r;
	if (wait.wanted)
		waited = wait_for_state(c, &wait);
	if (waited != 0 && waited != EXIT_CODE_TIMEOUT)
		return waited;
	r = client_status(c, CLIENT_AGENT, &status);
	if (r != 0)
		return r;
	if (json)
		show_json(status, false);
	else
		show_status(status);
	if (!json)
		wifi = client_status_or_null(c, CLIENT_WIFI);
	if (wifi)
		wifi_show_line(wifi);
	if (waited != 0)
		fprintf(stderr, "onboardctl: it did not become %s in time\n", wait.wanted);
	return waited;
}

int verb_status(int argc, char **argv)
{
	struct wait wait = {0};
	const char *timeout = NULL;
	bool json = false;
	const struct option_place options[] = {
		{"json", .flag = &json},
		{"wait", .text = &wait.wanted},
		{"timeout", .text = &timeout},
	};
	int r;

	r = verb_options("status", argc, argv, options, ARRAY_SIZE(options));
	if (r == 0 && wait.wanted)
		r = check_state(wait.wanted);
	if (r == 0 && timeout)
		r = timeout_of("status", timeout, &wait.timeout_ms);
	if (r != 0)
		return r;
	if (wait.timeout_ms > 0 && !wait.wanted)
		return usage_error("status", "--timeout belongs to --wait");
	return show(json, &wait);
}
