/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/announce.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "discovery/avahi.h"

#define NAME_MAX_LEN 63 /* RFC 6763 §4.1.1 */

struct announce {
	sd_bus *bus; /* borrowed */
	uint16_t port;
	struct record record;
	announce_fn fn;
	void *userdata;
	char name[NAME_MAX_LEN + 1];
	char *group; /* owned: object path; NULL while Avahi has nothing of ours */
	sd_bus_slot *owner, *server, *changed; /* owned: what is watched */
	sd_bus_slot *call;                     /* owned: the one call that is waited for */
	bool is_established;
	bool is_stale; /* what is being published is not the record any more */
};

static void tell(struct announce *a, enum announce_news news, const char *detail)
{
	a->fn(news, detail, a->userdata);
}

static void fail(struct announce *a, int r, const char *what)
{
	char detail[128];

	snprintf(detail, sizeof(detail), "%s: %s", what, strerror(-r));
	tell(a, ANNOUNCE_FAILED, detail);
}

static int append_record(sd_bus_message *m, const struct record *record)
{
	int r = sd_bus_message_open_container(m, 'a', "ay");

	for (size_t i = 0; r >= 0 && i < RECORD_N; i++) {
		char text[RECORD_STRING_MAX + 1];

		record_string(record, i, text);
		r = sd_bus_message_append_array(m, 'y', text, strlen(text));
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Without an answer: its outcome comes as the group's state. */
static int call_group(struct announce *a, const char *method)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = avahi_message(a->bus, a->group, AVAHI_GROUP, method, &m);

	return r < 0 ? r : avahi_send(a->bus, m, NULL, NULL, NULL);
}

static int on_added(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct announce *a = userdata;
	int r;

	(void)error;
	a->call = sd_bus_slot_unref(a->call);
	if (sd_bus_message_is_method_error(m, NULL)) {
		tell(a, ANNOUNCE_FAILED, sd_bus_message_get_error(m)->message);
		return 0;
	}
	r = call_group(a, "Commit");
	if (r < 0)
		fail(a, r, "Commit");
	return 0;
}

/* Into the group, which is empty. */
static void add(struct announce *a)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = avahi_message(a->bus, a->group, AVAHI_GROUP, "AddService", &m);

	a->is_stale = false;
	if (r >= 0)
		r = sd_bus_message_append(m, "iiussssq", AVAHI_ANY, AVAHI_ANY, 0U, a->name,
					  RECORD_SERVICE, "", "", a->port);
	if (r >= 0)
		r = append_record(m, &a->record);
	a->call = sd_bus_slot_unref(a->call);
	if (r >= 0)
		r = avahi_send(a->bus, m, on_added, a, &a->call);
	if (r < 0)
		fail(a, r, "AddService");
}

static int on_group(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct announce *a = userdata;
	const char *path;

	(void)error;
	a->call = sd_bus_slot_unref(a->call);
	if (sd_bus_message_is_method_error(m, NULL)) {
		tell(a, ANNOUNCE_FAILED, sd_bus_message_get_error(m)->message);
		return 0;
	}
	if (sd_bus_message_read(m, "o", &path) < 0)
		return 0;
	free(a->group);
	a->group = strdup(path);
	if (!a->group)
		fail(a, -ENOMEM, "EntryGroupNew");
	else
		add(a);
	return 0;
}

static void ask(struct announce *a, const char *method, sd_bus_message_handler_t fn)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = avahi_message(a->bus, "/", AVAHI_SERVER, method, &m);

	a->call = sd_bus_slot_unref(a->call);
	if (r >= 0)
		r = avahi_send(a->bus, m, fn, a, &a->call);
	if (r < 0)
		fail(a, r, method);
}

static void forget(struct announce *a)
{
	free(TAKE_PTR(a->group));
	a->call = sd_bus_slot_unref(a->call);
	a->is_established = false;
}

/* Avahi runs under a host name that it has made sure of. */
static void publish(struct announce *a)
{
	if (!a->group) {
		ask(a, "EntryGroupNew", on_group);
		return;
	}
	if (call_group(a, "Reset") < 0)
		return;
	a->is_established = false;
	add(a);
}

