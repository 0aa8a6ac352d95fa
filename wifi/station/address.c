/* SPDX-License-Identifier: Apache-2.0 */
#include "wifi/station/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"

/* An address without end may be left over from the network before: so long the DHCP client has to
 * take it away. */
#define GRACE_US 3000000
#define ENTRIES_MAX 64

/* Clocks are not compared: the kernel stamps an address by jiffies. What counts is the order in
 * which the kernel tells things, so every news gets a number. */
struct entry {
	uint8_t family;
	uint8_t ip[16];
	uint32_t stamp; /* of IFA_CACHEINFO: when it was set or renewed */
	uint64_t news;  /* when we were told of that stamp */
	bool is_usable, is_permanent;
	bool is_seen; /* by the dump under way */
};

struct address {
	int fd;                  /* owned */
	sd_event_source *source; /* owned */
	sd_event_source *grace;  /* owned */
	sd_event_source *soon;   /* owned; after a restart */
	address_fn fn;
	void *userdata;
	char name[IF_NAMESIZE];
	int index;
	bool is_dumping, is_again; /* again: what is dumped is old already */
	struct entry entries[ENTRIES_MAX];
	size_t n;
	uint64_t news;   /* the last one */
	uint64_t since;  /* younger news count */
	uint64_t up;     /* when the link began to run, since the last restart; 0: it did not */
	bool is_running; /* the link */
	bool is_changed; /* and fn was not told yet */
	bool is_grace_over;
};

/* ---- asking ---- */

static int ask(struct address *a)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg address;
	} request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
			   .nlmsg_type = RTM_GETADDR,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			   .nlmsg_seq = 1},
		.address = {.ifa_family = AF_UNSPEC},
	};

	for (size_t i = 0; i < a->n; i++)
		a->entries[i].is_seen = false;
	a->is_again = false;
	if (send(a->fd, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	a->is_dumping = true;
	return 0;
}

static int ask_link(struct address *a)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST,
			   .nlmsg_seq = 2},
		.link = {.ifi_family = AF_UNSPEC, .ifi_index = a->index},
	};

	return send(a->fd, &request, request.header.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* ---- the table ---- */

static struct entry *find(struct address *a, const struct entry *e)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->entries[i].family == e->family &&
		    memcmp(a->entries[i].ip, e->ip, sizeof(e->ip)) == 0)
			return &a->entries[i];
	return NULL;
}

static void put(struct address *a, struct entry *e, bool is_dumped)
{
	struct entry *old = find(a, e);

	e->is_seen = true;
	e->news = ++a->news;
	if (old) {
		/* What the kernel tells unasked was set just now. */
		if (is_dumped && old->stamp == e->stamp)
			e->news = old->news;
		a->is_changed = a->is_changed || e->news != old->news ||
				e->is_usable != old->is_usable ||
				e->is_permanent != old->is_permanent;
		*old = *e;
	} else if (a->n < ENTRIES_MAX) {
		a->entries[a->n++] = *e;
		a->is_changed = true;
	}
}

static void drop(struct address *a, struct entry *e)
{
	*e = a->entries[--a->n];
	a->is_changed = true;
}

static void drop_unseen(struct address *a)
{
	for (size_t i = 0; i < a->n;) {
		if (a->entries[i].is_seen)
			i++;
		else
			drop(a, &a->entries[i]);
	}
}

/* ---- reading ---- */

static bool is_usable_ip4(const uint8_t ip[static 16])
{
	return ip[0] != 0 && ip[0] != 127 && ip[0] < 224 && !(ip[0] == 169 && ip[1] == 254);
}

