/* SPDX-License-Identifier: Apache-2.0 */

/* The connection to one device: making it, pairing, ending it. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "wifi/central/internal.h"

#define CONNECT_MS 40000
#define CONNECT_TRIES 3
#define PAIR_MS 60000
#define DISCONNECT_MS 10000

#define INFO_UUID "14387801-130c-49e7-b877-2881c89cb258"
#define CONTROL_UUID "14387802-130c-49e7-b877-2881c89cb258"
#define OUTPUT_UUID "14387803-130c-49e7-b877-2881c89cb258"
#define CLAIM_UUID "9152bd01-3121-4c3a-a079-9c4b1b7c4df0"

/* ---- what BlueZ says of it ---- */

static int read_flag(sd_bus_message *m, bool *ret)
{
	int value, r;

	r = sd_bus_message_read(m, "v", "b", &value);
	if (r >= 0)
		*ret = value;
	return r;
}

static int read_property(sd_bus_message *m, const char *name, void *userdata)
{
	struct central *c = userdata;

	if (strcmp(name, "Connected") == 0)
		return read_flag(m, &c->is_connected);
	if (strcmp(name, "ServicesResolved") == 0)
		return read_flag(m, &c->is_resolved);
	if (strcmp(name, "Paired") == 0)
		return read_flag(m, &c->is_paired);
	return 0;
}

int device_on_changed(struct central *c, sd_bus_message *m)
{
	int r = busread_properties(m, read_property, c);

	if (!c->is_connected)
		c->is_subscribed = false;
	return r;
}

/* Forgets what was found out about the device before. */
static void clear(struct central *c)
{
	free(TAKE_PTR(c->device));
	free(TAKE_PTR(c->info));
	free(TAKE_PTR(c->control));
	free(TAKE_PTR(c->output));
	free(TAKE_PTR(c->claim));
	c->is_connected = c->is_resolved = c->is_paired = c->is_subscribed = false;
	queue_clear(&c->queue);
}

static int read_device(struct central *c)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	int r;

	r = central_message(c, c->device, PROPERTIES, "GetAll", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "s", DEVICE1);
	if (r < 0)
		return central_fail(c, r, "the device: %s", strerror(-r));
	r = central_call(c, m, central_deadline(0, DISCONNECT_MS), "the device", &reply);
	if (r < 0)
		return r;
	r = device_on_changed(c, reply);
	return r < 0 ? central_fail(c, -EIO, "what Bluetooth says of the device is not understood")
		     : 0;
}

/* ---- its characteristics ---- */

static int take_characteristic(struct central *c, const char *path, const char *uuid)
{
	char **place = strcasecmp(uuid, INFO_UUID) == 0      ? &c->info
		       : strcasecmp(uuid, CONTROL_UUID) == 0 ? &c->control
		       : strcasecmp(uuid, OUTPUT_UUID) == 0  ? &c->output
		       : strcasecmp(uuid, CLAIM_UUID) == 0   ? &c->claim
							     : NULL;

	if (!place || *place)
		return 0;
	*place = strdup(path);
	return *place ? 0 : -ENOMEM;
}

static int read_uuid(sd_bus_message *m, const char *name, void *userdata)
{
	const char **uuid = userdata;

	return strcmp(name, "UUID") == 0 ? sd_bus_message_read(m, "v", "s", uuid) : 0;
}

static bool is_below(const char *path, const char *parent)
{
	const size_t len = strlen(parent);

	return strncmp(path, parent, len) == 0 && path[len] == '/';
}

static int read_interface(sd_bus_message *m, const char *path, const char *interface,
			  void *userdata)
{
	struct central *c = userdata;
	const char *uuid = NULL;
	int r;

	if (!is_below(path, c->device) || strcmp(interface, CHARACTERISTIC1) != 0)
		return 0;
	r = busread_properties(m, read_uuid, &uuid);
	if (r >= 0 && uuid)
		r = take_characteristic(c, path, uuid);
	return r < 0 ? r : 1;
}

static int find_characteristics(struct central *c)
{
	int r;

	r = central_objects(c, read_interface);
	if (r < 0)
		return r;
	/* Its objects go with the connection. */
	if (!c->is_connected)
		return central_fail(c, -ENOTCONN, "the device ended the connection");
	if (!c->info || !c->control || !c->output)
		return central_fail(c, -EIO, "the device does not offer Wi-Fi provisioning");
	return 0;
}

/* ---- connecting ---- */

static bool is_wanted(void *userdata, const struct central_device *d)
{
	return strcmp(d->path, userdata) == 0;
}

/* BlueZ drops a device that nobody connects to half a minute after it was heard. */
static int find_again(struct central *c, uint64_t end_ms)
{
	_cleanup_(freep) char *path = TAKE_PTR(c->device);
	const uint64_t now_ms = clock_ms();
	int r = 0;

	if (now_ms < end_ms)
		r = central_discover(c, end_ms - now_ms, is_wanted, path);
	c->device = TAKE_PTR(path);
	return r;
}

static int call_pair(struct central *c, uint64_t end_ms)
{
	int r = agent_register(c);

	if (r == 0)
		r = central_call_plain(c, c->device, DEVICE1, "Pair", end_ms, "pairing");
	if (r == -ETIMEDOUT) {
		/* BlueZ would go on with it. */
		char error[sizeof(c->error)];

		memcpy(error, c->error, sizeof(error));
		if (central_call_plain(c, c->device, DEVICE1, "CancelPairing",
				       central_deadline(0, DISCONNECT_MS), "pairing") == 0)
			memcpy(c->error, error, sizeof(error));
	}
	return r;
}

