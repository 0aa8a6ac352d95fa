/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The devices on a LAN that announce themselves while they wait for an owner, as a laptop beside
 * them sees them. Needs avahi-daemon here, no onboardd. Return values as verbs.h says. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "discovery/record.h"
#include "session/resolve.h"

#define BENCH_DEVICES_MAX 1024
#define BENCH_ADDRESSES_MAX 4
#define BENCH_TIMEOUT_MS 5000

struct bench_device {
	struct record record;
	char *name, *host;   /* owned */
	unsigned int n_seen; /* interfaces and families that it is announced on */
	struct resolve_address addresses[BENCH_ADDRESSES_MAX];
	size_t n_addresses;
};

struct bench {
	struct bench_device *devices; /* owned; by UUID once bench_run() is over */
	size_t n;
	sd_event *event; /* owned */
	/* May be NULL; a device that was not there before. It stays where it is no longer than the
	 * call. */
	void (*found)(struct bench *b, size_t device);
	/* May be NULL: the count is of what was found. True when there is nothing more to wait for;
	 * asked after each device, and by bench_look(). */
	bool (*is_complete)(const struct bench *b);
	void *userdata;
	size_t count; /* so many are enough; 0: look until the time is over */
	/* Of bench_run(). */
	bool over;
	int exit_code;
};

/* b->found, is_complete, userdata and count are the caller's, set before. EXIT_CODE_TIMEOUT when
 * fewer than count were found, which it does not tell. */
int bench_run(struct bench *b, uint64_t timeout_ms) _must_check_;
void bench_done(struct bench *b);
/* Ends bench_run() when that is complete. */
void bench_look(struct bench *b);

/* "192.0.2.1", "fe80::1%eth0". */
#define BENCH_ADDRESS_TEXT_MAX 96
void bench_address(const struct resolve_address *a, char ret[static BENCH_ADDRESS_TEXT_MAX]);
uint16_t bench_port(const struct resolve_address *a);
/* The value of --count. */
int bench_count_of(const char *verb, const char *text, size_t *ret) _must_check_;
