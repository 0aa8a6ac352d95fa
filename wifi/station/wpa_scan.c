/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/wpa.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define BUSY_MS 300
#define TRIES_MAX 10
/* What a BSS's age, in whole seconds, may be more than the scan is old. */
#define AGE_SLACK_MS 500
/* When the scan that we joined began is not known. */
#define AGE_DEFAULT_MS 10000

static int ask(struct wpa *w);

static void drop_listing(struct wpa_scan *s)
{
	for (size_t i = 0; i < s->n_listed; i++)
		call_drop(&s->listed[i].call);
	s->n_listed = 0;
	s->n_left = 0;
}

static void reset(struct wpa *w)
{
	struct wpa_scan *s = &w->scan;

	drop_listing(s);
	call_drop(&s->call);
	wpa_disarm(&s->timer);
	s->step = WPA_SCAN_NONE;
	s->is_cut = false;
	s->is_ours = false;
}

/* Tells: last thing to call. */
static void finish(struct wpa *w, int r)
{
	reset(w);
	w->events->scan_done(w->events->userdata, r);
}

/* ---- what it has found ---- */

static bool is_fresh(const struct wpa_scan *s, const struct wpa_bss *bss)
{
	uint64_t limit = AGE_DEFAULT_MS;

	if (s->since_ms > 0)
		limit = clock_ms() - s->since_ms + AGE_SLACK_MS;
	return (uint64_t)bss->age_s * 1000 <= limit;
}

static int on_bss(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa_listed *listed = userdata;
	struct wpa *w = listed->wpa;
	struct wpa_scan *s = &w->scan;
	unsigned int listing = s->listing;
	struct wifi_record record;
	struct wpa_bss bss;
	bool is_last = --s->n_left == 0;

	(void)error;
	call_drop(&listed->call);
	/* An error: it has expired in between. */
	if (!sd_bus_message_is_method_error(m, NULL) && wpa_read_bss(m, &bss) == 0 &&
	    is_fresh(s, &bss) && wpa_bss_record(&bss, &record) == 0)
		w->events->found(w->events->userdata, &record);
	if (is_last && s->step == WPA_SCAN_LISTING && s->listing == listing)
		finish(w, 0);
	return 0;
}

/* Asks all of them at once. */
static int ask_each(struct wpa *w, char **paths, size_t n)
{
	struct wpa_scan *s = &w->scan;

	for (size_t i = 0; i < n; i++) {
		const struct call_target to = {WPA_NAME, paths[i], WPA_BSS};
		struct wpa_listed *listed = &s->listed[i];
		int r;

		*listed = (struct wpa_listed){.wpa = w};
		r = call_get_all(w->bus, &listed->call, &to, on_bss, listed);
		if (r < 0)
			return r;
		s->n_listed++;
		s->n_left++;
	}
	return 0;
}

static int on_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;
	char *paths[WPA_BSS_MAX];
	size_t n = 0;
	int r = -EIO;

	(void)error;
	call_drop(&w->scan.call);
	if (!sd_bus_message_is_method_error(m, NULL))
		r = wpa_read_bss_paths(m, paths, ARRAY_SIZE(paths), &n);
	if (r >= 0)
		r = ask_each(w, paths, n);
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	if (r < 0 || n == 0)
		finish(w, r);
	return 0;
}

static int list(struct wpa *w)
{
	const struct call_target to = {WPA_NAME, w->path, "org.freedesktop.DBus.Properties"};
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	struct wpa_scan *s = &w->scan;
	int r;

	drop_listing(s);
	wpa_disarm(&s->timer);
	s->step = WPA_SCAN_LISTING;
	s->listing++;
	r = call_new(w->bus, &to, "Get", &m);
	if (r >= 0)
		r = sd_bus_message_append(m, "ss", WPA_INTERFACE, "BSSs");
	if (r >= 0)
		r = call_send(&s->call, m, on_list, w);
	return r;
}

/* ---- the request ---- */

/* May tell: last thing to call. */
static void go_on(struct wpa *w, int r)
{
	if (r < 0)
		finish(w, r);
}

static int on_busy_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct wpa *w = userdata;

	(void)source;
	(void)usec;
	go_on(w, ask(w));
	return 0;
}

/* Joins the scan that runs, or asks again when there is none, or only the rest of one that we
 * stopped. */
static int handle_busy(struct wpa *w)
{
	struct wpa_scan *s = &w->scan;

	if (w->is_scanning && !s->is_aborting) {
		s->step = WPA_SCAN_RUNNING;
		s->is_ours = false;
		s->since_ms = w->scanning_since_ms;
		return 0;
	}
	if (w->state == WPA_STATE_INTERFACE_DISABLED || ++s->tries > TRIES_MAX)
		return -EIO;
	s->step = WPA_SCAN_WAITING;
	return wpa_arm(w, &s->timer, BUSY_MS, on_busy_over);
}

