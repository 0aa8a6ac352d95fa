/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/lan.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "agent/internal.h"
#include "agent/plain.h"
#include "base/log.h"
#include "discovery/announce.h"
#include "discovery/responder.h"

#define BUS_RETRY_US (5 * 1000000)

struct lan {
	struct agent *agent; /* borrowed, as the next */
	sd_event *event;
	sd_bus *bus; /* owned, as all below */
	sd_bus_slot *lost;
	sd_event_source *retry;
	struct responder *responder; /* NULL: not waiting for an owner, or the port is taken */
	struct announce *announce;   /* NULL: the same, or no bus */
	struct record record;
	bool port_failed, collided, has_no_avahi; /* said once */
};

/* ---- the announcement ---- */

static void on_news(enum announce_news news, const char *detail, void *userdata)
{
	struct lan *l = userdata;
	char text[128];

	plain_text(detail, text, sizeof(text));
	switch (news) {
	case ANNOUNCE_DONE:
		l->has_no_avahi = false;
		log_info("discovery announced=%s", text);
		return;
	case ANNOUNCE_NO_AVAHI:
		if (!l->has_no_avahi)
			log_warning(
				"discovery: avahi-daemon is not on the bus, so nobody sees this "
				"device by DNS-SD; it is announced when that comes");
		l->has_no_avahi = true;
		return;
	case ANNOUNCE_COLLISION:
		if (!l->collided)
			log_warning("discovery: the LAN has a service %s already: is there a copy "
				    "of this device? Announcing another name",
				    text);
		l->collided = true;
		return;
	case ANNOUNCE_FAILED:
		log_warning("discovery: not announced: %s", text);
		return;
	}
}

static void announce(struct lan *l)
{
	int r;

	if (!l->responder || l->announce || sd_bus_is_open(l->bus) <= 0)
		return;
	r = announce_new(l->bus, responder_port(l->responder), &l->record, on_news, l,
			 &l->announce);
	if (r < 0)
		log_warning("discovery: not announced: %s", strerror(-r));
}

/* ---- the bus ---- */

static void close_bus(struct lan *l)
{
	l->announce = announce_free(l->announce);
	l->lost = sd_bus_slot_unref(l->lost);
	/* Flushing waits for a bus that has not let us in yet, and perhaps never will. */
	l->bus = sd_bus_is_ready(l->bus) > 0 ? sd_bus_flush_close_unref(l->bus)
					     : sd_bus_close_unref(l->bus);
}

static void retry_later(struct lan *l)
{
	int r = sd_event_source_set_time_relative(l->retry, BUS_RETRY_US);

	if (r >= 0)
		r = sd_event_source_set_enabled(l->retry, SD_EVENT_ONESHOT);
	if (r < 0)
		log_error("discovery: the bus is not tried again: %s", strerror(-r));
}

static int on_lost(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)m;
	(void)error;
	log_warning("discovery: the connection to the bus is lost, trying again in 5 s");
	retry_later(userdata);
	return 0;
}

static void open_bus(struct lan *l)
{
	int r = sd_bus_open_system(&l->bus);

	if (r >= 0)
		r = sd_bus_attach_event(l->bus, l->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_match_signal(l->bus, &l->lost, "org.freedesktop.DBus.Local",
					"/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
					"Disconnected", on_lost, l);
	if (r >= 0) {
		announce(l);
		return;
	}
	log_warning("discovery: no system bus: %s, trying again in 5 s", strerror(-r));
	close_bus(l);
	retry_later(l);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct lan *l = userdata;

	(void)source;
	(void)usec;
	close_bus(l);
	open_bus(l);
	return 0;
}

/* ---- what the agent is at ---- */

static void fall_silent(struct lan *l)
{
	if (l->responder)
		log_info("discovery ended");
	l->announce = announce_free(l->announce);
	l->responder = responder_free(l->responder);
}

static void open_responder(struct lan *l)
{
	const struct responder_config config = {.port = l->agent->config->discovery_port};
	int r = responder_new(l->event, &config, &l->responder);

	if (r < 0 && !l->port_failed)
		log_warning("discovery: port %u (`port` in [discovery]): %s; nothing is announced",
			    config.port, strerror(-r));
	l->port_failed = r < 0;
	if (r == 0)
		log_info("discovery port=%u", responder_port(l->responder));
}

/* A poll, and a connection that is made again for it, are no news to anybody. */
static const char *word_of(const struct lan *l, enum fsm_state state)
{
	if (!fsm_is_busy(state))
		return fsm_state_name(state);
	return l->responder ? l->record.state : fsm_state_name(FSM_STATE_UNCLAIMED);
}

static void speak(struct lan *l, const struct agent_status *s)
{
	const struct config *c = l->agent->config;
	struct record record;
	bool is_new;

	if (record_make(s->uuid, word_of(l, l->agent->fsm.state), ONBOARD_VERSION, &record) < 0)
		return;
	is_new = !l->responder;
	if (is_new)
		open_responder(l);
	if (!l->responder)
		return;
	if (responder_set(l->responder, &record,
			  c->discovery_claim_token ? agent_token_to_show(l->agent) : NULL) < 0)
		log_warning("discovery: no memory for what is announced");
	responder_join(l->responder);
	if (l->announce && strcmp(record.state, l->record.state) != 0)
		announce_update(l->announce, &record);
	l->record = record;
	announce(l);
}

static void on_changed(void *userdata, const char *old_state, const char *new_state,
		       const char *why)
{
	struct lan *l = userdata;
	struct agent_status s;

	(void)old_state;
	(void)new_state;
	(void)why;
	agent_get_status(l->agent, &s);
	if (agent_is_unclaimed(l->agent) && l->agent->fsm.state != FSM_STATE_STOPPED)
		speak(l, &s);
	else
		fall_silent(l);
}

/* ---- life ---- */

int lan_new(sd_event *event, struct agent *agent, struct lan **ret)
{
	_cleanup_(lan_freep) struct lan *l = calloc(1, sizeof(*l));
	struct agent_observer observer = {.changed = on_changed};
	int r;

	if (!l)
		return -ENOMEM;
	l->agent = agent;
	l->event = event;
	r = sd_event_add_time_relative(event, &l->retry, CLOCK_BOOTTIME, 0, 0, on_retry, l);
	if (r >= 0)
		r = sd_event_source_set_enabled(l->retry, SD_EVENT_OFF);
	if (r < 0)
		return r;
	observer.userdata = l;
	r = agent_add_observer(agent, &observer);
	if (r < 0)
		return r;
	open_bus(l);
	*ret = TAKE_PTR(l);
	return 0;
}

struct lan *lan_free(struct lan *l)
{
	if (!l)
		return NULL;
	l->announce = announce_free(l->announce);
	responder_free(l->responder);
	close_bus(l);
	sd_event_source_disable_unref(l->retry);
	free(l);
	return NULL;
}
