/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who may change something over D-Bus (docs/dbus-api.md, Who may). The bus's policy lets everybody
 * call what has an action here; root and, for most, the members of our own group may do it, anybody
 * else when polkit says so (packaging/polkit/org.onboardd.policy). Without polkit: nobody else.
 * Nothing blocks: the bus and polkit are asked, and the method runs when both have answered. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"

struct permit; /* the questions of one bus */

/* bus is borrowed and outlives it. -ENOMEM. */
int permit_new(sd_bus *bus, struct permit **ret) _must_check_;
/* Those who wait are not answered. */
struct permit *permit_free(struct permit *p);
DEFINE_CLEANUP(struct permit *, permit_free);

struct permit_action {
	const char *id;    /* "org.onboardd.provision" */
	bool is_for_group; /* the group's members need not be asked about */
};

extern const struct permit_action permit_provision, permit_credentials, permit_wifi, permit_reset;

/* As the last act of a method: its caller hears what fn answers, or that it may not. fn and
 * userdata are a vtable's, and live as long as p. */
int permit_then(struct permit *p, const struct permit_action *action, sd_bus_message *call,
		sd_bus_message_handler_t fn, void *userdata, sd_bus_error *error) _must_check_;
