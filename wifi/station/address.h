/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tells when an interface has got an address, by rtnetlink (rtnetlink(7)): how we see that the
 * system's DHCP client is done. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

struct address;

/* Something about the addresses changed; never from within address_new(). */
typedef void (*address_fn)(void *userdata);

/* -ENODEV when there is no such interface; -errno. */
int address_new(sd_event *event, const char *interface, address_fn fn, void *userdata,
		struct address **ret) _must_check_;
struct address *address_free(struct address *a);
DEFINE_CLEANUP(struct address *, address_free);

/* From here on only addresses count that are set or renewed after this call; one that is configured
 * for ever (static) counts as it stands after a few seconds of grace. Call it when the link comes
 * up, also a little late: what was set since the link came up counts, too. Tells once afterwards.
 * What the network before has left behind is no proof of this one. */
void address_restart(struct address *a);
/* A usable IPv4 address (not link-local, not tentative), in network order. */
bool address_ip4(const struct address *a, uint8_t ret[static 4]);
/* A usable IPv6 address of global scope, for networks without IPv4. */
bool address_has_ip6(const struct address *a);
