/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/advert.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "wifi/ble/advert_bluez.h"
#include "wifi/ble/advert_mgmt.h"
#include "wifi/ble/advertdata.h"

#define ADAPTERS_MAX 8
#define WHY_SIZE 160

struct place {
	struct advert *advert; /* borrowed; NULL: unused */
	char path[BLUEZ_PATH_MAX];
	struct adapter_view adapter; /* its path is the one above */
	bool is_by_bluez;
	bool is_on;
	struct advert_bluez *bluez; /* owned; NULL: not on the air that way */
};

struct advert {
	sd_event *event;                 /* borrowed */
	sd_bus *bus;                     /* borrowed */
	const struct adapters *adapters; /* borrowed */
	const struct advert_events *events;
	struct advert_mgmt_events mgmt_events;
	struct advert_mgmt *mgmt; /* owned; NULL: not allowed, or not in this kernel */
	int mgmt_error;           /* why it is NULL */
	bool is_wanted;
	struct advertisement advertisement;
	struct advertdata data;
	struct place places[ADAPTERS_MAX];
	char why[WHY_SIZE];
};

static void set_why(struct advert *a, unsigned int index, const char *why)
{
	if (why)
		(void)snprintf(a->why, sizeof(a->why), "hci%u: %s", index, why);
	else
		*a->why = '\0';
}

static void changed(struct advert *a)
{
	a->events->changed(a->events->userdata);
}

static struct place *find_index(struct advert *a, unsigned int index)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->places); i++)
		if (a->places[i].advert && a->places[i].adapter.index == index)
			return &a->places[i];
	return NULL;
}

/* ---- by BlueZ ---- */

static void on_bluez(void *userdata, bool is_on, const char *why)
{
	struct place *p = userdata;

	if (why)
		log_warning("ble: %s: registering the advertisement: %s, retrying", p->path, why);
	p->is_on = is_on;
	set_why(p->advert, p->adapter.index, why);
	changed(p->advert);
}

/* Registered anew for each change: BlueZ would take some changes at once, but not all. */
static void apply_bluez(struct place *p)
{
	struct advert *a = p->advert;
	int r;

	p->bluez = advert_bluez_free(p->bluez);
	if (!a->is_wanted || !p->adapter.is_powered) {
		p->is_on = false;
		return;
	}
	r = advert_bluez_new(a->event, a->bus, a->adapters, &p->adapter, &a->advertisement,
			     on_bluez, p, &p->bluez);
	if (r < 0) {
		log_error("ble: %s: advertising: %s", p->path, strerror(-r));
		p->is_on = false;
		set_why(a, p->adapter.index, strerror(-r));
	}
}

static void fall_back(struct place *p, const char *why)
{
	log_warning("ble: %s: advertising by the kernel: %s; by BlueZ instead%s", p->path, why,
		    p->adapter.can_scan_response
			    ? ""
			    : ", whose version leaves out whether the device is provisioned");
	p->is_by_bluez = true;
	p->is_on = false;
	apply_bluez(p);
}

/* ---- by the kernel ---- */

static const char *mgmt_error_text(int error)
{
	/* systemd answers with the same error as a kernel without Bluetooth does. */
	if (error == EAFNOSUPPORT)
		return "no Bluetooth sockets (RestrictAddressFamilies= lacks AF_BLUETOOTH)";
	return strerror(error);
}

static void on_mgmt(void *userdata, unsigned int index, bool is_on, const char *why)
{
	struct advert *a = userdata;
	struct place *p = find_index(a, index);

	if (!p)
		return;
	p->is_on = is_on;
	set_why(a, index, why);
	changed(a);
}

static void on_impossible(void *userdata, unsigned int index, const char *why)
{
	struct advert *a = userdata;
	struct place *p = find_index(a, index);

	if (!p)
		return;
	fall_back(p, why);
	changed(a);
}

static void on_auth_failed(void *userdata, unsigned int index, const uint8_t address[static 6])
{
	struct advert *a = userdata;

	a->events->auth_failed(a->events->userdata, index, address);
}

