/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One object of ours, registered with one manager of BlueZ (GattManager1, AgentManager1,
 * LEAdvertisingManager1), and tried again until it works. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

struct registration;

struct registration_target {
	const char *manager_path;      /* copied */
	const char *manager_interface; /* this and the rest: constants */
	const char *add, *remove;      /* methods */
	const char *object;
	const char *capability; /* the second argument; NULL: an empty dictionary */
};

/* error: NULL when it is registered, else why not; then it is tried again. */
typedef void (*registration_fn)(void *userdata, const sd_bus_error *error);

/* Begins at once; fn is never called from within it. -errno. */
int registration_new(sd_event *event, sd_bus *bus, const struct registration_target *target,
		     registration_fn fn, void *userdata, struct registration **ret) _must_check_;
/* Takes it back, which nobody waits for. */
struct registration *registration_free(struct registration *g);
DEFINE_CLEANUP(struct registration *, registration_free);
