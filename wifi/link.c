/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/link.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "wifi/link_internal.h"

/* --- timers */

static void on_timer(void *userdata)
{
	struct link *l = userdata;

	switch (linkfsm_timer_of(l->fsm.state)) {
	case LINKFSM_TIMER_NONE:
		return;
	case LINKFSM_TIMER_CONNECT:
		link_say(l, LINKFSM_EVENT_TIMEOUT, WIFI_REASON_TIMEOUT, "no link in time");
		return;
	case LINKFSM_TIMER_ADDRESS:
		link_say(l, LINKFSM_EVENT_TIMEOUT,
			 l->is_address_limit ? WIFI_REASON_FAIL_IP : WIFI_REASON_TIMEOUT,
			 "no address in time");
		return;
	case LINKFSM_TIMER_RETRY:
		link_say(l, l->is_scanning ? LINKFSM_EVENT_HOLD : LINKFSM_EVENT_TIMEOUT, NO_REASON,
			 "time to try again");
		return;
	case LINKFSM_TIMER_SCAN:
		link_say(l, LINKFSM_EVENT_TIMEOUT, NO_REASON, "the scan does not end");
		return;
	}
}

static void on_stranded(void *userdata)
{
	struct link *l = userdata;

	l->is_stranded = true;
	log_notice("Wi-Fi: no link for %llu s although one is configured",
		   (unsigned long long)(l->options.fallback_ms / 1000));
	link_mark_changed(l);
}

/* --- addresses */

/* Only what works is kept, and only what is kept is told as connected. */
static void keep(struct link *l)
{
	char ssid[WIFI_SSID_TEXT_MAX];
	int r;

	r = saved_keep(l->saved, &l->trial.config);
	if (r == 0) {
		link_say(l, LINKFSM_EVENT_KEPT, NO_REASON, "it works and is kept");
		return;
	}
	log_error("Wi-Fi \"%s\" works but cannot be kept: %s",
		  wifi_ssid_text(&l->trial.config.network, ssid),
		  r < 0 ? strerror(-r) : "the store is damaged");
	link_say(l, LINKFSM_EVENT_NOT_KEPT, WIFI_REASON_FAIL_CONN, "the store refused it");
}

static void judge_address(struct link *l)
{
	uint8_t ip4[4];
	bool has_ip4 = address_ip4(l->address, ip4), has_ip6 = address_has_ip6(l->address);
	bool is_usable = has_ip4 || (has_ip6 && l->is_ip6_enough);

	if (l->fsm.state == LINKFSM_STATE_OBTAINING_IP && is_usable)
		link_say(l, LINKFSM_EVENT_ADDRESS, NO_REASON, "an address is there");
	else if (l->fsm.state == LINKFSM_STATE_TRYING_IP && is_usable)
		keep(l);
	else if (l->fsm.state == LINKFSM_STATE_CONNECTED && !has_ip4 && !has_ip6)
		link_say(l, LINKFSM_EVENT_NO_ADDRESS, NO_REASON, "the address is gone");
}

static void on_address(void *userdata)
{
	struct link *l = userdata;

	judge_address(l);
	link_mark_changed(l);
}

static void on_ip6_deadline(void *userdata)
{
	struct link *l = userdata;

	l->is_ip6_enough = true;
	judge_address(l);
}

static void watch_addresses(struct link *l)
{
	const char *interface = station_interface(l->station);
	int r;

	if (l->address)
		return;
	r = address_new(l->event, interface, on_address, l, &l->address);
	if (r < 0)
		log_error("addresses of %s cannot be watched: %s", interface, strerror(-r));
}

/* --- from the station */

static void on_available(void *userdata, bool is_available)
{
	struct link *l = userdata;

	if (!l->is_started)
		return;
	link_mark_changed(l);
	if (!is_available && l->fsm.state == LINKFSM_STATE_NO_INTERFACE)
		return;
	if (is_available) {
		link_say(l, LINKFSM_EVENT_AVAILABLE, NO_REASON, station_backend(l->station));
		return;
	}
	/* The next one may have another name. */
	l->address = address_free(l->address);
	link_end_scan(l, -ENODEV);
	link_say(l, LINKFSM_EVENT_GONE,
		 linkfsm_is_trial(l->fsm.state) ? (int)WIFI_REASON_FAIL_CONN : NO_REASON,
		 "the interface or its back end is gone");
}

static void on_found(void *userdata, const struct wifi_record *record)
{
	struct link *l = userdata;

	if (l->is_scanning && l->events.found)
		l->events.found(l->events.userdata, record);
}

static void on_scan_done(void *userdata, int r)
{
	struct link *l = userdata;

	if (!l->is_scanning)
		return;
	l->is_scanning = false;
	if (l->fsm.state == LINKFSM_STATE_SCANNING)
		link_say(l, LINKFSM_EVENT_SCAN_OVER, NO_REASON, "the scan is done");
	if (l->events.scan_done)
		l->events.scan_done(l->events.userdata, r);
}

static void on_progress(void *userdata, enum wifi_state state)
{
	struct link *l = userdata;

	if (linkfsm_is_trial(l->fsm.state)) {
		trial_reach(&l->trial, state);
		link_wake_teller(l);
	}
	if (state != WIFI_STATE_OBTAINING_IP)
		return;
	watch_addresses(l);
	link_say(l, LINKFSM_EVENT_LINKED, NO_REASON, "the link is up");
}

