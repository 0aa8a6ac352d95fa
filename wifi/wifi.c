/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/wifi.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "wifi/button.h"
#include "wifi/label.h"
#include "wifi/provisioner.h"
#include "wifi/tell.h"
#include "wifi/window.h"

struct wifi {
	const struct wifi_options *options; /* borrowed, as the next */
	const struct wifi_events *events;
	struct link_events link_events;
	struct provisioner_events provisioner_events;
	struct peripheral_events peripheral_events;
	struct saved *saved; /* owned, as all below */
	struct window *window;
	struct link *link;
	struct provisioner *provisioner;
	struct claimread *claimread;
	struct peripheral *peripheral;
	struct button *button;
	struct secret label;
	sd_event_source *refresh; /* the next look at the signal */

	char name[sizeof(((struct advertisement *)0)->name)]; /* "" without an interface */
	char *configurator; /* who is connected over BLE; NULL: nobody */
	bool owner_scans;   /* wifi_scan() is under way */
	bool is_advertising;
	char advertising_why[128];
	char told[TELL_TEXT_MAX]; /* the last step */
};

static void tell_changed(struct wifi *w)
{
	if (w->events->changed)
		w->events->changed(w->events->userdata);
}

/* ---- what is on the air ---- */

static void update_name(struct wifi *w)
{
	uint8_t mac[6];

	w->name[0] = '\0';
	if (link_mac(w->link, mac) == 0)
		snprintf(w->name, sizeof(w->name), "%.2s%02X%02X%02X", w->options->name_prefix,
			 mac[3], mac[4], mac[5]);
}

static int8_t clamp_rssi(const struct link_view *v)
{
	if (v->stage != LINK_STAGE_CONNECTED || !v->has_rssi)
		return INT8_MIN;
	return (int8_t)MAX(MIN(v->rssi_dbm, INT8_MAX), INT8_MIN + 1);
}

static void advertise(struct wifi *w, const struct link_view *v)
{
	struct advertisement a = {
		.is_provisioned = v->is_configured,
		.is_connected = v->stage == LINK_STAGE_CONNECTED,
		.rssi_dbm = clamp_rssi(v),
		.is_fast = !v->is_configured || v->is_stranded,
	};

	update_name(w);
	if (!*w->name) {
		peripheral_stop_advertising(w->peripheral);
		return;
	}
	snprintf(a.name, sizeof(a.name), "%s", w->name);
	peripheral_advertise(w->peripheral, &a);
}

static int on_refresh(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct wifi *w = userdata;

	(void)source;
	(void)usec;
	link_ask_signal(w->link);
	return sd_event_source_set_time_relative(w->refresh, w->options->rssi_refresh_ms * 1000) >=
			       0
		       ? sd_event_source_set_enabled(w->refresh, SD_EVENT_ONESHOT)
		       : 0;
}

/* Only a link has a signal, and only somebody who is not connected reads it from the air: without
 * them nothing wakes us up. */
