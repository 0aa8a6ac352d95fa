/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/call.h"

#include <string.h>

int call_new(sd_bus *bus, const struct call_target *to, const char *member, sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = sd_bus_message_new_method_call(bus, &m, to->name, to->path, to->interface, member);
	if (r < 0)
		return r;
	r = sd_bus_message_set_auto_start(m, 0);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

int call_send(sd_bus_slot **slot, sd_bus_message *m, sd_bus_message_handler_t fn, void *userdata)
{
	sd_bus_slot *new_slot = NULL;
	int r;

	if (!slot) {
		r = sd_bus_message_set_expect_reply(m, 0);
		if (r < 0)
			return r;
		r = sd_bus_send(NULL, m, NULL);
		return r < 0 ? r : 0;
	}
	r = sd_bus_call_async(NULL, &new_slot, m, fn, userdata, 0);
	if (r < 0)
		return r;
	call_drop(slot);
	*slot = new_slot;
	return 0;
}

int call_get_all(sd_bus *bus, sd_bus_slot **slot, const struct call_target *to,
		 sd_bus_message_handler_t fn, void *userdata)
{
	const struct call_target properties = {to->name, to->path,
					       "org.freedesktop.DBus.Properties"};
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = call_new(bus, &properties, "GetAll", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "s", to->interface);
	if (r < 0)
		return r;
	return call_send(slot, m, fn, userdata);
}

void call_drop(sd_bus_slot **slot)
{
	*slot = sd_bus_slot_unref(*slot);
}

void call_learn_sender(char sender[static CALL_SENDER_MAX], sd_bus_message *answer)
{
	const char *name = sd_bus_message_get_sender(answer);
	size_t len = name ? strlen(name) : 0;

	if (len > 0 && len < CALL_SENDER_MAX && *name == ':')
		memcpy(sender, name, len + 1);
}

bool call_is_from(sd_bus_message *m, const char *sender)
{
	const char *name = sd_bus_message_get_sender(m);

	return name && *sender && strcmp(name, sender) == 0;
}

bool call_is_from_bus(sd_bus_message *m)
{
	return call_is_from(m, "org.freedesktop.DBus");
}
