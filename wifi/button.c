/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/button.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "wifi/button_line.h"

/* Contacts bounce for up to some 10 ms; nobody presses for less than this. */
#define SETTLE_MS 30
#define ACCURACY_US 1000

struct button {
	struct button_line *line; /* owned */
	sd_event_source *edges;   /* owned */
	sd_event_source *settle;  /* owned; runs out when the line was quiet for SETTLE_MS */
	button_fn fn;
	void *userdata;
	uint64_t quiet_ms; /* clock_ms() at which it will have been quiet for long enough */
	bool is_pressed;   /* when it was last quiet */
};

static void arm(struct button *b)
{
	sd_event_source_set_time(b->settle, b->quiet_ms * 1000);
	sd_event_source_set_enabled(b->settle, SD_EVENT_ONESHOT);
}

static int on_edges(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct button *b = userdata;
	int r;

	(void)fd;
	r = revents & (EPOLLERR | EPOLLHUP) ? -ENODEV : button_line_take_edges(b->line);
	if (r == -EAGAIN || r == -EINTR)
		return 0;
	if (r < 0) {
		log_warning("button: its line is gone: %s, working on without it", strerror(-r));
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		sd_event_source_set_enabled(b->settle, SD_EVENT_OFF);
		return 0;
	}
	b->quiet_ms = clock_ms() + SETTLE_MS;
	arm(b);
	return 0;
}

/* The level counts, not the edges: some of a bounce go unseen. */
static int on_settled(sd_event_source *source, uint64_t us, void *userdata)
{
	struct button *b = userdata;
	int value;

	(void)source;
	(void)us;
	if (clock_ms() < b->quiet_ms) {
		arm(b);
		return 0;
	}
	value = button_line_value(b->line);
	if (value < 0) {
		log_warning("button: reading its line failed: %s, ignoring", strerror(-value));
		return 0;
	}
	if (b->is_pressed == (value > 0))
		return 0;
	b->is_pressed = value > 0;
	if (b->is_pressed)
		b->fn(b->userdata);
	return 0;
}

static int start(struct button *b, sd_event *event)
{
	int r;

	/* Held down from the start is no press: a button that got stuck would open the window at
	 * every start. */
	r = button_line_value(b->line);
	if (r < 0)
		return r;
	b->is_pressed = r > 0;
	r = sd_event_add_time(event, &b->settle, CLOCK_BOOTTIME, 0, ACCURACY_US, on_settled, b);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(b->settle, SD_EVENT_OFF);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &b->edges, button_line_fd(b->line), EPOLLIN, on_edges, b);
	return r < 0 ? r : 0;
}

int button_new(sd_event *event, const char *chip, unsigned int line, bool active_low, button_fn fn,
	       void *userdata, struct button **ret)
{
	_cleanup_(button_freep) struct button *b = calloc(1, sizeof(*b));
	_cleanup_(freep) char *path = NULL;
	int r;

	if (!b || asprintf(&path, "%s%s", strchr(chip, '/') ? "" : "/dev/", chip) < 0)
		return -ENOMEM;
	b->fn = fn;
	b->userdata = userdata;
	r = button_line_open(path, line, active_low, &b->line);
	if (r < 0)
		return r;
	r = start(b, event);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(b);
	return 0;
}

struct button *button_free(struct button *b)
{
	if (!b)
		return NULL;
	sd_event_source_disable_unref(b->edges);
	sd_event_source_disable_unref(b->settle);
	button_line_close(b->line);
	free(b);
	return NULL;
}
