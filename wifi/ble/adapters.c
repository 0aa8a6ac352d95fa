/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/adapters.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "wifi/ble/objects.h"
#include "wifi/busread.h"

#define ADAPTERS_MAX 8
/* Connected or paired; whatever else BlueZ hears around it is not kept. */
#define DEVICES_MAX 256
#define POWER_RETRY_US (5 * 1000 * 1000ull)
#define POWER_ACCURACY_US (100 * 1000)
#define ALIAS_MAX 32

struct adapter {
	struct adapters *adapters; /* borrowed; NULL: unused */
	char path[BLUEZ_PATH_MAX];
	unsigned int index;
	bool has_adapter, has_gatt;
	bool is_powered, was_powered;
	bool is_pairable; /* asked to be, since it was switched on */
	bool can_scan_response;
	bool is_told;
	sd_bus_slot *powering;  /* owned; switching on is under way */
	sd_event_source *timer; /* owned; until it is tried again */
};

struct device {
	char path[BLUEZ_PATH_MAX]; /* "": unused */
	uint8_t address[6];
	bool is_connected, is_paired;
};

struct adapters {
	sd_event *event;  /* borrowed */
	sd_bus *bus;      /* borrowed */
	const char *name; /* borrowed */
	const struct adapters_events *events;
	char alias[ALIAS_MAX];

	sd_bus_slot *matches[4]; /* owned */
	sd_bus_slot *listing;    /* owned; GetManagedObjects is under way */
	char *owner;             /* owned; bluetoothd's unique name, NULL while it is not there */
	struct adapter adapters[ADAPTERS_MAX];
	struct device devices[DEVICES_MAX];
};

static int on_power_timer(sd_event_source *source, uint64_t usec, void *userdata);

/* ---- lists ---- */

static struct adapter *find_adapter(const struct adapters *a, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->adapters); i++)
		if (a->adapters[i].adapters && strcmp(a->adapters[i].path, path) == 0)
			return (struct adapter *)&a->adapters[i];
	return NULL;
}

static bool is_wanted(const struct adapters *a, const char *path)
{
	const char *name = path + sizeof(BLUEZ_ROOT "/") - 1;

	return strncmp(path, BLUEZ_ROOT "/", sizeof(BLUEZ_ROOT "/") - 1) == 0 &&
	       !strchr(name, '/') && (!a->name || strcmp(a->name, name) == 0);
}

static struct adapter *add_adapter(struct adapters *a, const char *path)
{
	struct adapter *x = find_adapter(a, path);
	unsigned int index;

	if (x || !is_wanted(a, path) || strlen(path) >= BLUEZ_PATH_MAX ||
	    bluez_index(path, &index) < 0)
		return x;
	for (size_t i = 0; i < ARRAY_SIZE(a->adapters); i++) {
		x = &a->adapters[i];
		if (x->adapters)
			continue;
		*x = (struct adapter){.adapters = a, .index = index};
		bluez_path_copy(x->path, path);
		return x;
	}
	log_warning("ble: %s: too many adapters, ignoring it", path);
	return NULL;
}

static struct device *find_device(const struct adapters *a, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->devices); i++)
		if (*a->devices[i].path && strcmp(a->devices[i].path, path) == 0)
			return (struct device *)&a->devices[i];
	return NULL;
}

/* Bonds become more and more. One that is connected is followed whatever there is beside it: a
 * central whose end is not seen would be served for ever. */
static struct device *find_room(struct adapters *a, bool is_connected)
{
	struct device *bonded = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(a->devices); i++) {
		struct device *d = &a->devices[i];

		if (!*d->path)
			return d;
		if (!d->is_connected)
			bonded = d;
	}
	return is_connected ? bonded : NULL;
}

static struct device *add_device(struct adapters *a, const char *path, bool is_connected)
{
	struct device *d = find_device(a, path);

	if (d)
		return d;
	d = find_room(a, is_connected);
	if (!d) {
		log_debug("ble: %s: too many devices, ignoring it", path);
		return NULL;
	}
	*d = (struct device){0};
	bluez_path_copy(d->path, path);
	(void)!bluez_path_address(path, d->address);
	return d;
}

bool adapters_has(const struct adapters *a, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->adapters); i++) {
		const struct adapter *x = &a->adapters[i];
		size_t len = x->adapters ? strlen(x->path) : 0;

		if (len && strncmp(x->path, path, len) == 0 && path[len] == '/')
			return true;
	}
	return false;
}

/* ---- switching on ---- */

static void power_later(struct adapter *x)
{
	int r;

	x->timer = sd_event_source_disable_unref(x->timer);
	r = sd_event_add_time_relative(x->adapters->event, &x->timer, CLOCK_BOOTTIME,
				       POWER_RETRY_US, POWER_ACCURACY_US, on_power_timer, x);
	if (r < 0)
		log_error("ble: %s: no timer for switching it on: %s", x->path, strerror(-r));
}

