/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A fleet: what was asked for, the devices, and who of them is under way. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "agent/config.h"

#define NODES_MAX 8

struct relay;

struct faults {
	double loss, duplicate, reorder; /* of datagrams, each way */
	double restart;                  /* of devices, at each of the points */
	unsigned int skew_s;             /* clocks are off by up to this much, either way */
	unsigned int delay_ms;           /* of every datagram, each way */
};

struct options {
	size_t devices;
	size_t first;    /* number of the first one, when others are in other processes */
	double arrive_s; /* they arrive evenly spread over this time */
	size_t active;   /* at most so many at a time; 0: as they arrive */
	uint64_t seed;
	struct faults faults;
	const char *config;           /* an onboardd.conf(5) that all share */
	const char *dir;              /* a directory of its own for each is made here */
	const char *nodes[NODES_MAX]; /* literal addresses, one port */
	size_t n_nodes;
	bool handshakes;                 /* nothing but a handshake each */
	bool balance;                    /* a relay stands between, faults or not */
	const char *identities, *tokens; /* files for the import and the claim */
	const char *result;              /* JSON */
	unsigned int limit_s;
};

struct device;

struct fleet {
	const struct options *options;
	struct config *config; /* owned, as all below */
	sd_event *event;
	struct relay *relay;    /* NULL: devices talk to the nodes themselves */
	struct device *devices; /* n of options */
	uint32_t *order;        /* indices of devices, as they arrive */
	uint64_t *arrival_us;   /* after the start, of order's entries */
	size_t n_arrived, n_ended, n_lost, n_restarts, n_retries;
	uint64_t started_us, ended_us;
	sd_event_source *arrivals, *progress, *limit;
};

int fleet_new(const struct options *o, struct fleet **ret) _must_check_;
struct fleet *fleet_free(struct fleet *f);
DEFINE_CLEANUP(struct fleet *, fleet_free);

/* Identities are born, and told to the files of options. */
int fleet_prepare(struct fleet *f) _must_check_;
/* Until all have ended, or the limit. */
int fleet_run(struct fleet *f) _must_check_;

/* A device is done or lost: another may start. */
void fleet_device_ended(struct fleet *f, bool is_lost);
