/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/central/central.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "wifi/central/internal.h"

#define OPEN_MS 10000

/* ---- signals ---- */

static bool is_in_adapter(const struct central *c, const char *path)
{
	const size_t len = c->adapter ? strlen(c->adapter) : 0;

	return len > 0 && strncmp(path, c->adapter, len) == 0 && path[len] == '/';
}

/* Others can send us signals straight, past the matches. */
static bool is_from(sd_bus_message *m, const char *name)
{
	const char *sender = sd_bus_message_get_sender(m);

	return sender && name && strcmp(sender, name) == 0;
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct central *c = userdata;
	const char *path = sd_bus_message_get_path(m), *interface;
	int r;

	(void)error;
	if (!is_from(m, c->owner))
		return 0;
	r = sd_bus_message_read(m, "s", &interface);
	if (r < 0 || !is_in_adapter(c, path))
		return 0;
	if (strcmp(interface, CHARACTERISTIC1) == 0)
		r = exchange_on_value(c, path, m);
	else if (strcmp(interface, DEVICE1) == 0 && c->device && strcmp(path, c->device) == 0)
		r = device_on_changed(c, m);
	else if (strcmp(interface, DEVICE1) == 0)
		r = seen_update(&c->seen, path, m);
	return r < 0 ? r : 0;
}

static int read_interface(sd_bus_message *m, const char *path, const char *interface,
			  void *userdata)
{
	struct central *c = userdata;
	int r;

	if (!is_in_adapter(c, path) || strcmp(interface, DEVICE1) != 0)
		return 0;
	r = seen_update(&c->seen, path, m);
	return r < 0 ? r : 1;
}

static int on_added(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct central *c = userdata;

	(void)error;
	return is_from(m, c->owner) ? busread_object(m, read_interface, c) : 0;
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct central *c = userdata;
	const char *path, *interface;
	int r;

	(void)error;
	if (!is_from(m, c->owner))
		return 0;
	r = sd_bus_message_read(m, "o", &path);
	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'a', "s");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "s", &interface)) > 0) {
		if (strcmp(interface, ADAPTER1) == 0 && c->adapter && strcmp(path, c->adapter) == 0)
			c->is_gone = true;
		if (strcmp(interface, DEVICE1) != 0)
			continue;
		seen_remove(&c->seen, path);
		if (c->device && strcmp(path, c->device) == 0)
			c->is_connected = false;
	}
	return r < 0 ? r : 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct central *c = userdata;
	const char *name, *old_owner, *new_owner;
	int r;

	(void)error;
	if (!is_from(m, "org.freedesktop.DBus"))
		return 0;
	r = sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner);
	/* A new one knows nothing of what we had from the old. */
	if (r >= 0 && *old_owner)
		c->is_gone = true;
	return r < 0 ? r : 0;
}

/* ---- opening ---- */

static int match(struct central *c)
{
	int r;

	r = sd_bus_add_match(c->bus, NULL,
			     "type='signal',sender='org.freedesktop.DBus',"
			     "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
			     "arg0='" BLUEZ "'",
			     on_owner, c);
	if (r >= 0)
		r = sd_bus_match_signal(c->bus, NULL, BLUEZ, NULL, PROPERTIES, "PropertiesChanged",
					on_changed, c);
	if (r >= 0)
		r = sd_bus_match_signal(c->bus, NULL, BLUEZ, "/",
					"org.freedesktop.DBus.ObjectManager", "InterfacesAdded",
					on_added, c);
	if (r >= 0)
		r = sd_bus_match_signal(c->bus, NULL, BLUEZ, "/",
					"org.freedesktop.DBus.ObjectManager", "InterfacesRemoved",
					on_removed, c);
	return r < 0 ? central_fail(c, r, "the system bus: %s", strerror(-r)) : 0;
}

/* Whether an adapter is on: -ENODEV when there is no such adapter. */
static int read_powered(struct central *c, const char *path, bool *ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r, powered;

	r = sd_bus_get_property_trivial(c->bus, BLUEZ, path, ADAPTER1, "Powered", &error, 'b',
					&powered);
	if (r < 0)
		return -ENODEV;
	*ret = powered;
	return 0;
}

static int take_adapter(struct central *c, const char *path)
{
	c->adapter = strdup(path);
	return c->adapter ? 0 : central_fail(c, -ENOMEM, "%s", strerror(ENOMEM));
}

static int named_adapter(struct central *c)
{
	char path[64];
	bool is_powered;

	snprintf(path, sizeof(path), "/org/bluez/%.32s", c->options.adapter);
	if (!sd_bus_object_path_is_valid(path) || read_powered(c, path, &is_powered) < 0)
		return central_fail(c, -ENODEV, "there is no Bluetooth adapter %.32s",
				    c->options.adapter);
	if (!is_powered)
		return central_fail(c, -ENODEV,
				    "the Bluetooth adapter %.32s is off; on: bluetoothctl power on",
				    c->options.adapter);
	return take_adapter(c, path);
}

