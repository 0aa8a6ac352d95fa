/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The gate in front of a UDP socket: a classic BPF filter that drops DTLS records with a
 * ClientHello, and lets everything else in. The kernel drops them before they stand in the socket's
 * queue. Guests, by the address that they come from, may pass while it is closed, not while it is
 * shut: many devices may have one address. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "service/address.h"

enum gate_state {
	GATE_OPEN,
	GATE_CLOSED, /* for all but guests */
	GATE_SHUT,
};

/* The kernel bounds what a socket's filter may take (net.core.optmem_max). */
#define GATE_GUESTS_MAX 256

/* Starts as all zero. */
struct gate_guests {
	struct {
		uint32_t address; /* what the filter compares; 0: nobody */
		uint64_t until_ms;
	} places[GATE_GUESTS_MAX];
	size_t next;
	bool has_more; /* than the filter knows, or fewer because their time is over */
};

/* The oldest makes room. */
void gate_guest_add(struct gate_guests *g, const union address *from, uint64_t until_ms);
void gate_guest_remove(struct gate_guests *g, const union address *from);
void gate_guests_expire(struct gate_guests *g, uint64_t now_ms);

/* Puts the filter on the socket, or takes it off. -errno. */
int gate_set(int fd, enum gate_state state, struct gate_guests *g) _must_check_;
