/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/avahi.h"

#include <errno.h>
#include <stdbool.h>

#define CALL_US (10 * 1000000)

int avahi_message(sd_bus *bus, const char *path, const char *interface, const char *method,
		  sd_bus_message **ret)
{
	int r = sd_bus_message_new_method_call(bus, ret, AVAHI_NAME, path, interface, method);

	return r < 0 ? r : sd_bus_message_set_auto_start(*ret, false);
}

int avahi_send(sd_bus *bus, sd_bus_message *m, sd_bus_message_handler_t fn, void *userdata,
	       sd_bus_slot **ret)
{
	int r = fn ? sd_bus_call_async(bus, ret, m, fn, userdata, CALL_US)
		   : sd_bus_send(bus, m, NULL);

	return r < 0 ? r : 0;
}

int avahi_watch(sd_bus *bus, sd_bus_message_handler_t fn, void *userdata, sd_bus_slot **ret)
{
	int r = sd_bus_add_match(bus, ret,
				 "type='signal',sender='org.freedesktop.DBus',"
				 "path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
				 "member='NameOwnerChanged',arg0='" AVAHI_NAME "'",
				 fn, userdata);

	return r < 0 ? r : 0;
}

int avahi_came(sd_bus_message *m)
{
	const char *name, *old_owner, *new_owner;

	if (sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner) < 0)
		return 0;
	return *new_owner ? !*old_owner : -1;
}
