/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "wifi/link_internal.h"

/* For so long a network may bring IPv4 beside its IPv6. */
#define IP6_ALONE_AFTER_MS 5000
#define SCAN_LIMIT_MS (2 * 60 * 1000)

/* --- what others see of it */

void link_wake_teller(struct link *l)
{
	(void)sd_event_source_set_enabled(l->teller, SD_EVENT_ONESHOT);
}

void link_mark_changed(struct link *l)
{
	l->is_changed = true;
	link_wake_teller(l);
}

void link_end_scan(struct link *l, int r)
{
	if (!l->is_scanning)
		return;
	l->is_scanning = false;
	l->is_scan_ended = true;
	l->scan_end_r = r;
	link_wake_teller(l);
}

/* --- actions */

/* What an action found out; no move has two such actions. */
static void post(struct link *l, enum linkfsm_event event, int reason, const char *why)
{
	assert(!l->has_posted);
	l->posted = (struct posted){event, reason, why};
	l->has_posted = true;
}

static void connect_kept(struct link *l)
{
	const struct wifi_config *config = saved_get(l->saved);
	int r;

	assert(config);
	r = station_connect(l->station, config);
	if (r == 0)
		return;
	log_warning("Wi-Fi %s cannot begin to connect: %s", station_interface(l->station),
		    strerror(-r));
	post(l, LINKFSM_EVENT_REFUSED, WIFI_REASON_FAIL_CONN, "the connection could not begin");
}

static void connect_trial(struct link *l)
{
	l->try_r = station_connect(l->station, &l->trial.config);
	if (l->try_r < 0)
		post(l, LINKFSM_EVENT_REFUSED, NO_REASON, "the connection could not begin");
}

static void wait_address(struct link *l)
{
	int r = 0;

	l->is_ip6_enough = false;
	if (l->address) {
		address_restart(l->address);
		r = deadline_set(l->ip6_deadline, IP6_ALONE_AFTER_MS);
	}
	if (l->address && r == 0)
		return;
	/* The watch could not be made, which its maker has told. */
	station_disconnect(l->station);
	post(l, LINKFSM_EVENT_FAILED, WIFI_REASON_FAIL_IP, "addresses cannot be watched");
}

static void scan(struct link *l)
{
	l->scan_r = station_scan(l->station, l->scan_params);
	if (l->scan_r == 0) {
		l->is_scanning = true;
		l->is_scan_ended = false;
	} else if (l->fsm.state == LINKFSM_STATE_SCANNING && !l->is_scanning) {
		post(l, LINKFSM_EVENT_SCAN_OVER, NO_REASON, "no scan could begin");
	}
}

static void stop_scan(struct link *l)
{
	if (!l->is_scanning)
		return;
	station_scan_stop(l->station);
	link_end_scan(l, -ECANCELED);
}

static void run_action(struct link *l, enum linkfsm_action action)
{
	switch (action) {
	case LINKFSM_DO_STOP_SCAN:
		stop_scan(l);
		return;
	case LINKFSM_DO_DISCONNECT:
		station_disconnect(l->station);
		return;
	case LINKFSM_DO_DROP_TRIAL:
		trial_drop(&l->trial);
		return;
	case LINKFSM_DO_TELL_FAILED:
		trial_fail(&l->trial, l->last_reason);
		link_wake_teller(l);
		return;
	case LINKFSM_DO_TELL_CONNECTED:
		trial_reach(&l->trial, WIFI_STATE_CONNECTED);
		link_wake_teller(l);
		return;
	case LINKFSM_DO_CHOOSE:
		if (saved_get(l->saved))
			post(l, LINKFSM_EVENT_CONFIGURED, NO_REASON, "this is configured");
		else
			post(l, LINKFSM_EVENT_UNCONFIGURED, NO_REASON, "nothing is configured");
		return;
	case LINKFSM_DO_CONNECT:
		connect_kept(l);
		return;
	case LINKFSM_DO_TRY:
		connect_trial(l);
		return;
	case LINKFSM_DO_WAIT_ADDRESS:
		wait_address(l);
		return;
	case LINKFSM_DO_SCAN:
		scan(l);
		return;
	}
}

/* --- the door */

static uint32_t random_bits(void)
{
	uint32_t bits;

	random_fill(&bits, sizeof(bits));
	return bits;
}

/* What was lost comes back at once, but a link that comes and goes is not chased. */
static uint64_t retry_ms(struct link *l, bool is_lost)
{
	uint64_t now = clock_ms(), wait;

	if (is_lost && (l->retried_at_once_ms == 0 ||
			now - l->retried_at_once_ms >= l->options.retry_ceiling_ms)) {
		l->retried_at_once_ms = now;
		backoff_reset(&l->backoff);
		return 0;
	}
	wait = backoff_next(&l->backoff, 0, random_bits());
	return MAX(wait, (uint64_t)1);
}

