/* SPDX-License-Identifier: Apache-2.0 */

/* The real agent with an observer that pulls the plug: SIGKILL at the N-th thing it is told of.
 * Exits 0 when the cycle ended before that, having printed how many there were. */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "agent/agent.h"

struct killer {
	sd_event *event;
	unsigned int kill_at, n;
};

static void count(struct killer *k, const char *what, const char *text)
{
	k->n++;
	printf("%u %s %s\n", k->n, what, text);
	fflush(stdout);
	if (k->n == k->kill_at)
		kill(getpid(), SIGKILL);
}

static void changed(void *userdata, const char *old_state, const char *new_state, const char *why)
{
	(void)old_state;
	(void)why;
	count(userdata, "state", new_state);
}

static void step(void *userdata, const char *name, const char *text)
{
	(void)text;
	count(userdata, "step", name);
}

static void cycle_ended(void *userdata, enum outcome outcome)
{
	struct killer *k = userdata;

	count(k, "ended", outcome_name(outcome));
	sd_event_exit(k->event, 0);
}

static int fail(const char *what, int r, const char *detail)
{
	fprintf(stderr, "agent-killed: %s: %d %s\n", what, r, detail ? detail : "");
	return 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"kill-at", required_argument, NULL, 'k'},
		{NULL, 0, NULL, 0},
	};
	struct killer k = {0};
	const struct agent_observer observer = {
		.changed = changed, .step = step, .cycle_ended = cycle_ended, .userdata = &k};
	const char *file = NULL;
	struct config *config = NULL;
	struct agent *agent = NULL;
	char *detail = NULL;
	int option, r;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			file = optarg;
		else if (option == 'k')
			k.kill_at = (unsigned int)atoi(optarg);
		else
			return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	r = config_load(file, &config, &detail);
	if (r < 0)
		return fail("config", r, detail);
	r = sd_event_new(&k.event);
	if (r < 0)
		return fail("event loop", r, NULL);
	r = agent_new(k.event, config, &agent, &detail);
	if (r != 0)
		return fail("agent", r, detail);
	r = agent_add_observer(agent, &observer);
	if (r == 0)
		r = agent_start(agent);
	if (r < 0)
		return fail("start", r, NULL);
	r = sd_event_loop(k.event);
	agent_stop(agent);
	agent_free(agent);
	config_free(config);
	sd_event_unref(k.event);
	return r < 0 ? fail("loop", r, NULL) : 0;
}
