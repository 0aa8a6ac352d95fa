/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/window.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"

#define ACCURACY_US 1000

struct window {
	sd_event_source *timer;  /* owned; when it closes by itself */
	sd_event_source *teller; /* owned; calls fn outside of our calls */
	window_fn fn;
	void *userdata;
	uint64_t until_ms; /* clock_ms() */
	bool told;         /* what fn knows */
};

bool window_is_open(const struct window *w)
{
	return clock_ms() < w->until_ms;
}

uint64_t window_left_ms(const struct window *w)
{
	uint64_t now = clock_ms();

	return now < w->until_ms ? w->until_ms - now : 0;
}

static void arm(struct window *w)
{
	uint64_t until_us = w->until_ms > UINT64_MAX / 1000 ? UINT64_MAX : w->until_ms * 1000;

	if (!window_is_open(w)) {
		sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(w->timer, until_us);
	sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static void tell(struct window *w)
{
	bool is_open = window_is_open(w);

	if (is_open == w->told)
		return;
	w->told = is_open;
	if (w->fn)
		w->fn(is_open, w->userdata);
}

static int on_timer(sd_event_source *source, uint64_t us, void *userdata)
{
	struct window *w = userdata;

	(void)source;
	(void)us;
	if (window_is_open(w)) {
		arm(w);
		return 0;
	}
	log_notice("presence window: closed, its time is over");
	tell(w);
	return 0;
}

static int on_teller(sd_event_source *source, void *userdata)
{
	(void)source;
	tell(userdata);
	return 0;
}

static int start(struct window *w, sd_event *event, uint64_t boot_ms)
{
	int r;

	r = sd_event_add_time(event, &w->timer, CLOCK_BOOTTIME, 0, ACCURACY_US, on_timer, w);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	r = sd_event_add_defer(event, &w->teller, on_teller, w);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(w->teller, SD_EVENT_OFF);
	if (r < 0)
		return r;
	/* The clock starts with the machine: restarting the program opens nothing again. */
	w->until_ms = boot_ms;
	w->told = window_is_open(w);
	if (w->told)
		log_notice("presence window: open for %" PRIu64 " s more (power-on)",
			   window_left_ms(w) / 1000);
	arm(w);
	return 0;
}

int window_new(sd_event *event, uint64_t boot_ms, window_fn fn, void *userdata, struct window **ret)
{
	_cleanup_(window_freep) struct window *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->fn = fn;
	w->userdata = userdata;
	r = start(w, event, boot_ms);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}

struct window *window_free(struct window *w)
{
	if (!w)
		return NULL;
	sd_event_source_disable_unref(w->timer);
	sd_event_source_disable_unref(w->teller);
	free(w);
	return NULL;
}

void window_open(struct window *w, uint64_t ms, const char *why)
{
	uint64_t now = clock_ms(), until = ms > UINT64_MAX - now ? UINT64_MAX : now + ms;

	if (until <= w->until_ms || ms == 0)
		return;
	w->until_ms = until;
	log_notice("presence window: open for %" PRIu64 " s (%s)", ms / 1000, why);
	arm(w);
	sd_event_source_set_enabled(w->teller, SD_EVENT_ONESHOT);
}

void window_close(struct window *w, const char *why)
{
	if (!window_is_open(w))
		return;
	w->until_ms = 0;
	log_notice("presence window: closed (%s)", why);
	arm(w);
	sd_event_source_set_enabled(w->teller, SD_EVENT_ONESHOT);
}
