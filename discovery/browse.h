/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The DNS-SD services of one type that the LAN announces, found and resolved by avahi-daemon. What
 * they say is the LAN's word: bounded and of the right shape, and nothing more. */

#include <net/if.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"
#include "discovery/hostname.h"
#include "discovery/record.h"
#include "session/resolve.h"

#define BROWSE_SERVICES_MAX 4096 /* more than that are passed over */

struct browse;

struct browse_service {
	const char *name; /* of the instance, as DNS-SD has it: any text */
	const char *host; /* the name of its machine, as hostname_read() has it */
	uint16_t port;
	struct resolve_address address; /* with port, and the interface when it is link-local;
					   len 0: its name tells, see wants_names */
	struct record record;           /* of what its TXT record has of it */
};

struct browse_events {
	/* Once for each instance, interface and family of addresses. Must not free the browse, nor
	 * may the others. */
	void (*found)(const struct browse_service *service, void *userdata);
	/* One that was found is not announced any more. */
	void (*gone)(const char *name, void *userdata);
	/* That was all for now. */
	void (*settled)(void *userdata);
	/* Avahi is not there, or refuses; detail says what. When it comes, browsing goes on. */
	void (*failed)(const char *detail, void *userdata);
	/* Machines with a name outside of .local are told without an address: DNS has it. */
	bool wants_names;
	void *userdata;
};

/* bus is borrowed and outlives it; events, copied, may have NULL members. -errno. */
int browse_new(sd_bus *bus, const char *type, const struct browse_events *events,
	       struct browse **ret) _must_check_;
struct browse *browse_free(struct browse *b);
DEFINE_CLEANUP(struct browse *, browse_free);