static int on_server_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct announce *a = userdata;
	const char *detail;
	int32_t state;

	(void)error;
	if (sd_bus_message_read(m, "is", &state, &detail) >= 0 && state == AVAHI_SERVER_RUNNING)
		publish(a);
	return 0;
}

static int on_server_state(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct announce *a = userdata;
	int32_t state;

	(void)error;
	a->call = sd_bus_slot_unref(a->call);
	if (sd_bus_message_is_method_error(m, NULL)) {
		forget(a);
		tell(a, ANNOUNCE_NO_AVAHI, "");
		return 0;
	}
	if (sd_bus_message_read(m, "i", &state) >= 0 && state == AVAHI_SERVER_RUNNING)
		publish(a);
	return 0;
}

static void rename_and_add(struct announce *a)
{
	tell(a, ANNOUNCE_COLLISION, a->name);
	snprintf(a->name, sizeof(a->name), "%s-%04x", a->record.uuid, random_below(0x10000));
	publish(a);
}

static void update(struct announce *a)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = avahi_message(a->bus, a->group, AVAHI_GROUP, "UpdateServiceTxt", &m);

	a->is_stale = false;
	if (r >= 0)
		r = sd_bus_message_append(m, "iiusss", AVAHI_ANY, AVAHI_ANY, 0U, a->name,
					  RECORD_SERVICE, "");
	if (r >= 0)
		r = append_record(m, &a->record);
	if (r >= 0)
		r = avahi_send(a->bus, m, NULL, NULL, NULL);
	if (r < 0)
		fail(a, r, "UpdateServiceTxt");
}

static int on_group_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct announce *a = userdata;
	const char *path = sd_bus_message_get_path(m), *detail;
	int32_t state;

	(void)error;
	if (!a->group || strcmp(path, a->group) != 0 ||
	    sd_bus_message_read(m, "is", &state, &detail) < 0)
		return 0;
	if (state == AVAHI_GROUP_ESTABLISHED && !a->is_established) {
		a->is_established = true;
		tell(a, ANNOUNCE_DONE, a->name);
		if (a->is_stale)
			update(a);
	} else if (state == AVAHI_GROUP_COLLISION) {
		rename_and_add(a);
	} else if (state == AVAHI_GROUP_FAILURE) {
		tell(a, ANNOUNCE_FAILED, detail);
	}
	return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct announce *a = userdata;
	int came = avahi_came(m);

	(void)error;
	forget(a);
	if (came < 0)
		tell(a, ANNOUNCE_NO_AVAHI, "");
	else
		ask(a, "GetState", on_server_state);
	return 0;
}

int announce_new(sd_bus *bus, uint16_t port, const struct record *record, announce_fn fn,
		 void *userdata, struct announce **ret)
{
	_cleanup_(announce_freep) struct announce *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->bus = bus;
	a->port = port;
	a->record = *record;
	a->fn = fn;
	a->userdata = userdata;
	snprintf(a->name, sizeof(a->name), "%s", record->uuid);
	r = avahi_watch(bus, on_owner, a, &a->owner);
	if (r >= 0)
		r = sd_bus_match_signal(bus, &a->server, AVAHI_NAME, "/", AVAHI_SERVER,
					"StateChanged", on_server_changed, a);
	if (r >= 0)
		r = sd_bus_match_signal(bus, &a->changed, AVAHI_NAME, NULL, AVAHI_GROUP,
					"StateChanged", on_group_changed, a);
	if (r < 0)
		return r;
	ask(a, "GetState", on_server_state);
	*ret = TAKE_PTR(a);
	return 0;
}

struct announce *announce_free(struct announce *a)
{
	if (!a)
		return NULL;
	if (a->group && sd_bus_is_open(a->bus) > 0 && call_group(a, "Free") < 0)
		log_debug("discovery: the announcement ends with the bus");
	forget(a);
	sd_bus_slot_unref(a->owner);
	sd_bus_slot_unref(a->server);
	sd_bus_slot_unref(a->changed);
	free(a);
	return NULL;
}

void announce_update(struct announce *a, const struct record *record)
{
	a->record = *record;
	a->is_stale = true;
	if (a->is_established)
		update(a);
}