#define ADAPTERS_MAX 16

static int first_adapter(struct central *c)
{
	char path[64];
	bool is_powered, is_there = false;

	for (int i = 0; i < ADAPTERS_MAX; i++) {
		snprintf(path, sizeof(path), "/org/bluez/hci%d", i);
		if (read_powered(c, path, &is_powered) < 0)
			continue;
		if (is_powered)
			return take_adapter(c, path);
		is_there = true;
	}
	return central_fail(c, -ENODEV, "%s",
			    is_there ? "Bluetooth is off; on: bluetoothctl power on"
				     : "this machine has no Bluetooth adapter");
}

static int find_bluez(struct central *c)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *owner;
	int r;

	r = sd_bus_call_method(c->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			       "org.freedesktop.DBus", "GetNameOwner", &error, &reply, "s", BLUEZ);
	if (r < 0 || sd_bus_message_read(reply, "s", &owner) < 0)
		return central_fail(c, -ENODEV,
				    "Bluetooth does not run: systemctl start bluetooth");
	c->owner = strdup(owner);
	return c->owner ? 0 : central_fail(c, -ENOMEM, "%s", strerror(ENOMEM));
}

int central_open(const struct central_options *options, struct central **ret)
{
	struct central *c = calloc(1, sizeof(*c));
	int r;

	*ret = c;
	if (!c)
		return -ENOMEM;
	c->options = *options;
	r = sd_bus_open_system(&c->bus);
	if (r < 0)
		return central_fail(c, r, "cannot reach the system bus: %s", strerror(-r));
	r = sd_bus_set_method_call_timeout(c->bus, (uint64_t)OPEN_MS * 1000);
	if (r < 0)
		return central_fail(c, r, "the system bus: %s", strerror(-r));
	r = match(c);
	if (r == 0)
		r = find_bluez(c);
	if (r == 0)
		r = options->adapter ? named_adapter(c) : first_adapter(c);
	return r;
}

struct central *central_free(struct central *c)
{
	if (!c)
		return NULL;
	if (c->adapter)
		central_disconnect(c);
	queue_clear(&c->queue);
	seen_clear(&c->seen);
	sd_bus_slot_unref(c->agent);
	sd_bus_flush_close_unref(c->bus);
	free(c->owner);
	free(c->adapter);
	free(c->device);
	free(c->info);
	free(c->control);
	free(c->output);
	free(c->claim);
	free(c);
	return NULL;
}

/* ---- discovery ---- */

/* Some controllers tell each device once for each start, and a report that comes as the discovery
 * starts can be lost: so it starts over and over. */
#define ROUND_MS 1500
#define DISCOVERY_CALL_MS 10000

static int set_filter(struct central *c)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = central_message(c, c->adapter, ADAPTER1, "SetDiscoveryFilter", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "a{sv}", 3, "Transport", "s", "le", "UUIDs", "as", 1,
				  WIFI_SERVICE, "DuplicateData", "b", 1);
	if (r < 0)
		return central_fail(c, r, "discovery: %s", strerror(-r));
	return central_call(c, m, central_deadline(0, DISCOVERY_CALL_MS), "discovery", NULL);
}

/* One round; true in *ret_enough when fn says so. */
static int listen(struct central *c, uint64_t end_ms,
		  bool (*fn)(void *userdata, const struct central_device *d), void *userdata,
		  bool *ret_enough)
{
	const struct central_device *d;
	int r = 0;

	while (r == 0) {
		while ((d = seen_next(&c->seen)))
			if (fn(userdata, d)) {
				*ret_enough = true;
				return 0;
			}
		r = central_step(c, end_ms, "discovery");
	}
	return r == -ETIMEDOUT ? 0 : r;
}

int central_discover(struct central *c, uint64_t timeout_ms,
		     bool (*fn)(void *userdata, const struct central_device *d), void *userdata)
{
	const uint64_t end_ms = central_deadline(timeout_ms, 30000);
	bool is_enough = false;
	int r;

	seen_clear(&c->seen);
	r = set_filter(c);
	if (r == 0)
		/* What BlueZ knows already: names and addresses do not come again. */
		r = central_objects(c, read_interface);
	while (r == 0 && !is_enough && clock_ms() < end_ms) {
		r = central_call_plain(c, c->adapter, ADAPTER1, "StartDiscovery",
				       central_deadline(0, DISCOVERY_CALL_MS), "discovery");
		if (r < 0)
			break;
		r = listen(c, MIN(end_ms, clock_ms() + ROUND_MS), fn, userdata, &is_enough);
		if (r == 0)
			r = central_call_plain(c, c->adapter, ADAPTER1, "StopDiscovery",
					       central_deadline(0, DISCOVERY_CALL_MS), "discovery");
	}
	return r;
}
