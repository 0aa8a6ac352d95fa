/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/bench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "agent/cli/verbs.h"
#include "agent/plain.h"
#include "base/clock.h"
#include "base/exitcode.h"
#include "discovery/browse.h"

static int fail(const char *what, int r)
{
	fprintf(stderr, "onboardctl: %s: %s\n", what, strerror(-r));
	return EXIT_CODE_FAILED;
}

static void end(struct bench *b, int exit_code)
{
	b->over = true;
	b->exit_code = exit_code;
}

void bench_look(struct bench *b)
{
	if (b->is_complete ? b->is_complete(b) : b->count > 0 && b->n >= b->count)
		end(b, 0);
}

static void add_address(struct bench_device *d, const struct resolve_address *a)
{
	for (size_t i = 0; i < d->n_addresses; i++)
		if (d->addresses[i].len == a->len &&
		    memcmp(&d->addresses[i].any, &a->any, a->len) == 0)
			return;
	if (d->n_addresses == BENCH_ADDRESSES_MAX)
		return;
	/* IPv4 first: it needs no interface with it when it is copied. */
	if (a->any.sa_family == AF_INET && d->n_addresses > 0) {
		memmove(d->addresses + 1, d->addresses, d->n_addresses * sizeof(*d->addresses));
		d->addresses[0] = *a;
	} else {
		d->addresses[d->n_addresses] = *a;
	}
	d->n_addresses++;
}

static struct bench_device *find(struct bench *b, const char *uuid)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->devices[i].record.uuid, uuid) == 0)
			return &b->devices[i];
	return NULL;
}

static void device_done(struct bench_device *d)
{
	free(d->name);
	free(d->host);
}

/* *ret is its place. -ENOMEM. */
static int add(struct bench *b, const struct browse_service *service, struct bench_device **ret)
{
	struct bench_device d = {.record = service->record,
				 .name = strdup(service->name),
				 .host = strdup(service->host)};
	struct bench_device *all = reallocarray(b->devices, b->n + 1, sizeof(*all));

	if (all)
		b->devices = all;
	if (!d.name || !d.host || !all) {
		device_done(&d);
		return -ENOMEM;
	}
	all[b->n] = d;
	*ret = &all[b->n++];
	return 0;
}

static void on_found(const struct browse_service *service, void *userdata)
{
	struct bench *b = userdata;
	struct bench_device *d;
	bool is_new;

	if (!record_is_complete(&service->record))
		return;
	d = find(b, service->record.uuid);
	is_new = !d;
	if (is_new && b->n == BENCH_DEVICES_MAX)
		return;
	if (is_new && add(b, service, &d) < 0) {
		end(b, fail("devices", -ENOMEM));
		return;
	}
	d->n_seen += strcmp(d->name, service->name) == 0;
	add_address(d, &service->address);
	if (is_new && b->found)
		b->found(b, (size_t)(d - b->devices));
	bench_look(b);
}

/* What Avahi still remembered, until it heard that it is over. */
static void on_gone(const char *name, void *userdata)
{
	struct bench *b = userdata;

	for (size_t i = 0; i < b->n; i++) {
		struct bench_device *d = &b->devices[i];

		if (strcmp(d->name, name) != 0)
			continue;
		if (--d->n_seen > 0)
			return;
		device_done(d);
		*d = b->devices[--b->n];
		return;
	}
}

static void on_failed(const char *detail, void *userdata)
{
	char plain[256];

	fprintf(stderr,
		"onboardctl: devices cannot be looked for: %s. Install avahi-daemon on this "
		"machine, and start it.\n",
		plain_text(detail, plain, sizeof(plain)));
	end(userdata, EXIT_CODE_FAILED);
}

static int by_uuid(const void *a, const void *b)
{
	const struct bench_device *one = a, *other = b;

	return strcmp(one->record.uuid, other->record.uuid);
}

static int loop(struct bench *b, uint64_t timeout_ms)
{
	uint64_t deadline_ms = clock_ms() + timeout_ms;
	int r;

	while (!b->over) {
		uint64_t now_ms = clock_ms();

		if (timeout_ms > 0 && now_ms >= deadline_ms)
			return b->n < b->count ? EXIT_CODE_TIMEOUT : 0;
		r = sd_event_run(b->event,
				 timeout_ms > 0 ? (deadline_ms - now_ms) * 1000 : UINT64_MAX);
		if (r < 0)
			return fail("the event loop", r);
	}
	return b->exit_code;
}

int bench_run(struct bench *b, uint64_t timeout_ms)
{
	const struct browse_events events = {
		.found = on_found, .gone = on_gone, .failed = on_failed, .userdata = b};
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(browse_freep) struct browse *browse = NULL;
	int r = sd_event_new(&b->event);

	if (r >= 0)
		r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = sd_bus_attach_event(bus, b->event, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		return fail("the system bus, where avahi-daemon is", r);
	r = browse_new(bus, RECORD_SERVICE, &events, &browse);
	if (r < 0)
		return fail("devices cannot be looked for", r);
	r = loop(b, timeout_ms);
	/* What a caller keeps of a device by its number is over. */
	if (b->n > 1)
		qsort(b->devices, b->n, sizeof(*b->devices), by_uuid);
	return r;
}

void bench_done(struct bench *b)
{
	for (size_t i = 0; i < b->n; i++)
		device_done(&b->devices[i]);
	free(TAKE_PTR(b->devices));
	b->n = 0;
	b->event = sd_event_unref(b->event);
}

void bench_address(const struct resolve_address *a, char ret[static BENCH_ADDRESS_TEXT_MAX])
{
	char text[RESOLVE_TEXT_MAX], interface[IF_NAMESIZE];

	resolve_format(a, text);
	if (a->any.sa_family == AF_INET6 && a->v6.sin6_scope_id > 0 &&
	    if_indextoname(a->v6.sin6_scope_id, interface))
		snprintf(ret, BENCH_ADDRESS_TEXT_MAX, "%s%%%s", text, interface);
	else
		snprintf(ret, BENCH_ADDRESS_TEXT_MAX, "%s", text);
}

uint16_t bench_port(const struct resolve_address *a)
{
	return ntohs(a->any.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
}

int bench_count_of(const char *verb, const char *text, size_t *ret)
{
	uint64_t n;

	if (decimal_parse(text, strlen(text), BENCH_DEVICES_MAX, &n) < 0 || n == 0)
		return usage_error(verb, "--count: '%s' is not a number from 1 to %d", text,
				   BENCH_DEVICES_MAX);
	*ret = (size_t)n;
	return 0;
}