static void read_attributes(const struct nlmsghdr *h, struct entry *e, uint32_t *flags,
			    size_t ip_len)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	int64_t left = (int64_t)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));
	struct ifa_cacheinfo info;
	bool has_local = false;

	for (const struct rtattr *t = IFA_RTA(m); RTA_OK(t, left); t = RTA_NEXT(t, left)) {
		size_t len = RTA_PAYLOAD(t);

		if ((t->rta_type == IFA_LOCAL || (t->rta_type == IFA_ADDRESS && !has_local)) &&
		    len == ip_len) {
			memcpy(e->ip, RTA_DATA(t), ip_len);
			has_local = t->rta_type == IFA_LOCAL;
		} else if (t->rta_type == IFA_FLAGS && len == sizeof(*flags)) {
			memcpy(flags, RTA_DATA(t), sizeof(*flags));
		} else if (t->rta_type == IFA_CACHEINFO && len >= sizeof(info)) {
			memcpy(&info, RTA_DATA(t), sizeof(info));
			e->stamp = info.tstamp;
		}
	}
}

static void on_address(struct address *a, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	struct entry e = {0};
	uint32_t flags;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) || (int)m->ifa_index != a->index ||
	    (m->ifa_family != AF_INET && m->ifa_family != AF_INET6))
		return;
	flags = m->ifa_flags;
	e.family = m->ifa_family;
	read_attributes(h, &e, &flags, m->ifa_family == AF_INET ? 4 : 16);
	if (h->nlmsg_type == RTM_DELADDR) {
		struct entry *old = find(a, &e);

		if (old)
			drop(a, old);
		return;
	}
	e.is_permanent = flags & IFA_F_PERMANENT;
	e.is_usable = !(flags & (IFA_F_DADFAILED | IFA_F_DEPRECATED)) &&
		      (!(flags & IFA_F_TENTATIVE) || (flags & IFA_F_OPTIMISTIC)) &&
		      (m->ifa_family == AF_INET ? is_usable_ip4(e.ip)
						: m->ifa_scope == RT_SCOPE_UNIVERSE);
	put(a, &e, h->nlmsg_flags & NLM_F_MULTI);
}

static bool is_named(const struct address *a, const struct nlmsghdr *h)
{
	const struct ifinfomsg *m = NLMSG_DATA(h);
	int64_t left = (int64_t)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));

	for (const struct rtattr *t = IFLA_RTA(m); RTA_OK(t, left); t = RTA_NEXT(t, left))
		if (t->rta_type == IFLA_IFNAME)
			return RTA_PAYLOAD(t) <= sizeof(a->name) &&
			       strncmp(RTA_DATA(t), a->name, RTA_PAYLOAD(t)) == 0;
	return false;
}

static void on_link(struct address *a, const struct nlmsghdr *h)
{
	const struct ifinfomsg *m = NLMSG_DATA(h);
	bool is_running;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return;
	if (h->nlmsg_type == RTM_NEWLINK && m->ifi_index != a->index && is_named(a, h)) {
		/* It was taken away and came back. */
		a->index = m->ifi_index;
		a->is_running = false;
		a->n = 0;
		a->is_changed = true;
		a->is_again = true;
	}
	if (m->ifi_index != a->index)
		return;
	is_running = h->nlmsg_type == RTM_NEWLINK && (m->ifi_flags & IFF_RUNNING);
	if (is_running && !a->is_running)
		a->up = ++a->news;
	a->is_running = is_running;
}

/* One datagram. */
static void read_datagram(struct address *a, const void *data, size_t len)
{
	const struct nlmsghdr *h = data;
	/* Signed, as in the walks above: padding that is not there makes it negative. */
	int64_t left = (int64_t)len;

	for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_flags & NLM_F_DUMP_INTR)
			a->is_again = true;
		switch (h->nlmsg_type) {
		case RTM_NEWADDR:
		case RTM_DELADDR:
			on_address(a, h);
			break;
		case RTM_NEWLINK:
		case RTM_DELLINK:
			on_link(a, h);
			break;
		case NLMSG_DONE:
		case NLMSG_ERROR:
			/* Of the dump; an error of the question about the link is nothing to us. */
			if (!a->is_dumping || h->nlmsg_seq != 1)
				break;
			a->is_dumping = false;
			if (h->nlmsg_type == NLMSG_ERROR)
				break;
			if (!a->is_again)
				drop_unseen(a);
			break;
		default:
			break;
		}
	}
}

