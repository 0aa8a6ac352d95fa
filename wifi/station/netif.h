/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The machine's wireless interfaces, as the kernel has them. Internal to wifi/station/. */

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

/* The wireless interface of that name, or the one with the lowest number when wanted is NULL.
 * -ENODEV. */
int netif_pick(const char *wanted, char ret_name[static IF_NAMESIZE],
	       unsigned int *ret_index) _must_check_;
/* The address it was made with, else the one it has. -ENODEV. */
int netif_mac(const char *name, uint8_t ret[static 6]) _must_check_;

/* Tells that interfaces came, went or changed; never from within netif_watch_new(). */
struct netif_watch;
typedef void (*netif_fn)(void *userdata);
int netif_watch_new(sd_event *event, netif_fn fn, void *userdata,
		    struct netif_watch **ret) _must_check_;
struct netif_watch *netif_watch_free(struct netif_watch *w);
