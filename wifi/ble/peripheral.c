/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/peripheral.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "wifi/ble/adapters.h"
#include "wifi/ble/advert.h"
#include "wifi/ble/agent1.h"
#include "wifi/ble/gatt.h"
#include "wifi/ble/hciconn.h"

/* Which device is the central. BlueZ tells of every device, those too that this machine has
 * connected to itself: a keyboard is none of our business. A device is our central
 *  - when the kernel says, as it connects, that it came to us over LE, or
 *  - when it reads or writes the service, or asks to pair (all there is where the process may not
 *    have Bluetooth sockets),
 * until it disconnects. There is one at a time; another one is sent away. */

/* After a disconnect, for what it has left behind to be told in the advertisement. */
#define AGAIN_US (1 * 1000 * 1000ull)
/* A central keeps the device off the air. Anybody can connect and read, so that long it has to pair
 * or to write; then a person has to find a password. */
#define STRANGER_US (60 * 1000 * 1000ull)
#define IDLE_US (10 * 60 * 1000 * 1000ull)
#define ACCURACY_US (50 * 1000)
/* A bond that the other side has forgotten ends the connection at once: bluetoothd asks for
 * encryption, gets a new pairing, and refuses it (JustWorksRepairing=never). */
#define STALE_MS 1500
#define WHY_SIZE 192

struct peripheral {
	sd_event *event; /* borrowed */
	sd_bus *bus;     /* borrowed */
	const struct peripheral_events *events;

	/* Owned. */
	struct adapters *adapters;
	struct gatt *gatt;
	struct agent1 *agent;
	struct advert *advert;
	struct adapters_events adapters_events;
	struct gatt_events gatt_events;
	struct agent1_events agent_events;
	struct advert_events advert_events;

	/* The central; "" for none. */
	char central[BLUEZ_PATH_MAX];
	uint64_t connected_ms;
	bool has_proved;        /* that it has a bond of ours: it wrote, or paired */
	bool has_failed;        /* to pair */
	sd_event_source *idle;  /* owned */
	sd_event_source *again; /* owned; the pause after a central */

	bool is_wanted;
	struct advertisement advertisement;

	bool is_told, told_on; /* peripheral_events.advertising */
	char told_why[WHY_SIZE];
};

static bool has_central(const struct peripheral *p)
{
	return *p->central;
}

/* ---- advertising ---- */

static const char *why_not(const struct peripheral *p)
{
	const char *missing = adapters_missing(p->adapters);

	if (missing)
		return missing;
	if (!p->is_wanted)
		return "not wanted";
	if (has_central(p) || p->again)
		return "a configurator is connected";
	return advert_why(p->advert) ? advert_why(p->advert) : "starting";
}

static void tell_advertising(struct peripheral *p)
{
	bool is_on = advert_is_on(p->advert);
	const char *why = is_on ? "" : why_not(p);

	if (p->is_told && p->told_on == is_on && strcmp(p->told_why, why) == 0)
		return;
	p->is_told = true;
	p->told_on = is_on;
	(void)snprintf(p->told_why, sizeof(p->told_why), "%s", why);
	if (p->events->advertising)
		p->events->advertising(p->events->userdata, is_on, is_on ? NULL : p->told_why);
}

static void update_advertising(struct peripheral *p)
{
	bool is_due = p->is_wanted && !has_central(p) && !p->again;
	int r;

	r = advert_set(p->advert, is_due ? &p->advertisement : NULL);
	if (r < 0)
		log_error("ble: nothing to advertise: %s", strerror(-r));
	tell_advertising(p);
}

static int on_again(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct peripheral *p = userdata;

	(void)source;
	(void)usec;
	p->again = sd_event_source_disable_unref(p->again);
	update_advertising(p);
	return 0;
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct peripheral *p = userdata;

	(void)source;
	(void)usec;
	p->idle = sd_event_source_disable_unref(p->idle);
	if (has_central(p)) {
		log_notice("ble: %s: has not used the service for too long, disconnecting it",
			   p->central);
		bluez_disconnect(p->bus, p->central);
	}
	return 0;
}

static void set_timer(struct peripheral *p, sd_event_source **source, uint64_t us,
		      sd_event_time_handler_t fn)
{
	int r;

	*source = sd_event_source_disable_unref(*source);
	r = sd_event_add_time_relative(p->event, source, CLOCK_BOOTTIME, us, ACCURACY_US, fn, p);
	if (r < 0)
		log_error("ble: no timer: %s", strerror(-r));
}