static int on_powered(sd_bus_message *m, void *userdata, sd_bus_error *ignored)
{
	struct adapter *x = userdata;
	const sd_bus_error *e = sd_bus_message_get_error(m);

	(void)ignored;
	x->powering = sd_bus_slot_unref(x->powering);
	if (!e || x->was_powered)
		return 0;
	log_warning("ble: %s: switching it on: %s, retrying", x->path, bluez_error_text(e));
	power_later(x);
	return 0;
}

static void power_on(struct adapter *x)
{
	int r;

	r = sd_bus_call_method_async(x->adapters->bus, &x->powering, BLUEZ, x->path,
				     DBUS_PROPERTIES, "Set", on_powered, x, "ssv", BLUEZ_ADAPTER,
				     "Powered", "b", 1);
	if (r < 0) {
		log_warning("ble: %s: switching it on: %s, retrying", x->path, strerror(-r));
		power_later(x);
	}
}

static int on_power_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct adapter *x = userdata;

	(void)source;
	(void)usec;
	x->timer = sd_event_source_disable_unref(x->timer);
	if (!x->was_powered && !x->powering)
		power_on(x);
	return 0;
}

/* Phones ask for a bond, and the kernel refuses that unless the adapter is pairable. */
static void make_pairable(struct adapter *x)
{
	if (x->is_powered && !x->is_pairable)
		bluez_set_bool(x->adapters->bus, x->path, "Pairable", true);
	x->is_pairable = x->is_powered;
}

static void set_up(struct adapter *x)
{
	struct adapters *a = x->adapters;

	bluez_set_u32(a->bus, x->path, "PairableTimeout", 0);
	if (*a->alias)
		bluez_set_text(a->bus, x->path, "Alias", a->alias);
	if (!x->is_powered)
		power_on(x);
}

/* ---- what BlueZ says ---- */

static void tell_adapter(struct adapter *x)
{
	struct adapters *a = x->adapters;
	struct adapter_view view = {.path = x->path,
				    .index = x->index,
				    .is_powered = x->is_powered,
				    .can_scan_response = x->can_scan_response};

	if (!x->has_adapter || !x->has_gatt)
		return;
	if (!x->is_told) {
		x->is_told = true;
		log_info("ble: serving on %s", x->path);
		set_up(x);
	}
	make_pairable(x);
	a->events->changed(a->events->userdata, &view);
}

static void remove_adapter(struct adapter *x)
{
	struct adapters *a = x->adapters;

	x->powering = sd_bus_slot_unref(x->powering);
	x->timer = sd_event_source_disable_unref(x->timer);
	x->adapters = NULL;
	if (x->is_told) {
		log_info("ble: %s is gone", x->path);
		a->events->gone(a->events->userdata, x->path);
	}
}

static void tell_device(struct adapters *a, struct device *d, bool is_connected, bool is_paired)
{
	char path[BLUEZ_PATH_MAX];
	struct device_view view = {.path = path,
				   .is_connected = is_connected,
				   .is_paired = is_paired,
				   .was_connected = d->is_connected,
				   .was_paired = d->is_paired};

	if (is_connected == d->is_connected && is_paired == d->is_paired)
		return;
	bluez_path_copy(path, d->path);
	d->is_connected = is_connected;
	d->is_paired = is_paired;
	if (!is_connected && !is_paired)
		*d->path = '\0';
	a->events->device(a->events->userdata, &view);
}

static void see_device(struct adapters *a, const char *path, const struct bluez_seen *s)
{
	struct device *d;

	if (strlen(path) >= BLUEZ_PATH_MAX)
		return;
	d = find_device(a, path);
	if (!d && s->connected <= 0 && s->paired <= 0)
		return;
	d = add_device(a, path, s->connected > 0);
	if (d && s->has_address)
		memcpy(d->address, s->address, sizeof(d->address));
	if (d)
		tell_device(a, d, s->connected >= 0 ? s->connected : d->is_connected,
			    s->paired >= 0 ? s->paired : d->is_paired);
}

static void see(struct adapters *a, const char *path, const char *interface,
		const struct bluez_seen *s)
{
	struct adapter *x;

	if (strcmp(interface, BLUEZ_DEVICE) == 0) {
		see_device(a, path, s);
		return;
	}
	x = add_adapter(a, path);
	if (!x)
		return;
	if (strcmp(interface, BLUEZ_ADAPTER) == 0) {
		x->has_adapter = true;
		if (s->scan_response >= 0)
			x->can_scan_response = s->scan_response;
		if (s->powered >= 0)
			x->is_powered = s->powered;
		x->was_powered = x->was_powered || x->is_powered;
	} else if (strcmp(interface, BLUEZ_GATT_MANAGER) == 0) {
		x->has_gatt = true;
	} else {
		return;
	}
	tell_adapter(x);
}

