/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One look for a provisioning server that the network names: SRV of the domains that this machine
 * searches, and _onboardd-prov._udp as Avahi finds it on the link. Whatever the network says, a
 * name outside of the given domain is not taken. DNS goes before the link. */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macros.h"
#include "discovery/srv.h"
#include "session/resolve.h"

#define FINDER_LIMIT_MS 3000

struct finder;

struct finder_server {
	struct srv srv;
	char address[RESOLVE_TEXT_MAX]; /* "": its name tells */
};

/* NULL when there is none. The finder may be freed inside. */
typedef void (*finder_fn)(const struct finder_server *found, void *userdata);

/* domain is copied. No bus, no Avahi and no DNS are no errors. -errno. */
int finder_new(sd_event *event, const char *domain, finder_fn fn, void *userdata,
	       struct finder **ret) _must_check_;
/* Before its callback: that will not run. */
struct finder *finder_free(struct finder *f);
DEFINE_CLEANUP(struct finder *, finder_free);