/* ---- the central ---- */

static bool may_pair(struct peripheral *p, const char *device)
{
	return !p->events->may_pair || p->events->may_pair(p->events->userdata, device);
}

/* device is a central. 0, or -EBUSY when there is another one. */
static int meet(struct peripheral *p, const char *device)
{
	if (strcmp(p->central, device) == 0)
		return 0;
	if (has_central(p)) {
		log_notice("ble: %s: there is another central, disconnecting it", device);
		bluez_disconnect(p->bus, device);
		return -EBUSY;
	}
	log_debug("ble: %s: connected", device);
	(void)snprintf(p->central, sizeof(p->central), "%s", device);
	p->connected_ms = clock_ms();
	p->has_proved = false;
	p->has_failed = false;
	p->again = sd_event_source_disable_unref(p->again);
	set_timer(p, &p->idle, STRANGER_US, on_idle);
	update_advertising(p);
	if (p->events->peer)
		p->events->peer(p->events->userdata, device, true);
	return 0;
}

/* As meet(), for one that did something. */
static int serve(struct peripheral *p, const char *device)
{
	adapters_note_connected(p->adapters, device);
	return meet(p, device);
}

/* It got through the encryption, by a bond that somebody allowed it. */
static void prove(struct peripheral *p)
{
	p->has_proved = true;
	set_timer(p, &p->idle, IDLE_US, on_idle);
}

/* Whether the bond that we have of the central is one that it has no more. The failed pairing says
 * so; where that cannot be heard of, a central that left at once without having got through the
 * encryption. */
static bool is_stale(const struct peripheral *p)
{
	unsigned int index;

	if (p->has_failed)
		return true;
	if (bluez_index(p->central, &index) < 0 || advert_hears_failures(p->advert, index))
		return false;
	return !p->has_proved && clock_ms() - p->connected_ms < STALE_MS;
}

static void part(struct peripheral *p, bool is_paired)
{
	char device[BLUEZ_PATH_MAX];
	bool is_forgotten = is_paired && is_stale(p);

	bluez_path_copy(device, p->central);
	log_debug("ble: %s: disconnected", device);
	*p->central = '\0';
	p->idle = sd_event_source_disable_unref(p->idle);
	set_timer(p, &p->again, AGAIN_US, on_again);
	/* Nobody but who may pair can make us forget a bond: failing on purpose is easy. */
	if (is_forgotten && may_pair(p, device)) {
		log_notice("ble: %s: it has forgotten its bond, so do we", device);
		bluez_remove_device(p->bus, device);
	}
	if (p->events->peer)
		p->events->peer(p->events->userdata, device, false);
	update_advertising(p);
}

static void on_device(void *userdata, const struct device_view *d)
{
	struct peripheral *p = userdata;
	uint8_t address[6];
	unsigned int index;

	if ((d->is_paired && !d->was_paired) || !d->is_connected)
		agent1_ended(p->agent, d->path);
	if (d->is_paired && !d->was_paired && strcmp(p->central, d->path) == 0)
		prove(p);
	if (d->is_connected && !d->was_connected) {
		if (bluez_index(d->path, &index) == 0 &&
		    adapters_address(p->adapters, d->path, address) == 0 &&
		    hciconn_is_central(index, address))
			(void)!meet(p, d->path);
	} else if (!d->is_connected && strcmp(p->central, d->path) == 0) {
		part(p, d->is_paired);
	}
}

/* ---- from the parts ---- */

static void on_bluez(void *userdata, bool is_there)
{
	struct peripheral *p = userdata;

	log_debug("ble: bluetoothd %s", is_there ? "is there" : "is gone");
	agent1_set_bluez(p->agent, is_there);
	tell_advertising(p);
}

static void on_adapter(void *userdata, const struct adapter_view *a)
{
	struct peripheral *p = userdata;

	gatt_serve(p->gatt, a->path);
	advert_on_adapter(p->advert, a);
	tell_advertising(p);
}

static void on_gone(void *userdata, const char *path)
{
	struct peripheral *p = userdata;

	gatt_leave(p->gatt, path);
	advert_on_gone(p->advert, path);
	tell_advertising(p);
}

static int on_read(void *userdata, const char *device, uint8_t *ret, size_t size, size_t *ret_len)
{
	struct peripheral *p = userdata;
	int r;

	r = serve(p, device);
	if (r < 0)
		return r;
	return p->events->read(p->events->userdata, ret, size, ret_len);
}

