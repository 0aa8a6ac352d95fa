/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of [hooks]: a link that has to be down while credentials are written goes down after
 * the session was put away and before a command is executed, and comes up before the session is
 * taken back. A command that fails or takes too long is told of and changes nothing else: the batch
 * is more important. Whatever ends a batch, also a crash, the link comes up again. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/hook.h"
#include "agent/internal.h"
#include "base/log.h"

#define VALUE "hooks/offline" /* the link may be down */

static bool has_hooks(const struct agent *a)
{
	return a->config->hook_offline || a->config->hook_online;
}

static void tell(struct agent *a, const char *name, const char *failure)
{
	if (!failure) {
		log_info("hook name=%s done", name);
		agent_tell_step(a, "hook", "%s: done", name);
		return;
	}
	log_warning("hook name=%s failed: %s, going on", name, failure);
	agent_tell_step(a, STEP_HOOK_FAILED, "%s: %s; going on", name, failure);
}

static int start(struct agent *a, sd_event *event, const char *name, char *const *command,
		 hook_fn fn)
{
	char variable[32];
	const char *const names[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", variable, NULL};
	const struct hook_config hook = {
		.command = command, .names = names, .timeout_ms = a->config->hook_timeout_ms};

	snprintf(variable, sizeof(variable), "ONBOARD_HOOK=%s", name);
	return hook_start(event, &hook, fn, a, &a->link_hook);
}

/* ---- down ---- */

static void on_down(void *userdata, const char *failure)
{
	struct agent *a = userdata;

	a->link_hook = NULL;
	tell(a, "offline", failure);
	agent_post(a, a->link_event, -1, "%s", a->link_why);
}

/* For the next start, should this one end without a word. */
static void note_down(struct agent *a)
{
	int r;

	a->link_is_down = true;
	if (!a->config->hook_online)
		return;
	r = store_value_put(a->store, VALUE, "yes");
	if (r != 0)
		log_warning("hook: that the link goes down is not stored: %s, ignoring",
			    strerror(abs(r)));
}

void agent_go_offline(struct agent *a, enum fsm_event event, const char *why)
{
	int r;

	if (!has_hooks(a)) {
		agent_post(a, event, -1, "%s", why);
		return;
	}
	note_down(a);
	a->link_event = event;
	snprintf(a->link_why, sizeof(a->link_why), "%s", why);
	if (!a->config->hook_offline) {
		agent_post(a, event, -1, "%s", why);
		return;
	}
	r = start(a, a->event, "offline", a->config->hook_offline, on_down);
	if (r < 0)
		on_down(a, strerror(-r));
}

/* ---- up ---- */

static void on_up(void *userdata, const char *failure)
{
	struct agent *a = userdata;
	void (*then)(struct agent * a) = a->link_then;
	int r;

	a->link_hook = NULL;
	a->link_then = NULL;
	a->link_is_down = a->link_comes_up = false;
	tell(a, "online", failure);
	r = store_value_delete(a->store, VALUE);
	if (r != 0 && r != -ENOENT)
		log_warning("hook: that the link is up is not stored: %s, ignoring",
			    strerror(abs(r)));
	if (then)
		then(a);
}

static void bring_up(struct agent *a, void (*then)(struct agent *a))
{
	int r;

	a->link_then = then;
	a->link_comes_up = true;
	r = start(a, a->event, "online", a->config->hook_online, on_up);
	if (r < 0)
		on_up(a, strerror(-r));
}

void agent_go_online(struct agent *a, void (*then)(struct agent *a))
{
	if (a->link_is_down && a->config->hook_online) {
		bring_up(a, then);
		return;
	}
	a->link_is_down = false;
	then(a);
}

bool agent_was_left_offline(struct agent *a)
{
	_cleanup_(freep) char *text = NULL;

	return a->config->hook_online && store_value_get(a->store, VALUE, &text) == 0;
}

void agent_recover_online(struct agent *a, void (*then)(struct agent *a))
{
	log_notice("hook: the link may have been left down, bringing it up");
	a->link_is_down = true;
	bring_up(a, then);
}

/* The loop is over: a loop of its own for this one command. */
static void on_up_at_last(void *userdata, const char *failure)
{
	struct agent *a = userdata;
	sd_event *event = a->link_loop;

	on_up(a, failure);
	if (event && sd_event_exit(event, 0) < 0)
		log_error("hook: its loop does not end");
}

static void bring_up_and_wait(struct agent *a)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	int r = sd_event_new(&event);

	a->link_then = NULL;
	if (r >= 0)
		r = start(a, event, "online", a->config->hook_online, on_up_at_last);
	if (r < 0) {
		on_up(a, strerror(-r));
		return;
	}
	a->link_loop = event;
	r = sd_event_loop(event);
	a->link_loop = NULL;
	if (r < 0)
		log_error("hook: it cannot be waited for: %s", strerror(-r));
	a->link_hook = hook_free(a->link_hook);
}

void agent_cancel_offline(struct agent *a)
{
	a->link_then = NULL;
	if (a->link_comes_up && !a->stopped)
		return; /* it goes on beside what comes next */
	a->link_hook = hook_free(a->link_hook);
	a->link_comes_up = false;
	if (!a->link_is_down || !a->config->hook_online)
		a->link_is_down = false;
	else if (a->stopped)
		bring_up_and_wait(a);
	else
		bring_up(a, NULL);
}
