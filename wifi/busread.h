/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Walks through what D-Bus services tell of their objects (the D-Bus specification's
 * org.freedesktop.DBus.Properties and ObjectManager). All: 0, or -errno for a message of another
 * shape, by when some of it may have been told already; and what a callback answered below 0. */

#include <systemd/sd-bus.h>

#include "base/macros.h"

/* The variant of one property: 1 when it was read, 0 to have it skipped. */
typedef int (*busread_property_fn)(sd_bus_message *m, const char *name, void *userdata);
/* The properties (a{sv}) of one interface of one object: 1 when they were read, 0 to have them
 * skipped. */
typedef int (*busread_interface_fn)(sd_bus_message *m, const char *path, const char *interface,
				    void *userdata);

/* a{sv}: GetAll, PropertiesChanged. */
int busread_properties(sd_bus_message *m, busread_property_fn fn, void *userdata) _must_check_;
/* oa{sa{sv}}: InterfacesAdded. */
int busread_object(sd_bus_message *m, busread_interface_fn fn, void *userdata) _must_check_;
/* a{oa{sa{sv}}}: GetManagedObjects. */
int busread_objects(sd_bus_message *m, busread_interface_fn fn, void *userdata) _must_check_;
