/* SPDX-License-Identifier: Apache-2.0 */

/* Follows NetworkManager and its object of the interface. The station makes an instance when the
 * service comes and frees it when it goes, so nothing here outlives one run of NetworkManager. */

#include "wifi/station/networkmanager.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

/* Whether it told: then the handler is over. */
static bool tell_state(struct nm *nm)
{
	enum backend_state state = BACKEND_AWAY;

	if (nm->is_looked_up && nm->has_startup)
		state = nm_backend_state(&nm->device, nm->is_starting);
	if (state == nm->told)
		return false;
	nm->told = state;
	if (state != BACKEND_READY) {
		nm_attempt_reset(nm);
		nm_scan_reset(nm);
	} else if (nm_clear(nm) < 0) {
		log_debug("networkmanager: %s: an old profile may stay", nm->interface);
	}
	nm->events->state(nm->events->userdata, state);
	return true;
}

static void bad_message(struct nm *nm, sd_bus_message *m, int r)
{
	log_warning("networkmanager: %s: cannot read %s of %s: %s", nm->interface,
		    sd_bus_message_get_member(m) ? sd_bus_message_get_member(m) : "an answer",
		    sd_bus_message_get_path(m) ? sd_bus_message_get_path(m) : NM_SERVICE,
		    strerror(-r));
}

static bool is_forbidden(const sd_bus_error *error)
{
	return sd_bus_error_has_names(error, NM_SERVICE ".PermissionDenied",
				      NM_SERVICE ".Settings.PermissionDenied",
				      NM_DEVICE ".NotAllowed", SD_BUS_ERROR_ACCESS_DENIED);
}

void nm_log_refusal(const struct nm *nm, const char *what, const sd_bus_error *error)
{
	log_warning("networkmanager: it refused to %s with %s: %s (%s)%s", what, nm->interface,
		    error->message ? error->message : "", error->name,
		    is_forbidden(error) ? "; polkit's rules for onboardd are missing (onboardd(8))"
					: "");
}

/* ---- the device ---- */

static void take(struct nm *nm, const struct nm_change *change)
{
	if (change->has_active)
		memcpy(nm->device.active, change->device.active, sizeof(nm->device.active));
	if (change->has_ap)
		memcpy(nm->device.ap, change->device.ap, sizeof(nm->device.ap));
	if (change->has_type)
		nm->device.type = change->device.type;
	if (change->has_state) {
		nm->device.state = change->device.state;
		nm->device.reason = change->device.reason;
	}
}

static int on_device(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	struct nm_change change;
	int r;

	(void)error;
	nm->look = sd_bus_slot_unref(nm->look);
	/* Removed again: DeviceRemoved says so. */
	if (sd_bus_message_is_method_error(m, NULL))
		return 0;
	r = nm_read_change(m, &change);
	if (r < 0) {
		bad_message(nm, m, r);
		return 0;
	}
	take(nm, &change);
	nm->is_looked_up = true;
	tell_state(nm);
	return 0;
}

static int on_looked_up(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	const char *path;
	int r;

	(void)error;
	nm->lookup = sd_bus_slot_unref(nm->lookup);
	call_learn_sender(nm->sender, m);
	nm->device = (struct nm_device){0};
	if (sd_bus_message_is_method_error(m, NULL)) {
		nm->is_looked_up = true;
		tell_state(nm);
		return 0;
	}
	r = sd_bus_message_read(m, "o", &path);
	if (r < 0 || !nm_copy(nm->device.path, sizeof(nm->device.path), path)) {
		bad_message(nm, m, r < 0 ? r : -EBADMSG);
		return 0;
	}
	r = sd_bus_call_method_async(nm->bus, &nm->look, NM_SERVICE, path, NM_PROPERTIES, "GetAll",
				     on_device, nm, "s", NM_DEVICE);
	if (r < 0)
		bad_message(nm, m, r);
	return 0;
}

static int look_up(struct nm *nm)
{
	nm->is_looked_up = false;
	nm->lookup = sd_bus_slot_unref(nm->lookup);
	nm->look = sd_bus_slot_unref(nm->look);
	return sd_bus_call_method_async(nm->bus, &nm->lookup, NM_SERVICE, NM_PATH, NM_SERVICE,
					"GetDeviceByIpIface", on_looked_up, nm, "s", nm->interface);
}

