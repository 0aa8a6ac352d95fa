/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "session/line.h"
#include "session/race.h"
#include "session/saved.h"

#define HANDSHAKE_TIMEOUT_MS 20000
#define ACK_TIMEOUT_MS 2000
#define MAX_RETRANSMIT 4
#define ANSWER_TIMEOUT_MS 30000
#define BLOCK_SIZE 1024
#define HTTPS_PORT 443
#define TIMER_ACCURACY_US 1000
#define DETAIL_MAX 512

struct session {
	unsigned int refs; /* one of the owner, one for the time that callbacks run */
	sd_event *event;
	struct session_config config; /* strings below; zeros replaced */
	char *name, *server, *address, *ca_pem, *owner, *proxy, *proxy_file; /* owned */

	struct line *lines[RACE_WAYS]; /* owned; the one of HTTPS is made when it is needed */
	struct line *line; /* one of them: connected last; of COAP before anything was connected */

	/* While connecting. */
	bool is_connecting;
	struct race race;
	enum session_transport first;
	sd_event_source *timer;
	char detail[RACE_WAYS][DETAIL_MAX];
	session_connect_fn fn;
	void *userdata;
};

const char *session_strerror(int r)
{
	static const char *const texts[] = {
		[SESSION_E_RESOLVE] = "the server's name has no address",
		[SESSION_E_UNREACHABLE] = "the server cannot be reached",
		[SESSION_E_CERTIFICATE] = "the server's certificate is not acceptable",
		[SESSION_E_HANDSHAKE] = "the server refused or broke the handshake",
		[SESSION_E_TIMEOUT] = "the server did not answer in time",
		[SESSION_E_LOST] = "the server no longer has this session",
		[SESSION_E_RESET] = "the server does not understand this request",
		[SESSION_E_PROTOCOL] = "the server's answer breaks the protocol",
		[SESSION_E_TOO_LARGE] = "the server's answer is too large",
		[SESSION_E_CANCELLED] = "cancelled",
		[SESSION_E_NOT_RESUMABLE] = "the saved session cannot be resumed",
		[SESSION_E_NOT_SUSPENDABLE] = "the session cannot be suspended now",
	};

	if (r < 0)
		return strerror(-r);
	if (r > 0 && (size_t)r < ARRAY_SIZE(texts))
		return texts[r];
	return "no error";
}

/* ---- life ---- */

void session_ref(struct session *s)
{
	s->refs++;
}

void session_unref(struct session *s)
{
	if (--s->refs > 0)
		return;
	for (size_t i = 0; i < RACE_WAYS; i++)
		if (s->lines[i])
			s->lines[i]->ops->free(s->lines[i]);
	sd_event_source_disable_unref(s->timer);
	sd_event_unref(s->event);
	free(s->name);
	free(s->server);
	free(s->address);
	free(s->ca_pem);
	free(s->owner);
	free(s->proxy);
	free(s->proxy_file);
	free(s);
}

static int copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static unsigned int or_default(unsigned int value, unsigned int otherwise)
{
	return value > 0 ? value : otherwise;
}

static int copy_texts(struct session *s, const struct session_config *config)
{
	int r = copy_text(config->name, &s->name);

	if (r == 0)
		r = copy_text(config->server, &s->server);
	if (r == 0)
		r = copy_text(config->address, &s->address);
	if (r == 0)
		r = copy_text(config->ca_pem, &s->ca_pem);
	if (r == 0)
		r = copy_text(config->owner, &s->owner);
	if (r == 0)
		r = copy_text(config->proxy, &s->proxy);
	if (r == 0)
		r = copy_text(config->proxy_file, &s->proxy_file);
	return r;
}

static int set_config(struct session *s, const struct session_config *config)
{
	struct session_config *own = &s->config;
	int r;

	if (!config->name || !config->name[0] ||
	    config->name[strspn(config->name, "abcdefghijklmnopqrstuvwxyz")] || !config->server ||
	    !config->server[0] || config->port == 0 || !config->ca_pem)
		return -EINVAL;
	r = copy_texts(s, config);
	if (r < 0)
		return r;
	*own = *config;
	own->name = s->name;
	own->server = s->server;
	own->address = s->address;
	own->ca_pem = s->ca_pem;
	own->owner = s->owner;
	own->proxy = s->proxy;
	own->proxy_file = s->proxy_file;
	own->handshake_timeout_ms = or_default(own->handshake_timeout_ms, HANDSHAKE_TIMEOUT_MS);
	own->ack_timeout_ms = or_default(own->ack_timeout_ms, ACK_TIMEOUT_MS);
	own->max_retransmit = or_default(own->max_retransmit, MAX_RETRANSMIT);
	own->answer_timeout_ms = or_default(own->answer_timeout_ms, ANSWER_TIMEOUT_MS);
	own->block_size = own->block_size > 0 ? own->block_size : BLOCK_SIZE;
	own->https_port = own->https_port > 0 ? own->https_port : HTTPS_PORT;
	if (own->block_size < 16 || own->block_size > 1024 ||
	    (own->block_size & (own->block_size - 1)) != 0 || own->max_retransmit > 20)
		return -EINVAL;
	return 0;
}

