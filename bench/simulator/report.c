/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/simulator/report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/resource.h>

#include "bench/simulator/device.h"
#include "bench/simulator/fast_p256.h"
#include "bench/simulator/probe.h"
#include "bench/simulator/relay.h"

void report_event(const char *name)
{
	printf("{\"event\":\"%s\"}\n", name);
	fflush(stdout);
}

void report_progress(const struct fleet *f)
{
	printf("{\"event\":\"progress\",\"seconds\":%.1f,\"arrived\":%zu,\"done\":%zu,\"lost\":%zu,"
	       "\"retries\":%zu,\"restarts\":%zu}\n",
	       (double)(now_us() - f->started_us) / 1e6, f->n_arrived, f->n_ended - f->n_lost,
	       f->n_lost, f->n_retries, f->n_restarts);
	fflush(stdout);
}

/* Milliseconds, or null when one of them did not happen. */
static json_t *span(uint64_t from_us, uint64_t to_us)
{
	return from_us == 0 || to_us < from_us ? json_null()
					       : json_real((double)(to_us - from_us) / 1000.0);
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static const char *word_of(enum device_state state)
{
	switch (state) {
	case DEVICE_WAITING:
		return "waiting";
	case DEVICE_RUNNING:
		return "running";
	case DEVICE_DONE:
		return "done";
	case DEVICE_LOST:
		break;
	}
	return "lost";
}

static json_t *device_json(const struct fleet *f, const struct device *d)
{
	json_t *v = json_pack("{s:s, s:i, s:i, s:o, s:o, s:o, s:o}", "state", word_of(d->state),
			      "restarts", (int)d->restarts, "retries", (int)d->retries, "started",
			      span(f->started_us, d->started_us), "admitted",
			      span(d->started_us, d->admitted_us), "provisioned",
			      span(d->started_us, d->provisioned_us), "ended",
			      span(d->started_us, d->ended_us));

	if (v && d->state != DEVICE_DONE)
		json_object_set_new(v, "why", json_string(d->why));
	return v;
}

static json_t *relay_json(const struct relay *r)
{
	struct relay_stats s = {0};

	if (!r)
		return json_null();
	relay_get_stats(r, &s);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "passed", (json_int_t)s.passed, "lost",
			 (json_int_t)s.lost, "duplicated", (json_int_t)s.duplicated, "reordered",
			 (json_int_t)s.reordered, "to_dead_node", (json_int_t)s.to_dead_node);
}

int report_result(const struct fleet *f, const char *path)
{
	json_auto_t *devices = json_array(), *result = NULL;

	for (size_t i = 0; i < f->options->devices; i++)
		json_array_append_new(devices, device_json(f, &f->devices[i]));
	result = json_pack("{s:I, s:f, s:f, s:I, s:I, s:I, s:I, s:o, s:O}", "seed",
			   (json_int_t)f->options->seed, "wall_s",
			   (double)(f->ended_us - f->started_us) / 1e6, "cpu_s", cpu_s(), "ended",
			   (json_int_t)f->n_ended, "lost", (json_int_t)f->n_lost, "restarts",
			   (json_int_t)f->n_restarts, "fast_p256", (json_int_t)fast_p256_used(),
			   "network", relay_json(f->relay), "devices", devices);
	if (!result)
		return -ENOMEM;
	return json_dump_file(result, path, JSON_COMPACT) == 0 ? 0 : -EIO;
}
