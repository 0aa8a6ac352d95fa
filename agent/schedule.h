/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* When the next cycle is due by itself. The wall clock counts, and the store keeps it: neither a
 * restart nor a cycle for another reason moves it. Pure but for the store's two values, the
 * interval (the one that a config command of the service sets) and the next run. */

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct store;

/* The config key that sets the time between cycles, in seconds; 0 turns the schedule off. */
#define INTERVAL_KEY "provisioning/interval-sec"
#define SCHEDULE_INTERVAL_DEFAULT_S 86400
#define SCHEDULE_INTERVAL_MIN_S 60
#define SCHEDULE_INTERVAL_MAX_S (366 * 86400)

struct schedule {
	uint64_t interval_s; /* 0: off */
	int64_t next_s;      /* seconds since 1970; 0: none */
};

/* 0, or SCHEDULE_INTERVAL_MIN_S … _MAX_S. */
bool schedule_is_allowed(uint64_t interval_s);
/* The same in decimal digits alone. -EINVAL. */
int schedule_parse(const char *text, uint64_t *ret_s) _must_check_;

/* What follows `known` at now_s with this interval: the same run, or a new one that is spread by a
 * tenth of the interval (`random`: any 32 bits), so that a fleet that booted together does not come
 * back together. A run that is due stays due. */
struct schedule schedule_plan(const struct schedule *known, uint64_t interval_s, int64_t now_s,
			      uint32_t random);
bool schedule_is_due(const struct schedule *s, int64_t now_s);
/* A cycle that began at began_s has ended well: when it was the run that was due, the one after it.
 */
struct schedule schedule_advance(const struct schedule *known, int64_t began_s, int64_t now_s,
				 uint32_t random);

/* What the store says, a day when it says nothing that can be. */
uint64_t schedule_get_interval(struct store *store);
int schedule_set_interval(struct store *store, uint64_t interval_s) _must_check_;
/* No run when the store has none. */
struct schedule schedule_load(struct store *store);
int schedule_save(struct store *store, const struct schedule *s) _must_check_;
