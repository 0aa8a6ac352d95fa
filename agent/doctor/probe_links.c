/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces, addresses, default route. */

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/doctor/probe.h"
#include "agent/netwatch.h"

static bool is_here(const struct resolve_address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

static bool is_running(const struct ifaddrs *i)
{
	return (i->ifa_flags & IFF_UP) && (i->ifa_flags & IFF_RUNNING);
}

/* One entry an interface is of this family, whether it has addresses or not. */
static void note_link(struct doctor_facts *f, const struct ifaddrs *i)
{
	if (f->n_running == 0 && (f->n_links == 0 || is_running(i) || i->ifa_flags & IFF_UP)) {
		fact_set(f->link, sizeof(f->link), i->ifa_name);
		f->link_is_disabled = !(i->ifa_flags & IFF_UP);
	}
	f->n_links++;
	f->n_running += is_running(i);
}

static void note_address(struct doctor_facts *f, const struct ifaddrs *i)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)i->ifa_addr;

	if (!is_running(i))
		return;
	if (i->ifa_addr->sa_family == AF_INET6) {
		/* Every interface has one of link scope, that says nothing. */
		f->n_addresses += !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr);
		return;
	}
	if (ntohl(v4->sin_addr.s_addr) >> 16 == 0xa9fe) /* 169.254.0.0/16, RFC 3927 */
		f->has_link_local = true;
	else
		f->n_addresses++;
}

static void on_network(bool is_up, void *userdata)
{
	(void)is_up;
	(void)userdata;
}

static int look_at_routes(struct doctor_facts *f)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	struct netwatch *w;
	int r = sd_event_new(&event);

	if (r >= 0)
		r = netwatch_new(event, on_network, NULL, &w);
	if (r < 0)
		return r;
	f->has_default_route = netwatch_is_up(w);
	netwatch_free(w);
	return 0;
}

int probe_links(struct probe *p)
{
	struct doctor_facts *f = p->facts;
	struct resolve_address target;
	struct ifaddrs *list;

	f->target_is_here = (resolve_literal(f->literal, f->port, &target) == 0 ||
			     resolve_literal(f->server, f->port, &target) == 0) &&
			    is_here(&target);
	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		if (i->ifa_flags & IFF_LOOPBACK || !i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_PACKET)
			note_link(f, i);
		else if (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6)
			note_address(f, i);
	}
	freeifaddrs(list);
	return look_at_routes(f);
}
