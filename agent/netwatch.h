/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Says whether the machine has a default route (IPv4 or IPv6), and when it becomes another one, by
 * rtnetlink (rtnetlink(7)). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

struct netwatch;

/* Called on every change, also when one way out takes the place of another (up is true then, as
 * before): another interface, gateway or source address. Never from within netwatch_new(). */
typedef void (*netwatch_fn)(bool up, void *userdata);

/* Asks the kernel once, so that netwatch_is_up() is true to life when this returns. -errno. */
int netwatch_new(sd_event *event, netwatch_fn fn, void *userdata,
		 struct netwatch **ret) _must_check_;
struct netwatch *netwatch_free(struct netwatch *w);
DEFINE_CLEANUP(struct netwatch *, netwatch_free);
bool netwatch_is_up(const struct netwatch *w);

enum netwatch_scan {
	NETWATCH_MORE,    /* an answer that goes on */
	NETWATCH_DONE,    /* the end of a dump */
	NETWATCH_CHANGED, /* a notification: ask again */
	NETWATCH_BROKEN,  /* an error, or not netlink at all */
};

/* Reads one datagram from the kernel; each default route in it adds to *ways, which tells sets of
 * routes apart whatever their order. 0: none. */
enum netwatch_scan netwatch_scan(const void *data, size_t len, uint64_t *ways);