/* Reads what the kernel has for us; it answers within the question. */
static void drain(struct address *a)
{
	_Alignas(struct nlmsghdr) char buffer[32768];
	struct sockaddr_nl from = {0};

	for (;;) {
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(a->fd, buffer, sizeof(buffer), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &from_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) { /* the kernel dropped news */
			a->is_again = true;
			a->is_dumping = false;
			if (ask_link(a) < 0)
				log_debug("address: asking for %s failed", a->name);
		} else if (n < 0) {
			break;
		} else if (from.nl_pid == 0) { /* only the kernel speaks here */
			read_datagram(a, buffer, (size_t)n);
		}
		if (a->is_again && !a->is_dumping && ask(a) < 0) {
			log_debug("address: asking for those of %s failed", a->name);
			break;
		}
	}
}

static void tell(struct address *a)
{
	if (!a->is_changed)
		return;
	a->is_changed = false;
	a->fn(a->userdata);
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct address *a = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	drain(a);
	tell(a);
	return 0;
}

static int on_grace_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct address *a = userdata;

	(void)source;
	(void)usec;
	a->is_grace_over = true;
	a->fn(a->userdata);
	return 0;
}

static int on_soon(sd_event_source *source, void *userdata)
{
	struct address *a = userdata;

	(void)source;
	a->is_changed = false;
	a->fn(a->userdata);
	return 0;
}

/* ---- life ---- */

static int open_watch(struct address *a, sd_event *event)
{
	struct sockaddr_nl to = {.nl_family = AF_NETLINK,
				 .nl_groups =
					 RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
	int r;

	a->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (a->fd < 0)
		return -errno;
	if (bind(a->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	r = ask_link(a);
	if (r >= 0)
		r = ask(a);
	if (r < 0)
		return r;
	drain(a);
	/* As it stands, everything counts. */
	a->is_grace_over = true;
	a->is_changed = false;
	a->up = 0;
	r = sd_event_add_io(event, &a->source, a->fd, EPOLLIN, on_readable, a);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(event, &a->grace, CLOCK_MONOTONIC, 0, 1000, on_grace_over,
				       a);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(a->grace, SD_EVENT_OFF);
	if (r < 0)
		return r;
	r = sd_event_add_defer(event, &a->soon, on_soon, a);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(a->soon, SD_EVENT_OFF);
}

int address_new(sd_event *event, const char *interface, address_fn fn, void *userdata,
		struct address **ret)
{
	_cleanup_(address_freep) struct address *a = NULL;
	unsigned int index = if_nametoindex(interface);
	int r;

	if (index == 0)
		return -ENODEV;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->fd = -1;
	a->fn = fn;
	a->userdata = userdata;
	a->index = (int)index;
	memcpy(a->name, interface, strlen(interface));
	r = open_watch(a, event);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(a);
	return 0;
}

struct address *address_free(struct address *a)
{
	if (!a)
		return NULL;
	sd_event_source_disable_unref(a->source);
	sd_event_source_disable_unref(a->grace);
	sd_event_source_disable_unref(a->soon);
	closep(&a->fd);
	free(a);
	return NULL;
}

void address_restart(struct address *a)
{
	drain(a);
	/* We may hear late that the link is up, when the DHCP client is done already. */
	a->since = a->up ? a->up : ++a->news;
	a->up = 0;
	a->is_grace_over = false;
	if (sd_event_source_set_time_relative(a->grace, GRACE_US) < 0 ||
	    sd_event_source_set_enabled(a->grace, SD_EVENT_ONESHOT) < 0)
		a->is_grace_over = true;
	(void)sd_event_source_set_enabled(a->soon, SD_EVENT_ONESHOT);
}

static const struct entry *first_usable(const struct address *a, uint8_t family)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct entry *e = &a->entries[i];

		if (e->family == family && e->is_usable &&
		    (e->news > a->since || (e->is_permanent && a->is_grace_over)))
			return e;
	}
	return NULL;
}

bool address_ip4(const struct address *a, uint8_t ret[static 4])
{
	const struct entry *e = first_usable(a, AF_INET);

	if (e)
		memcpy(ret, e->ip, 4);
	return e;
}

bool address_has_ip6(const struct address *a)
{
	return first_usable(a, AF_INET6);
}
