/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the resolver knows the server, and whether it tells the truth. */

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/doctor/probe.h"
#include "base/clock.h"

#define LOOKUP_TIMEOUT_MS 4000

struct lookups {
	struct probe *probe;
	sd_event *event;
	unsigned int n_open;
};

static bool is_nowhere(const struct resolve_address *a)
{
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == 0 ||
		       ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr) || IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

static bool is_local_name(const char *name)
{
	const size_t len = strlen(name), n = strlen("localhost");

	return len >= n && strcmp(name + len - n, "localhost") == 0;
}

static void one_is_over(struct lookups *l)
{
	if (--l->n_open == 0)
		sd_event_exit(l->event, 0);
}

static void on_server(const struct resolve_address *addresses, size_t n, const char *detail,
		      void *userdata)
{
	struct lookups *l = userdata;
	struct doctor_facts *f = l->probe->facts;

	f->lookup = n > 0 ? FACTS_LOOKUP_FOUND : FACTS_LOOKUP_FAILED;
	fact_set(f->lookup_text, sizeof(f->lookup_text), *detail ? detail : "no address");
	if (n > 0) {
		l->probe->address = addresses[0];
		l->probe->has_address = true;
		resolve_format(&addresses[0], f->address);
		f->address_is_nowhere = is_nowhere(&addresses[0]) && !is_local_name(f->server);
	}
	one_is_over(l);
}

static void on_invented(const struct resolve_address *addresses, size_t n, const char *detail,
			void *userdata)
{
	struct lookups *l = userdata;

	(void)addresses;
	(void)detail;
	l->probe->facts->dns_invents = n > 0;
	one_is_over(l);
}

/* Asks for the server, and for a name that cannot exist (RFC 6761 §6.4). */
static int look_up(struct probe *p)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	struct resolve *server = NULL, *invented = NULL;
	struct lookups l = {.probe = p, .n_open = 2};
	char name[64];
	int r = sd_event_new(&event);

	snprintf(name, sizeof(name), "onboardd-check-%08" PRIx32 ".invalid",
		 random_below(UINT32_MAX));
	l.event = event;
	if (r >= 0)
		r = resolve_new(event, p->facts->server, p->facts->port, LOOKUP_TIMEOUT_MS,
				on_server, &l, &server);
	if (r >= 0)
		r = resolve_new(event, name, p->facts->port, LOOKUP_TIMEOUT_MS, on_invented, &l,
				&invented);
	if (r >= 0)
		r = sd_event_loop(event);
	resolve_free(server);
	resolve_free(invented);
	return r < 0 ? r : 0;
}

int probe_dns(struct probe *p)
{
	struct doctor_facts *f = p->facts;

	if (!f->has_target)
		return 0;
	if (resolve_literal(*f->literal ? f->literal : f->server, f->port, &p->address) == 0) {
		fact_set(f->literal, sizeof(f->literal), *f->literal ? f->literal : f->server);
		p->has_address = true;
		return 0;
	}
	if (f->n_running == 0 || f->n_addresses == 0)
		return 0;
	return look_up(p);
}