/* Devices of an adapter that is not ours are not looked at. */
static bool is_of_interest(const struct adapters *a, const char *path, const char *interface)
{
	if (strcmp(interface, BLUEZ_DEVICE) == 0) {
		const char *end = strrchr(path, '/');
		char adapter[BLUEZ_PATH_MAX];

		if (!end || (size_t)(end - path) >= sizeof(adapter))
			return false;
		memcpy(adapter, path, (size_t)(end - path));
		adapter[end - path] = '\0';
		return is_wanted(a, adapter);
	}
	return is_wanted(a, path) && (strcmp(interface, BLUEZ_ADAPTER) == 0 ||
				      strcmp(interface, BLUEZ_GATT_MANAGER) == 0);
}

static int read_interface(sd_bus_message *m, const char *path, const char *interface,
			  void *userdata)
{
	struct adapters *a = userdata;
	struct bluez_seen s;
	int r;

	if (!is_of_interest(a, path, interface))
		return 0;
	r = bluez_read_properties(m, &s);
	if (r < 0)
		return r;
	see(a, path, interface, &s);
	return 1;
}

static int on_added(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct adapters *a = userdata;

	(void)error;
	if (adapters_is_bluez(a, m) && busread_object(m, read_interface, a) < 0)
		log_debug("ble: InterfacesAdded that cannot be read");
	return 0;
}

static void forget_device(struct adapters *a, const char *path)
{
	struct device *d = find_device(a, path);

	if (d)
		tell_device(a, d, false, false);
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct adapters *a = userdata;
	const char *path, *interface;
	struct adapter *x;

	(void)error;
	if (!adapters_is_bluez(a, m) || sd_bus_message_read(m, "o", &path) < 0 ||
	    sd_bus_message_enter_container(m, 'a', "s") < 0)
		return 0;
	while (sd_bus_message_read(m, "s", &interface) > 0) {
		x = find_adapter(a, path);
		if (strcmp(interface, BLUEZ_DEVICE) == 0)
			forget_device(a, path);
		else if (x && (strcmp(interface, BLUEZ_ADAPTER) == 0 ||
			       strcmp(interface, BLUEZ_GATT_MANAGER) == 0))
			remove_adapter(x);
	}
	return 0;
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct adapters *a = userdata;
	const char *path = sd_bus_message_get_path(m), *interface;
	struct bluez_seen s;

	(void)error;
	if (!adapters_is_bluez(a, m) || sd_bus_message_read(m, "s", &interface) < 0)
		return 0;
	if (!is_of_interest(a, path, interface))
		return 0;
	if (bluez_read_properties(m, &s) < 0) {
		log_debug("ble: %s: PropertiesChanged that cannot be read", path);
		return 0;
	}
	/* Signal strength and the like come by the dozen. */
	if (s.powered >= 0 || s.connected >= 0 || s.paired >= 0 || s.has_address)
		see(a, path, interface, &s);
	return 0;
}

/* ---- bluetoothd ---- */

static void lose(struct adapters *a)
{
	bool was_there = a->owner;

	a->listing = sd_bus_slot_unref(a->listing);
	free(a->owner);
	a->owner = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(a->devices); i++)
		if (*a->devices[i].path)
			tell_device(a, &a->devices[i], false, false);
	for (size_t i = 0; i < ARRAY_SIZE(a->adapters); i++)
		if (a->adapters[i].adapters)
			remove_adapter(&a->adapters[i]);
	if (was_there)
		a->events->bluez(a->events->userdata, false);
}

static int on_listed(sd_bus_message *m, void *userdata, sd_bus_error *ignored)
{
	struct adapters *a = userdata;
	const sd_bus_error *e = sd_bus_message_get_error(m);
	const char *sender = sd_bus_message_get_sender(m);
	int r;

	(void)ignored;
	a->listing = sd_bus_slot_unref(a->listing);
	if (e) {
		/* Nobody has the name: NameOwnerChanged will tell. */
		log_debug("ble: listing the objects of BlueZ: %s", e->name);
		return 0;
	}
	if (!sender)
		return 0;
	free(a->owner);
	a->owner = strdup(sender);
	if (!a->owner) {
		log_error("ble: %s", strerror(ENOMEM));
		return 0;
	}
	a->events->bluez(a->events->userdata, true);
	r = busread_objects(m, read_interface, a);
	if (r < 0)
		log_warning("ble: the list of BlueZ's objects cannot be read: %s", strerror(-r));
	return 0;
}

