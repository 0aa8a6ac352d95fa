/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/wpa.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define RETRY_MS 1000ULL
#define RETRY_CEILING_MS 30000

struct call_target wpa_target(const struct wpa *w)
{
	return (struct call_target){WPA_NAME, w->path, WPA_INTERFACE};
}

void wpa_tell(struct wpa *w, const char *member)
{
	const struct call_target to = wpa_target(w);
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = call_new(w->bus, &to, member, &m);
	if (r >= 0)
		r = call_send(NULL, m, NULL, NULL);
	if (r < 0)
		log_warning("wpa_supplicant: %s on %s: %s", member, w->interface, strerror(-r));
}

int wpa_arm(struct wpa *w, sd_event_source **timer, uint64_t ms, sd_event_time_handler_t fn)
{
	int r;

	wpa_disarm(timer);
	r = sd_event_add_time_relative(w->event, timer, CLOCK_MONOTONIC, ms * 1000, 1000, fn, w);
	return r < 0 ? r : 0;
}

void wpa_disarm(sd_event_source **timer)
{
	*timer = sd_event_source_disable_unref(*timer);
}

/* ---- the object of our interface ---- */

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata);

/* May tell: last thing to call. */
static void lose_path(struct wpa *w)
{
	bool was = w->is_ready;

	call_drop(&w->call);
	w->properties = sd_bus_slot_unref(w->properties);
	w->scan_done = sd_bus_slot_unref(w->scan_done);
	wpa_scan_drop(w);
	wpa_connect_drop(w);
	free(TAKE_PTR(w->path));
	*w->sender = '\0';
	w->is_ready = false;
	w->is_scanning = false;
	if (was)
		w->events->state(w->events->userdata, BACKEND_AWAY);
}

static const char *reason_of(sd_bus_message *m)
{
	const char *name = sd_bus_message_get_error(m)->name;

	if (strcmp(name, SD_BUS_ERROR_ACCESS_DENIED) == 0)
		return "the bus does not let this user talk to it, the group netdev is missing";
	return name;
}

/* Whatever did not work: again a little later. May tell: last thing to call. */
static void bring_up_failed(struct wpa *w, const char *what, const char *why)
{
	uint64_t ms = RETRY_CEILING_MS;
	int r;

	if (w->failures < 5)
		ms = RETRY_MS << w->failures;
	/* Once, not every half a minute for years. */
	if (w->failures++ == 0)
		log_warning("wpa_supplicant: %s for %s: %s, trying again", what, w->interface, why);
	r = wpa_arm(w, &w->timer, ms, on_retry);
	if (r < 0)
		log_warning("wpa_supplicant: %s: %s", w->interface, strerror(-r));
	lose_path(w);
}

static int on_scan_done(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;
	int is_good = 0;

	(void)error;
	if (!call_is_from(m, w->sender) || !w->is_ready ||
	    sd_bus_message_read(m, "b", &is_good) < 0)
		return 0;
	wpa_connect_on_scan_done(w, is_good);
	wpa_scan_on_done(w, is_good);
	return 0;
}

static void note(struct wpa *w, const struct wpa_properties *p)
{
	if (p->news.has_state)
		w->state = p->news.state;
	if (p->has_capabilities)
		w->can_sae = p->can_sae;
	if (!p->has_scanning)
		return;
	if (p->is_scanning && !w->is_scanning)
		w->scanning_since_ms = clock_ms();
	w->is_scanning = p->is_scanning;
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(wpa_properties_done) struct wpa_properties p = {0};
	struct wpa *w = userdata;

	(void)error;
	if (!call_is_from(m, w->sender) || sd_bus_message_skip(m, "s") < 0 ||
	    wpa_read_properties(m, &p) < 0)
		return 0;
	note(w, &p);
	if (w->is_ready)
		wpa_connect_on_properties(w, &p);
	return 0;
}

static int on_all_properties(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(wpa_properties_done) struct wpa_properties p = {0};
	struct wpa *w = userdata;

	(void)error;
	call_drop(&w->call);
	if (sd_bus_message_is_method_error(m, NULL)) {
		bring_up_failed(w, "reading properties", sd_bus_message_get_error(m)->name);
		return 0;
	}
	if (wpa_read_properties(m, &p) < 0) {
		bring_up_failed(w, "reading properties", "not understood");
		return 0;
	}
	note(w, &p);
	/* When it began is not known. */
	w->scanning_since_ms = 0;
	w->failures = 0;
	w->is_ready = true;
	log_debug("wpa_supplicant: runs %s as %s", w->interface, w->path);
	w->events->state(w->events->userdata, BACKEND_READY);
	return 0;
}

static int follow_path(struct wpa *w)
{
	const struct call_target to = wpa_target(w);
	int r;

	r = sd_bus_match_signal_async(w->bus, &w->properties, WPA_NAME, w->path,
				      "org.freedesktop.DBus.Properties", "PropertiesChanged",
				      on_properties, NULL, w);
	if (r < 0)
		return r;
	r = sd_bus_match_signal_async(w->bus, &w->scan_done, WPA_NAME, w->path, WPA_INTERFACE,
				      "ScanDone", on_scan_done, NULL, w);
	if (r < 0)
		return r;
	return call_get_all(w->bus, &w->call, &to, on_all_properties, w);
}

