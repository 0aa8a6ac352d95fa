/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/bluez.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#define INDEX_MAX 4095

const char *bluez_error_text(const sd_bus_error *error)
{
	return error->message && *error->message ? error->message : error->name;
}

void bluez_path_copy(char ret[static BLUEZ_PATH_MAX], const char *path)
{
	size_t len = strlen(path);

	assert(len < BLUEZ_PATH_MAX);
	memcpy(ret, path, len + 1);
}

int bluez_index(const char *path, unsigned int *ret)
{
	static const char prefix[] = BLUEZ_ROOT "/hci";
	const char *digits;
	uint64_t index;

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return -EINVAL;
	digits = path + sizeof(prefix) - 1;
	if (decimal_parse(digits, strcspn(digits, "/"), INDEX_MAX, &index) != 0)
		return -EINVAL;
	*ret = (unsigned int)index;
	return 0;
}

static int parse_address(const char *text, char separator, uint8_t ret[static 6])
{
	uint8_t address[6];

	if (strlen(text) != 17)
		return -EINVAL;
	for (size_t i = 0; i < 6; i++) {
		if (i < 5 && text[3 * i + 2] != separator)
			return -EINVAL;
		if (hex_decode(text + 3 * i, 2, &address[5 - i], 1) != 0)
			return -EINVAL;
	}
	memcpy(ret, address, sizeof(address));
	return 0;
}

int bluez_address(const char *text, uint8_t ret[static 6])
{
	return parse_address(text, ':', ret);
}

int bluez_path_address(const char *path, uint8_t ret[static 6])
{
	const char *name = strrchr(path, '/');

	if (!name || strncmp(name, "/dev_", 5) != 0)
		return -EINVAL;
	return parse_address(name + 5, '_', ret);
}

/* userdata: what was asked for, a constant. */
static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const sd_bus_error *e = sd_bus_message_get_error(m);

	(void)error;
	if (e)
		log_warning("ble: %s: %s", (const char *)userdata, bluez_error_text(e));
	return 0;
}

static void sent(int r, const char *what)
{
	if (r < 0)
		log_warning("ble: %s: %s", what, strerror(-r));
}

void bluez_set_bool(sd_bus *bus, const char *path, const char *property, bool value)
{
	static char what[] = "setting a switch of an adapter";

	sent(sd_bus_call_method_async(bus, NULL, BLUEZ, path, DBUS_PROPERTIES, "Set", on_answer,
				      what, "ssv", BLUEZ_ADAPTER, property, "b", (int)value),
	     what);
}

void bluez_set_u32(sd_bus *bus, const char *path, const char *property, uint32_t value)
{
	static char what[] = "setting a number of an adapter";

	sent(sd_bus_call_method_async(bus, NULL, BLUEZ, path, DBUS_PROPERTIES, "Set", on_answer,
				      what, "ssv", BLUEZ_ADAPTER, property, "u", value),
	     what);
}

void bluez_set_text(sd_bus *bus, const char *path, const char *property, const char *value)
{
	static char what[] = "setting the name of an adapter";

	sent(sd_bus_call_method_async(bus, NULL, BLUEZ, path, DBUS_PROPERTIES, "Set", on_answer,
				      what, "ssv", BLUEZ_ADAPTER, property, "s", value),
	     what);
}

void bluez_disconnect(sd_bus *bus, const char *device)
{
	static char what[] = "disconnecting a central";

	sent(sd_bus_call_method_async(bus, NULL, BLUEZ, device, BLUEZ_DEVICE, "Disconnect",
				      on_answer, what, NULL),
	     what);
}

void bluez_remove_device(sd_bus *bus, const char *device)
{
	static char what[] = "removing the bond of a central";
	char adapter[BLUEZ_PATH_MAX];
	const char *end = strrchr(device, '/');

	if (!end || (size_t)(end - device) >= sizeof(adapter))
		return;
	memcpy(adapter, device, (size_t)(end - device));
	adapter[end - device] = '\0';
	sent(sd_bus_call_method_async(bus, NULL, BLUEZ, adapter, BLUEZ_ADAPTER, "RemoveDevice",
				      on_answer, what, "o", device),
	     what);
}
