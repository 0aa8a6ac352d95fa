/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/simulator/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "bench/simulator/decide.h"
#include "bench/simulator/device.h"
#include "bench/simulator/probe.h"
#include "bench/simulator/relay.h"
#include "bench/simulator/report.h"
#include "credstore/identity.h"

#define PROGRESS_US 200000
#define CA_MAX 65536
#define FIRST_BURST 32 /* arrivals in one turn of the loop: answers are heard between them */

/* ---- preparation ---- */

struct token {
	bool is_there;
	int r;
	FILE *file;
};

static void on_token(int r, const char *token, void *userdata)
{
	struct token *t = userdata;

	t->is_there = true;
	t->r = r;
	if (r == 0)
		fprintf(t->file, "%s\n", token);
}

static int tell_token(struct fleet *f, struct device *d, FILE *file)
{
	struct token t = {.file = file};
	struct worker *worker = NULL;
	int r = agent_claim_token(d->agent, on_token, &t, &worker);

	while (r == 0 && !t.is_there)
		r = sd_event_run(f->event, UINT64_MAX) < 0 ? -EIO : 0;
	return r != 0 ? r : t.r;
}

static int tell_identity(struct fleet *f, struct device *d, FILE *identities, FILE *tokens)
{
	char row[IDENTITY_CSV_MAX + 1];
	int r = agent_identity_csv(d->agent, row, sizeof(row));

	if (r != 0)
		return r;
	if (fprintf(identities, "%s\n", row) < 0)
		return -EIO;
	return tell_token(f, d, tokens);
}

static int prepare_all(struct fleet *f, FILE *identities, FILE *tokens)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->options->devices; i++) {
		r = device_prepare(&f->devices[i]);
		if (r == 0 && !f->options->handshakes)
			r = tell_identity(f, &f->devices[i], identities, tokens);
	}
	if (r != 0)
		return r;
	return !identities || (fflush(identities) == 0 && fflush(tokens) == 0) ? 0 : -EIO;
}

int fleet_prepare(struct fleet *f)
{
	const struct options *o = f->options;
	FILE *identities = NULL, *tokens = NULL;
	int r = 0;

	if (!o->handshakes) {
		identities = fopen(o->identities, "we");
		tokens = fopen(o->tokens, "we");
		if (!identities || !tokens)
			r = -errno;
	}
	if (r == 0)
		r = prepare_all(f, identities, tokens);
	if (identities)
		fclose(identities);
	if (tokens)
		fclose(tokens);
	return r;
}

/* ---- who is under way ---- */

static size_t n_running(const struct fleet *f)
{
	return f->n_arrived - f->n_ended;
}

static int start(struct fleet *f, struct device *d)
{
	_cleanup_(secret_done) struct secret ca = SECRET_INIT;
	int r;

	if (!f->options->handshakes)
		return device_start(d);
	r = file_read(f->config->root_ca, CA_MAX, &ca);
	return r < 0 ? r : handshake_start(d, (const char *)ca.data);
}

