/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/wireless.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/internal.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "base/secret.h"
#include "wifi/tell.h"
#include "wifi/wifi.h"

#define BUS_RETRY_US (5 * 1000000)

struct wireless {
	struct agent *agent; /* borrowed, as the next two */
	struct store *store;
	sd_event *event;
	struct wifi_options options;
	struct wifi_events events;
	sd_bus *bus; /* owned, as all below */
	sd_bus_slot *lost;
	struct wifi *wifi; /* NULL without a bus */
	sd_event_source *retry;
	char passkey[8];
	enum link_stage stage;
};

/* ---- what happens, for the agent and its observers ---- */

#define TELL(w, member, ...)                                                                       \
	do {                                                                                       \
		struct agent *_a = (w)->agent;                                                     \
		for (size_t _i = 0; _i < _a->n_observers; _i++) {                                  \
			const struct wifi_events *_e = _a->observers[_i].wifi;                     \
			if (_e && _e->member)                                                      \
				_e->member(_e->userdata __VA_OPT__(, ) __VA_ARGS__);               \
		}                                                                                  \
	} while (0)

static void on_changed(void *userdata)
{
	struct wireless *w = userdata;
	struct agent *a = w->agent;
	struct wifi_view v;
	bool came_up;

	wifi_get_view(w->wifi, &v);
	came_up = v.link.stage == LINK_STAGE_CONNECTED && w->stage != LINK_STAGE_CONNECTED;
	w->stage = v.link.stage;
	/* Where a default route is waited for, netwatch tells; one that stayed is no news to it. */
	if (came_up && (!a->netwatch || netwatch_is_up(a->netwatch)))
		agent_post_external(a, FSM_EVENT_NETWORK_UP);
	TELL(w, changed);
}

static void on_step(void *userdata, const char *name, const char *text)
{
	struct wireless *w = userdata;

	if (w->agent->fsm.state == FSM_STATE_WAITING_FOR_NETWORK)
		agent_set_network_reason(w->agent);
	agent_tell_step(w->agent, name, "%s", text);
}

static void on_passkey(void *userdata, const char *digits)
{
	struct wireless *w = userdata;

	secret_wipe(w->passkey, sizeof(w->passkey));
	snprintf(w->passkey, sizeof(w->passkey), "%s", digits);
	TELL(w, passkey, digits);
}

static void on_result(void *userdata, enum wifi_state state, enum wifi_reason reason)
{
	struct wireless *w = userdata;

	TELL(w, result, state, reason);
}

static void on_found(void *userdata, const struct wifi_record *record)
{
	struct wireless *w = userdata;

	TELL(w, found, record);
}

static void on_scan_done(void *userdata, int r)
{
	struct wireless *w = userdata;

	TELL(w, scan_done, r);
}

static void on_claim(void *userdata, struct claimread_news *ret)
{
	const struct wireless *w = userdata;

	agent_tell_claim(w->agent, ret);
}

/* ---- the bus ---- */

static void close_bus(struct wireless *w)
{
	w->wifi = wifi_free(w->wifi);
	w->lost = sd_bus_slot_unref(w->lost);
	/* Flushing waits for a bus that has not let us in yet, and perhaps never will. */
	w->bus = sd_bus_is_ready(w->bus) > 0 ? sd_bus_flush_close_unref(w->bus)
					     : sd_bus_close_unref(w->bus);
}

static void retry_later(struct wireless *w)
{
	int r = sd_event_source_set_time_relative(w->retry, BUS_RETRY_US);

	if (r >= 0)
		r = sd_event_source_set_enabled(w->retry, SD_EVENT_ONESHOT);
	if (r < 0)
		log_error("Wi-Fi: the bus is not tried again: %s", strerror(-r));
}

static int on_lost(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wireless *w = userdata;

	(void)m;
	(void)error;
	log_warning("Wi-Fi: the connection to the bus is lost, trying again in 5 s");
	/* Nobody says any more that it is not wanted. */
	if (*w->passkey)
		on_passkey(w, "");
	retry_later(w);
	return 0;
}

