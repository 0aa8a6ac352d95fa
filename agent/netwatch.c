/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/netwatch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define DUMP_TIMEOUT_MS 2000

struct netwatch {
	int fd;
	sd_event_source *source; /* owned */
	netwatch_fn fn;
	void *userdata;
	uint64_t ways;  /* of the last dump; 0: no default route */
	uint64_t found; /* by the dump under way */
	bool dumping;
	bool again; /* routes changed while dumping */
};

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	for (const uint8_t *p = data, *end = p + len; p < end; p++)
		hash = (hash ^ *p) * FNV_PRIME;
	return hash;
}

static bool is_of_the_way(const struct rtattr *a)
{
	return a->rta_type == RTA_OIF || a->rta_type == RTA_GATEWAY || a->rta_type == RTA_VIA ||
	       a->rta_type == RTA_PREFSRC || a->rta_type == RTA_MULTIPATH ||
	       a->rta_type == RTA_NH_ID;
}

/* A number for the way that a default route is; 0 when it is none. */
static uint64_t default_way(const struct nlmsghdr *h)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	const struct rtattr *a;
	bool leads_somewhere = false;
	uint64_t way = FNV_OFFSET;
	int64_t left; /* signed: padding that is not there makes it negative */

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return 0;
	/* An unreachable default on lo (type RTN_UNREACHABLE) leads nowhere. */
	if (m->rtm_dst_len != 0 || m->rtm_type != RTN_UNICAST ||
	    (m->rtm_family != AF_INET && m->rtm_family != AF_INET6))
		return 0;
	if (m->rtm_table != RT_TABLE_MAIN && m->rtm_table != RT_TABLE_UNSPEC &&
	    m->rtm_table != RT_TABLE_DEFAULT)
		return 0;
	left = (int64_t)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));
	for (a = RTM_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		leads_somewhere = leads_somewhere || a->rta_type == RTA_OIF ||
				  a->rta_type == RTA_MULTIPATH || a->rta_type == RTA_NH_ID;
		/* What ages, as the lifetime of an advertised route, is none of it. */
		if (is_of_the_way(a))
			way = mix(way, a, a->rta_len);
	}
	return leads_somewhere ? way | 1 : 0;
}

enum netwatch_scan netwatch_scan(const void *data, size_t len, uint64_t *ways)
{
	enum netwatch_scan scan = NETWATCH_MORE;
	const struct nlmsghdr *h = data;
	int64_t left = (int64_t)len; /* as above */

	if (!NLMSG_OK(h, left))
		return NETWATCH_BROKEN;
	for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == NLMSG_ERROR)
			return NETWATCH_BROKEN;
		if (h->nlmsg_type == NLMSG_DONE)
			return scan == NETWATCH_CHANGED ? scan : NETWATCH_DONE;
		if (h->nlmsg_type != RTM_NEWROUTE && h->nlmsg_type != RTM_DELROUTE)
			continue;
		/* Answers to our dump carry its flag; notifications do not. */
		if (!(h->nlmsg_flags & NLM_F_MULTI))
			scan = NETWATCH_CHANGED;
		else if (h->nlmsg_type == RTM_NEWROUTE)
			*ways += default_way(h);
	}
	return scan;
}

static int ask(struct netwatch *w)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			   .nlmsg_type = RTM_GETROUTE,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			   .nlmsg_seq = 1},
		.route = {.rtm_family = AF_UNSPEC},
	};

	w->found = 0;
	w->again = false;
	if (send(w->fd, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	w->dumping = true;
	return 0;
}

static void conclude(struct netwatch *w, bool tell)
{
	uint64_t was = w->ways;

	w->dumping = false;
	w->ways = w->found;
	if (tell && was != w->ways)
		w->fn(netwatch_is_up(w), w->userdata);
}

/* One datagram. -EAGAIN when there is none. */
static int receive(struct netwatch *w, bool tell)
{
	_Alignas(struct nlmsghdr) char buffer[32768];
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(w->fd, buffer, sizeof(buffer), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &from_len);

	if (n < 0) {
		/* The kernel dropped notifications: what we knew is stale. */
		if (errno == ENOBUFS)
			return ask(w);
		return -errno;
	}
	if (from.nl_pid != 0) /* only the kernel speaks here */
		return 0;
	switch (netwatch_scan(buffer, (size_t)n, &w->found)) {
	case NETWATCH_MORE:
		return 0;
	case NETWATCH_DONE:
		if (!w->dumping)
			return 0;
		if (w->again)
			return ask(w);
		conclude(w, tell);
		return 0;
	case NETWATCH_CHANGED:
		if (w->dumping)
			w->again = true;
		else
			return ask(w);
		return 0;
	case NETWATCH_BROKEN:
		w->dumping = false;
		return 0;
	}
	return 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	int r;

	(void)source;
	(void)fd;
	(void)revents;
	do
		r = receive(userdata, true);
	while (r == 0);
	return 0;
}

/* The first dump is waited for: it comes from the kernel, so at once. */
static int first_look(struct netwatch *w)
{
	uint64_t limit = clock_ms() + DUMP_TIMEOUT_MS;
	int r = ask(w);

	while (r == 0 && w->dumping) {
		struct pollfd p = {.fd = w->fd, .events = POLLIN};
		uint64_t now = clock_ms();

		if (now >= limit)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)(limit - now)) < 0 && errno != EINTR)
			return -errno;
		r = receive(w, false);
		if (r == -EAGAIN || r == -EINTR)
			r = 0;
	}
	return r;
}

static int open_watch(struct netwatch *w, sd_event *event)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK,
				      .nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
	int r;

	w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (w->fd < 0)
		return -errno;
	if (bind(w->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = first_look(w);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &w->source, w->fd, POLLIN, on_readable, w);
	return r < 0 ? r : 0;
}

int netwatch_new(sd_event *event, netwatch_fn fn, void *userdata, struct netwatch **ret)
{
	struct netwatch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->fn = fn;
	w->userdata = userdata;
	r = open_watch(w, event);
	if (r < 0) {
		netwatch_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

struct netwatch *netwatch_free(struct netwatch *w)
{
	if (!w)
		return NULL;
	sd_event_source_disable_unref(w->source);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
	return NULL;
}

bool netwatch_is_up(const struct netwatch *w)
{
	return w->ways != 0;
}