static void arm_refresh(struct wifi *w, const struct link_view *v)
{
	bool wanted = v->stage == LINK_STAGE_CONNECTED && w->is_advertising && !w->configurator &&
		      w->options->rssi_refresh_ms > 0;
	int enabled = SD_EVENT_OFF, r;

	(void)sd_event_source_get_enabled(w->refresh, &enabled);
	if (wanted == (enabled != SD_EVENT_OFF))
		return;
	if (wanted)
		link_ask_signal(w->link);
	r = wanted ? sd_event_source_set_time_relative(w->refresh,
						       w->options->rssi_refresh_ms * 1000)
		   : 0;
	if (r >= 0)
		r = sd_event_source_set_enabled(w->refresh,
						wanted ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	if (r < 0)
		log_warning("wifi: the advertised signal stays as it is: %s", strerror(-r));
}

/* The one place that follows whatever changed. */
static void follow(struct wifi *w)
{
	char text[TELL_TEXT_MAX];
	struct wifi_view v;

	link_get_view(w->link, &v.link);
	advertise(w, &v.link);
	arm_refresh(w, &v.link);
	wifi_get_view(w, &v);
	tell_stage(&v, text);
	if (strcmp(text, w->told) != 0) {
		snprintf(w->told, sizeof(w->told), "%s", text);
		log_info("wifi stage=%s text=\"%s\"", link_stage_name(v.link.stage), text);
		if (w->events->step)
			w->events->step(w->events->userdata, "wifi", text);
	}
	tell_changed(w);
}

/* ---- from the link ---- */

static void on_link_changed(void *userdata)
{
	follow(userdata);
}

static void on_link_result(void *userdata, enum wifi_state state, enum wifi_reason reason)
{
	struct wifi *w = userdata;

	provisioner_on_result(w->provisioner, state, reason);
	if (w->events->result)
		w->events->result(w->events->userdata, state, reason);
}

static void on_found(void *userdata, const struct wifi_record *record)
{
	struct wifi *w = userdata;

	provisioner_on_found(w->provisioner, record);
	if (w->owner_scans && w->events->found)
		w->events->found(w->events->userdata, record);
}

static void end_owners_scan(struct wifi *w, int r)
{
	if (!w->owner_scans)
		return;
	w->owner_scans = false;
	if (w->events->scan_done)
		w->events->scan_done(w->events->userdata, r);
}

static void on_scan_done(void *userdata, int r)
{
	struct wifi *w = userdata;

	provisioner_on_scan_done(w->provisioner, r);
	end_owners_scan(w, r);
}

/* ---- between the provisioner and the air ---- */

static void on_response(void *userdata, const uint8_t *data, size_t len)
{
	struct wifi *w = userdata;

	peripheral_indicate(w->peripheral, data, len);
}

static void on_result(void *userdata, const uint8_t *data, size_t len)
{
	struct wifi *w = userdata;

	peripheral_notify(w->peripheral, data, len);
}

static int on_read(void *userdata, uint8_t *ret, size_t size, size_t *ret_len)
{
	struct wifi *w = userdata;

	return provisioner_info(w->provisioner, ret, size, ret_len);
}

static int on_read_claim(void *userdata, const char *peer, size_t offset, uint8_t *ret, size_t size,
			 size_t *ret_len)
{
	struct wifi *w = userdata;

	return claimread_read(w->claimread, peer, offset, ret, size, ret_len);
}

static void on_claim(void *userdata, struct claimread_news *ret)
{
	const struct wifi *w = userdata;

	if (w->events->claim)
		w->events->claim(w->events->userdata, ret);
}

static int on_write(void *userdata, const char *peer, size_t limit, const void *data, size_t len)
{
	struct wifi *w = userdata;

	/* The radio is the configurator's now, who may end the scan unseen by us. */
	end_owners_scan(w, -ECANCELED);
	return provisioner_request(w->provisioner, peer, limit, data, len);
}

static void on_peer(void *userdata, const char *peer, bool is_connected)
{
	struct wifi *w = userdata;

	if (is_connected && !w->configurator) {
		w->configurator = strdup(peer);
	} else if (!is_connected) {
		provisioner_peer_gone(w->provisioner, peer);
		claimread_peer_gone(w->claimread, peer);
		if (w->configurator && strcmp(w->configurator, peer) == 0)
			free(TAKE_PTR(w->configurator));
	}
	follow(w);
}

static bool may_pair(void *userdata, const char *peer)
{
	struct wifi *w = userdata;

	if (window_is_open(w->window))
		return true;
	log_notice("wifi: %s may not pair: the window is closed", peer);
	return false;
}

static void on_passkey(void *userdata, uint32_t passkey, bool is_over)
{
	struct wifi *w = userdata;
	char digits[8] = "";

	if (!is_over)
		snprintf(digits, sizeof(digits), "%06" PRIu32, passkey % 1000000);
	if (w->events->passkey)
		w->events->passkey(w->events->userdata, digits);
	secret_wipe(digits, sizeof(digits));
}

static void on_advertising(void *userdata, bool is_on, const char *why)
{
	struct wifi *w = userdata;

	w->is_advertising = is_on;
	snprintf(w->advertising_why, sizeof(w->advertising_why), "%s", !is_on && why ? why : "");
	follow(w);
}

static void on_window(bool is_open, void *userdata)
{
	(void)is_open;
	follow(userdata);
}

static void on_button(void *userdata)
{
	struct wifi *w = userdata;

	window_open(w->window, w->options->window_ms, "button");
}

/* ---- life ---- */

static int open_lower(struct wifi *w, sd_event *event, sd_bus *bus, struct store *store)
{
	const struct wifi_options *o = w->options;
	int r = saved_new(store, &w->saved);

	if (r == 0)
		r = window_new(event, o->window_at_boot ? o->window_ms : 0, on_window, w,
			       &w->window);
	if (r == 0)
		r = link_new(event, bus, w->saved, &o->link, &w->link_events, &w->link);
	return r;
}

static int open_upper(struct wifi *w, sd_event *event, sd_bus *bus)
{
	const struct wifi_options *o = w->options;
	const struct provisioner_options limits = {
		.attempts = o->attempts,
		.attempts_period_ms = o->attempts_period_ms,
		.label_code = (const char *)w->label.data,
	};
	const struct peripheral_options air = {.adapter = o->adapter, .pairing = o->pairing};
	int r = provisioner_new(event, w->link, w->window, &limits, &w->provisioner_events,
				&w->provisioner);

	if (r == 0)
		r = claimread_new(w->provisioner, on_claim, w, &w->claimread);
	if (r == 0)
		r = peripheral_new(event, bus, &air, &w->peripheral_events, &w->peripheral);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(event, &w->refresh, CLOCK_BOOTTIME, 0, 0, on_refresh, w);
	if (r >= 0)
		r = sd_event_source_set_enabled(w->refresh, SD_EVENT_OFF);
	return r < 0 ? r : 0;
}

/* A device whose button is wired otherwise than configured still has its other ways. */
static void open_button(struct wifi *w, sd_event *event)
{
	const struct wifi_options *o = w->options;
	int r;

	if (!o->button_chip)
		return;
	r = button_new(event, o->button_chip, o->button_line, o->button_active_low, on_button, w,
		       &w->button);
	if (r < 0)
		log_error("wifi: no button on line %u of %s: %s (`button-chip` and `button-line` "
			  "in [wifi]), going on without it",
			  o->button_line, o->button_chip, strerror(-r));
}

static int explain(char **ret_detail, int r, const char *what)
{
	if (ret_detail && asprintf(ret_detail, "Wi-Fi: %s: %s", what,
				   r < 0 ? strerror(-r) : "the store does not give it away") < 0)
		*ret_detail = NULL;
	return r;
}

int wifi_new(sd_event *event, sd_bus *bus, struct store *store, const struct wifi_options *options,
	     const struct wifi_events *events, struct wifi **ret, char **ret_detail)
{
	_cleanup_(wifi_freep) struct wifi *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->options = options;
	w->events = events;
	w->link_events = (struct link_events){.changed = on_link_changed,
					      .result = on_link_result,
					      .found = on_found,
					      .scan_done = on_scan_done,
					      .userdata = w};
	w->provisioner_events = (struct provisioner_events){
		.response = on_response, .result = on_result, .userdata = w};
	w->peripheral_events = (struct peripheral_events){.read = on_read,
							  .read_claim = on_read_claim,
							  .write = on_write,
							  .peer = on_peer,
							  .may_pair = may_pair,
							  .passkey = on_passkey,
							  .advertising = on_advertising,
							  .userdata = w};
	if (options->label_file) {
		r = label_read(options->label_file, &w->label, ret_detail);
		if (r < 0)
			return r;
	}
	r = open_lower(w, event, bus, store);
	if (r != 0)
		return explain(ret_detail, r, "the configuration cannot be read");
	r = open_upper(w, event, bus);
	if (r != 0)
		return explain(ret_detail, r, "the provisioning service cannot be made");
	open_button(w, event);
	*ret = TAKE_PTR(w);
	return 0;
}

struct wifi *wifi_free(struct wifi *w)
{
	if (!w)
		return NULL;
	sd_event_source_disable_unref(w->refresh);
	button_free(w->button);
	peripheral_free(w->peripheral);
	claimread_free(w->claimread);
	provisioner_free(w->provisioner);
	link_free(w->link);
	window_free(w->window);
	saved_free(w->saved);
	secret_done(&w->label);
	free(w->configurator);
	free(w);
	return NULL;
}

int wifi_start(struct wifi *w)
{
	int r = link_start(w->link);

	if (r == 0)
		follow(w);
	return r;
}

/* ---- the owner's way ---- */

int wifi_scan(struct wifi *w)
{
	int r;

	if (provisioner_is_scanning(w->provisioner))
		return -EBUSY;
	r = link_scan(w->link, NULL);
	if (r == 0)
		w->owner_scans = true;
	return r;
}

/* A phone whose attempt the owner's command took the place of would wait for ever. One that the
 * station refused may have done that, too. */
static int end_phones_attempt(struct wifi *w, int r)
{
	struct link_view view;

	link_get_view(w->link, &view);
	if (r == 0 || !view.is_trying)
		provisioner_on_result(w->provisioner, WIFI_STATE_CONNECTION_FAILED,
				      WIFI_REASON_FAIL_CONN);
	return r;
}

int wifi_connect(struct wifi *w, const struct wifi_config *config)
{
	return end_phones_attempt(w, link_try(w->link, config));
}

int wifi_forget(struct wifi *w)
{
	return end_phones_attempt(w, link_forget(w->link));
}

void wifi_open_window(struct wifi *w, uint64_t ms)
{
	window_open(w->window, ms > 0 ? ms : w->options->window_ms, "command");
	/* Opening reports to on_window(); a longer time alone does not. */
	tell_changed(w);
}

void wifi_get_view(const struct wifi *w, struct wifi_view *ret)
{
	*ret = (struct wifi_view){
		.name = w->name,
		.is_advertising = w->is_advertising,
		.advertising_why = w->advertising_why,
		.is_window_open = window_is_open(w->window),
		.window_left_ms = window_left_ms(w->window),
		.has_configurator = w->configurator != NULL,
	};
	link_get_view(w->link, &ret->link);
}
