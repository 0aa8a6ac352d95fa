/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/gattoptions.h"

#include <errno.h>
#include <string.h>

#define OVERHEAD 5

static int read_device(sd_bus_message *m, struct gatt_options *o)
{
	const char *path;
	unsigned int index;
	int r;

	r = sd_bus_message_read(m, "v", "o", &path);
	if (r < 0)
		return r;
	if (strlen(path) >= sizeof(o->device) || bluez_index(path, &index) < 0)
		return -EBADMSG;
	bluez_path_copy(o->device, path);
	return 0;
}

static int read_option(sd_bus_message *m, const char *name, struct gatt_options *o)
{
	int r, is_prepare;

	if (strcmp(name, "device") == 0)
		return read_device(m, o);
	if (strcmp(name, "offset") == 0)
		return sd_bus_message_read(m, "v", "q", &o->offset);
	if (strcmp(name, "mtu") == 0)
		return sd_bus_message_read(m, "v", "q", &o->mtu);
	if (strcmp(name, "prepare-authorize") == 0) {
		r = sd_bus_message_read(m, "v", "b", &is_prepare);
		if (r > 0)
			o->is_prepare = is_prepare;
		return r;
	}
	return sd_bus_message_skip(m, "v");
}

int gatt_options_read(sd_bus_message *m, struct gatt_options *ret)
{
	struct gatt_options o = {.mtu = GATT_MTU_MIN};
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		const char *name;

		r = sd_bus_message_read(m, "s", &name);
		if (r < 0)
			return r;
		r = read_option(m, name, &o);
		if (r < 0)
			return r;
		r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	if (r < 0)
		return r;
	o.mtu = MAX(o.mtu, (uint16_t)GATT_MTU_MIN);
	*ret = o;
	return 0;
}

size_t gatt_options_limit(const struct gatt_options *o)
{
	return (size_t)o->mtu - OVERHEAD;
}