/* ---- signals ---- */

static void on_device_properties(struct nm *nm, const struct nm_change *change)
{
	take(nm, change);
	if (tell_state(nm) || nm->told != BACKEND_READY)
		return;
	if (change->has_ap)
		nm_attempt_on_access_point(nm);
	if (change->has_active || change->has_state)
		nm_attempt_on_device(nm);
	else if (change->has_last_scan)
		nm_scan_on_done(nm);
}

static int on_device_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	struct nm_change change;
	const char *interface;
	int r;

	(void)error;
	/* Until the device is looked at anew, it will tell by itself what it is. */
	if (!call_is_from(m, nm->sender) || !nm->is_looked_up ||
	    strcmp(sd_bus_message_get_path(m), nm->device.path) != 0)
		return 0;
	r = sd_bus_message_read(m, "s", &interface);
	if (r < 0)
		return 0;
	if (strcmp(interface, NM_DEVICE) != 0 && strcmp(interface, NM_WIRELESS) != 0)
		return 0;
	r = nm_read_change(m, &change);
	if (r < 0) {
		bad_message(nm, m, r);
		return 0;
	}
	on_device_properties(nm, &change);
	return 0;
}

static int on_devices(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	const char *path;
	int r;

	(void)error;
	if (!call_is_from(m, nm->sender) || sd_bus_message_read(m, "o", &path) < 0)
		return 0;
	if (sd_bus_message_is_signal(m, NM_SERVICE, "DeviceRemoved")) {
		if (strcmp(path, nm->device.path) != 0)
			return 0;
		nm->device = (struct nm_device){0};
		if (tell_state(nm))
			return 0;
	} else if (!sd_bus_message_is_signal(m, NM_SERVICE, "DeviceAdded") || *nm->device.path) {
		return 0;
	}
	r = look_up(nm);
	if (r < 0)
		bad_message(nm, m, r);
	return 0;
}

static int on_active_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	uint32_t state;

	(void)error;
	if (call_is_from(m, nm->sender) && sd_bus_message_read(m, "uu", &state, NULL) >= 0)
		nm_attempt_on_active(nm, sd_bus_message_get_path(m), state);
	return 0;
}

static void take_startup(struct nm *nm, const struct nm_change *change)
{
	if (!change->has_startup)
		return;
	nm->has_startup = true;
	nm->is_starting = change->is_starting;
	tell_state(nm);
}

static int on_service_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	struct nm_change change;

	(void)error;
	if (call_is_from(m, nm->sender) && sd_bus_message_skip(m, "s") >= 0 &&
	    nm_read_change(m, &change) >= 0)
		take_startup(nm, &change);
	return 0;
}

static int on_service(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	struct nm_change change = {0};

	(void)error;
	nm->startup = sd_bus_slot_unref(nm->startup);
	call_learn_sender(nm->sender, m);
	/* It has its name a moment before it has its objects. */
	if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
	    sd_bus_message_is_method_error(m, SD_BUS_ERROR_UNKNOWN_METHOD) ||
	    sd_bus_message_is_method_error(m, SD_BUS_ERROR_UNKNOWN_INTERFACE))
		change.is_starting = true;
	else if (!sd_bus_message_is_method_error(m, NULL) && nm_read_change(m, &change) < 0)
		change = (struct nm_change){0};
	/* It does not say: then it is as if it had started. */
	change.has_startup = true;
	take_startup(nm, &change);
	return 0;
}

static int on_supplicant_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct nm *nm = userdata;
	struct nm_supplicant_change change;

	(void)error;
	if (call_is_from(m, nm->supplicant_sender) && sd_bus_message_skip(m, "s") >= 0 &&
	    nm_read_supplicant(m, &change) >= 0)
		nm_attempt_on_supplicant(nm, sd_bus_message_get_path(m), &change);
	return 0;
}

/* ---- life ---- */

