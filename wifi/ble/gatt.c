/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/gatt.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "wifi/ble/gattoptions.h"
#include "wifi/ble/registration.h"

#define GATT_PATH BLE_PATH "/gatt"
#define SERVICE_PATH GATT_PATH "/service"
#define INFO_PATH SERVICE_PATH "/info"
#define CONTROL_PATH SERVICE_PATH "/control"
#define DATA_OUT_PATH SERVICE_PATH "/dataout"
#define CLAIM_SERVICE_PATH GATT_PATH "/claim"
#define CLAIM_PATH CLAIM_SERVICE_PATH "/value"
#define SERVICE_INTERFACE "org.bluez.GattService1"
#define CHARACTERISTIC_INTERFACE "org.bluez.GattCharacteristic1"

#define ADAPTERS_MAX 8
#define VALUE_MAX 512 /* of an attribute */

struct characteristic {
	struct gatt *gatt; /* borrowed */
	const char *service, *path, *uuid;
	const char *const *flags;
};

struct served {
	struct gatt *gatt; /* borrowed; NULL: unused */
	char adapter[BLUEZ_PATH_MAX];
	struct registration *registration; /* owned */
};

struct gatt {
	sd_event *event;                 /* borrowed */
	sd_bus *bus;                     /* borrowed */
	const struct adapters *adapters; /* borrowed */
	const struct gatt_events *events;
	struct characteristic info, control, data_out, claim;
	sd_bus_slot *slots[7]; /* owned */
	struct served served[ADAPTERS_MAX];
};

static const char *const info_flags[] = {"read", NULL};
/* Together these give the table of docs/ble.md §1: readable by anybody, everything else only over
 * an encrypted link, including the subscriptions. */
static const char *const control_flags[] = {"write", "encrypt-write", "indicate",
					    "encrypt-indicate", NULL};
static const char *const data_out_flags[] = {"notify", "encrypt-notify", NULL};
static const char *const claim_flags[] = {"read", "encrypt-read", NULL};
/* The same for a link whose peer has proved that it sees our display. */
static const char *const control_flags_passkey[] = {
	"write", "encrypt-authenticated-write", "indicate", "encrypt-authenticated-indicate", NULL};
static const char *const data_out_flags_passkey[] = {"notify", "encrypt-authenticated-notify",
						     NULL};
static const char *const claim_flags_passkey[] = {"read", "encrypt-authenticated-read", NULL};

/* ---- properties ---- */

static int get_characteristic(sd_bus *bus, const char *path, const char *interface,
			      const char *property, sd_bus_message *reply, void *userdata,
			      sd_bus_error *error)
{
	const struct characteristic *c = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	if (strcmp(property, "Flags") == 0)
		return sd_bus_message_append_strv(reply, (char **)(uintptr_t)c->flags);
	if (strcmp(property, "Service") == 0)
		return sd_bus_message_append(reply, "o", c->service);
	return sd_bus_message_append(reply, "s", c->uuid);
}

static int get_service(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	(void)bus;
	(void)interface;
	(void)userdata;
	(void)error;
	if (strcmp(property, "Primary") == 0)
		return sd_bus_message_append(reply, "b", 1);
	return sd_bus_message_append(reply, "s",
				     strcmp(path, SERVICE_PATH) == 0 ? BLE_UUID_SERVICE
								     : BLE_UUID_CLAIM_SERVICE);
}

/* ---- methods ---- */

static int refuse(sd_bus_error *error, int r)
{
	const char *name = "org.bluez.Error.Failed";

	if (r == -EMSGSIZE || r == -ENOBUFS)
		name = "org.bluez.Error.InvalidValueLength";
	else if (r == -EBUSY)
		name = "org.bluez.Error.InProgress";
	else if (r == -EACCES || r == -EPERM)
		name = "org.bluez.Error.NotAuthorized";
	else if (r == -ERANGE)
		name = "org.bluez.Error.InvalidOffset";
	else if (r == -ENOTSUP)
		name = "org.bluez.Error.NotSupported";
	return sd_bus_error_setf(error, name, "%s", strerror(-r));
}

/* Every user of the machine can reach our objects; only bluetoothd speaks for a central. */
static bool is_allowed(const struct characteristic *c, sd_bus_message *m)
{
	return adapters_is_bluez(c->gatt->adapters, m);
}

static int read_options(const struct characteristic *c, sd_bus_message *m, struct gatt_options *ret)
{
	int r = gatt_options_read(m, ret);

	if (r < 0)
		return r;
	return *ret->device && adapters_has(c->gatt->adapters, ret->device) ? 0 : -EINVAL;
}

