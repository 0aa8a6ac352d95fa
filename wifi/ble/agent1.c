/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/agent1.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "wifi/ble/registration.h"

#define AGENT_PATH BLE_PATH "/agent"
#define AGENT_INTERFACE "org.bluez.Agent1"
#define PASSKEY_MAX 999999

struct agent1 {
	sd_event *event;                 /* borrowed */
	sd_bus *bus;                     /* borrowed */
	const struct adapters *adapters; /* borrowed */
	enum pairing pairing;
	const struct agent1_events *events;

	sd_bus_slot *vtable;               /* owned */
	sd_bus_slot *call;                 /* owned; RequestDefaultAgent is under way */
	struct registration *registration; /* owned; NULL without bluetoothd */
	/* Whose passkey is shown; "" when none is. */
	char shown_for[BLUEZ_PATH_MAX];
	uint32_t shown;
};

static int reject(sd_bus_error *error, const char *why)
{
	return sd_bus_error_set(error, "org.bluez.Error.Rejected", why);
}

static void passkey_over(struct agent1 *a)
{
	char device[BLUEZ_PATH_MAX];

	if (!*a->shown_for)
		return;
	bluez_path_copy(device, a->shown_for);
	*a->shown_for = '\0';
	a->events->passkey(a->events->userdata, device, a->shown, true);
	a->shown = 0;
}

static bool is_ours(const struct agent1 *a, const char *device)
{
	return strlen(device) < BLUEZ_PATH_MAX && adapters_has(a->adapters, device);
}

/* RequestAuthorization(o) asks for Just Works, RequestConfirmation(ou) for numbers that both sides
 * show, and of BlueZ versions before 5.50 for Just Works, too. */
static int method_request(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct agent1 *a = userdata;
	const char *device;

	if (!adapters_is_bluez(a->adapters, m) || sd_bus_message_read(m, "o", &device) <= 0)
		return reject(error, "not for you");
	if (!is_ours(a, device)) {
		log_debug("ble: %s: refused to pair: not a device of ours", device);
		return reject(error, "not a device of ours");
	}
	/* A passkey is configured: a link that nobody authenticated would not be let in anyway. */
	if (a->pairing == PAIRING_PASSKEY) {
		log_warning("ble: %s: refused to pair: it cannot take a passkey", device);
		return reject(error, "a passkey is needed");
	}
	if (!a->events->may_pair(a->events->userdata, device)) {
		log_notice("ble: %s: refused to pair: not now", device);
		return reject(error, "not now");
	}
	log_info("ble: %s: pairing", device);
	return sd_bus_reply_method_return(m, NULL);
}

/* BlueZ comes again for every digit that is typed, and waits for no answer: refusing means to
 * disconnect. */
static int method_display_passkey(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct agent1 *a = userdata;
	const char *device;
	uint32_t passkey;
	uint16_t n_entered;

	if (!adapters_is_bluez(a->adapters, m) ||
	    sd_bus_message_read(m, "ouq", &device, &passkey, &n_entered) <= 0)
		return reject(error, "not for you");
	if (!is_ours(a, device) || a->pairing != PAIRING_PASSKEY || passkey > PASSKEY_MAX)
		return reject(error, "not a device of ours");
	if (strcmp(a->shown_for, device) == 0 && a->shown == passkey)
		return sd_bus_reply_method_return(m, NULL);
	if (!a->events->may_pair(a->events->userdata, device)) {
		log_notice("ble: %s: refused to pair: not now", device);
		bluez_disconnect(a->bus, device);
		return reject(error, "not now");
	}
	passkey_over(a);
	bluez_path_copy(a->shown_for, device);
	a->shown = passkey;
	a->events->passkey(a->events->userdata, device, passkey, false);
	return sd_bus_reply_method_return(m, NULL);
}

/* For profiles of BlueZ itself, audio and the like: none of them is wanted here. */
static int method_authorize_service(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)m;
	(void)userdata;
	return reject(error, "no such service");
}

static int method_over(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct agent1 *a = userdata;

	if (!adapters_is_bluez(a->adapters, m))
		return reject(error, "not for you");
	log_debug("ble: %s of the agent", sd_bus_message_get_member(m));
	passkey_over(a);
	return sd_bus_reply_method_return(m, NULL);
}

#define OPEN SD_BUS_VTABLE_UNPRIVILEGED

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Release", "", "", method_over, OPEN),
	SD_BUS_METHOD("Cancel", "", "", method_over, OPEN),
	SD_BUS_METHOD("RequestAuthorization", "o", "", method_request, OPEN),
	SD_BUS_METHOD("RequestConfirmation", "ou", "", method_request, OPEN),
	SD_BUS_METHOD("DisplayPasskey", "ouq", "", method_display_passkey, OPEN),
	SD_BUS_METHOD("AuthorizeService", "os", "", method_authorize_service, OPEN),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

static int on_default(sd_bus_message *m, void *userdata, sd_bus_error *ignored)
{
	struct agent1 *a = userdata;
	const sd_bus_error *e = sd_bus_message_get_error(m);

	(void)ignored;
	a->call = sd_bus_slot_unref(a->call);
	if (e)
		log_warning("ble: becoming the default agent: %s", bluez_error_text(e));
	return 0;
}

static void on_registered(void *userdata, const sd_bus_error *error)
{
	struct agent1 *a = userdata;
	int r;

	if (error) {
		log_warning("ble: registering the agent: %s, retrying", bluez_error_text(error));
		return;
	}
	a->call = sd_bus_slot_unref(a->call);
	r = sd_bus_call_method_async(a->bus, &a->call, BLUEZ, BLUEZ_ROOT, BLUEZ_AGENT_MANAGER,
				     "RequestDefaultAgent", on_default, a, "o", AGENT_PATH);
	if (r < 0)
		log_warning("ble: becoming the default agent: %s", strerror(-r));
}

void agent1_set_bluez(struct agent1 *a, bool is_there)
{
	struct registration_target target = {
		.manager_path = BLUEZ_ROOT,
		.manager_interface = BLUEZ_AGENT_MANAGER,
		.add = "RegisterAgent",
		.remove = "UnregisterAgent",
		.object = AGENT_PATH,
		.capability = a->pairing == PAIRING_PASSKEY ? "DisplayOnly" : "NoInputNoOutput",
	};
	int r;

	a->call = sd_bus_slot_unref(a->call);
	a->registration = registration_free(a->registration);
	passkey_over(a);
	if (!is_there)
		return;
	r = registration_new(a->event, a->bus, &target, on_registered, a, &a->registration);
	if (r < 0)
		log_error("ble: registering the agent: %s", strerror(-r));
}

void agent1_ended(struct agent1 *a, const char *device)
{
	if (strcmp(a->shown_for, device) == 0)
		passkey_over(a);
}

int agent1_new(sd_event *event, sd_bus *bus, const struct adapters *adapters, enum pairing pairing,
	       const struct agent1_events *events, struct agent1 **ret)
{
	_cleanup_(agent1_freep) struct agent1 *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->event = event;
	a->bus = bus;
	a->adapters = adapters;
	a->pairing = pairing;
	a->events = events;
	r = sd_bus_add_object_vtable(bus, &a->vtable, AGENT_PATH, AGENT_INTERFACE, vtable, a);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(a);
	return 0;
}

struct agent1 *agent1_free(struct agent1 *a)
{
	if (!a)
		return NULL;
	sd_bus_slot_unref(a->call);
	registration_free(a->registration);
	sd_bus_slot_unref(a->vtable);
	free(a);
	return NULL;
}
