/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/station.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "wifi/station/backend.h"
#include "wifi/station/call.h"
#include "wifi/station/netif.h"

/* A scan that no driver needs so long for is over. */
#define SCAN_MAX_MS 60000
/* How long the end of one that was cut may take. */
#define SCAN_CUT_MS 3000

#define DBUS_NAME "org.freedesktop.DBus"
#define DBUS_PATH "/org/freedesktop/DBus"

/* The order is the precedence. */
static const struct backend_ops *const known[] = {
	&networkmanager_ops,
	&wpa_supplicant_ops,
};
#define N_KNOWN ARRAY_SIZE(known)
#define WPA_SUPPLICANT (N_KNOWN - 1)

enum owner { OWNER_UNKNOWN, OWNER_NONE, OWNER_THERE };

/* A back end: its name on the bus, and while that is there, its instance. */
struct slot {
	struct station *station; /* borrowed */
	const struct backend_ops *ops;
	struct backend_events events; /* into us */
	enum owner owner;
	sd_bus_slot *watch, *query; /* owned */
	void *instance;             /* owned */
	enum backend_state state;   /* of the instance */
};

enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_LINKED };

struct station {
	sd_event *event;                     /* borrowed */
	sd_bus *bus;                         /* borrowed */
	const struct station_events *events; /* borrowed */
	char *wanted;                        /* owned; NULL: any */
	struct netif_watch *netif;           /* owned */
	char interface[IF_NAMESIZE];         /* "": none */
	unsigned int index;
	struct slot slots[N_KNOWN];
	struct slot *active; /* into slots, READY; NULL: not available */
	bool is_activated;   /* wpa_supplicant was started for this interface */

	enum phase phase;
	enum wifi_state last; /* told in this phase */
	bool is_scanning, is_cut;
	enum wifi_band band;
	sd_event_source *scan_timer; /* owned */
};

/* ---- what a back end tells ---- */

static bool is_active(const struct slot *slot)
{
	return slot->station->active == slot;
}

static void end_scan(struct station *s)
{
	s->is_scanning = false;
	s->is_cut = false;
	s->scan_timer = sd_event_source_disable_unref(s->scan_timer);
}

static void on_found(void *userdata, const struct wifi_record *record)
{
	struct slot *slot = userdata;
	struct station *s = slot->station;

	if (!is_active(slot) || !s->is_scanning)
		return;
	if (s->band != WIFI_BAND_ANY && record->network.band != s->band)
		return;
	if (s->events->found)
		s->events->found(s->events->userdata, record);
}

static void on_scan_done(void *userdata, int r)
{
	struct slot *slot = userdata;
	struct station *s = slot->station;

	if (!is_active(slot) || !s->is_scanning)
		return;
	end_scan(s);
	if (s->events->scan_done)
		s->events->scan_done(s->events->userdata, r);
}

static void on_progress(void *userdata, enum wifi_state state)
{
	struct slot *slot = userdata;
	struct station *s = slot->station;

	if (!is_active(slot) || s->phase != PHASE_CONNECTING || state <= s->last ||
	    state > WIFI_STATE_OBTAINING_IP)
		return;
	s->last = state;
	if (state == WIFI_STATE_OBTAINING_IP)
		s->phase = PHASE_LINKED;
	if (s->events->progress)
		s->events->progress(s->events->userdata, state);
}

/* The connection or the link ended by itself. */
static void on_ended(struct slot *slot, enum wifi_reason reason)
{
	struct station *s = slot->station;
	enum phase was = s->phase;

	if (!is_active(slot))
		return;
	s->phase = PHASE_IDLE;
	if (was == PHASE_CONNECTING && s->events->failed)
		s->events->failed(s->events->userdata, reason);
	else if (was == PHASE_LINKED && s->events->lost)
		s->events->lost(s->events->userdata);
}

static void on_failed(void *userdata, enum wifi_reason reason)
{
	on_ended(userdata, reason);
}

static void on_lost(void *userdata)
{
	on_ended(userdata, WIFI_REASON_FAIL_CONN);
}

static void on_signal(void *userdata, int rssi_dbm)
{
	struct slot *slot = userdata;
	struct station *s = slot->station;

	if (is_active(slot) && s->phase == PHASE_LINKED && s->events->signal)
		s->events->signal(s->events->userdata, rssi_dbm);
}

/* ---- who runs the interface ---- */

static void drop_instance(struct slot *slot)
{
	if (slot->instance)
		slot->ops->free(slot->instance);
	slot->instance = NULL;
	slot->state = BACKEND_AWAY;
}

static void make_instance(struct slot *slot)
{
	struct station *s = slot->station;
	int r;

	if (slot->instance)
		return;
	slot->state = BACKEND_AWAY;
	r = slot->ops->new (s->event, s->bus, s->interface, &slot->events, &slot->instance);
	if (r < 0)
		log_warning("station: %s for %s: %s", slot->ops->name, s->interface, strerror(-r));
}