/* The value from the offset on, into ret. */
static int read_value(const struct characteristic *c, const struct gatt_options *o,
		      uint8_t ret[static VALUE_MAX], size_t *ret_len)
{
	const struct gatt_events *events = c->gatt->events;
	size_t len = 0;
	int r;

	if (c == &c->gatt->claim)
		return events->read_claim(events->userdata, o->device, o->offset, ret, VALUE_MAX,
					  ret_len);
	r = events->read(events->userdata, o->device, ret, VALUE_MAX, &len);
	if (r < 0)
		return r;
	if (o->offset > len)
		return -ERANGE;
	memmove(ret, ret + o->offset, len - o->offset);
	*ret_len = len - o->offset;
	return 0;
}

static int reply_value(sd_bus_message *m, const uint8_t *value, size_t len)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_return(m, &reply);
	/* It may carry a claim token. */
	if (r >= 0)
		r = sd_bus_message_sensitive(reply);
	if (r >= 0)
		r = sd_bus_message_append_array(reply, 'y', value, len);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_read(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct characteristic *c = userdata;
	struct gatt_options o;
	uint8_t value[VALUE_MAX];
	size_t len = 0;
	int r;

	if ((c != &c->gatt->info && c != &c->gatt->claim) || !is_allowed(c, m))
		return refuse(error, -EACCES);
	r = read_options(c, m, &o);
	if (r == 0)
		r = read_value(c, &o, value, &len);
	if (r < 0)
		return refuse(error, r);
	r = reply_value(m, value, len);
	secret_wipe(value, sizeof(value));
	return r;
}

static int method_write(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct characteristic *c = userdata;
	const struct gatt_events *events = c->gatt->events;
	struct gatt_options o;
	const void *data;
	size_t len;
	int r;

	/* It may carry a passphrase. */
	(void)sd_bus_message_sensitive(m);
	if (c != &c->gatt->control || !is_allowed(c, m))
		return refuse(error, -EACCES);
	r = sd_bus_message_read_array(m, 'y', &data, &len);
	if (r < 0)
		return refuse(error, r);
	r = read_options(c, m, &o);
	if (r < 0)
		return refuse(error, r);
	/* BlueZ puts a long write together: one that does not begin at the beginning is no whole
	 * message. */
	if (o.offset != 0)
		return refuse(error, -ERANGE);
	if (len > VALUE_MAX)
		return refuse(error, -EMSGSIZE);
	if (!o.is_prepare) {
		r = events->write(events->userdata, o.device, gatt_options_limit(&o), data, len);
		if (r < 0)
			return refuse(error, r);
	}
	return sd_bus_reply_method_return(m, NULL);
}

/* Told about the first subscription only; a bonded central's is restored in silence. So nothing
 * depends on these. */
static int method_subscription(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct characteristic *c = userdata;

	if (!is_allowed(c, m))
		return refuse(error, -EACCES);
	log_debug("ble: %s of %s", sd_bus_message_get_member(m), c->path);
	return sd_bus_reply_method_return(m, NULL);
}

#define CONST SD_BUS_VTABLE_PROPERTY_CONST
/* bluetoothd may run as any user; who calls is checked by its name on the bus. */
#define OPEN SD_BUS_VTABLE_UNPRIVILEGED

/* clang-format off */
static const sd_bus_vtable service_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("UUID", "s", get_service, 0, CONST),
	SD_BUS_PROPERTY("Primary", "b", get_service, 0, CONST),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable characteristic_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("UUID", "s", get_characteristic, 0, CONST),
	SD_BUS_PROPERTY("Service", "o", get_characteristic, 0, CONST),
	SD_BUS_PROPERTY("Flags", "as", get_characteristic, 0, CONST),
	SD_BUS_METHOD("ReadValue", "a{sv}", "ay", method_read, OPEN),
	SD_BUS_METHOD("WriteValue", "aya{sv}", "", method_write, OPEN | SD_BUS_VTABLE_SENSITIVE),
	SD_BUS_METHOD("StartNotify", "", "", method_subscription, OPEN),
	SD_BUS_METHOD("StopNotify", "", "", method_subscription, OPEN),
	SD_BUS_METHOD("Confirm", "", "", method_subscription, OPEN),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

/* ---- sending ---- */

static int append_value(sd_bus_message *m, const void *data, size_t len)
{
	int r;

	r = sd_bus_message_append(m, "s", CHARACTERISTIC_INTERFACE);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "{sv}");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", "Value");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "ay");
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', data, len);
	for (int i = 0; r >= 0 && i < 3; i++)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_message_append(m, "as", 0);
	return r;
}

/* Sent to bluetoothd alone: what a central learns is no news for every user of the machine. */
void gatt_send(struct gatt *g, enum gatt_channel channel, const void *data, size_t len)
{
	const struct characteristic *c = channel == GATT_CONTROL ? &g->control : &g->data_out;
	const char *bluez = adapters_bluez(g->adapters);
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	if (!bluez)
		return;
	r = sd_bus_message_new_signal(g->bus, &m, c->path, DBUS_PROPERTIES, "PropertiesChanged");
	if (r >= 0)
		r = append_value(m, data, len);
	if (r >= 0)
		r = sd_bus_send_to(g->bus, m, bluez, NULL);
	if (r < 0)
		log_warning("ble: sending over %s: %s", c->path, strerror(-r));
}

