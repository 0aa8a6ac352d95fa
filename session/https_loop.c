/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/log.h"
#include "session/https.h"

#define TIMER_ACCURACY_US 1000

/* libcurl says which sockets it waits for, and until when; the loop says when that came. */

static int act(struct https_line *h, curl_socket_t fd, int events)
{
	int running;

	if (h->multi && h->curl.multi_socket_action(h->multi, fd, events, &running) != CURLM_OK)
		log_debug("session %s: libcurl cannot go on", h->line.config->name);
	https_turn(h);
	return 0;
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	int what = 0;

	(void)source;
	if (events & EPOLLIN)
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		what |= CURL_CSELECT_ERR;
	return act(userdata, fd, what);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	return act(userdata, CURL_SOCKET_TIMEOUT, 0);
}

static int on_later(sd_event_source *source, void *userdata)
{
	(void)source;
	https_on_later(userdata);
	return 0;
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	https_loop_close(userdata);
	return 0;
}

static uint32_t events_of(int what)
{
	return (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
}

/* libcurl's; -1 makes it give up. */
static int watch(CURL *easy, curl_socket_t fd, int what, void *userdata, void *unused)
{
	struct https_line *h = userdata;
	size_t i, empty = HTTPS_SOCKETS_MAX;

	(void)easy;
	(void)unused;
	for (i = 0; i < HTTPS_SOCKETS_MAX; i++) {
		if (h->sockets[i].source && h->sockets[i].fd == fd)
			break;
		if (!h->sockets[i].source)
			empty = i;
	}
	if (i < HTTPS_SOCKETS_MAX && what != CURL_POLL_REMOVE)
		return sd_event_source_set_io_events(h->sockets[i].source, events_of(what)) < 0 ? -1
												: 0;
	if (i < HTTPS_SOCKETS_MAX)
		h->sockets[i].source = sd_event_source_disable_unref(h->sockets[i].source);
	if (what == CURL_POLL_REMOVE)
		return 0;
	if (empty == HTTPS_SOCKETS_MAX)
		return -1;
	h->sockets[empty].fd = fd;
	return sd_event_add_io(h->line.event, &h->sockets[empty].source, fd, events_of(what),
			       on_socket, h) < 0
		       ? -1
		       : 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *userdata)
{
	struct https_line *h = userdata;
	int r;

	(void)multi;
	if (timeout_ms < 0)
		return sd_event_source_set_enabled(h->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	r = sd_event_source_set_time_relative(h->timer, (uint64_t)timeout_ms * 1000);
	if (r >= 0)
		r = sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
	return r < 0 ? -1 : 0;
}

int https_loop_open(struct https_line *h)
{
	bool bad = false;

	if (h->multi)
		return 0;
	h->multi = h->curl.multi_init();
	if (!h->multi)
		return -ENOMEM;
	bad |= h->curl.multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch) != CURLM_OK;
	bad |= h->curl.multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) != CURLM_OK;
	bad |= h->curl.multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer) != CURLM_OK;
	bad |= h->curl.multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) != CURLM_OK;
	return bad ? -ENOMEM : 0;
}

void https_loop_close(struct https_line *h)
{
	if (h->multi)
		h->curl.multi_cleanup(h->multi);
	h->multi = NULL;
	for (size_t i = 0; i < HTTPS_SOCKETS_MAX; i++)
		h->sockets[i].source = sd_event_source_disable_unref(h->sockets[i].source);
	(void)sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(h->idle, SD_EVENT_OFF);
}

int https_loop_init(struct https_line *h)
{
	sd_event *event = h->line.event;
	int r;

	r = sd_event_add_time(event, &h->timer, CLOCK_BOOTTIME, 0, TIMER_ACCURACY_US, on_timer, h);
	if (r >= 0)
		r = sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(event, &h->idle, CLOCK_BOOTTIME, 0, 0, on_idle, h);
	if (r >= 0)
		r = sd_event_source_set_enabled(h->idle, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_defer(event, &h->later, on_later, h);
	if (r >= 0)
		r = sd_event_source_set_enabled(h->later, SD_EVENT_OFF);
	return r < 0 ? r : 0;
}

void https_loop_done(struct https_line *h)
{
	https_loop_close(h);
	sd_event_source_disable_unref(h->timer);
	sd_event_source_disable_unref(h->idle);
	sd_event_source_disable_unref(h->later);
}

void https_later(struct https_line *h)
{
	(void)sd_event_source_set_enabled(h->later, SD_EVENT_ONESHOT);
}
