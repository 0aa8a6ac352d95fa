/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/events: what happens to a team's devices, as server-sent events (WHATWG HTML §9.2).
 *
 * A stream is a place in the store's events, and the few that are on their way out: nothing is kept
 * for a reader that is slow, who reads on from its place or is dropped. The hub finds out that
 * there is something new and wakes all streams, which then read the store for themselves. It hears
 * of it from the store (watch_fd), after each turn of the loop in which we may have committed
 * something ourselves, and once a second. Nothing of it runs while nobody watches. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "service/core_private.h"
#include "service/event.h"
#include "service/portal_private.h"

#define STREAMS_MAX 256
#define STREAMS_PER_TEAM_MAX 64
#define STREAMS_PER_ACTOR_MAX 16
#define RETRY_AFTER_S 30

#define TICK_US 1000000
#define LOOK_MS 50 /* at least so long between two looks */
#define HEARTBEAT_MS 15000
#define IDENTITY_MS 5000 /* how long a stream may outlive its session or key */
#define SLOW_MS 60000    /* what is on its way has to be gone by then */
/* An event may be held back until a transaction that began earlier is over, whose end nobody tells
 * of: so many seconds after something new it is looked for again. */
#define TICKS_AFTER_NEWS 5

#define PAGE_EVENTS 64 /* read from the store at a time; fewer when they are large */
#define PAGE_BYTES 32768
#define RECONNECT_MS 2000

struct stream {
	TAILQ_ENTRY(stream) link;
	struct portal_hub *hub; /* NULL once the hub is gone */
	struct exchange *exchange;
	char team[CORE_UUID_TEXT], actor[CORE_ACTOR_TEXT], key_id[CORE_UUID_TEXT];
	bool has_session;
	uint8_t session[32];
	struct store_position position;
	bool has_news, has_ended, is_heartbeat_due;
	uint64_t said_ms, identified_ms, pending_ms;
	char *pending; /* owned; on its way out */
	size_t len, sent;
};

struct portal_hub {
	sd_event *event; /* owned reference */
	struct core *core;
	struct service_store *store;
	TAILQ_HEAD(, stream) streams;
	unsigned int n_streams;
	sd_event_source *io, *post, *tick;
	uint64_t looked_ms;
	bool is_tick_soon, is_own_turn;
	unsigned int ticks_after_news;
};

/* ---- what a stream says ---- */

static void stream_drop_pending(struct stream *s)
{
	free(TAKE_PTR(s->pending));
	s->len = s->sent = 0;
}

static bool stream_say(struct stream *s, const char *text, size_t len)
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
	struct stream *s = userdata;
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
static int stream_fill(struct stream *s)
{
	struct service_store *store = s->hub->store;
	int r;

	r = store->ops->event_after(store, s->team, NULL, &s->position, PAGE_EVENTS, on_event, s);
	if (r < 0)
		return r;
	if (s->len == 0)
		s->has_news = false;
	return 0;
}

static void stream_beat(struct stream *s)
{
	static const char beat[] = ":\n\n";

	s->is_heartbeat_due = false;
	if (s->len == 0 && !stream_say(s, beat, strlen(beat)))
		s->has_ended = true;
}

static ssize_t stream_take(struct stream *s, char *ret, size_t size)
{
	size_t n = MIN(size, s->len - s->sent);

	memcpy(ret, s->pending + s->sent, n);
	s->sent += n;
	s->said_ms = clock_ms();
	if (s->sent == s->len)
		stream_drop_pending(s);
	return (ssize_t)n;
}

