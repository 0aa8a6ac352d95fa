/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/ble/registration.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "wifi/ble/bluez.h"

#define RETRY_FIRST_US (2 * 1000 * 1000ull)
#define RETRY_CEILING_US (60 * 1000 * 1000ull)
#define RETRY_ACCURACY_US (100 * 1000)

struct registration {
	sd_event *event; /* borrowed */
	sd_bus *bus;     /* borrowed */
	struct registration_target target;
	char manager_path[BLUEZ_PATH_MAX];
	registration_fn fn;
	void *userdata;

	sd_bus_slot *call;      /* owned; under way */
	sd_event_source *timer; /* owned; until the next try */
	uint64_t retry_us;
	bool was_sent;
};

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

static void retry_later(struct registration *g)
{
	int r;

	g->timer = sd_event_source_disable_unref(g->timer);
	r = sd_event_add_time_relative(g->event, &g->timer, CLOCK_BOOTTIME, g->retry_us,
				       RETRY_ACCURACY_US, on_timer, g);
	if (r < 0)
		log_error("ble: no timer for registering again: %s", strerror(-r));
	g->retry_us = MIN(2 * g->retry_us, RETRY_CEILING_US);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ignored)
{
	struct registration *g = userdata;
	const sd_bus_error *error = sd_bus_message_get_error(m);

	(void)ignored;
	g->call = sd_bus_slot_unref(g->call);
	/* What we asked for holds, whoever asked before. */
	if (error && sd_bus_error_has_name(error, "org.bluez.Error.AlreadyExists"))
		error = NULL;
	if (error)
		retry_later(g);
	else
		g->retry_us = RETRY_FIRST_US;
	g->fn(g->userdata, error);
	return 0;
}

static int append_arguments(const struct registration *g, sd_bus_message *m)
{
	int r;

	r = sd_bus_message_append(m, "o", g->target.object);
	if (r < 0)
		return r;
	if (g->target.capability)
		return sd_bus_message_append(m, "s", g->target.capability);
	return sd_bus_message_append(m, "a{sv}", 0);
}

static int ask(struct registration *g)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = sd_bus_message_new_method_call(g->bus, &m, BLUEZ, g->manager_path,
					   g->target.manager_interface, g->target.add);
	if (r < 0)
		return r;
	r = append_arguments(g, m);
	if (r < 0)
		return r;
	g->was_sent = true;
	return sd_bus_call_async(g->bus, &g->call, m, on_answer, g, 0);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct registration *g = userdata;
	int r;

	(void)source;
	(void)usec;
	g->timer = sd_event_source_disable_unref(g->timer);
	r = ask(g);
	if (r < 0) {
		log_warning("ble: %s: %s", g->target.add, strerror(-r));
		retry_later(g);
	}
	return 0;
}

int registration_new(sd_event *event, sd_bus *bus, const struct registration_target *target,
		     registration_fn fn, void *userdata, struct registration **ret)
{
	_cleanup_(registration_freep) struct registration *g = NULL;
	int r;

	if (strlen(target->manager_path) >= BLUEZ_PATH_MAX)
		return -EINVAL;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->event = event;
	g->bus = bus;
	g->target = *target;
	bluez_path_copy(g->manager_path, target->manager_path);
	g->target.manager_path = g->manager_path;
	g->fn = fn;
	g->userdata = userdata;
	g->retry_us = RETRY_FIRST_US;
	r = ask(g);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(g);
	return 0;
}

/* Asked without a reply: whether it was registered at all may not be known yet. */
static void take_back(struct registration *g)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

	if (sd_bus_message_new_method_call(g->bus, &m, BLUEZ, g->manager_path,
					   g->target.manager_interface, g->target.remove) < 0 ||
	    sd_bus_message_append(m, "o", g->target.object) < 0 ||
	    sd_bus_message_set_auto_start(m, false) < 0)
		return;
	(void)sd_bus_send(g->bus, m, NULL);
}

struct registration *registration_free(struct registration *g)
{
	if (!g)
		return NULL;
	sd_bus_slot_unref(g->call);
	sd_event_source_disable_unref(g->timer);
	if (g->was_sent)
		take_back(g);
	free(g);
	return NULL;
}