static int open_bus(struct wireless *w)
{
	int r = sd_bus_open_system(&w->bus);

	if (r >= 0)
		r = sd_bus_attach_event(w->bus, w->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_match_signal(w->bus, &w->lost, "org.freedesktop.DBus.Local",
					"/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
					"Disconnected", on_lost, w);
	return r < 0 ? r : 0;
}

/* 0 also when the bus is not there yet; then it is tried again. */
static int begin(struct wireless *w, char **ret_detail)
{
	int r = open_bus(w);

	if (r < 0) {
		log_warning("Wi-Fi: no system bus: %s, trying again in 5 s", strerror(-r));
		close_bus(w);
		retry_later(w);
		return 0;
	}
	r = wifi_new(w->event, w->bus, w->store, &w->options, &w->events, &w->wifi, ret_detail);
	if (r == 0)
		r = wifi_start(w->wifi);
	if (r != 0)
		close_bus(w);
	return r;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct wireless *w = userdata;
	_cleanup_(freep) char *detail = NULL;
	int r;

	(void)source;
	(void)usec;
	close_bus(w);
	r = begin(w, &detail);
	if (r != 0) {
		log_error("%s", detail ? detail : strerror(abs(r)));
		retry_later(w);
	}
	return 0;
}

/* ---- life ---- */

static struct wifi_options options_of(const struct config *c)
{
	struct wifi_options o = {
		.link = {.interface = c->wifi_interface,
			 .connect_ms = c->wifi_connect_ms,
			 .address_ms = c->wifi_address_ms,
			 .retry_first_ms = c->wifi_retry_first_ms,
			 .retry_ceiling_ms = c->wifi_retry_ceiling_ms,
			 .fallback_ms = c->wifi_fallback_ms},
		.adapter = c->wifi_adapter,
		.name_prefix = c->wifi_name_prefix,
		.pairing = strcmp(c->wifi_pairing, "passkey") == 0 ? PAIRING_PASSKEY
								   : PAIRING_JUST_WORKS,
		.window_ms = c->wifi_window_ms,
		.window_at_boot = c->wifi_window_at_boot,
		.button_chip = c->wifi_button_chip,
		.button_line = c->wifi_button_line,
		.button_active_low = c->wifi_button_active_low,
		.attempts = c->wifi_attempts,
		.attempts_period_ms = c->wifi_attempts_period_ms,
		.rssi_refresh_ms = c->wifi_signal_refresh_ms,
	};

	if (strcmp(c->wifi_pairing, "passkey-on-label") == 0)
		o.label_file = c->wifi_label_file;
	return o;
}

int wireless_new(sd_event *event, const struct config *config, struct store *store,
		 struct agent *agent, struct wireless **ret, char **ret_detail)
{
	_cleanup_(wireless_freep) struct wireless *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->agent = agent;
	w->store = store;
	w->event = event;
	w->options = options_of(config);
	w->events = (struct wifi_events){.changed = on_changed,
					 .step = on_step,
					 .passkey = on_passkey,
					 .result = on_result,
					 .found = on_found,
					 .scan_done = on_scan_done,
					 .claim = on_claim,
					 .userdata = w};
	r = sd_event_add_time_relative(event, &w->retry, CLOCK_BOOTTIME, 0, 0, on_retry, w);
	if (r >= 0)
		r = sd_event_source_set_enabled(w->retry, SD_EVENT_OFF);
	if (r < 0)
		return r;
	r = begin(w, ret_detail);
	if (r != 0)
		return r > 0 ? EXIT_CODE_STORE : r;
	*ret = TAKE_PTR(w);
	return 0;
}

struct wireless *wireless_free(struct wireless *w)
{
	if (!w)
		return NULL;
	close_bus(w);
	sd_event_source_disable_unref(w->retry);
	secret_wipe(w->passkey, sizeof(w->passkey));
	free(w);
	return NULL;
}

struct wifi *wireless_wifi(struct wireless *w)
{
	return w->wifi;
}

const char *wireless_passkey(const struct wireless *w)
{
	return w->passkey;
}
