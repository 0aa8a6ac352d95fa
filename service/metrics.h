/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the service counts, as Prometheus reads it. Whoever does something adds to it, on the loop's
 * thread; every function takes NULL for "nobody counts". Labels are few and ours: nothing that a
 * peer chooses becomes one. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/macros.h"

struct metrics;

int metrics_new(struct metrics **ret) _must_check_;
struct metrics *metrics_free(struct metrics *m);
DEFINE_CLEANUP(struct metrics *, metrics_free);

enum metrics_count {
	METRICS_HANDSHAKES,        /* that ended well */
	METRICS_HANDSHAKES_FAILED, /* or with an error */
	METRICS_SESSIONS_ENDED,
	METRICS_VALIDATED, /* onboardings: a device's first login with a new key */
	METRICS_REPLAYED,  /* tokens refused because somebody else showed them */
	METRICS_COMMANDS_SUCCEEDED,
	METRICS_COMMANDS_FAILED,
	METRICS_CERTIFICATES_ISSUED,
	METRICS_N_COUNTS,
};

/* What is so now. */
enum metrics_level {
	METRICS_SESSIONS,    /* DTLS sessions that exist, half-open ones included */
	METRICS_QUEUE_BYTES, /* of datagrams that wait in the device socket, with what they cost */
	METRICS_QUEUE_MAX,   /* the most it may hold */
	METRICS_QUEUE_DROPPED, /* datagrams that found it full, or were shed */
	METRICS_ADMISSION,     /* 1 while new devices are held back */
	METRICS_UNDER_WAY,     /* devices that are being served */
	METRICS_UNDER_WAY_MAX, /* how many may be, as the loop's speed is now */
	METRICS_N_LEVELS,
};

enum metrics_time {
	METRICS_STORE_READ, /* transactions, from begin to end */
	METRICS_STORE_RELAXED,
	METRICS_STORE_WRITE,
	METRICS_DEVICE_REQUEST, /* what one request of a device keeps the loop */
	METRICS_N_TIMES,
};

void metrics_add(struct metrics *m, enum metrics_count what);
void metrics_set(struct metrics *m, enum metrics_level what, uint64_t value);
void metrics_take(struct metrics *m, enum metrics_time what, uint64_t us);
/* resource: static text, the same pointer each time; of at most METRICS_RESOURCES_MAX. */
#define METRICS_RESOURCES_MAX 16
void metrics_device_request(struct metrics *m, const char *resource, uint8_t code);
void metrics_owner_request(struct metrics *m, unsigned int status);

/* For the times above: microseconds of a clock that only goes forward. */
uint64_t metrics_now_us(void);

/* Text format 0.0.4. */
void metrics_write(const struct metrics *m, FILE *out);
