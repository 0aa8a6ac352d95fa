/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/simulator/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "base/log.h"
#include "bench/simulator/decide.h"
#include "bench/simulator/probe.h"
#include "bench/simulator/relay.h"
#include "session/session.h"

#define RESTART_DELAY_MIN_US 10000
#define RESTART_DELAY_US 500000

/* Where power may go, in the order of a cycle: as the agent enters the state, which is after the
 * one before was acted upon. */
static const char *const restart_points[] = {
	"suspending", /* commands were fetched */
	"resuming",   /* executed, nothing said */
	"reporting",  /* said, and the answer is not heard */
	"validating", /* acknowledged */
};

static int power_on(struct device *d);

static void ended(struct device *d, enum device_state state, const char *why)
{
	if (d->state != DEVICE_RUNNING)
		return;
	d->state = state;
	d->ended_us = now_us();
	if (state == DEVICE_LOST)
		snprintf(d->why, sizeof(d->why), "%s", why);
	fleet_device_ended(d->fleet, state == DEVICE_LOST);
}

/* ---- restarts ---- */

static int on_birth(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct device *d = userdata;

	(void)source;
	(void)usec;
	if (power_on(d) != 0 || agent_start(d->agent) != 0)
		ended(d, DEVICE_LOST, "cannot start again with its store");
	return 0;
}

static int on_death(sd_event_source *source, void *userdata)
{
	struct device *d = userdata;
	const struct options *o = d->fleet->options;
	const uint64_t delay =
		RESTART_DELAY_MIN_US +
		decide(o->seed, DECIDE_RESTART_DELAY, d->index, d->restarts) % RESTART_DELAY_US;

	(void)source;
	probe_mute(true);
	d->agent = agent_free(d->agent);
	probe_mute(false);
	d->restarts++;
	d->fleet->n_restarts++;
	d->life = sd_event_source_disable_unref(d->life);
	return sd_event_add_time_relative(d->fleet->event, &d->life, CLOCK_MONOTONIC, delay, 1000,
					  on_birth, d);
}

/* Power goes before the agent acts any further. */
static void maybe_die(struct device *d, const char *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(restart_points); i++) {
		if (!(d->restarts_due & 1U << i) || strcmp(restart_points[i], state) != 0)
			continue;
		d->restarts_due &= ~(1U << i);
		d->life = sd_event_source_disable_unref(d->life);
		if (sd_event_add_defer(d->fleet->event, &d->life, on_death, d) < 0 ||
		    sd_event_source_set_priority(d->life, SD_EVENT_PRIORITY_IMPORTANT) < 0)
			abort();
	}
}

/* ---- what the agent tells ---- */

static void on_changed(void *userdata, const char *old_state, const char *new_state,
		       const char *why)
{
	struct device *d = userdata;

	d->last = new_state;
	if (d->state != DEVICE_RUNNING)
		return;
	if (strcmp(new_state, "authenticating") == 0 && d->admitted_us == 0)
		d->admitted_us = probe_attempt_us(d->agent);
	if (strcmp(new_state, "validating") == 0 && strcmp(old_state, "waiting-to-validate") != 0)
		d->provisioned_us = now_us();
	snprintf(d->why, sizeof(d->why), "%s: %s", new_state, why);
	maybe_die(d, new_state);
}

/* After a restart nothing may be left to do. */
static bool is_good(const struct device *d, enum outcome outcome)
{
	return outcome == OUTCOME_OK || (outcome == OUTCOME_NO_COMMANDS && d->restarts > 0);
}

static void on_cycle_ended(void *userdata, enum outcome outcome)
{
	struct device *d = userdata;
	char why[sizeof(d->why)];

	snprintf(why, sizeof(why), "%s", d->why);
	if (strcmp(d->last, "idle") == 0)
		ended(d, is_good(d, outcome) ? DEVICE_DONE : DEVICE_LOST, why);
	else if (strcmp(d->last, "failed") == 0 || strcmp(d->last, "degraded") == 0 ||
		 strcmp(d->last, "unclaimed") == 0)
		ended(d, DEVICE_LOST, why);
	else if (d->state == DEVICE_RUNNING) {
		d->retries++;
		d->fleet->n_retries++;
	}
}

/* ---- life ---- */

static int64_t skew_of(const struct device *d)
{
	const struct options *o = d->fleet->options;
	const double f = decide_fraction(o->seed, DECIDE_SKEW, d->index, 0);

	return (int64_t)((2 * f - 1) * ((double)o->faults.skew_s + 0.5));
}

static int power_on(struct device *d)
{
	const struct agent_observer observer = {
		.changed = on_changed,
		.cycle_ended = on_cycle_ended,
		.userdata = d,
	};
	_cleanup_(freep) char *detail = NULL;
	int r = agent_new(d->fleet->event, &d->config, &d->agent, &detail);

	if (r != 0) {
		log_error("device %zu: %s", d->index, detail ? detail : strerror(abs(r)));
		return r < 0 ? r : -EIO;
	}
	probe_set_skew(d->agent, skew_of(d));
	return agent_add_observer(d->agent, &observer);
}

/* The node that this device was given, or the relay's address for it. */
static void set_address(struct device *d)
{
	const struct options *o = d->fleet->options;

	if (d->fleet->relay)
		relay_address(d->index - o->first, d->address);
	else
		snprintf(d->address, sizeof(d->address), "%s",
			 o->nodes[decide(o->seed, DECIDE_NODE, d->index, 0) % o->n_nodes]);
	d->config.address = d->config.cloud_address = d->address;
	if (d->fleet->relay)
		d->config.port = d->config.cloud_port = relay_port(d->fleet->relay);
}

int device_prepare(struct device *d)
{
	const struct options *o = d->fleet->options;

	d->config = *d->fleet->config;
	set_address(d);
	for (size_t i = 0; i < ARRAY_SIZE(restart_points); i++)
		if (decide_is(o->faults.restart, o->seed, DECIDE_RESTART, d->index, i))
			d->restarts_due |= 1U << i;
	if (o->handshakes)
		return 0;
	snprintf(d->state_dir, sizeof(d->state_dir), "%s/%zu", o->dir, d->index);
	d->config.state_dir = d->state_dir;
	return power_on(d);
}

int device_start(struct device *d)
{
	d->state = DEVICE_RUNNING;
	d->started_us = now_us();
	return agent_start(d->agent);
}

void device_done(struct device *d)
{
	d->state = DEVICE_DONE;
	sd_event_source_disable_unref(d->life);
	if (d->agent)
		agent_stop(d->agent);
	agent_free(d->agent);
	session_free(d->session);
}
