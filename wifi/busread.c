/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/busread.h"

/* Every dictionary goes the same way: entry by entry, each in its container. */
struct walk {
	const char *entries; /* the dictionary's signature without a{} */
	int (*entry)(const struct walk *w, sd_bus_message *m);
	busread_property_fn property;
	busread_interface_fn interface;
	void *userdata;
	const char *path;
};

static int walk(sd_bus_message *m, const char *signature, const struct walk *w)
{
	int r = sd_bus_message_enter_container(m, 'a', signature);

	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, 'e', w->entries)) > 0) {
		r = w->entry(w, m);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 0;
}

static int property_entry(const struct walk *w, sd_bus_message *m)
{
	const char *name;
	int r = sd_bus_message_read_basic(m, 's', &name);

	if (r >= 0)
		r = w->property(m, name, w->userdata);
	return r == 0 ? sd_bus_message_skip(m, "v") : r;
}

static int interface_entry(const struct walk *w, sd_bus_message *m)
{
	const char *interface;
	int r = sd_bus_message_read_basic(m, 's', &interface);

	if (r >= 0)
		r = w->interface(m, w->path, interface, w->userdata);
	return r == 0 ? sd_bus_message_skip(m, "a{sv}") : r;
}

static int object_entry(const struct walk *w, sd_bus_message *m)
{
	return busread_object(m, w->interface, w->userdata);
}

int busread_properties(sd_bus_message *m, busread_property_fn fn, void *userdata)
{
	const struct walk w = {
		.entries = "sv", .entry = property_entry, .property = fn, .userdata = userdata};

	return walk(m, "{sv}", &w);
}

int busread_object(sd_bus_message *m, busread_interface_fn fn, void *userdata)
{
	struct walk w = {.entries = "sa{sv}",
			 .entry = interface_entry,
			 .interface = fn,
			 .userdata = userdata};
	int r = sd_bus_message_read_basic(m, 'o', &w.path);

	return r < 0 ? r : walk(m, "{sa{sv}}", &w);
}

int busread_objects(sd_bus_message *m, busread_interface_fn fn, void *userdata)
{
	const struct walk w = {.entries = "oa{sa{sv}}",
			       .entry = object_entry,
			       .interface = fn,
			       .userdata = userdata};

	return walk(m, "{oa{sa{sv}}}", &w);
}