static int on_activated(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)userdata;
	(void)error;
	if (sd_bus_message_is_method_error(m, NULL))
		log_info("station: starting wpa_supplicant: %s",
			 sd_bus_message_get_error(m)->message);
	return 0;
}

/* Nobody runs the interface: starts wpa_supplicant where D-Bus knows how, once. */
static void activate(struct station *s)
{
	struct slot *slot = &s->slots[WPA_SUPPLICANT];
	int r;

	if (s->is_activated)
		return;
	s->is_activated = true;
	r = sd_bus_call_method_async(s->bus, &slot->query, DBUS_NAME, DBUS_PATH, DBUS_NAME,
				     "StartServiceByName", on_activated, s, "su",
				     slot->ops->bus_name, (uint32_t)0);
	if (r < 0)
		log_warning("station: starting wpa_supplicant: %s", strerror(-r));
}

/* Instances for those whose turn it is, none for the others. The next back end's turn comes when
 * the one before is not there, or does not run the interface. */
static struct slot *choose(struct station *s)
{
	struct slot *ready = NULL;
	bool is_free = *s->interface;

	for (size_t i = 0; i < N_KNOWN; i++) {
		struct slot *slot = &s->slots[i];

		if (!is_free || slot->owner != OWNER_THERE) {
			/* Another takes over, who does not need our network beside its own. */
			if (slot->instance && is_active(slot) && s->phase != PHASE_IDLE)
				slot->ops->disconnect(slot->instance);
			drop_instance(slot);
			is_free = is_free && slot->owner == OWNER_NONE;
			continue;
		}
		make_instance(slot);
		is_free = slot->state == BACKEND_FOREIGN;
		if (slot->instance && slot->state == BACKEND_READY)
			ready = slot;
	}
	if (is_free && s->slots[WPA_SUPPLICANT].owner == OWNER_NONE)
		activate(s);
	return ready;
}

/* Everything under way is over. Tells: last thing to call. */
static void set_active(struct station *s, struct slot *slot)
{
	if (s->active == slot)
		return;
	end_scan(s);
	s->phase = PHASE_IDLE;
	s->active = slot;
	if (s->events->available)
		s->events->available(s->events->userdata, slot);
}

/* Looks at everything anew. Tells: last thing to call. */
static void look(struct station *s)
{
	char name[IF_NAMESIZE] = "";
	unsigned int index = 0;
	bool is_other;
	struct slot *next;

	if (netif_pick(s->wanted, name, &index) < 0)
		*name = '\0';
	is_other = index != s->index || strcmp(name, s->interface) != 0;
	if (is_other) {
		log_debug("station: interface \"%s\", was \"%s\"", name, s->interface);
		for (size_t i = 0; i < N_KNOWN; i++)
			drop_instance(&s->slots[i]);
		memcpy(s->interface, name, sizeof(name));
		s->index = index;
		s->is_activated = false;
	}
	next = choose(s);
	/* From one to another by way of none, so that nothing is taken for what it was. */
	if (is_other || next != s->active)
		set_active(s, NULL);
	set_active(s, next);
}

static void on_state(void *userdata, enum backend_state state)
{
	struct slot *slot = userdata;

	slot->state = state;
	look(slot->station);
}

static void on_netif(void *userdata)
{
	look(userdata);
}

/* ---- names on the bus ---- */

static void set_owner(struct slot *slot, bool is_there)
{
	slot->owner = is_there ? OWNER_THERE : OWNER_NONE;
	look(slot->station);
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct slot *slot = userdata;
	const char *name = NULL, *before = NULL, *after = NULL;

	(void)error;
	if (!call_is_from_bus(m) || sd_bus_message_read(m, "sss", &name, &before, &after) < 0)
		return 0;
	/* Ours are of the one that went. */
	if (*before)
		drop_instance(slot);
	slot->query = sd_bus_slot_unref(slot->query);
	set_owner(slot, *after);
	return 0;
}

static int on_has_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct slot *slot = userdata;
	int is_there = 0;

	(void)error;
	slot->query = sd_bus_slot_unref(slot->query);
	if (!sd_bus_message_is_method_error(m, NULL))
		(void)sd_bus_message_read(m, "b", &is_there);
	set_owner(slot, is_there);
	return 0;
}

static int follow(struct station *s, size_t i)
{
	struct slot *slot = &s->slots[i];
	char match[256];
	int r;

	slot->station = s;
	slot->ops = known[i];
	slot->events = (struct backend_events){
		.state = on_state,
		.found = on_found,
		.scan_done = on_scan_done,
		.progress = on_progress,
		.failed = on_failed,
		.lost = on_lost,
		.signal = on_signal,
		.userdata = slot,
	};
	snprintf(match, sizeof(match),
		 "type='signal',sender='" DBUS_NAME "',path='" DBUS_PATH "',interface='" DBUS_NAME
		 "',member='NameOwnerChanged',arg0='%s'",
		 slot->ops->bus_name);
	r = sd_bus_add_match_async(s->bus, &slot->watch, match, on_owner, NULL, slot);
	if (r < 0)
		return r;
	/* Answered after the match was taken. */
	return sd_bus_call_method_async(s->bus, &slot->query, DBUS_NAME, DBUS_PATH, DBUS_NAME,
					"NameHasOwner", on_has_owner, slot, "s",
					slot->ops->bus_name);
}