static int call_connect(struct central *c, uint64_t end_ms)
{
	return central_call_plain(c, c->device, DEVICE1, "Connect", end_ms, "connecting");
}

/* A first try often falls victim to the radio. */
static int try_link(struct central *c, int (*call)(struct central *c, uint64_t end_ms),
		    uint64_t end_ms)
{
	int r = -EIO;

	for (int i = 0; i < CONNECT_TRIES && clock_ms() < end_ms; i++) {
		if (r == -ENOENT && find_again(c, end_ms) < 0)
			break;
		r = call(c, end_ms);
		if (r != -EIO && r != -EBUSY && r != -ENOENT && r != -ENOTCONN)
			break;
	}
	if (r == -EALREADY)
		return 0;
	if (r == -ENOENT)
		return central_fail(c, -ENOTCONN, "connecting: the device is not there any more");
	return r == -EBUSY ? -EIO : r;
}

static int set_device(struct central *c, const char *path)
{
	int r;

	if (!sd_bus_object_path_is_valid(path) || !is_below(path, c->adapter))
		return central_fail(c, -EINVAL, "'%.128s' is not a device of %s", path, c->adapter);
	clear(c);
	c->device = strdup(path);
	if (!c->device)
		return central_fail(c, -ENOMEM, "%s", strerror(ENOMEM));
	/* Paired or not is known before; of a device that BlueZ has dropped, nothing is. */
	r = read_device(c);
	c->had_bond = r == 0 && c->is_paired;
	return r == -ENOENT ? 0 : r;
}

static int look_at_services(struct central *c, uint64_t end_ms)
{
	int r = read_device(c);

	while (r == 0 && !c->is_resolved)
		r = central_step_connected(c, end_ms, "looking at the device's services");
	return r == 0 ? find_characteristics(c) : r;
}

static int connect_device(struct central *c, uint64_t end_ms)
{
	int r = try_link(c, call_connect, end_ms);

	return r == 0 ? look_at_services(c, end_ms) : r;
}

static int pair_device(struct central *c, uint64_t timeout_ms)
{
	int r = try_link(c, call_pair, central_deadline(timeout_ms, CONNECT_MS + PAIR_MS));

	return r == 0 ? look_at_services(c, central_deadline(timeout_ms, CONNECT_MS)) : r;
}

int central_connect(struct central *c, const char *path, uint64_t timeout_ms)
{
	const uint64_t end_ms = central_deadline(timeout_ms, CONNECT_MS);
	int r = set_device(c, path);

	if (r == 0)
		r = connect_device(c, end_ms);
	if (r < 0)
		central_disconnect(c);
	return r;
}

int central_connect_paired(struct central *c, const char *path, uint64_t timeout_ms)
{
	int r = set_device(c, path);
	const bool is_by_pairing = !c->is_paired && !c->is_connected;

	if (r == 0)
		r = is_by_pairing ? pair_device(c, timeout_ms)
				  : connect_device(c, central_deadline(timeout_ms, CONNECT_MS));
	if (r < 0)
		central_disconnect(c);
	return r == 0 && !is_by_pairing ? central_pair(c, timeout_ms) : r;
}

bool central_had_bond(const struct central *c)
{
	return c->had_bond;
}

int central_pair(struct central *c, uint64_t timeout_ms)
{
	const uint64_t end_ms = central_deadline(timeout_ms, PAIR_MS);
	int r;

	if (!c->device || !c->is_connected)
		return central_fail(c, -ENOTCONN, "pairing: not connected");
	if (c->is_paired)
		return 0;
	r = call_pair(c, end_ms);
	if (r == -EALREADY)
		r = 0;
	if (r == 0)
		c->is_paired = true;
	return r;
}

void central_disconnect(struct central *c)
{
	char error[sizeof(c->error)];

	if (!c->device)
		return;
	/* What ended the work is what people want to read, not this. */
	memcpy(error, c->error, sizeof(error));
	c->is_ending = true;
	if (!c->is_gone && c->is_connected &&
	    central_call_plain(c, c->device, DEVICE1, "Disconnect",
			       central_deadline(0, DISCONNECT_MS), "disconnecting") < 0)
		c->is_connected = false;
	c->is_ending = false;
	memcpy(c->error, error, sizeof(error));
	clear(c);
}

static int remove_device(struct central *c, const char *path)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = central_message(c, c->adapter, ADAPTER1, "RemoveDevice", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "o", path);
	if (r < 0)
		return central_fail(c, r, "forgetting the pairing: %s", strerror(-r));
	c->is_ending = true;
	r = central_call(c, m, central_deadline(0, DISCONNECT_MS), "forgetting the pairing", NULL);
	c->is_ending = false;
	return r == -ENOENT ? 0 : r;
}

int central_forget(struct central *c, const char *path)
{
	_cleanup_(freep) char *copy = strdup(path);

	if (!copy)
		return central_fail(c, -ENOMEM, "%s", strerror(ENOMEM));
	/* RemoveDevice() of a connected device never returns with BlueZ 5.66. */
	if (c->device && strcmp(c->device, copy) == 0)
		central_disconnect(c);
	return remove_device(c, copy);
}

int central_unpair(struct central *c)
{
	if (!c->device)
		return central_fail(c, -ENOTCONN, "forgetting the pairing: not connected");
	return central_forget(c, c->device);
}