static int list(struct adapters *a)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	a->listing = sd_bus_slot_unref(a->listing);
	r = sd_bus_message_new_method_call(a->bus, &m, BLUEZ, "/", DBUS_OBJECT_MANAGER,
					   "GetManagedObjects");
	if (r < 0)
		return r;
	r = sd_bus_message_set_auto_start(m, false);
	if (r < 0)
		return r;
	r = sd_bus_call_async(a->bus, &a->listing, m, on_listed, a, 0);
	return r < 0 ? r : 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct adapters *a = userdata;
	const char *name, *before, *now, *sender;
	int r;

	(void)error;
	/* The match does not keep others from sending it to us straight. */
	sender = sd_bus_message_get_sender(m);
	if (!sender || strcmp(sender, "org.freedesktop.DBus") != 0 ||
	    sd_bus_message_read(m, "sss", &name, &before, &now) < 0 || strcmp(name, BLUEZ) != 0)
		return 0;
	lose(a);
	if (!*now)
		return 0;
	r = list(a);
	if (r < 0)
		log_error("ble: listing the objects of BlueZ: %s", strerror(-r));
	return 0;
}

/* ---- life ---- */

static int listen_to_bluez(struct adapters *a)
{
	int r;

	r = sd_bus_add_match_async(a->bus, &a->matches[0],
				   "type='signal',sender='org.freedesktop.DBus',"
				   "path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
				   "member='NameOwnerChanged',arg0='" BLUEZ "'",
				   on_owner, NULL, a);
	if (r < 0)
		return r;
	r = sd_bus_match_signal_async(a->bus, &a->matches[1], BLUEZ, "/", DBUS_OBJECT_MANAGER,
				      "InterfacesAdded", on_added, NULL, a);
	if (r < 0)
		return r;
	r = sd_bus_match_signal_async(a->bus, &a->matches[2], BLUEZ, "/", DBUS_OBJECT_MANAGER,
				      "InterfacesRemoved", on_removed, NULL, a);
	if (r < 0)
		return r;
	return sd_bus_match_signal_async(a->bus, &a->matches[3], BLUEZ, NULL, DBUS_PROPERTIES,
					 "PropertiesChanged", on_properties, NULL, a);
}

int adapters_new(sd_event *event, sd_bus *bus, const char *name,
		 const struct adapters_events *events, struct adapters **ret)
{
	_cleanup_(adapters_freep) struct adapters *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->event = event;
	a->bus = bus;
	a->name = name;
	a->events = events;
	r = listen_to_bluez(a);
	if (r < 0)
		return r;
	r = list(a);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(a);
	return 0;
}

struct adapters *adapters_free(struct adapters *a)
{
	if (!a)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(a->matches); i++)
		sd_bus_slot_unref(a->matches[i]);
	sd_bus_slot_unref(a->listing);
	for (size_t i = 0; i < ARRAY_SIZE(a->adapters); i++) {
		sd_bus_slot_unref(a->adapters[i].powering);
		sd_event_source_disable_unref(a->adapters[i].timer);
	}
	free(a->owner);
	free(a);
	return NULL;
}

bool adapters_is_bluez(const struct adapters *a, sd_bus_message *m)
{
	const char *sender = sd_bus_message_get_sender(m);

	return a->owner && sender && strcmp(a->owner, sender) == 0;
}

const char *adapters_bluez(const struct adapters *a)
{
	return a->owner;
}

void adapters_note_connected(struct adapters *a, const char *device)
{
	struct bluez_seen s = BLUEZ_SEEN_NOTHING;

	s.connected = 1;
	see_device(a, device, &s);
}

int adapters_address(const struct adapters *a, const char *device, uint8_t ret[static 6])
{
	const struct device *d = find_device(a, device);

	if (!d)
		return -ENOENT;
	memcpy(ret, d->address, sizeof(d->address));
	return 0;
}

void adapters_set_alias(struct adapters *a, const char *alias)
{
	if (strcmp(a->alias, alias) == 0 || strlen(alias) >= sizeof(a->alias))
		return;
	(void)snprintf(a->alias, sizeof(a->alias), "%s", alias);
	for (size_t i = 0; i < ARRAY_SIZE(a->adapters); i++)
		if (a->adapters[i].adapters && a->adapters[i].is_told)
			bluez_set_text(a->bus, a->adapters[i].path, "Alias", alias);
}

const char *adapters_missing(const struct adapters *a)
{
	const char *why = "there is no Bluetooth adapter";

	if (!a->owner)
		return "bluetoothd is not running";
	for (size_t i = 0; i < ARRAY_SIZE(a->adapters); i++) {
		if (!a->adapters[i].adapters || !a->adapters[i].is_told)
			continue;
		if (a->adapters[i].is_powered)
			return NULL;
		why = "the Bluetooth adapter is switched off";
	}
	return why;
}