/* ---- life ---- */

static int start(struct station *s, const char *interface)
{
	int r;

	if (interface) {
		s->wanted = strdup(interface);
		if (!s->wanted)
			return -ENOMEM;
	}
	r = netif_watch_new(s->event, on_netif, s, &s->netif);
	if (r < 0)
		return r;
	for (size_t i = 0; i < N_KNOWN; i++) {
		r = follow(s, i);
		if (r < 0)
			return r;
	}
	if (netif_pick(s->wanted, s->interface, &s->index) < 0)
		*s->interface = '\0';
	return 0;
}

int station_new(sd_event *event, sd_bus *bus, const char *interface,
		const struct station_events *events, struct station **ret)
{
	_cleanup_(station_freep) struct station *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->event = event;
	s->bus = bus;
	s->events = events;
	r = start(s, interface);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

struct station *station_free(struct station *s)
{
	if (!s)
		return NULL;
	netif_watch_free(s->netif);
	for (size_t i = 0; i < N_KNOWN; i++) {
		drop_instance(&s->slots[i]);
		sd_bus_slot_unref(s->slots[i].watch);
		sd_bus_slot_unref(s->slots[i].query);
	}
	sd_event_source_disable_unref(s->scan_timer);
	free(s->wanted);
	free(s);
	return NULL;
}

bool station_is_available(const struct station *s)
{
	return s->active;
}

const char *station_interface(const struct station *s)
{
	return s->interface;
}

const char *station_backend(const struct station *s)
{
	return s->active ? s->active->ops->name : "none";
}

int station_mac(const struct station *s, uint8_t ret[static 6])
{
	return netif_mac(s->interface, ret);
}

/* ---- scan ---- */

static int on_scan_timer(sd_event_source *source, uint64_t usec, void *userdata);

static int arm(struct station *s, uint64_t ms)
{
	s->scan_timer = sd_event_source_disable_unref(s->scan_timer);
	return sd_event_add_time_relative(s->event, &s->scan_timer, CLOCK_MONOTONIC, ms * 1000,
					  10000, on_scan_timer, s);
}

static int on_scan_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct station *s = userdata;
	struct slot *slot = s->active;
	bool was_cut = s->is_cut;

	(void)source;
	(void)usec;
	if (!was_cut && slot->ops->scan_cut && arm(s, SCAN_CUT_MS) >= 0) {
		s->is_cut = true;
		slot->ops->scan_cut(slot->instance);
		return 0;
	}
	slot->ops->scan_stop(slot->instance);
	on_scan_done(slot, was_cut ? -ETIMEDOUT : 0);
	return 0;
}

int station_scan(struct station *s, const struct wifi_scan_params *params)
{
	static const struct wifi_scan_params every = {0};
	uint64_t ms;
	int r;

	if (!s->active)
		return -ENODEV;
	if (s->phase == PHASE_CONNECTING)
		return -EBUSY;
	if (!params)
		params = &every;
	ms = params->period_ms > 0 ? MIN(params->period_ms, SCAN_MAX_MS) : SCAN_MAX_MS;
	r = arm(s, ms);
	if (r < 0)
		return r;
	r = s->active->ops->scan(s->active->instance, params);
	if (r < 0) {
		if (!s->is_scanning)
			end_scan(s);
		return r;
	}
	s->is_scanning = true;
	s->is_cut = false;
	s->band = params->band;
	return 0;
}

void station_scan_stop(struct station *s)
{
	if (!s->is_scanning)
		return;
	end_scan(s);
	s->active->ops->scan_stop(s->active->instance);
}

/* ---- connection ---- */

int station_connect(struct station *s, const struct wifi_config *config)
{
	int r;

	if (!s->active)
		return -ENODEV;
	if (wifi_config_refusal(config))
		return -EINVAL;
	station_scan_stop(s);
	r = s->active->ops->connect(s->active->instance, config);
	if (r < 0) {
		station_disconnect(s);
		return r;
	}
	s->phase = PHASE_CONNECTING;
	s->last = WIFI_STATE_DISCONNECTED;
	return 0;
}

void station_disconnect(struct station *s)
{
	s->phase = PHASE_IDLE;
	if (s->active)
		s->active->ops->disconnect(s->active->instance);
}

const struct wifi_network *station_network(const struct station *s)
{
	if (s->phase != PHASE_LINKED)
		return NULL;
	return s->active->ops->network(s->active->instance);
}

void station_ask_signal(struct station *s)
{
	if (s->phase == PHASE_LINKED)
		s->active->ops->ask_signal(s->active->instance);
}