/* The line for this way: there, or made now. */
static int need_line(struct session *s, enum session_transport way)
{
	const struct line base = {.session = s, .config = &s->config, .event = s->event};

	if (s->lines[way])
		return 0;
	return way == SESSION_COAP ? udp_line_new(&base, &s->lines[way])
				   : https_line_new(&base, &s->lines[way]);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

int session_new(sd_event *event, const struct session_config *config, struct session **ret)
{
	_cleanup_(session_freep) struct session *s = NULL;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->refs = 1;
	s->event = sd_event_ref(event);
	r = set_config(s, config);
	if (r == 0)
		r = need_line(s, SESSION_COAP);
	if (r == 0)
		r = sd_event_add_time(s->event, &s->timer, CLOCK_BOOTTIME, 0, TIMER_ACCURACY_US,
				      on_timer, s);
	if (r < 0)
		return r;
	sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	s->line = s->lines[SESSION_COAP];
	*ret = TAKE_PTR(s);
	return 0;
}

struct session *session_free(struct session *s)
{
	if (!s)
		return NULL;
	if (s->line &&
	    (session_get_state(s) == SESSION_OPEN || session_get_state(s) == SESSION_CONNECTING))
		session_close(s);
	session_unref(s);
	return NULL;
}

enum session_state session_get_state(const struct session *s)
{
	return s->is_connecting ? SESSION_CONNECTING : s->line->state;
}

enum session_transport session_get_transport(const struct session *s)
{
	return s->line == s->lines[SESSION_HTTPS] ? SESSION_HTTPS : SESSION_COAP;
}

struct line *session_line(const struct session *s, enum session_transport way)
{
	return s->lines[way];
}

void session_set_first(struct session *s, enum session_transport first)
{
	s->first = first;
}

/* ---- connecting ---- */

static enum session_transport way_of(const struct session *s, const struct line *l)
{
	return l == s->lines[SESSION_HTTPS] ? SESSION_HTTPS : SESSION_COAP;
}

static void arm(struct session *s)
{
	if (s->race.other_ms == RACE_NEVER) {
		sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(s->timer, s->race.other_ms * 1000);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static int start(struct session *s, enum session_transport way)
{
	int r = need_line(s, way);

	return r == 0 ? s->lines[way]->ops->connect(s->lines[way]) : r;
}

static void end_connect(struct session *s, int r, const char *detail)
{
	session_connect_fn fn = s->fn;

	s->is_connecting = false;
	s->race.other_ms = RACE_NEVER;
	arm(s);
	fn(s, r, detail, s->userdata);
}

/* Starts the other way; one that cannot even start has failed. */
static void start_other(struct session *s)
{
	enum session_transport way = race_other(&s->race);
	int r = start(s, way);

	log_debug("session %s: %s tried too", s->name, way == SESSION_HTTPS ? "HTTPS" : "CoAP");
	if (r == 0)
		return;
	snprintf(s->detail[way], sizeof(s->detail[way]), "%s", session_strerror(r));
	race_failed(&s->race, way, r);
}

static void lost(struct session *s)
{
	enum session_transport way = race_telling(&s->race), other = !way;
	char detail[2 * DETAIL_MAX + 16];

	if (s->race.started[way] && s->race.started[other])
		snprintf(detail, sizeof(detail), "%s; %s: %s", s->detail[way],
			 other == SESSION_HTTPS ? "HTTPS" : "CoAP", s->detail[other]);
	else
		snprintf(detail, sizeof(detail), "%s", s->detail[s->race.first]);
	end_connect(s, s->race.result[s->race.started[way] ? way : other], detail);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct session *s = userdata;
	const struct line *first = s->lines[s->race.first];

	(void)source;
	(void)usec;
	if (!s->is_connecting)
		return 0;
	if (race_look(&s->race, clock_ms(), first->ops->is_heard(first)))
		start_other(s);
	arm(s);
	if (race_is_lost(&s->race))
		lost(s);
	return 0;
}

void session_line_connected(struct line *l, int r, const char *detail)
{
	struct session *s = l->session;
	enum session_transport way = way_of(s, l);

	if (!s->is_connecting)
		return;
	if (r == 0) {
		struct line *other = s->lines[!way];

		s->line = l;
		if (other)
			other->ops->close(other);
		end_connect(s, 0, detail);
		return;
	}
	snprintf(s->detail[way], sizeof(s->detail[way]), "%s", detail);
	log_debug("session %s: %s: %s", s->name, way == SESSION_HTTPS ? "HTTPS" : "CoAP", detail);
	if (race_failed(&s->race, way, r))
		start_other(s);
	arm(s);
	if (race_is_lost(&s->race))
		lost(s);
}

int session_connect(struct session *s, session_connect_fn fn, void *userdata)
{
	const bool is_alone = s->config.transport != SESSION_AUTO;
	struct session_stats stats;
	int r;

	if (session_get_state(s) != SESSION_CLOSED)
		return -EBUSY;
	s->lines[SESSION_COAP]->ops->get_stats(s->lines[SESSION_COAP], &stats);
	race_begin(&s->race, is_alone ? s->config.transport : s->first, is_alone, clock_ms(),
		   race_head_start_ms(stats.srtt_ms));
	s->fn = fn;
	s->userdata = userdata;
	s->detail[SESSION_COAP][0] = s->detail[SESSION_HTTPS][0] = '\0';
	r = start(s, s->race.first);
	if (r != 0)
		return r;
	s->is_connecting = true;
	arm(s);
	return 0;
}

void session_close(struct session *s)
{
	bool was_connecting = s->is_connecting;

	session_ref(s);
	s->is_connecting = false;
	s->race.other_ms = RACE_NEVER;
	arm(s);
	for (size_t i = 0; i < RACE_WAYS; i++)
		if (s->lines[i])
			s->lines[i]->ops->close(s->lines[i]);
	if (was_connecting)
		s->fn(s, SESSION_E_CANCELLED, session_strerror(SESSION_E_CANCELLED), s->userdata);
	session_unref(s);
}

/* ---- what the line does ---- */

int session_request(struct session *s, const struct request *request, session_reply_fn fn,
		    void *userdata, struct session_request **ret_request)
{
	if (session_get_state(s) != SESSION_OPEN)
		return -ENOTCONN;
	return s->line->ops->request(s->line, request, fn, userdata, ret_request);
}

void session_cancel(struct session_request *request)
{
	request->line->ops->cancel(request);
}

static int put_away(struct session *s, uint64_t note, const char *label, bool tell)
{
	struct line *l = s->line;

	if (session_get_state(s) != SESSION_OPEN)
		return -ENOTCONN;
	label = label ? label : "";
	if (!saved_label_is_good(label))
		return -EINVAL;
	l->note = note;
	memmove(l->label, label, strlen(label) + 1); /* it may be this one */
	return l->ops->put_away(l, tell);
}

int session_suspend(struct session *s, uint64_t note, const char *label)
{
	return put_away(s, note, label, true);
}

int session_park(struct session *s, uint64_t note, const char *label)
{
	return put_away(s, note, label, false);
}

int session_resume(struct session *s)
{
	if (session_get_state(s) != SESSION_SUSPENDED)
		return -EINVAL;
	return s->line->ops->resume(s->line);
}

int session_adopt(struct session *s)
{
	struct line *l = s->lines[SESSION_COAP]; /* nothing else outlives a process */
	int r;

	if (session_get_state(s) != SESSION_CLOSED)
		return -EBUSY;
	r = l->ops->adopt(l);
	if (r == 0)
		s->line = l;
	return r;
}

uint64_t session_note(const struct session *s)
{
	return s->line->note;
}

const char *session_label(const struct session *s)
{
	return s->line->label;
}

const char *session_suite(const struct session *s)
{
	return s->line->ops->suite(s->line);
}

void session_get_stats(const struct session *s, struct session_stats *ret)
{
	const struct line *https = s->lines[SESSION_HTTPS];
	struct session_stats stats;

	s->lines[SESSION_COAP]->ops->get_stats(s->lines[SESSION_COAP], ret);
	if (!https)
		return;
	https->ops->get_stats(https, &stats);
	ret->handshakes_full += stats.handshakes_full;
	ret->resumes += stats.resumes;
	ret->round_trips += stats.round_trips;
}
