/* SPDX-License-Identifier: Apache-2.0 */
#include "service/portal_stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "service/event.h"

#define HEARTBEAT_MS 15000
#define IDENTITY_MS 5000 /* how long a stream may outlive its session or key */
#define SLOW_MS 60000    /* what is on its way has to be gone by then */
#define PAGE_EVENTS 64   /* read from the store at a time; fewer when they are large */
#define PAGE_BYTES 32768
#define RECONNECT_MS 2000

/* ---- what a stream says ---- */

static void stream_drop_pending(struct portal_stream *s)
{
	free(TAKE_PTR(s->pending));
	s->len = s->sent = 0;
}

static bool stream_say(struct portal_stream *s, const char *text, size_t len)
{
	char *pending = realloc(s->pending, s->len + len);

	if (!pending)
		return false;
	memcpy(pending + s->len, text, len);
	s->pending = pending;
	s->len += len;
	return true;
}

static int on_event(void *userdata, const struct store_event *e)
{
	_cleanup_(freep) char *data = NULL, *text = NULL;
	struct portal_stream *s = userdata;
	json_auto_t *json = NULL;
	char id[EVENT_ID_TEXT];
	int len;

	event_id(&e->position, id);
	json = event_json(e);
	data = json ? json_dumps(json, JSON_COMPACT) : NULL; /* of one line */
	if (!data)
		return -ENOMEM;
	len = asprintf(&text, "id: %s\nevent: %.*s\ndata: %s\n\n", id,
		       (int)strcspn(e->kind, "\r\n"), e->kind, data);
	if (len < 0 || !stream_say(s, text, (size_t)len))
		return -ENOMEM;
	s->position = e->position;
	return s->len >= PAGE_BYTES ? 1 : 0;
}

/* The next page of what the store has. */
static int stream_fill(struct portal_stream *s)
{
	struct service_store *store = s->store;
	int r;

	r = store->ops->event_after(store, s->team, NULL, &s->position, PAGE_EVENTS, on_event, s);
	if (r < 0)
		return r;
	if (s->len == 0)
		s->has_news = false;
	return 0;
}

static void stream_beat(struct portal_stream *s)
{
	static const char beat[] = ":\n\n";

	s->is_heartbeat_due = false;
	if (s->len == 0 && !stream_say(s, beat, strlen(beat)))
		s->has_ended = true;
}

static ssize_t stream_take(struct portal_stream *s, char *ret, size_t size)
{
	size_t n = MIN(size, s->len - s->sent);

	memcpy(ret, s->pending + s->sent, n);
	s->sent += n;
	s->said_ms = clock_ms();
	if (s->sent == s->len)
		stream_drop_pending(s);
	return (ssize_t)n;
}

ssize_t portal_stream_read(void *data, char *ret, size_t size)
{
	struct portal_stream *s = data;
	int r;

	if (s->has_ended)
		return -1;
	if (s->len == 0 && s->has_news) {
		r = stream_fill(s);
		if (r < 0) {
			log_warning("events team=%s: %s, ending a stream", s->team, strerror(-r));
			return -1;
		}
		s->pending_ms = clock_ms();
	}
	if (s->len == 0 && s->is_heartbeat_due)
		stream_beat(s);
	return s->len > 0 ? stream_take(s, ret, size) : 0;
}

/* ---- its life ---- */

void portal_stream_free(void *data)
{
	struct portal_stream *s = data;

	if (s->hub)
		s->on_gone(s->hub, s);
	stream_drop_pending(s);
	free(s);
}

void portal_stream_end(struct portal_stream *s)
{
	s->has_ended = true;
	exchange_wake(s->exchange);
}

void portal_stream_wake(struct portal_stream *s)
{
	s->has_news = true;
	exchange_wake(s->exchange);
}

static int on_key(void *userdata, const struct store_apikey *row)
{
	const struct portal_stream *s = userdata;

	return strcmp(row->id, s->key_id) == 0;
}

/* Whether the session or key that opened it still is. */
static bool stream_is_allowed(struct portal_stream *s)
{
	struct service_store *store = s->store;
	struct portal_session session = {.user = {.name = NULL}};
	enum core_verdict verdict;
	bool is_allowed;

	if (!s->has_session)
		return store->ops->apikey_each(store, s->team, on_key, s) > 0;
	verdict = portal_session_of(store, s->session, clock_wall_s(), &session);
	is_allowed = verdict == CORE_OK && strcmp(session.user.team, s->team) == 0;
	portal_session_done(&session);
	return is_allowed;
}

void portal_stream_tick(struct portal_stream *s, uint64_t now_ms)
{
	if (now_ms - s->identified_ms >= IDENTITY_MS) {
		s->identified_ms = now_ms;
		if (!stream_is_allowed(s)) {
			portal_stream_end(s);
			return;
		}
	}
	if (s->len > 0 && now_ms - s->pending_ms >= SLOW_MS) {
		log_info("events team=%s actor=%s: dropped, too slow", s->team, s->actor);
		portal_stream_end(s);
	} else if (now_ms - s->said_ms >= HEARTBEAT_MS) {
		s->is_heartbeat_due = true;
		exchange_wake(s->exchange);
	}
}

/* ---- its beginning ---- */

/* 0, or the status of the problem in ret. */
static unsigned int stream_identify(struct portal_stream *s, const struct router_call *call,
				    struct answer *ret)
{
	_cleanup_(portal_session_done) struct portal_session session = {.user = {.name = NULL}};
	char cookie[PORTAL_COOKIE_TEXT] = "";

	snprintf(s->team, sizeof(s->team), "%s", call->owner->team);
	snprintf(s->actor, sizeof(s->actor), "%s", call->owner->actor);
	snprintf(s->key_id, sizeof(s->key_id), "%s", call->owner->key_id);
	s->has_session = !call->owner->key_id[0];
	if (!s->has_session)
		return 0;
	if (portal_who(call->portal, call->exchange, cookie, &session) != CORE_OK)
		return core_problem(401, &ret->json, "the session is over");
	memcpy(s->session, session.row.hash, sizeof(s->session));
	secret_wipe(cookie, sizeof(cookie));
	return 0;
}

static bool begin(struct portal_stream *s)
{
	char head[80], id[EVENT_ID_TEXT];
	int len;

	/* An id without an event: who is cut off before the first one knows where it was. */
	event_id(&s->position, id);
	len = snprintf(head, sizeof(head), "retry: %d\nid: %s\n\n", RECONNECT_MS, id);
	return stream_say(s, head, (size_t)len);
}

unsigned int portal_stream_new(const struct router_call *call,
			       const struct store_position *position,
			       struct portal_stream **ret_stream, struct answer *ret)
{
	struct portal_stream *s = calloc(1, sizeof(*s));
	unsigned int status;

	if (!s)
		return core_problem(503, &ret->json, "no memory");
	s->store = call->portal->config.store;
	s->exchange = call->exchange;
	s->position = *position;
	s->has_news = true;
	s->said_ms = s->identified_ms = s->pending_ms = clock_ms();
	status = stream_identify(s, call, ret);
	if (!status && !begin(s))
		status = core_problem(503, &ret->json, "no memory");
	if (status)
		portal_stream_free(s);
	else
		*ret_stream = s;
	return status;
}