static void on_failed(void *userdata, enum wifi_reason reason)
{
	link_say(userdata, LINKFSM_EVENT_FAILED, (int)reason, wifi_reason_name(reason));
}

static void on_lost(void *userdata)
{
	link_say(userdata, LINKFSM_EVENT_LOST, WIFI_REASON_FAIL_CONN, "the link is lost");
}

static void on_signal(void *userdata, int rssi_dbm)
{
	struct link *l = userdata;

	if (l->fsm.state != LINKFSM_STATE_CONNECTED || (l->has_rssi && l->rssi_dbm == rssi_dbm))
		return;
	l->has_rssi = true;
	l->rssi_dbm = rssi_dbm;
	link_mark_changed(l);
}

/* --- telling */

static int on_tell(sd_event_source *source, void *userdata)
{
	struct link *l = userdata;
	enum wifi_reason reason;
	enum wifi_state state;

	(void)source;
	if (l->is_changed) {
		l->is_changed = false;
		if (l->events.changed)
			l->events.changed(l->events.userdata);
	}
	if (l->is_scan_ended) {
		l->is_scan_ended = false;
		if (l->events.scan_done)
			l->events.scan_done(l->events.userdata, l->scan_end_r);
	}
	/* Each one may begin another trial or end this one. */
	while (trial_next(&l->trial, &state, &reason))
		if (l->events.result)
			l->events.result(l->events.userdata, state, reason);
	return 0;
}

/* --- the header's */

static int open_link(struct link *l, sd_bus *bus)
{
	int r;

	r = deadline_new(l->event, on_timer, l, &l->timer);
	if (r == 0)
		r = deadline_new(l->event, on_ip6_deadline, l, &l->ip6_deadline);
	if (r == 0)
		r = deadline_new(l->event, on_stranded, l, &l->stranded_deadline);
	if (r == 0)
		r = sd_event_add_defer(l->event, &l->teller, on_tell, l);
	if (r >= 0)
		r = sd_event_source_set_enabled(l->teller, SD_EVENT_OFF);
	/* What happened is told before more happens. */
	if (r >= 0)
		r = sd_event_source_set_priority(l->teller, SD_EVENT_PRIORITY_IMPORTANT);
	if (r < 0)
		return r;
	return station_new(l->event, bus, l->options.interface, &l->station_events, &l->station);
}

int link_new(sd_event *event, sd_bus *bus, struct saved *saved, const struct link_options *options,
	     const struct link_events *events, struct link **ret)
{
	struct link *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->event = event;
	l->saved = saved;
	l->options = *options;
	l->events = *events;
	l->station_events = (struct station_events){
		.available = on_available,
		.found = on_found,
		.scan_done = on_scan_done,
		.progress = on_progress,
		.failed = on_failed,
		.lost = on_lost,
		.signal = on_signal,
		.userdata = l,
	};
	l->backoff = (struct backoff){options->retry_first_ms, options->retry_ceiling_ms, 0};
	linkfsm_init(&l->fsm);
	r = open_link(l, bus);
	if (r < 0) {
		link_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

struct link *link_free(struct link *l)
{
	if (!l)
		return NULL;
	station_free(l->station);
	address_free(l->address);
	deadline_free(l->timer);
	deadline_free(l->ip6_deadline);
	deadline_free(l->stranded_deadline);
	sd_event_source_disable_unref(l->teller);
	trial_drop(&l->trial);
	free(l);
	return NULL;
}

int link_start(struct link *l)
{
	if (l->is_started)
		return -EALREADY;
	l->is_started = true;
	if (station_is_available(l->station))
		on_available(l, true);
	link_judge_stranded(l);
	return 0;
}

int link_try(struct link *l, const struct wifi_config *config)
{
	if (wifi_config_refusal(config))
		return -EINVAL;
	if (!linkfsm_find(l->fsm.state, LINKFSM_EVENT_TRY))
		return -ENODEV;
	trial_begin(&l->trial, config);
	link_say(l, LINKFSM_EVENT_TRY, NO_REASON, "asked to");
	return l->try_r;
}

int link_forget(struct link *l)
{
	int r;

	r = saved_forget(l->saved);
	if (r != 0)
		return r;
	link_say(l, LINKFSM_EVENT_FORGET, NO_REASON, "asked to forget");
	link_mark_changed(l);
	return 0;
}

int link_scan(struct link *l, const struct wifi_scan_params *params)
{
	if (!linkfsm_find(l->fsm.state, LINKFSM_EVENT_SCAN))
		return linkfsm_is_trial(l->fsm.state) ? -EBUSY : -ENODEV;
	l->scan_params = params;
	link_say(l, LINKFSM_EVENT_SCAN, NO_REASON, "asked to scan");
	l->scan_params = NULL;
	return l->scan_r;
}

void link_scan_stop(struct link *l)
{
	l->is_scan_ended = false;
	if (!l->is_scanning)
		return;
	station_scan_stop(l->station);
	l->is_scanning = false;
	if (l->fsm.state == LINKFSM_STATE_SCANNING)
		link_say(l, LINKFSM_EVENT_SCAN_OVER, NO_REASON, "the scan was stopped");
}

void link_ask_signal(struct link *l)
{
	if (l->fsm.state == LINKFSM_STATE_CONNECTED)
		station_ask_signal(l->station);
}

int link_mac(const struct link *l, uint8_t ret[static 6])
{
	return station_mac(l->station, ret);
}