/* ---- registration ---- */

static struct served *find_served(struct gatt *g, const char *adapter)
{
	for (size_t i = 0; i < ARRAY_SIZE(g->served); i++)
		if (g->served[i].gatt && strcmp(g->served[i].adapter, adapter) == 0)
			return &g->served[i];
	return NULL;
}

static void on_registered(void *userdata, const sd_bus_error *error)
{
	const struct served *s = userdata;

	if (error)
		log_warning("ble: %s: registering the service: %s, retrying", s->adapter,
			    bluez_error_text(error));
	else
		log_debug("ble: %s: the service is registered", s->adapter);
}

void gatt_serve(struct gatt *g, const char *adapter)
{
	struct registration_target target = {
		.manager_path = adapter,
		.manager_interface = BLUEZ_GATT_MANAGER,
		.add = "RegisterApplication",
		.remove = "UnregisterApplication",
		.object = GATT_PATH,
	};
	int r;

	if (find_served(g, adapter) || strlen(adapter) >= BLUEZ_PATH_MAX)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(g->served); i++) {
		struct served *s = &g->served[i];

		if (s->gatt)
			continue;
		bluez_path_copy(s->adapter, adapter);
		r = registration_new(g->event, g->bus, &target, on_registered, s, &s->registration);
		if (r < 0)
			log_error("ble: %s: registering the service: %s", adapter, strerror(-r));
		else
			s->gatt = g;
		return;
	}
}

void gatt_leave(struct gatt *g, const char *adapter)
{
	struct served *s = find_served(g, adapter);

	if (!s)
		return;
	s->registration = registration_free(s->registration);
	s->gatt = NULL;
}

/* ---- life ---- */

static int add_characteristic(struct gatt *g, sd_bus_slot **slot, struct characteristic *c)
{
	c->gatt = g;
	return sd_bus_add_object_vtable(g->bus, slot, c->path, CHARACTERISTIC_INTERFACE,
					characteristic_vtable, c);
}

static int add_objects(struct gatt *g)
{
	int r;

	r = sd_bus_add_object_manager(g->bus, &g->slots[0], GATT_PATH);
	if (r < 0)
		return r;
	r = sd_bus_add_object_vtable(g->bus, &g->slots[1], SERVICE_PATH, SERVICE_INTERFACE,
				     service_vtable, g);
	if (r < 0)
		return r;
	r = add_characteristic(g, &g->slots[2], &g->info);
	if (r < 0)
		return r;
	r = add_characteristic(g, &g->slots[3], &g->control);
	if (r < 0)
		return r;
	r = add_characteristic(g, &g->slots[4], &g->data_out);
	if (r < 0)
		return r;
	r = sd_bus_add_object_vtable(g->bus, &g->slots[5], CLAIM_SERVICE_PATH, SERVICE_INTERFACE,
				     service_vtable, g);
	if (r < 0)
		return r;
	return add_characteristic(g, &g->slots[6], &g->claim);
}

int gatt_new(sd_event *event, sd_bus *bus, const struct adapters *adapters, enum pairing pairing,
	     const struct gatt_events *events, struct gatt **ret)
{
	_cleanup_(gatt_freep) struct gatt *g = calloc(1, sizeof(*g));
	bool is_passkey = pairing == PAIRING_PASSKEY;
	int r;

	if (!g)
		return -ENOMEM;
	g->event = event;
	g->bus = bus;
	g->adapters = adapters;
	g->events = events;
	g->info = (struct characteristic){.service = SERVICE_PATH,
					  .path = INFO_PATH,
					  .uuid = BLE_UUID_INFO,
					  .flags = info_flags};
	g->control = (struct characteristic){.service = SERVICE_PATH,
					     .path = CONTROL_PATH,
					     .uuid = BLE_UUID_CONTROL,
					     .flags = is_passkey ? control_flags_passkey
								 : control_flags};
	g->data_out = (struct characteristic){.service = SERVICE_PATH,
					      .path = DATA_OUT_PATH,
					      .uuid = BLE_UUID_DATA_OUT,
					      .flags = is_passkey ? data_out_flags_passkey
								  : data_out_flags};
	g->claim = (struct characteristic){.service = CLAIM_SERVICE_PATH,
					   .path = CLAIM_PATH,
					   .uuid = BLE_UUID_CLAIM,
					   .flags = is_passkey ? claim_flags_passkey : claim_flags};
	r = add_objects(g);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(g);
	return 0;
}

struct gatt *gatt_free(struct gatt *g)
{
	if (!g)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(g->served); i++)
		registration_free(g->served[i].registration);
	for (size_t i = 0; i < ARRAY_SIZE(g->slots); i++)
		sd_bus_slot_unref(g->slots[i]);
	free(g);
	return NULL;
}