static int watch(struct nm *nm)
{
	static const struct {
		const char *match;
		sd_bus_message_handler_t fn;
	} matches[] = {
		{"type='signal',sender='" NM_SERVICE "',interface='" NM_PROPERTIES
		 "',member='PropertiesChanged',path_namespace='" NM_PATH "/Devices'",
		 on_device_changed},
		{"type='signal',sender='" NM_SERVICE "',interface='" NM_SERVICE "',path='" NM_PATH
		 "',member='DeviceAdded'",
		 on_devices},
		{"type='signal',sender='" NM_SERVICE "',interface='" NM_SERVICE "',path='" NM_PATH
		 "',member='DeviceRemoved'",
		 on_devices},
		{"type='signal',sender='" NM_SERVICE "',interface='" NM_ACTIVE
		 "',member='StateChanged'",
		 on_active_changed},
		{"type='signal',sender='" NM_SERVICE "',interface='" NM_PROPERTIES
		 "',member='PropertiesChanged',path='" NM_PATH "',arg0='" NM_SERVICE "'",
		 on_service_changed},
		{"type='signal',sender='" NM_SUPPLICANT "',interface='" NM_PROPERTIES
		 "',member='PropertiesChanged',arg0='" NM_SUPPLICANT_INTERFACE "'",
		 on_supplicant_changed},
	};

	_Static_assert(ARRAY_SIZE(matches) == ARRAY_SIZE(((struct nm *)0)->matches),
		       "one slot each");
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		int r = sd_bus_add_match_async(nm->bus, &nm->matches[i], matches[i].match,
					       matches[i].fn, NULL, nm);

		if (r < 0)
			return r;
	}
	return 0;
}

static void nm_free(void *backend)
{
	struct nm *nm = backend;

	if (!nm)
		return;
	nm_attempt_reset(nm);
	nm_scan_reset(nm);
	for (size_t i = 0; i < ARRAY_SIZE(nm->matches); i++)
		sd_bus_slot_unref(nm->matches[i]);
	sd_bus_slot_unref(nm->lookup);
	sd_bus_slot_unref(nm->startup);
	sd_bus_slot_unref(nm->look);
	free(nm);
}

static int nm_new(sd_event *event, sd_bus *bus, const char *interface,
		  const struct backend_events *events, void **ret)
{
	struct nm *nm;
	int r;

	nm = calloc(1, sizeof(*nm));
	if (!nm)
		return -ENOMEM;
	if (!nm_copy(nm->interface, sizeof(nm->interface), interface)) {
		free(nm);
		return -EINVAL;
	}
	nm->event = event;
	nm->bus = bus;
	nm->events = events;
	nm->told = BACKEND_AWAY;
	r = watch(nm);
	if (r >= 0)
		r = sd_bus_call_method_async(bus, &nm->startup, NM_SERVICE, NM_PATH, NM_PROPERTIES,
					     "GetAll", on_service, nm, "s", NM_SERVICE);
	if (r >= 0)
		r = look_up(nm);
	if (r < 0) {
		nm_free(nm);
		return r;
	}
	*ret = nm;
	return 0;
}

static int scan(void *backend, const struct wifi_scan_params *params)
{
	return nm_scan(backend, params);
}

static void scan_cut(void *backend)
{
	nm_scan_cut(backend);
}

static void scan_stop(void *backend)
{
	nm_scan_reset(backend);
}

static int connect_to(void *backend, const struct wifi_config *config)
{
	return nm_connect(backend, config);
}

static void disconnect(void *backend)
{
	nm_disconnect(backend);
}

static const struct wifi_network *network(void *backend)
{
	const struct nm *nm = backend;

	return nm->phase == NM_PHASE_LINKED && !nm->is_link_due ? &nm->link : NULL;
}

static void ask_signal(void *backend)
{
	nm_ask_signal(backend);
}

const struct backend_ops networkmanager_ops = {
	.name = "NetworkManager",
	.bus_name = NM_SERVICE,
	.new = nm_new,
	.free = nm_free,
	.scan = scan,
	.scan_cut = scan_cut,
	.scan_stop = scan_stop,
	.connect = connect_to,
	.disconnect = disconnect,
	.network = network,
	.ask_signal = ask_signal,
};