static int on_read_claim(void *userdata, const char *device, size_t offset, uint8_t *ret,
			 size_t size, size_t *ret_len)
{
	struct peripheral *p = userdata;
	int r;

	r = serve(p, device);
	if (r < 0)
		return r;
	/* Once: reading over and over keeps nobody here. */
	if (!p->has_proved)
		prove(p);
	return p->events->read_claim(p->events->userdata, device, offset, ret, size, ret_len);
}

static int on_write(void *userdata, const char *device, size_t limit, const void *data, size_t len)
{
	struct peripheral *p = userdata;
	int r;

	r = serve(p, device);
	if (r < 0)
		return r;
	prove(p);
	return p->events->write(p->events->userdata, device, limit, data, len);
}

static bool on_may_pair(void *userdata, const char *device)
{
	struct peripheral *p = userdata;

	if (serve(p, device) < 0 || !may_pair(p, device))
		return false;
	/* Typing the passkey takes its time. */
	set_timer(p, &p->idle, STRANGER_US, on_idle);
	return true;
}

static void on_passkey(void *userdata, const char *device, uint32_t passkey, bool is_over)
{
	struct peripheral *p = userdata;

	(void)device;
	if (p->events->passkey)
		p->events->passkey(p->events->userdata, passkey, is_over);
}

static void on_advert(void *userdata)
{
	tell_advertising(userdata);
}

static void on_auth_failed(void *userdata, unsigned int index, const uint8_t address[static 6])
{
	struct peripheral *p = userdata;
	uint8_t central[6];
	unsigned int central_index;

	if (has_central(p) && bluez_index(p->central, &central_index) == 0 &&
	    central_index == index && adapters_address(p->adapters, p->central, central) == 0 &&
	    memcmp(central, address, sizeof(central)) == 0)
		p->has_failed = true;
}

/* ---- life ---- */

static void set_events(struct peripheral *p)
{
	p->adapters_events = (struct adapters_events){.bluez = on_bluez,
						      .changed = on_adapter,
						      .gone = on_gone,
						      .device = on_device,
						      .userdata = p};
	p->gatt_events = (struct gatt_events){
		.read = on_read, .read_claim = on_read_claim, .write = on_write, .userdata = p};
	p->agent_events = (struct agent1_events){
		.may_pair = on_may_pair, .passkey = on_passkey, .userdata = p};
	p->advert_events = (struct advert_events){
		.changed = on_advert, .auth_failed = on_auth_failed, .userdata = p};
}

int peripheral_new(sd_event *event, sd_bus *bus, const struct peripheral_options *options,
		   const struct peripheral_events *events, struct peripheral **ret)
{
	_cleanup_(peripheral_freep) struct peripheral *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->event = event;
	p->bus = bus;
	p->events = events;
	set_events(p);
	r = adapters_new(event, bus, options->adapter, &p->adapters_events, &p->adapters);
	if (r < 0)
		return r;
	r = gatt_new(event, bus, p->adapters, options->pairing, &p->gatt_events, &p->gatt);
	if (r < 0)
		return r;
	r = agent1_new(event, bus, p->adapters, options->pairing, &p->agent_events, &p->agent);
	if (r < 0)
		return r;
	r = advert_new(event, bus, p->adapters, &p->advert_events, &p->advert);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

struct peripheral *peripheral_free(struct peripheral *p)
{
	if (!p)
		return NULL;
	sd_event_source_disable_unref(p->idle);
	sd_event_source_disable_unref(p->again);
	advert_free(p->advert);
	agent1_free(p->agent);
	gatt_free(p->gatt);
	adapters_free(p->adapters);
	free(p);
	return NULL;
}

void peripheral_advertise(struct peripheral *p, const struct advertisement *a)
{
	p->is_wanted = true;
	p->advertisement = *a;
	adapters_set_alias(p->adapters, a->name);
	update_advertising(p);
}

void peripheral_stop_advertising(struct peripheral *p)
{
	p->is_wanted = false;
	update_advertising(p);
}

void peripheral_indicate(struct peripheral *p, const void *data, size_t len)
{
	if (has_central(p))
		gatt_send(p->gatt, GATT_CONTROL, data, len);
}

void peripheral_notify(struct peripheral *p, const void *data, size_t len)
{
	if (has_central(p))
		gatt_send(p->gatt, GATT_DATA_OUT, data, len);
}
