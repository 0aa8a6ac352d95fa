/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/finder.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <systemd/sd-bus.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "discovery/browse.h"

/* The thread's. */
struct job {
	char *domain; /* owned */
	uint32_t random;
	struct srv srv;
	int r;
};

struct finder {
	char *domain;          /* owned, as all below */
	struct worker *worker; /* NULL: DNS has answered */
	sd_bus *bus;
	struct browse *browse;
	sd_event_source *over; /* the limit, or at once */
	finder_fn fn;
	void *userdata;
	bool link_is_done, is_found, is_by_dns;
	struct finder_server found;
};

/* From the loop, so that nothing is freed under whoever calls. */
static void end_soon(struct finder *f)
{
	int r = sd_event_source_set_time(f->over, 0);

	if (r >= 0)
		r = sd_event_source_set_enabled(f->over, SD_EVENT_ONESHOT);
	if (r < 0)
		log_debug("server: %s", strerror(-r));
}

static void look(struct finder *f)
{
	if (f->is_by_dns || (!f->worker && f->link_is_done))
		end_soon(f);
}

static int on_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct finder *f = userdata;
	struct finder_server found = f->found;

	(void)source;
	(void)usec;
	f->fn(f->is_found ? &found : NULL, f->userdata);
	return 0;
}

/* ---- DNS ---- */

static void run_job(void *userdata)
{
	struct job *j = userdata;

	j->r = srv_lookup(j->domain, j->random, &j->srv);
}

static void free_job(void *userdata)
{
	struct job *j = userdata;

	free(j->domain);
	free(j);
}

static void on_job(void *userdata, void *finder)
{
	const struct job *j = userdata;
	struct finder *f = finder;

	f->worker = NULL;
	if (j->r == 0) {
		f->found = (struct finder_server){.srv = j->srv};
		f->is_found = f->is_by_dns = true;
	}
	look(f);
}

static int ask_dns(struct finder *f, sd_event *event)
{
	struct job *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return -ENOMEM;
	j->domain = strdup(f->domain);
	random_fill(&j->random, sizeof(j->random));
	r = j->domain ? worker_start(event, run_job, on_job, free_job, j, f, &f->worker) : -ENOMEM;
	if (r < 0)
		free_job(j);
	return r;
}

/* ---- the link ---- */

static void on_found(const struct browse_service *service, void *userdata)
{
	struct finder *f = userdata;
	const struct resolve_address *a = &service->address;

	if (f->is_by_dns || !hostname_is_in(service->host, f->domain))
		return;
	/* The same one whatever their order, when there are several. */
	if (f->is_found && strcasecmp(f->found.srv.host, service->host) <= 0)
		return;
	f->found = (struct finder_server){.srv.port = service->port};
	memcpy(f->found.srv.host, service->host, strlen(service->host) + 1);
	/* One that is good on one interface only cannot be written as text. */
	if (a->len > 0 && !(a->any.sa_family == AF_INET6 && a->v6.sin6_scope_id > 0))
		resolve_format(a, f->found.address);
	f->is_found = true;
}

static void on_settled(void *userdata)
{
	struct finder *f = userdata;

	f->link_is_done = true;
	look(f);
}

static void on_failed(const char *detail, void *userdata)
{
	log_debug("server: not looked for on the link: %s", detail);
	on_settled(userdata);
}

static int ask_link(struct finder *f, sd_event *event)
{
	const struct browse_events events = {.found = on_found,
					     .settled = on_settled,
					     .failed = on_failed,
					     .wants_names = true,
					     .userdata = f};
	int r = sd_bus_open_system(&f->bus);

	if (r >= 0)
		r = sd_bus_attach_event(f->bus, event, SD_EVENT_PRIORITY_NORMAL);
	return r < 0 ? r : browse_new(f->bus, SRV_SERVICE, &events, &f->browse);
}

/* ---- life ---- */

int finder_new(sd_event *event, const char *domain, finder_fn fn, void *userdata,
	       struct finder **ret)
{
	_cleanup_(finder_freep) struct finder *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->fn = fn;
	f->userdata = userdata;
	f->domain = strdup(domain);
	if (!f->domain)
		return -ENOMEM;
	r = sd_event_add_time_relative(event, &f->over, CLOCK_BOOTTIME,
				       (uint64_t)FINDER_LIMIT_MS * 1000, 0, on_over, f);
	if (r >= 0)
		r = ask_dns(f, event);
	if (r < 0)
		return r;
	r = ask_link(f, event);
	if (r < 0)
		on_failed(strerror(-r), f);
	*ret = TAKE_PTR(f);
	return 0;
}

struct finder *finder_free(struct finder *f)
{
	if (!f)
		return NULL;
	worker_cancel(f->worker);
	browse_free(f->browse);
	/* Flushing waits for a bus that has not let us in yet, and perhaps never will. */
	f->bus = sd_bus_is_ready(f->bus) > 0 ? sd_bus_flush_close_unref(f->bus)
					     : sd_bus_close_unref(f->bus);
	sd_event_source_disable_unref(f->over);
	free(f->domain);
	free(f);
	return NULL;
}
