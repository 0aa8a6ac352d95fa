/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/advert_bluez.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "wifi/ble/advertdata.h"
#include "wifi/ble/registration.h"

#define ADVERTISEMENT_INTERFACE "org.bluez.LEAdvertisement1"
#define PATH_FORMAT BLE_PATH "/advertisement%u_%u"
#define PATH_SIZE (sizeof(PATH_FORMAT) + 20)

struct advert_bluez {
	const struct adapters *adapters; /* borrowed */
	struct advertisement advertisement;
	char path[PATH_SIZE];
	advert_bluez_fn fn;
	void *userdata;
	sd_bus_slot *vtable;               /* owned */
	struct registration *registration; /* owned */
};

/* ---- properties ---- */

static int get_uuids(sd_bus *bus, const char *path, const char *interface, const char *property,
		     sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)userdata;
	(void)error;
	return sd_bus_message_append(reply, "as", 1, BLE_UUID_SERVICE);
}

static int get_service_data(sd_bus *bus, const char *path, const char *interface,
			    const char *property, sd_bus_message *reply, void *userdata,
			    sd_bus_error *error)
{
	const struct advert_bluez *b = userdata;
	uint8_t data[ADVERTDATA_SERVICE_DATA_LEN];

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	advertdata_service_data(&b->advertisement, data);
	return sd_bus_message_append(reply, "a{sv}", 1, BLE_UUID_SERVICE, "ay", sizeof(data),
				     data[0], data[1], data[2], data[3]);
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
		    sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct advert_bluez *b = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	return sd_bus_message_append(
		reply, "s", strcmp(property, "Type") == 0 ? "peripheral" : b->advertisement.name);
}

/* With it, BlueZ puts the Flags of a discoverable device there; without it, none or wrong ones. */
static int get_discoverable(sd_bus *bus, const char *path, const char *interface,
			    const char *property, sd_bus_message *reply, void *userdata,
			    sd_bus_error *error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)userdata;
	(void)error;
	return sd_bus_message_append(reply, "b", 1);
}

static int get_interval(sd_bus *bus, const char *path, const char *interface, const char *property,
			sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct advert_bluez *b = userdata;
	uint32_t min_ms, max_ms;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	advertdata_interval_ms(&b->advertisement, &min_ms, &max_ms);
	return sd_bus_message_append(reply, "u",
				     strcmp(property, "MinInterval") == 0 ? min_ms : max_ms);
}

/* BlueZ drops it: its adapter goes away, or bluetoothd stops. adapters.h tells that, too. */
static int method_release(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct advert_bluez *b = userdata;

	if (!adapters_is_bluez(b->adapters, m))
		return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "not for you");
	log_debug("ble: %s: released", b->path);
	return sd_bus_reply_method_return(m, NULL);
}

#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define OPEN SD_BUS_VTABLE_UNPRIVILEGED
#define COMMON                                                                                     \
	SD_BUS_PROPERTY("Type", "s", get_text, 0, CONST),                                          \
		SD_BUS_PROPERTY("LocalName", "s", get_text, 0, CONST),                             \
		SD_BUS_PROPERTY("Discoverable", "b", get_discoverable, 0, CONST),                  \
		SD_BUS_PROPERTY("MinInterval", "u", get_interval, 0, CONST),                       \
		SD_BUS_PROPERTY("MaxInterval", "u", get_interval, 0, CONST),                       \
		SD_BUS_METHOD("Release", "", "", method_release, OPEN)

/* Flags and service data are 25 bytes, the list of UUIDs and the name (which BlueZ always puts into
 * the scan response) are 28. The other way round the scan response would be one byte too long, and
 * BlueZ would go over to extended packets, which phones do not look for. */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	COMMON,
	SD_BUS_PROPERTY("ServiceData", "a{sv}", get_service_data, 0, CONST),
	SD_BUS_PROPERTY("ScanResponseServiceUUIDs", "as", get_uuids, 0, CONST),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable vtable_short[] = {
	SD_BUS_VTABLE_START(0),
	COMMON,
	SD_BUS_PROPERTY("ServiceUUIDs", "as", get_uuids, 0, CONST),
	SD_BUS_VTABLE_END,
};

/* ---- life ---- */

static void on_registered(void *userdata, const sd_bus_error *error)
{
	struct advert_bluez *b = userdata;

	if (error)
		b->fn(b->userdata, false, bluez_error_text(error));
	else
		b->fn(b->userdata, true, NULL);
}

int advert_bluez_new(sd_event *event, sd_bus *bus, const struct adapters *adapters,
		     const struct adapter_view *adapter, const struct advertisement *advertisement,
		     advert_bluez_fn fn, void *userdata, struct advert_bluez **ret)
{
	/* A path of its own for each: BlueZ may not have dropped the one before yet. */
	static unsigned int serial;
	_cleanup_(advert_bluez_freep) struct advert_bluez *b = calloc(1, sizeof(*b));
	struct registration_target target = {
		.manager_path = adapter->path,
		.manager_interface = BLUEZ_ADVERTISING_MANAGER,
		.add = "RegisterAdvertisement",
		.remove = "UnregisterAdvertisement",
	};
	int r;

	if (!b)
		return -ENOMEM;
	b->adapters = adapters;
	b->advertisement = *advertisement;
	b->fn = fn;
	b->userdata = userdata;
	(void)snprintf(b->path, sizeof(b->path), PATH_FORMAT, adapter->index, serial++);
	target.object = b->path;
	r = sd_bus_add_object_vtable(bus, &b->vtable, b->path, ADVERTISEMENT_INTERFACE,
				     adapter->can_scan_response ? vtable : vtable_short, b);
	if (r < 0)
		return r;
	r = registration_new(event, bus, &target, on_registered, b, &b->registration);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(b);
	return 0;
}

struct advert_bluez *advert_bluez_free(struct advert_bluez *b)
{
	if (!b)
		return NULL;
	registration_free(b->registration);
	sd_bus_slot_unref(b->vtable);
	free(b);
	return NULL;
}
