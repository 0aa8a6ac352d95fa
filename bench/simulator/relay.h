/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The network between the fleet and the service's nodes, in this process: it loses, doubles and
 * delays datagrams as the seed says, and spreads the flows over the nodes as a balancer does. Each
 * device reaches it at an address of its own, so it knows whose datagram it holds. */

#include <stddef.h>
#include <stdint.h>

#include "bench/simulator/fleet.h"

#define RELAY_DEVICES_MAX (64 * 65536)

/* Nodes listen on `port`. -errno. */
int relay_new(struct fleet *f, uint16_t port, struct relay **ret) _must_check_;
struct relay *relay_free(struct relay *r);
DEFINE_CLEANUP(struct relay *, relay_free);

uint16_t relay_port(const struct relay *r);
/* Where the n-th device of this process talks to: in 127.64.0.0/10. */
void relay_address(size_t n, char ret[static 48]);

struct relay_stats {
	uint64_t passed, lost, duplicated, reordered, to_dead_node;
};
void relay_get_stats(const struct relay *r, struct relay_stats *ret);
