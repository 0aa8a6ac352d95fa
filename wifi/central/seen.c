/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/central/seen.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "wifi/busread.h"

#define RSSI_UNKNOWN 127
#define SERVICE_DATA_LEN 4

void central_device_done(struct central_device *d)
{
	free(d->path);
	free(d->name);
	free(d->address);
	*d = (struct central_device){0};
}

static struct seen_device *find(struct seen *s, const char *path)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->devices[i].device.path, path) == 0)
			return &s->devices[i];
	return NULL;
}

static struct seen_device *find_or_add(struct seen *s, const char *path)
{
	struct seen_device *d = find(s, path);
	char *copy;

	if (d || s->n == SEEN_MAX)
		return d;
	copy = strdup(path);
	if (!copy)
		return NULL;
	d = &s->devices[s->n++];
	*d = (struct seen_device){.is_new = true};
	d->device.path = copy;
	d->device.rssi_dbm = RSSI_UNKNOWN;
	d->device.wifi_rssi_dbm = INT8_MIN;
	return d;
}

/* Of a variant in m; 0 when it holds something else, which is skipped. */
static int read_variant(sd_bus_message *m, const char *type, void *ret)
{
	const char *contents;
	int r;

	r = sd_bus_message_peek_type(m, NULL, &contents);
	if (r < 0)
		return r;
	if (strcmp(contents, type) != 0) {
		r = sd_bus_message_skip(m, "v");
		return r < 0 ? r : 0;
	}
	r = sd_bus_message_enter_container(m, 'v', type);
	if (r < 0)
		return r;
	r = sd_bus_message_read_basic(m, type[0], ret);
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

static int read_text(sd_bus_message *m, struct seen_device *d, char **text)
{
	const char *value;
	char *copy;
	int r;

	r = read_variant(m, "s", &value);
	if (r <= 0 || (*text && strcmp(*text, value) == 0))
		return r;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	d->is_new = true;
	return 1;
}

static int read_rssi(sd_bus_message *m, struct seen_device *d)
{
	int16_t rssi;
	int r;

	r = read_variant(m, "n", &rssi);
	if (r <= 0)
		return r;
	d->device.rssi_dbm = rssi;
	/* BlueZ has it for what the discovery that runs has heard, and for nothing else. */
	d->is_heard = true;
	return 1;
}

static int read_uuids(sd_bus_message *m, struct seen_device *d)
{
	const char *contents, *uuid;
	int r;

	r = sd_bus_message_peek_type(m, NULL, &contents);
	if (r < 0)
		return r;
	if (strcmp(contents, "as") != 0)
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_enter_container(m, 'v', "as");
	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'a', "s");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read_basic(m, 's', &uuid)) > 0)
		d->has_service |= strcasecmp(uuid, WIFI_SERVICE) == 0;
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static void take_service_data(struct seen_device *d, const uint8_t *data, size_t len)
{
	struct central_device before = d->device, *now = &d->device;

	d->has_service = true;
	if (len < SERVICE_DATA_LEN)
		return;
	now->has_service_data = true;
	now->version = data[0];
	now->is_provisioned = data[1] & 1;
	now->is_connected = data[1] & 2;
	now->wifi_rssi_dbm = now->is_connected ? (int8_t)data[3] : INT8_MIN;
	d->is_new |= !before.has_service_data || before.version != now->version ||
		     before.is_provisioned != now->is_provisioned ||
		     before.is_connected != now->is_connected ||
		     before.wifi_rssi_dbm != now->wifi_rssi_dbm;
}

static int read_service_data_entry(sd_bus_message *m, struct seen_device *d)
{
	const char *uuid, *contents;
	const void *data;
	size_t len;
	int r;

	r = sd_bus_message_read_basic(m, 's', &uuid);
	if (r >= 0)
		r = sd_bus_message_peek_type(m, NULL, &contents);
	if (r < 0)
		return r;
	if (strcasecmp(uuid, WIFI_SERVICE) != 0 || strcmp(contents, "ay") != 0)
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_enter_container(m, 'v', "ay");
	if (r >= 0)
		r = sd_bus_message_read_array(m, 'y', &data, &len);
	if (r < 0)
		return r;
	take_service_data(d, data, len);
	return sd_bus_message_exit_container(m);
}

static int read_service_data(sd_bus_message *m, struct seen_device *d)
{
	const char *contents;
	int r;

	r = sd_bus_message_peek_type(m, NULL, &contents);
	if (r < 0)
		return r;
	if (strcmp(contents, "a{sv}") != 0)
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_enter_container(m, 'v', "a{sv}");
	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = read_service_data_entry(m, d);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* What is of another type than it should be is skipped by its reader. */
static int read_property(sd_bus_message *m, const char *name, void *userdata)
{
	struct seen_device *d = userdata;
	int r;

	/* The alias is the name that was advertised, or what the user of this machine calls it. */
	if (strcmp(name, "Alias") == 0)
		r = read_text(m, d, &d->device.name);
	else if (strcmp(name, "Address") == 0)
		r = read_text(m, d, &d->device.address);
	else if (strcmp(name, "RSSI") == 0)
		r = read_rssi(m, d);
	else if (strcmp(name, "UUIDs") == 0)
		r = read_uuids(m, d);
	else if (strcmp(name, "ServiceData") == 0)
		r = read_service_data(m, d);
	else
		return 0;
	return r < 0 ? r : 1;
}

int seen_update(struct seen *s, const char *path, sd_bus_message *m)
{
	struct seen_device *d = find_or_add(s, path);

	if (!d)
		return sd_bus_message_skip(m, "a{sv}");
	return busread_properties(m, read_property, d);
}

void seen_remove(struct seen *s, const char *path)
{
	struct seen_device *d = find(s, path);

	if (!d)
		return;
	central_device_done(&d->device);
	*d = s->devices[--s->n];
}

const struct central_device *seen_next(struct seen *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct seen_device *d = &s->devices[i];

		if (!d->is_new || !d->is_heard || !d->has_service || !d->device.name ||
		    !d->device.address)
			continue;
		d->is_new = false;
		return &d->device;
	}
	return NULL;
}

void seen_clear(struct seen *s)
{
	for (size_t i = 0; i < s->n; i++)
		central_device_done(&s->devices[i].device);
	s->n = 0;
}
