/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/wpa.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

/* wpa_supplicant says "scan done" before it says what it makes of it. */
#define SETTLE_MS 300

/* ---- the end ---- */

static void reset(struct wpa *w)
{
	struct wpa_link *l = &w->link;

	call_drop(&l->call);
	call_drop(&l->poll);
	wpa_disarm(&l->timer);
	wpa_block_wipe(&l->block);
	l->phase = WPA_PHASE_NONE;
	l->has_network = false;
}

void wpa_connect_drop(struct wpa *w)
{
	reset(w);
}

void wpa_disconnect(struct wpa *w)
{
	reset(w);
	/* Drops the link, too, also one of before our time, and leaves wpa_supplicant with nothing
	 * to try. */
	wpa_tell(w, "RemoveAllNetworks");
}

/* Tells: last thing to call. */
static void give_up(struct wpa *w, enum wifi_reason reason)
{
	wpa_disconnect(w);
	w->events->failed(w->events->userdata, reason);
}

static void give_up_link(struct wpa *w)
{
	wpa_disconnect(w);
	w->events->lost(w->events->userdata);
}

/* ---- what the link is to ---- */

/* Of an up link: tells that it is. */
static void tell_up(struct wpa *w)
{
	bool is_first = !w->link.has_network;

	w->link.has_network = true;
	if (is_first)
		w->events->progress(w->events->userdata, WIFI_STATE_OBTAINING_IP);
}

static int on_bss(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;
	struct wpa_link *l = &w->link;
	struct wifi_record record;
	struct wpa_bss bss;

	(void)error;
	call_drop(&l->call);
	l->network = l->wanted;
	if (!sd_bus_message_is_method_error(m, NULL) && wpa_read_bss(m, &bss) == 0 &&
	    wpa_bss_record(&bss, &record) == 0) {
		l->network = record.network;
		/* A hidden one does not say it. */
		memcpy(l->network.ssid, l->wanted.ssid, sizeof(l->network.ssid));
		l->network.ssid_len = l->wanted.ssid_len;
		if (l->is_sae)
			l->network.auth = WIFI_AUTH_WPA3_PSK;
	}
	tell_up(w);
	return 0;
}

static int on_interface(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(wpa_properties_done) struct wpa_properties p = {0};
	struct wpa *w = userdata;
	struct call_target to = {WPA_NAME, NULL, WPA_BSS};
	int r = -EIO;

	(void)error;
	call_drop(&w->link.call);
	if (!sd_bus_message_is_method_error(m, NULL))
		r = wpa_read_properties(m, &p);
	if (r >= 0) {
		w->link.is_sae = p.is_sae;
		to.path = p.current_bss;
		r = -ENODATA;
		if (to.path && strcmp(to.path, "/") != 0)
			r = call_get_all(w->bus, &w->link.call, &to, on_bss, w);
	}
	if (r < 0) {
		w->link.network = w->link.wanted;
		tell_up(w);
	}
	return 0;
}

static void look_at_link(struct wpa *w)
{
	const struct call_target to = wpa_target(w);
	int r = call_get_all(w->bus, &w->link.call, &to, on_interface, w);

	if (r < 0)
		log_warning("wpa_supplicant: reading properties of %s: %s", w->interface,
			    strerror(-r));
}

/* ---- under way ---- */

static void act(struct wpa *w, const struct wpa_verdict *v)
{
	switch (v->outcome) {
	case WPA_GOES_ON:
		return;
	case WPA_PROGRESS:
		w->events->progress(w->events->userdata, v->progress);
		return;
	case WPA_UP:
		wpa_disarm(&w->link.timer);
		w->link.phase = WPA_PHASE_UP;
		look_at_link(w);
		return;
	case WPA_FAILED:
		give_up(w, v->reason);
		return;
	case WPA_LOST:
		/* Before it was told, it is no loss. */
		if (w->link.has_network)
			give_up_link(w);
		else
			give_up(w, WIFI_REASON_FAIL_CONN);
		return;
	}
}

void wpa_connect_on_properties(struct wpa *w, const struct wpa_properties *p)
{
	struct wpa_link *l = &w->link;
	struct wpa_verdict v;

	if (l->phase != WPA_PHASE_TRYING && l->phase != WPA_PHASE_UP)
		return;
	v = wpa_attempt_news(&l->attempt, &p->news);
	/* Roamed. */
	if (v.outcome == WPA_GOES_ON && l->has_network && (p->current_bss || p->has_auth_mode))
		look_at_link(w);
	act(w, &v);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct wpa *w = userdata;
	struct wpa_verdict v = wpa_attempt_fruitless(&w->link.attempt);

	(void)source;
	(void)usec;
	wpa_disarm(&w->link.timer);
	act(w, &v);
	return 0;
}