static int on_asked(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct wpa *w = userdata;
	struct wpa_scan *s = &w->scan;

	(void)error;
	call_drop(&s->call);
	if (!sd_bus_message_is_method_error(m, NULL)) {
		s->step = WPA_SCAN_RUNNING;
		s->is_ours = true;
		s->is_aborting = false;
		return 0;
	}
	log_debug("wpa_supplicant: Scan on %s: %s", w->interface,
		  sd_bus_message_get_error(m)->message);
	go_on(w, handle_busy(w));
	return 0;
}

static int append_channels(sd_bus_message *m, const uint32_t *mhz, size_t n)
{
	int r;

	r = sd_bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", "Channels");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "a(uu)");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(uu)");
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = sd_bus_message_append(m, "(uu)", mhz[i], (uint32_t)20);
	for (int i = 0; r >= 0 && i < 3; i++)
		r = sd_bus_message_close_container(m);
	return r;
}

static int append_params(sd_bus_message *m, const struct wpa_scan *s)
{
	const uint32_t *mhz = NULL;
	bool is_last = false;
	size_t n = wpa_scan_channels(&s->params, s->rung, &mhz, &is_last);
	int r;

	r = sd_bus_message_open_container(m, 'a', "{sv}");
	/* AllowRoam: whoever only looks keeps the link. */
	if (r >= 0)
		r = sd_bus_message_append(m, "{sv}{sv}", "Type", "s",
					  s->params.passive ? "passive" : "active", "AllowRoam",
					  "b", 0);
	if (r >= 0 && n > 0)
		r = append_channels(m, mhz, n);
	if (r < 0)
		return r;
	return sd_bus_message_close_container(m);
}

static int ask(struct wpa *w)
{
	const struct call_target to = wpa_target(w);
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	struct wpa_scan *s = &w->scan;
	int r;

	wpa_disarm(&s->timer);
	r = call_new(w->bus, &to, "Scan", &m);
	if (r < 0)
		return r;
	r = append_params(m, s);
	if (r < 0)
		return r;
	r = call_send(&s->call, m, on_asked, w);
	if (r < 0)
		return r;
	s->step = WPA_SCAN_ASKING;
	s->since_ms = clock_ms();
	return 0;
}

/* The driver refused: perhaps for the channels that we named. */
static int next_rung(struct wpa *w)
{
	struct wpa_scan *s = &w->scan;
	const uint32_t *mhz;
	bool is_last = false;

	(void)wpa_scan_channels(&s->params, s->rung, &mhz, &is_last);
	if (is_last || !s->is_ours)
		return -EIO;
	s->rung++;
	return ask(w);
}

/* ---- from outside ---- */

int wpa_scan_start(struct wpa *w, const struct wifi_scan_params *params)
{
	struct wpa_scan *s = &w->scan;

	/* Nothing of it was told yet. */
	if (s->step != WPA_SCAN_NONE && s->step != WPA_SCAN_LISTING)
		return 0;
	if (s->step == WPA_SCAN_LISTING)
		return list(w);
	s->params = *params;
	s->rung = 0;
	s->tries = 0;
	return ask(w);
}

void wpa_scan_cut(struct wpa *w)
{
	struct wpa_scan *s = &w->scan;
	bool is_running = s->step == WPA_SCAN_RUNNING;

	if (s->step == WPA_SCAN_NONE || s->step == WPA_SCAN_LISTING)
		return;
	s->is_cut = true;
	if (is_running)
		wpa_tell(w, "AbortScan");
	else if (list(w) < 0)
		log_warning("wpa_supplicant: listing networks on %s failed", w->interface);
}

void wpa_scan_stop(struct wpa *w)
{
	struct wpa_scan *s = &w->scan;

	if ((s->step == WPA_SCAN_RUNNING && s->is_ours) || s->step == WPA_SCAN_ASKING) {
		wpa_tell(w, "AbortScan");
		s->is_aborting = true;
	}
	reset(w);
}

void wpa_scan_drop(struct wpa *w)
{
	reset(w);
	w->scan.is_aborting = false;
}

void wpa_scan_on_done(struct wpa *w, bool is_good)
{
	struct wpa_scan *s = &w->scan;

	s->is_aborting = false;
	switch (s->step) {
	case WPA_SCAN_NONE:
	case WPA_SCAN_ASKING: /* of a scan before ours */
	case WPA_SCAN_LISTING:
		return;
	case WPA_SCAN_WAITING:
		go_on(w, ask(w));
		return;
	case WPA_SCAN_RUNNING:
		if (is_good || s->is_cut)
			go_on(w, list(w));
		else
			go_on(w, next_rung(w));
		return;
	}
}
