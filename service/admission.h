/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who is let in when more devices come than can be served. Every device that was let in shares the
 * loop with all others that were, so that the time of each is the work of all. So while the loop is
 * busy, no more are under way than make a quarter of a second of work: that is what a device waits
 * at most. Beyond, a filter in front of the socket drops what begins a handshake, a ClientHello,
 * and nothing else: those devices repeat it by themselves, and the datagrams of the others never
 * stand in a queue with theirs. A loop that has time to spare holds nobody back, however many are
 * under way: they wait for their networks.
 *
 * A device that reported comes again at once, with its new credentials, in a second handshake: its
 * address is let in for some seconds while others are held back.
 *
 * Only what devices did counts, so that nobody keeps others out with forged datagrams, and whoever
 * does nothing useful for a second is not under way any more. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "service/address.h"
#include "service/gate.h"

/* Part of a session; starts as all zero. */
struct admission_entry {
	struct admission_entry *next, *previous;
	uint64_t since_ms; /* of its latest progress */
	bool is_under_way;
};

struct admission {
	int fd; /* borrowed: the socket; -1: nothing is ever dropped */
	enum gate_state state;
	struct gate_guests guests;
	uint64_t set_ms; /* when the filter was made */
	struct admission_entry *oldest, *newest;
	size_t n;          /* under way */
	uint64_t work_us;  /* that one device takes, lately */
	uint64_t spent_us; /* since the last that was done */
	/* How busy the loop is with devices, in windows of a tenth of a second. */
	bool is_busy;
	uint64_t window_ms, window_spent_us; /* its beginning, and what was spent in it */
	uint64_t n_closings;                 /* ever */
};

struct admission_queue {
	uint32_t bytes, max, dropped; /* as the kernel counts them */
};

/* Bounds the socket's queue. fd may be -1. */
void admission_init(struct admission *a, int fd);
/* The session's device got on with it. */
void admission_progress(struct admission *a, struct admission_entry *e, uint64_t now_ms);
/* It has what it came for; nothing more is expected of it for now. */
void admission_done(struct admission *a, struct admission_entry *e);
/* Its session is over. */
void admission_end(struct admission *a, struct admission_entry *e);
/* The device at this address will begin another handshake. */
void admission_expect(struct admission *a, const union address *from, uint64_t now_ms);
/* It did. */
void admission_arrived(struct admission *a, const union address *from);
/* The loop worked so long for devices. */
void admission_spent(struct admission *a, uint64_t us);
/* How many may be under way. */
size_t admission_limit(const struct admission *a);
/* Opens or closes the gate: after each turn of the loop. */
void admission_turn(struct admission *a, uint64_t now_ms);
/* Nobody is let in any more. */
void admission_stop(struct admission *a);
/* False when the kernel does not say. */
bool admission_queue(const struct admission *a, struct admission_queue *ret);

/* The UDP socket among this process's descriptors that is bound to port; -ENOENT. For libraries
 * that do not show theirs. */
int admission_find_socket(uint16_t port) _must_check_;