static ssize_t stream_read(void *data, char *ret, size_t size)
{
	struct stream *s = data;
	int r;

	if (s->has_ended || !s->hub)
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

/* ---- who is watching ---- */

static void hub_rest(struct portal_hub *hub)
{
	(void)sd_event_source_set_enabled(hub->post, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(hub->tick, SD_EVENT_OFF);
	if (hub->io)
		(void)sd_event_source_set_enabled(hub->io, SD_EVENT_OFF);
}

static int hub_arm(struct portal_hub *hub, uint64_t after_us)
{
	int r;

	r = sd_event_source_set_time_relative(hub->tick, after_us);
	return r < 0 ? r : sd_event_source_set_enabled(hub->tick, SD_EVENT_ONESHOT);
}

static int hub_work(struct portal_hub *hub)
{
	int r;

	r = hub_arm(hub, TICK_US);
	if (r >= 0)
		r = sd_event_source_set_enabled(hub->post, SD_EVENT_ON);
	if (r >= 0 && hub->io)
		r = sd_event_source_set_enabled(hub->io, SD_EVENT_ON);
	return r < 0 ? r : 0;
}

static void stream_free(void *data)
{
	struct stream *s = data;
	struct portal_hub *hub = s->hub;

	if (hub) {
		TAILQ_REMOVE(&hub->streams, s, link);
		if (--hub->n_streams == 0)
			hub_rest(hub);
	}
	stream_drop_pending(s);
	free(s);
}

static void stream_end(struct stream *s)
{
	s->has_ended = true;
	exchange_wake(s->exchange);
}

static int on_key(void *userdata, const struct store_apikey *row)
{
	const struct stream *s = userdata;

	return strcmp(row->id, s->key_id) == 0;
}

/* Whether the session or key that opened it still is. */
static bool stream_is_allowed(struct stream *s)
{
	struct service_store *store = s->hub->store;
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

/* ---- what is new ---- */

static void hub_wake(struct portal_hub *hub)
{
	struct stream *s;

	TAILQ_FOREACH(s, &hub->streams, link)
	{
		s->has_news = true;
		exchange_wake(s->exchange);
	}
}

static void hub_look(struct portal_hub *hub)
{
	bool is_new = false;
	int r;

	hub->looked_ms = clock_ms();
	r = hub->store->ops->watch_take(hub->store, &is_new);
	if (r < 0)
		log_warning("events: cannot ask the store what is new: %s, ignoring", strerror(-r));
	if (!is_new)
		return;
	hub->ticks_after_news = TICKS_AFTER_NEWS;
	hub_wake(hub);
}

static int on_watch(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	((struct portal_hub *)userdata)->is_own_turn = true;
	hub_look(userdata);
	return 0;
}

/* After a turn of the loop. Under load there are thousands in a second: most of them leave the look
 * to the next tick, which then comes soon. */
static int on_post(sd_event_source *source, void *userdata)
{
	struct portal_hub *hub = userdata;
	uint64_t passed_ms = clock_ms() - hub->looked_ms;

	(void)source;
	/* Our own looking commits nothing, and would go on for ever. */
	if (hub->is_own_turn)
		hub->is_own_turn = false;
	else if (passed_ms >= LOOK_MS)
		hub_look(hub);
	else if (!hub->is_tick_soon)
		hub->is_tick_soon = hub_arm(hub, (LOOK_MS - passed_ms) * 1000) >= 0;
	return 0;
}

static void stream_tick(struct stream *s, uint64_t now_ms)
{
	if (now_ms - s->identified_ms >= IDENTITY_MS) {
		s->identified_ms = now_ms;
		if (!stream_is_allowed(s)) {
			stream_end(s);
			return;
		}
	}
	if (s->len > 0 && now_ms - s->pending_ms >= SLOW_MS) {
		log_info("events team=%s actor=%s: dropped, too slow", s->team, s->actor);
		stream_end(s);
	} else if (now_ms - s->said_ms >= HEARTBEAT_MS) {
		s->is_heartbeat_due = true;
		exchange_wake(s->exchange);
	}
}

static int on_tick(sd_event_source *source, uint64_t at_us, void *userdata)
{
	struct portal_hub *hub = userdata;
	uint64_t now_ms = clock_ms();
	struct stream *s;

	(void)source;
	(void)at_us;
	hub->is_tick_soon = false;
	hub->is_own_turn = true;
	hub_look(hub);
	if (hub->ticks_after_news > 0) {
		hub->ticks_after_news--;
		hub_wake(hub);
	}
	TAILQ_FOREACH(s, &hub->streams, link)
	stream_tick(s, now_ms);
	return hub_arm(hub, TICK_US);
}

/* ---- the hub ---- */

static int join_loop(struct portal_hub *hub)
{
	int r, fd = hub->store->ops->watch_fd(hub->store);

	if (fd >= 0) {
		r = sd_event_add_io(hub->event, &hub->io, fd, EPOLLIN, on_watch, hub);
		if (r < 0)
			return r;
	}
	r = sd_event_add_post(hub->event, &hub->post, on_post, hub);
	if (r >= 0)
		r = sd_event_add_time_relative(hub->event, &hub->tick, CLOCK_MONOTONIC, TICK_US,
					       1000, on_tick, hub);
	if (r < 0)
		return r;
	hub_rest(hub);
	return 0;
}

int portal_hub_new(sd_event *event, struct core *core, struct service_store *store,
		   struct portal_hub **ret)
{
	struct portal_hub *hub = calloc(1, sizeof(*hub));
	int r;

	if (!hub)
		return -ENOMEM;
	TAILQ_INIT(&hub->streams);
	hub->event = sd_event_ref(event);
	hub->core = core;
	hub->store = store;
	r = join_loop(hub);
	if (r < 0) {
		portal_hub_free(hub);
		return r;
	}
	*ret = hub;
	return 0;
}

struct portal_hub *portal_hub_free(struct portal_hub *hub)
{
	struct stream *s;

	if (!hub)
		return NULL;
	while ((s = TAILQ_FIRST(&hub->streams))) {
		TAILQ_REMOVE(&hub->streams, s, link);
		s->hub = NULL;
	}
	sd_event_source_disable_unref(hub->io);
	sd_event_source_disable_unref(hub->post);
	sd_event_source_disable_unref(hub->tick);
	sd_event_unref(hub->event);
	free(hub);
	return NULL;
}

void portal_hub_end_session(struct portal_hub *hub, const uint8_t hash[static 32])
{
	struct stream *s;

	TAILQ_FOREACH(s, &hub->streams, link)
	if (s->has_session && memcmp(s->session, hash, sizeof(s->session)) == 0)
		stream_end(s);
}

/* ---- the route ---- */

/* Where to begin: behind what the client has, or at what is new. A browser that reconnects says in
 * its header what it has, while its URL still says where it began. */
static unsigned int find_position(const struct router_call *call,
				  struct store_position *ret_position, struct answer *ret)
{
	struct service_store *store = call->portal->config.store;
	const char *after = exchange_header(call->exchange, "Last-Event-ID");
	int r;

	if (!after || !*after)
		after = call->query[QUERY_AFTER];
	if (after && *after)
		return event_id_parse(after, ret_position)
			       ? 0
			       : core_problem(400, &ret->json,
					      "after and Last-Event-ID are the id of an event");
	r = store->ops->event_last(store, call->owner->team, ret_position);
	return r < 0 ? core_fail_http(r, "cannot read events", &ret->json) : 0;
}

static unsigned int check_room(const struct portal_hub *hub, const struct core_owner *o,
			       struct answer *ret)
{
	unsigned int of_team = 0, of_actor = 0;
	const struct stream *s;

	TAILQ_FOREACH(s, &hub->streams, link)
	{
		of_team += strcmp(s->team, o->team) == 0;
		of_actor += strcmp(s->actor, o->actor) == 0;
	}
	if (hub->n_streams < STREAMS_MAX && of_team < STREAMS_PER_TEAM_MAX &&
	    of_actor < STREAMS_PER_ACTOR_MAX)
		return 0;
	if (!answer_header(ret, "Retry-After", "%d", RETRY_AFTER_S))
		return core_problem(500, &ret->json, "no memory");
	return core_problem(429, &ret->json,
			    "too many watch already: at most %d of one user or key, %d of a team, "
			    "%d in all",
			    STREAMS_PER_ACTOR_MAX, STREAMS_PER_TEAM_MAX, STREAMS_MAX);
}

/* 0, or the status of the problem in ret. */
static unsigned int stream_identify(struct stream *s, const struct router_call *call,
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

static struct stream *stream_new(struct portal_hub *hub, const struct router_call *call,
				 const struct store_position *position)
{
	struct stream *s = calloc(1, sizeof(*s));
	char head[80], id[EVENT_ID_TEXT];
	int len;

	if (!s)
		return NULL;
	s->hub = hub;
	s->exchange = call->exchange;
	s->position = *position;
	s->has_news = true;
	s->said_ms = s->identified_ms = s->pending_ms = clock_ms();
	TAILQ_INSERT_TAIL(&hub->streams, s, link);
	hub->n_streams++;
	/* An id without an event: who is cut off before the first one knows where it was. */
	event_id(position, id);
	len = snprintf(head, sizeof(head), "retry: %d\nid: %s\n\n", RECONNECT_MS, id);
	if (!stream_say(s, head, (size_t)len)) {
		stream_free(s);
		return NULL;
	}
	return s;
}

unsigned int portal_events(const struct router_call *call, struct answer *ret)
{
	struct store_position position = {0, 0};
	struct portal_hub *hub;
	struct stream *s;
	unsigned int status;
	int r;

	status = portal_is_there(call, ret);
	if (status)
		return status;
	hub = call->portal->hub;
	status = find_position(call, &position, ret);
	if (!status)
		status = check_room(hub, call->owner, ret);
	if (status)
		return status;
	s = stream_new(hub, call, &position);
	if (!s)
		return core_problem(503, &ret->json, "no memory");
	status = stream_identify(s, call, ret);
	r = status ? 0 : hub_work(hub);
	if (r < 0)
		status = core_fail_http(r, "cannot watch events", &ret->json);
	/* Proxies that collect answers before they pass them on are asked not to. */
	else if (!status && !answer_header(ret, "X-Accel-Buffering", "no"))
		status = core_problem(503, &ret->json, "no memory");
	if (status) {
		stream_free(s);
		return status;
	}
	ret->stream = (struct answer_stream){.read = stream_read, .free = stream_free, .data = s};
	ret->type = "text/event-stream";
	return 200;
}