void wpa_connect_on_scan_done(struct wpa *w, bool is_good)
{
	struct wpa_link *l = &w->link;
	int r;

	if (l->phase != WPA_PHASE_TRYING || !wpa_attempt_scanned(&l->attempt, is_good))
		return;
	r = wpa_arm(w, &l->timer, SETTLE_MS, on_settled);
	if (r < 0)
		log_warning("wpa_supplicant: %s: %s", w->interface, strerror(-r));
}

/* ---- the start ---- */

static bool is_error(struct wpa *w, sd_bus_message *m, const char *what)
{
	const sd_bus_error *e = sd_bus_message_get_error(m);

	if (!e)
		return false;
	log_warning("wpa_supplicant: %s on %s: %s", what, w->interface, e->name);
	return true;
}

static int on_selected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;

	(void)error;
	call_drop(&w->link.call);
	if (is_error(w, m, "SelectNetwork") || w->state == WPA_STATE_INTERFACE_DISABLED)
		give_up(w, WIFI_REASON_FAIL_CONN);
	return 0;
}

static int select_network(struct wpa *w, sd_bus_message *answer)
{
	const struct call_target to = wpa_target(w);
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	struct wpa_link *l = &w->link;
	const char *path = NULL;
	int r;

	r = sd_bus_message_read(answer, "o", &path);
	if (r < 0)
		return r;
	r = call_new(w->bus, &to, "SelectNetwork", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "o", path);
	if (r < 0)
		return r;
	r = call_send(&l->call, m, on_selected, w);
	if (r < 0)
		return r;
	/* What it says may come before the answer. */
	wpa_attempt_start(&l->attempt, l->attempt.has_sae, w->is_scanning);
	l->phase = WPA_PHASE_TRYING;
	return 0;
}

static int on_network_added(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;

	(void)error;
	call_drop(&w->link.call);
	if (is_error(w, m, "AddNetwork") || select_network(w, m) < 0)
		give_up(w, WIFI_REASON_FAIL_CONN);
	return 0;
}

static int add_network(struct wpa *w)
{
	const struct call_target to = wpa_target(w);
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	struct wpa_link *l = &w->link;
	int r;

	r = call_new(w->bus, &to, "AddNetwork", &m);
	if (r < 0)
		return r;
	r = wpa_append_block(m, &l->block);
	if (r < 0)
		return r;
	l->attempt.has_sae = wpa_block_has_sae(&l->block);
	wpa_block_wipe(&l->block);
	return call_send(&l->call, m, on_network_added, w);
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;

	(void)error;
	call_drop(&w->link.call);
	if (is_error(w, m, "RemoveAllNetworks") || add_network(w) < 0)
		give_up(w, WIFI_REASON_FAIL_CONN);
	return 0;
}

int wpa_connect(struct wpa *w, const struct wifi_config *config)
{
	const struct call_target to = wpa_target(w);
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	_cleanup_(wpa_block_wipe) struct wpa_block block = {0};
	struct wpa_link *l = &w->link;
	int r;

	r = wpa_block_make(config, w->can_sae, &block);
	if (r < 0)
		return r;
	/* Whatever there is, also what another program left behind: the first attempt of a new
	 * network beside an old one is broken off. */
	r = call_new(w->bus, &to, "RemoveAllNetworks", &m);
	if (r < 0)
		return r;
	reset(w);
	r = call_send(&l->call, m, on_removed, w);
	if (r < 0)
		return r;
	l->phase = WPA_PHASE_PREPARING;
	l->block = block;
	l->wanted = config->network;
	return 0;
}

/* ---- the signal ---- */

static int on_polled(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;
	int dbm = 0;

	(void)error;
	call_drop(&w->link.poll);
	if (!sd_bus_message_is_method_error(m, NULL) && wpa_read_rssi(m, &dbm) == 0)
		w->events->signal(w->events->userdata, dbm);
	return 0;
}

void wpa_ask_signal(struct wpa *w)
{
	const struct call_target to = wpa_target(w);
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	if (!w->link.has_network)
		return;
	r = call_new(w->bus, &to, "SignalPoll", &m);
	if (r >= 0)
		r = call_send(&w->link.poll, m, on_polled, w);
	if (r < 0)
		log_warning("wpa_supplicant: SignalPoll on %s: %s", w->interface, strerror(-r));
}