/* Arms the timer for the next arrival, unless there is no room. */
static void arm(struct fleet *f)
{
	const struct options *o = f->options;

	if (f->n_arrived == o->devices || (o->active > 0 && n_running(f) >= o->active)) {
		sd_event_source_set_enabled(f->arrivals, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(f->arrivals, f->started_us + f->arrival_us[f->n_arrived]);
	sd_event_source_set_enabled(f->arrivals, SD_EVENT_ONESHOT);
}

static int on_arrival(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct fleet *f = userdata;
	const struct options *o = f->options;

	(void)source;
	(void)usec;
	for (unsigned int i = 0; i < FIRST_BURST && f->n_arrived < o->devices; i++) {
		struct device *d = &f->devices[f->order[f->n_arrived]];
		int r;

		if ((o->active > 0 && n_running(f) >= o->active) ||
		    f->started_us + f->arrival_us[f->n_arrived] > now_us())
			break;
		f->n_arrived++;
		r = start(f, d);
		if (r != 0) {
			log_error("device %zu cannot start: %s", d->index, strerror(abs(r)));
			return sd_event_exit(f->event, -EIO);
		}
	}
	arm(f);
	return 0;
}

void fleet_device_ended(struct fleet *f, bool is_lost)
{
	f->n_ended++;
	f->n_lost += is_lost;
	if (f->n_ended == f->options->devices) {
		f->ended_us = now_us();
		sd_event_exit(f->event, 0);
		return;
	}
	arm(f);
}

static int on_progress(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct fleet *f = userdata;

	report_progress(f);
	sd_event_source_set_time(source, usec + PROGRESS_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_limit(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct fleet *f = userdata;

	(void)source;
	(void)usec;
	f->ended_us = now_us();
	return sd_event_exit(f->event, 0);
}

int fleet_run(struct fleet *f)
{
	const uint64_t limit = (uint64_t)f->options->limit_s * 1000000;
	int r;

	f->started_us = now_us();
	r = sd_event_add_time(f->event, &f->arrivals, CLOCK_MONOTONIC, 0, 1, on_arrival, f);
	if (r >= 0)
		r = sd_event_add_time_relative(f->event, &f->progress, CLOCK_MONOTONIC, PROGRESS_US,
					       1000, on_progress, f);
	if (r >= 0)
		r = sd_event_add_time_relative(f->event, &f->limit, CLOCK_MONOTONIC, limit, 1000,
					       on_limit, f);
	if (r < 0)
		return r;
	arm(f);
	return sd_event_loop(f->event);
}

/* ---- life ---- */

static const struct fleet *sorted; /* for the comparison */

static int by_arrival(const void *a, const void *b)
{
	const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const uint64_t seed = sorted->options->seed, first = sorted->options->first;
	const double x = decide_fraction(seed, DECIDE_ARRIVAL, first + i, 0),
		     y = decide_fraction(seed, DECIDE_ARRIVAL, first + j, 0);

	return x < y ? -1 : x > y ? 1 : i < j ? -1 : i > j;
}

static void plan_arrivals(struct fleet *f)
{
	const struct options *o = f->options;

	for (uint32_t i = 0; i < o->devices; i++)
		f->order[i] = i;
	sorted = f;
	qsort(f->order, o->devices, sizeof(*f->order), by_arrival);
	for (size_t i = 0; i < o->devices; i++)
		f->arrival_us[i] = (uint64_t)(decide_fraction(o->seed, DECIDE_ARRIVAL,
							      o->first + f->order[i], 0) *
					      o->arrive_s * 1e6);
}

static bool needs_relay(const struct options *o)
{
	return o->balance || o->faults.loss > 0 || o->faults.duplicate > 0 ||
	       o->faults.reorder > 0 || o->faults.delay_ms > 0;
}

int fleet_new(const struct options *o, struct fleet **ret)
{
	_cleanup_(fleet_freep) struct fleet *f = calloc(1, sizeof(*f));
	_cleanup_(freep) char *detail = NULL;
	int r;

	if (!f)
		return -ENOMEM;
	f->options = o;
	f->devices = calloc(o->devices, sizeof(*f->devices));
	f->order = calloc(o->devices, sizeof(*f->order));
	f->arrival_us = calloc(o->devices, sizeof(*f->arrival_us));
	if (!f->devices || !f->order || !f->arrival_us)
		return -ENOMEM;
	for (size_t i = 0; i < o->devices; i++) {
		f->devices[i].fleet = f;
		f->devices[i].index = o->first + i;
	}
	plan_arrivals(f);
	r = config_load(o->config, &f->config, &detail);
	if (r < 0) {
		log_error("%s", detail ? detail : strerror(-r));
		return r;
	}
	r = sd_event_default(&f->event);
	if (r >= 0 && needs_relay(o))
		r = relay_new(f, f->config->port, &f->relay);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

struct fleet *fleet_free(struct fleet *f)
{
	if (!f)
		return NULL;
	for (size_t i = 0; f->devices && i < f->options->devices; i++)
		device_done(&f->devices[i]);
	relay_free(f->relay);
	sd_event_source_disable_unref(f->arrivals);
	sd_event_source_disable_unref(f->progress);
	sd_event_source_disable_unref(f->limit);
	sd_event_unref(f->event);
	config_free(f->config);
	free(f->devices);
	free(f->order);
	free(f->arrival_us);
	free(f);
	return NULL;
}
