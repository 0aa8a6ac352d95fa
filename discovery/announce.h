/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One DNS-SD service of this device (RFC 6763), published by avahi-daemon. It is published again
 * whenever Avahi comes back, and under another name when the LAN has the name already. It ends with
 * the bus connection: no good-bye is needed. */

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"
#include "discovery/record.h"

struct announce;

enum announce_news {
	ANNOUNCE_NO_AVAHI,  /* detail: "" */
	ANNOUNCE_DONE,      /* the LAN knows; detail: under which name */
	ANNOUNCE_COLLISION, /* detail: the name that somebody else has */
	ANNOUNCE_FAILED,    /* detail: why; tried again when Avahi says that it changed */
};

typedef void (*announce_fn)(enum announce_news news, const char *detail, void *userdata);

/* bus is borrowed, of this event loop, and outlives it. fn does not free the announcement. -errno.
 */
int announce_new(sd_bus *bus, uint16_t port, const struct record *record, announce_fn fn,
		 void *userdata, struct announce **ret) _must_check_;
struct announce *announce_free(struct announce *a);
DEFINE_CLEANUP(struct announce *, announce_free);
/* What the record says from now on. */
void announce_update(struct announce *a, const struct record *record);
