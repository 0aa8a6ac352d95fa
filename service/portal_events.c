/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/events: what happens to a team's devices, as server-sent events (WHATWG HTML §9.2).
 *
 * A stream is a place in the store's events, and the few that are on their way out: nothing is kept
 * for a reader that is slow, who reads on from its place or is dropped. The hub finds out that
 * there is something new and wakes all streams, which then read the store for themselves. It hears
 * of it from the store (watch_fd), after each turn of the loop in which we may have committed
 * something ourselves, and once a second. While nobody watches only what the store sends is taken:
 * a data base keeps what its listeners do not. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/core_private.h"
#include "service/event.h"
#include "service/portal_stream.h"

#define STREAMS_MAX 256
#define STREAMS_PER_TEAM_MAX 64
#define STREAMS_PER_ACTOR_MAX 16
#define RETRY_AFTER_S 30

#define TICK_US 1000000
#define LOOK_MS 50 /* at least so long between two looks */
/* An event may be held back until a transaction that began earlier is over, whose end nobody tells
 * of: so many seconds after something new it is looked for again. */
#define TICKS_AFTER_NEWS 5

struct portal_hub {
	sd_event *event; /* owned reference */
	struct core *core;
	struct service_store *store;
	TAILQ_HEAD(, portal_stream) streams;
	unsigned int n_streams;
	sd_event_source *io, *post, *tick;
	uint64_t looked_ms;
	bool is_tick_soon, is_own_turn;
	unsigned int ticks_after_news;
};

/* ---- who is watching ---- */

static void hub_rest(struct portal_hub *hub)
{
	(void)sd_event_source_set_enabled(hub->post, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(hub->tick, SD_EVENT_OFF);
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
	return r < 0 ? r : 0;
}

/* ---- what is new ---- */

static void hub_wake(struct portal_hub *hub)
{
	struct portal_stream *s;

	TAILQ_FOREACH(s, &hub->streams, link)
	portal_stream_wake(s);
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

static int on_tick(sd_event_source *source, uint64_t at_us, void *userdata)
{
	struct portal_hub *hub = userdata;
	uint64_t now_ms = clock_ms();
	struct portal_stream *s;

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
	portal_stream_tick(s, now_ms);
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
	struct portal_stream *s;

	if (!hub)
		return NULL;
	while ((s = TAILQ_FIRST(&hub->streams))) {
		TAILQ_REMOVE(&hub->streams, s, link);
		s->hub = NULL;
		s->has_ended = true;
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
	struct portal_stream *s;

	TAILQ_FOREACH(s, &hub->streams, link)
	if (s->has_session && memcmp(s->session, hash, sizeof(s->session)) == 0)
		portal_stream_end(s);
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
	const struct portal_stream *s;

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

static void on_gone(struct portal_hub *hub, struct portal_stream *s)
{
	TAILQ_REMOVE(&hub->streams, s, link);
	if (--hub->n_streams == 0)
		hub_rest(hub);
}

/* 0, or the status of the problem in ret. */
static unsigned int join(struct portal_hub *hub, struct portal_stream *s, struct answer *ret)
{
	int r;

	TAILQ_INSERT_TAIL(&hub->streams, s, link);
	hub->n_streams++;
	s->hub = hub;
	s->on_gone = on_gone;
	r = hub_work(hub);
	if (r < 0)
		return core_fail_http(r, "cannot watch events", &ret->json);
	/* Proxies that collect answers before they pass them on are asked not to. */
	if (!answer_header(ret, "X-Accel-Buffering", "no"))
		return core_problem(503, &ret->json, "no memory");
	return 0;
}

unsigned int portal_events(const struct router_call *call, struct answer *ret)
{
	struct store_position position = {0, 0};
	struct portal_stream *s = NULL;
	unsigned int status;

	status = portal_is_there(call, ret);
	if (!status)
		status = find_position(call, &position, ret);
	if (!status)
		status = check_room(call->portal->hub, call->owner, ret);
	if (!status)
		status = portal_stream_new(call, &position, &s, ret);
	if (status)
		return status;
	status = join(call->portal->hub, s, ret);
	if (status) {
		portal_stream_free(s);
		return status;
	}
	ret->stream = (struct answer_stream){
		.read = portal_stream_read, .free = portal_stream_free, .data = s};
	ret->type = "text/event-stream";
	return 200;
}