/* The wait for an address ends with the attempt, if that is sooner. */
static uint64_t address_limit_ms(struct link *l)
{
	uint64_t now = clock_ms(), left;

	l->is_address_limit = true;
	if (l->attempt_end_ms == 0)
		return l->options.address_ms;
	left = l->attempt_end_ms > now ? l->attempt_end_ms - now : 0;
	l->is_address_limit = l->options.address_ms <= left;
	return MIN(l->options.address_ms, left);
}

static void arm_timer(struct link *l, const struct linkfsm_move *m)
{
	uint64_t ms = 0;
	int r;

	switch (linkfsm_timer_of(m->next)) {
	case LINKFSM_TIMER_NONE:
		deadline_clear(l->timer);
		return;
	case LINKFSM_TIMER_CONNECT:
		ms = l->options.connect_ms;
		l->attempt_end_ms = clock_ms() + ms;
		break;
	case LINKFSM_TIMER_ADDRESS:
		ms = address_limit_ms(l);
		break;
	case LINKFSM_TIMER_RETRY:
		ms = retry_ms(l, m->state == LINKFSM_STATE_CONNECTED);
		break;
	case LINKFSM_TIMER_SCAN:
		ms = SCAN_LIMIT_MS;
		break;
	}
	r = deadline_set(l->timer, ms);
	if (r < 0)
		log_error("the timer of Wi-Fi state %s cannot be set: %s",
			  linkfsm_state_name(m->next), strerror(-r));
}

static void log_move(const struct link *l, const struct linkfsm_move *m, const char *why)
{
	const struct wifi_config *config = l->trial.is_on ? &l->trial.config : saved_get(l->saved);
	char ssid[WIFI_SSID_TEXT_MAX];

	/* A name may hold quotes: nothing comes after it that it could imitate. */
	log_info("wifi old=%s new=%s why=\"%s\" ssid=\"%s\"", linkfsm_state_name(m->state),
		 linkfsm_state_name(m->next), why,
		 config ? wifi_ssid_text(&config->network, ssid) : "");
}

static void enter_state(struct link *l, const struct linkfsm_move *m, const char *why)
{
	if (m->state == LINKFSM_STATE_CONNECTED &&
	    clock_ms() - l->connected_ms >= l->options.retry_ceiling_ms)
		backoff_reset(&l->backoff);
	if (m->next == LINKFSM_STATE_CONNECTED) {
		l->has_failed = false;
		l->connected_ms = clock_ms();
		l->attempt_end_ms = 0;
	}
	if (m->event == LINKFSM_EVENT_AVAILABLE || m->event == LINKFSM_EVENT_KEPT ||
	    m->event == LINKFSM_EVENT_FORGET)
		backoff_reset(&l->backoff);
	if (m->next != LINKFSM_STATE_CONNECTED)
		l->has_rssi = false;
	deadline_clear(l->ip6_deadline);
	log_move(l, m, why);
	arm_timer(l, m);
	link_mark_changed(l);
}

static void take_event(struct link *l, const struct posted *p)
{
	enum linkfsm_state from = l->fsm.state;
	struct linkfsm_move m;
	int r;

	r = linkfsm_step(&l->fsm, p->event, &m);
	if (r == LINKFSM_E_REFUSED)
		log_warning("Wi-Fi event %s has no move in state %s, ignoring",
			    linkfsm_event_name(p->event), linkfsm_state_name(from));
	if (r != 0)
		return;
	if (p->reason != NO_REASON) {
		l->has_failed = true;
		l->last_reason = (enum wifi_reason)p->reason;
	}
	/* A newer trial takes the place of the one before in the same state. */
	if (m.next != from || (m.actions & LINKFSM_DO_TRY))
		enter_state(l, &m, p->why);
	for (uint32_t action = 1; action <= LINKFSM_DO_LAST; action <<= 1)
		if (m.actions & action)
			run_action(l, action);
}

/* Configured, and without a link for too long: somebody has to help. */
void link_judge_stranded(struct link *l)
{
	bool is_missing =
		l->is_started && saved_get(l->saved) && l->fsm.state != LINKFSM_STATE_CONNECTED;
	int r;

	if (!is_missing) {
		deadline_clear(l->stranded_deadline);
		l->is_stranded = false;
		return;
	}
	if (l->is_stranded || deadline_left_ms(l->stranded_deadline) > 0)
		return;
	r = deadline_set(l->stranded_deadline, l->options.fallback_ms);
	if (r < 0)
		log_error("the timer of the Wi-Fi fallback cannot be set: %s", strerror(-r));
}

/* From outside of a move only: station and watches never call from within a call. */
void link_say(struct link *l, enum linkfsm_event event, int reason, const char *why)
{
	post(l, event, reason, why);
	while (l->has_posted) {
		struct posted p = l->posted;

		l->has_posted = false;
		take_event(l, &p);
	}
	link_judge_stranded(l);
}