static int take_path(struct wpa *w, sd_bus_message *m)
{
	const char *path = NULL;
	int r;

	r = sd_bus_message_read(m, "o", &path);
	if (r < 0)
		return r;
	w->path = strdup(path);
	if (!w->path)
		return -ENOMEM;
	call_learn_sender(w->sender, m);
	return follow_path(w);
}

static int on_created(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;
	int r;

	(void)error;
	call_drop(&w->call);
	if (sd_bus_message_is_method_error(m, NULL)) {
		bring_up_failed(w, "CreateInterface", reason_of(m));
		return 0;
	}
	r = take_path(w, m);
	if (r < 0)
		bring_up_failed(w, "CreateInterface", strerror(-r));
	return 0;
}

static int create(struct wpa *w)
{
	const struct call_target to = {WPA_NAME, WPA_PATH, WPA_NAME};
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = call_new(w->bus, &to, "CreateInterface", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "a{sv}", 2, "Ifname", "s", w->interface, "Driver", "s",
				  "nl80211");
	if (r < 0)
		return r;
	return call_send(&w->call, m, on_created, w);
}

static int on_got(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;
	int r;

	(void)error;
	call_drop(&w->call);
	if (sd_bus_message_is_method_error(m, WPA_NAME ".InterfaceUnknown")) {
		r = create(w);
	} else if (sd_bus_message_is_method_error(m, NULL)) {
		bring_up_failed(w, "GetInterface", reason_of(m));
		return 0;
	} else {
		r = take_path(w, m);
	}
	if (r < 0)
		bring_up_failed(w, "GetInterface", strerror(-r));
	return 0;
}

static int ask_for_path(struct wpa *w)
{
	const struct call_target to = {WPA_NAME, WPA_PATH, WPA_NAME};
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	wpa_disarm(&w->timer);
	r = call_new(w->bus, &to, "GetInterface", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "s", w->interface);
	if (r < 0)
		return r;
	return call_send(&w->call, m, on_got, w);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct wpa *w = userdata;
	int r;

	(void)source;
	(void)usec;
	r = ask_for_path(w);
	if (r < 0)
		bring_up_failed(w, "GetInterface", strerror(-r));
	return 0;
}

/* Somebody else may have made it while we wait. */
static int on_added(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;

	(void)m;
	(void)error;
	if (!w->path && !w->call && ask_for_path(w) < 0)
		log_warning("wpa_supplicant: GetInterface for %s failed", w->interface);
	return 0;
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;
	const char *path = NULL;

	(void)error;
	if (!call_is_from(m, w->sender) || sd_bus_message_read(m, "o", &path) < 0 || !w->path ||
	    strcmp(path, w->path) != 0)
		return 0;
	bring_up_failed(w, "staying", "the interface was removed from it");
	return 0;
}

/* ---- the table ---- */

static void wpa_free(void *backend)
{
	struct wpa *w = backend;

	if (!w)
		return;
	wpa_scan_drop(w);
	wpa_connect_drop(w);
	wpa_disarm(&w->timer);
	sd_bus_slot_unref(w->added);
	sd_bus_slot_unref(w->removed);
	sd_bus_slot_unref(w->properties);
	sd_bus_slot_unref(w->scan_done);
	call_drop(&w->call);
	free(w->path);
	free(w);
}

static int start(struct wpa *w)
{
	int r;

	r = sd_bus_match_signal_async(w->bus, &w->added, WPA_NAME, WPA_PATH, WPA_NAME,
				      "InterfaceAdded", on_added, NULL, w);
	if (r < 0)
		return r;
	r = sd_bus_match_signal_async(w->bus, &w->removed, WPA_NAME, WPA_PATH, WPA_NAME,
				      "InterfaceRemoved", on_removed, NULL, w);
	if (r < 0)
		return r;
	return ask_for_path(w);
}

static int wpa_new(sd_event *event, sd_bus *bus, const char *interface,
		   const struct backend_events *events, void **ret)
{
	struct wpa *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->event = event;
	w->bus = bus;
	w->interface = interface;
	w->events = events;
	w->can_sae = true;
	r = start(w);
	if (r < 0) {
		wpa_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

static int op_scan(void *backend, const struct wifi_scan_params *params)
{
	return wpa_scan_start(backend, params);
}

static void op_scan_cut(void *backend)
{
	wpa_scan_cut(backend);
}

static void op_scan_stop(void *backend)
{
	wpa_scan_stop(backend);
}

static int op_connect(void *backend, const struct wifi_config *config)
{
	return wpa_connect(backend, config);
}

static void op_disconnect(void *backend)
{
	wpa_disconnect(backend);
}

static const struct wifi_network *op_network(void *backend)
{
	const struct wpa *w = backend;

	return w->link.has_network ? &w->link.network : NULL;
}

static void op_ask_signal(void *backend)
{
	wpa_ask_signal(backend);
}

const struct backend_ops wpa_supplicant_ops = {
	.name = "wpa_supplicant",
	.bus_name = WPA_NAME,
	.new = wpa_new,
	.free = wpa_free,
	.scan = op_scan,
	.scan_cut = op_scan_cut,
	.scan_stop = op_scan_stop,
	.connect = op_connect,
	.disconnect = op_disconnect,
	.network = op_network,
	.ask_signal = op_ask_signal,
};