/* ---- both ---- */

static void apply(struct place *p)
{
	struct advert *a = p->advert;

	if (p->is_by_bluez)
		apply_bluez(p);
	else if (p->adapter.is_powered)
		advert_mgmt_set(a->mgmt, p->adapter.index, a->is_wanted ? &a->data : NULL);
}

static struct place *add(struct advert *a, const struct adapter_view *adapter)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->places); i++) {
		struct place *p = &a->places[i];

		if (p->advert)
			continue;
		*p = (struct place){.advert = a, .adapter = *adapter};
		bluez_path_copy(p->path, adapter->path);
		p->adapter.path = p->path;
		return p;
	}
	return NULL;
}

void advert_on_adapter(struct advert *a, const struct adapter_view *adapter)
{
	struct place *p = find_index(a, adapter->index);
	bool is_new = !p, was_powered = p && p->adapter.is_powered;

	if (!p)
		p = add(a, adapter);
	if (!p)
		return;
	p->adapter.is_powered = adapter->is_powered;
	p->adapter.can_scan_response = adapter->can_scan_response;
	if (is_new && !a->mgmt)
		fall_back(p, mgmt_error_text(a->mgmt_error));
	if (p->adapter.is_powered == was_powered)
		return;
	set_why(a, adapter->index, NULL);
	if (!p->adapter.is_powered) {
		p->is_on = false;
		if (!p->is_by_bluez)
			advert_mgmt_forget(a->mgmt, adapter->index);
	}
	apply(p);
	changed(a);
}

void advert_on_gone(struct advert *a, const char *adapter)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->places); i++) {
		struct place *p = &a->places[i];

		if (!p->advert || strcmp(p->path, adapter) != 0)
			continue;
		p->bluez = advert_bluez_free(p->bluez);
		if (a->mgmt)
			advert_mgmt_forget(a->mgmt, p->adapter.index);
		p->advert = NULL;
		changed(a);
		return;
	}
}

int advert_set(struct advert *a, const struct advertisement *advertisement)
{
	struct advertdata data;
	int r;

	if (advertisement) {
		r = advertdata_encode(advertisement, &data);
		if (r < 0)
			return r;
		if (a->is_wanted && advertdata_equal(&data, &a->data))
			return 0;
		a->data = data;
		a->advertisement = *advertisement;
	} else if (!a->is_wanted) {
		return 0;
	}
	a->is_wanted = advertisement;
	*a->why = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(a->places); i++)
		if (a->places[i].advert)
			apply(&a->places[i]);
	changed(a);
	return 0;
}

bool advert_is_on(const struct advert *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->places); i++)
		if (a->places[i].advert && a->places[i].is_on)
			return true;
	return false;
}

const char *advert_why(const struct advert *a)
{
	return *a->why ? a->why : NULL;
}

bool advert_hears_failures(const struct advert *a, unsigned int index)
{
	const struct place *p = find_index((struct advert *)a, index);

	return p && !p->is_by_bluez;
}

/* ---- life ---- */

int advert_new(sd_event *event, sd_bus *bus, const struct adapters *adapters,
	       const struct advert_events *events, struct advert **ret)
{
	_cleanup_(advert_freep) struct advert *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->event = event;
	a->bus = bus;
	a->adapters = adapters;
	a->events = events;
	a->mgmt_events = (struct advert_mgmt_events){.changed = on_mgmt,
						     .impossible = on_impossible,
						     .auth_failed = on_auth_failed,
						     .userdata = a};
	r = advert_mgmt_new(event, &a->mgmt_events, &a->mgmt);
	/* Advertising by BlueZ is left. */
	if (r < 0)
		a->mgmt_error = -r;
	*ret = TAKE_PTR(a);
	return 0;
}

struct advert *advert_free(struct advert *a)
{
	if (!a)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(a->places); i++)
		advert_bluez_free(a->places[i].bluez);
	advert_mgmt_free(a->mgmt);
	free(a);
	return NULL;
}
