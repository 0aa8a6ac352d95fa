/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/responder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "discovery/answer.h"
#include "discovery/meter.h"

#define GROUP_4 "224.0.1.187"
#define GROUP_6 "ff02::fd"
#define PENDING_MAX 16
#define PENDING_LEN 64 /* links for a group are short */
#define TURN_MAX 8     /* datagrams that are read before others get their turn */

/* Where an answer goes, and from where. */
struct route {
	int fd; /* borrowed */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} peer;
	socklen_t peer_len;
	struct in_pktinfo from4;
	struct in6_pktinfo from6;
	bool is_multicast;
};

struct pending {
	struct route route;
	uint8_t data[PENDING_LEN];
	size_t len; /* 0: free */
	uint64_t due_ms;
};

struct responder {
	sd_event_source *io4, *io6, *timer;
	int fd4, fd6; /* -1: this kernel has no such protocol */
	uint16_t port;
	struct record record;
	char *token; /* owned */
	struct answer answer;
	struct meter meter;
	struct pending pending[PENDING_MAX];
};

/* ---- sockets ---- */

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int open_4(uint16_t port)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	_cleanup_(closep) int fd =
		socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	int r;

	if (fd < 0)
		return -errno;
	r = set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	if (r == 0)
		r = set(fd, IPPROTO_IP, IP_TTL, 1);
	/* Else it hears what others of this machine have joined. */
	if (r == 0)
		r = set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	if (r == 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

static int open_6(uint16_t port)
{
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	_cleanup_(closep) int fd =
		socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	int r;

	if (fd < 0)
		return -errno;
	r = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (r == 0)
		r = set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	if (r == 0)
		r = set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1);
	if (r == 0)
		r = set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	if (r == 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

static int read_port(int fd, uint16_t *ret)
{
	struct sockaddr_in6 name = {0}; /* the port is at the same place in both */
	socklen_t len = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &len) < 0)
		return -errno;
	*ret = ntohs(name.sin6_port);
	return 0;
}

static void join(const struct responder *r, unsigned int interface)
{
	struct ip_mreqn four = {.imr_ifindex = (int)interface};
	struct ipv6_mreq six = {.ipv6mr_interface = interface};

	inet_pton(AF_INET, GROUP_4, &four.imr_multiaddr);
	inet_pton(AF_INET6, GROUP_6, &six.ipv6mr_multiaddr);
	if (r->fd4 >= 0 &&
	    setsockopt(r->fd4, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof(four)) < 0 &&
	    errno != EADDRINUSE)
		log_debug("discovery: %s on interface %u: %m", GROUP_4, interface);
	if (r->fd6 >= 0 &&
	    setsockopt(r->fd6, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &six, sizeof(six)) < 0 &&
	    errno != EADDRINUSE)
		log_debug("discovery: %s on interface %u: %m", GROUP_6, interface);
}

void responder_join(struct responder *r)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0) {
		log_debug("discovery: interfaces cannot be listed: %m");
		return;
	}
	/* Its link-layer entry is there for every interface, once. */
	for (struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_PACKET && (i->ifa_flags & IFF_UP) &&
		    (i->ifa_flags & IFF_MULTICAST) && !(i->ifa_flags & IFF_LOOPBACK))
			join(r, if_nametoindex(i->ifa_name));
	freeifaddrs(all);
}

/* ---- answers ---- */

static void send_to(const struct route *route, const uint8_t *data, size_t len)
{
	union {
		struct cmsghdr align;
		uint8_t data[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = {.data = {0}};
	bool is_4 = route->peer.any.sa_family == AF_INET;
	struct iovec iov = {(void *)data, len};
	struct msghdr m = {.msg_name = (void *)&route->peer,
			   .msg_namelen = route->peer_len,
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.data,
			   .msg_controllen = is_4 ? CMSG_SPACE(sizeof(struct in_pktinfo))
						  : CMSG_SPACE(sizeof(struct in6_pktinfo))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = is_4 ? IPPROTO_IP : IPPROTO_IPV6;
	c->cmsg_type = is_4 ? IP_PKTINFO : IPV6_PKTINFO;
	c->cmsg_len = is_4 ? CMSG_LEN(sizeof(route->from4)) : CMSG_LEN(sizeof(route->from6));
	if (is_4)
		memcpy(CMSG_DATA(c), &route->from4, sizeof(route->from4));
	else
		memcpy(CMSG_DATA(c), &route->from6, sizeof(route->from6));
	if (sendmsg(route->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("discovery: an answer cannot be sent: %m");
}

static void arm(struct responder *r)
{
	uint64_t first = UINT64_MAX;
	int e;

	for (size_t i = 0; i < PENDING_MAX; i++)
		if (r->pending[i].len > 0)
			first = MIN(first, r->pending[i].due_ms);
	if (first == UINT64_MAX)
		return;
	e = sd_event_source_set_time(r->timer, first * 1000);
	if (e >= 0)
		e = sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT);
	if (e < 0)
		log_debug("discovery: no timer: %s", strerror(-e));
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct responder *r = userdata;
	uint64_t now = clock_ms();

	(void)source;
	(void)usec;
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *p = &r->pending[i];

		if (p->len == 0 || p->due_ms > now)
			continue;
		send_to(&p->route, p->data, p->len);
		p->len = 0;
	}
	arm(r);
	return 0;
}

/* RFC 7252 §8.2: so that not all who hear a question answer at once. One that finds no room, or
 * asks again while it waits, is not answered. */
static void send_later(struct responder *r, const struct route *route, const uint8_t *data,
		       size_t len)
{
	struct pending *free_one = NULL;

	if (len > PENDING_LEN)
		return;
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *p = &r->pending[i];

		if (p->len == 0)
			free_one = p;
		else if (p->route.peer_len == route->peer_len &&
			 memcmp(&p->route.peer, &route->peer, route->peer_len) == 0)
			return;
	}
	if (!free_one)
		return;
	free_one->route = *route;
	memcpy(free_one->data, data, len);
	free_one->len = len;
	free_one->due_ms = clock_ms() + random_below(RESPONDER_LEISURE_MS);
	arm(r);
}

static bool is_metered(struct responder *r, const struct route *route)
{
	/* A host has a whole /64 of addresses. */
	const void *key = route->peer.any.sa_family == AF_INET
				  ? (const void *)&route->peer.v4.sin_addr
				  : (const void *)&route->peer.v6.sin6_addr;
	size_t len = route->peer.any.sa_family == AF_INET ? 4 : 8;

	/* On the link itself, fe80::/64 is everybody. */
	if (len == 8 && IN6_IS_ADDR_LINKLOCAL(&route->peer.v6.sin6_addr))
		key = (const uint8_t *)key + 8;
	return meter_take(&r->meter, key, len, clock_ms());
}

static void take(struct responder *r, const struct route *route, const uint8_t *in, size_t len)
{
	/* The address and port as they are proven by Echo, without what the kernel adds. */
	uint8_t out[MESSAGE_MAX], who[18];
	bool is_4 = route->peer.any.sa_family == AF_INET;
	struct answer_asker asker = {
		.address = who, .len = is_4 ? 6 : 18, .is_multicast = route->is_multicast};
	size_t n;

	if (is_4) {
		memcpy(who, &route->peer.v4.sin_addr, 4);
		memcpy(who + 4, &route->peer.v4.sin_port, 2);
	} else {
		memcpy(who, &route->peer.v6.sin6_addr, 16);
		memcpy(who + 16, &route->peer.v6.sin6_port, 2);
	}
	/* An answer to port 0 cannot be sent; one to a group would reach who did not ask. */
	if ((is_4 && (route->peer.v4.sin_port == 0 ||
		      IN_MULTICAST(ntohl(route->peer.v4.sin_addr.s_addr)))) ||
	    (!is_4 &&
	     (route->peer.v6.sin6_port == 0 || IN6_IS_ADDR_MULTICAST(&route->peer.v6.sin6_addr))))
		return;
	if (!is_metered(r, route))
		return;
	n = answer_to(&r->answer, &asker, clock_ms(), in, len, out);
	if (n > 0 && route->is_multicast)
		send_later(r, route, out, n);
	else if (n > 0)
		send_to(route, out, n);
	secret_wipe(out, n);
}

/* From the address that was asked, on the interface on which; a group is no address to send from.
 */
static void read_destination(struct msghdr *m, struct route *route)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&route->from4, CMSG_DATA(c), sizeof(route->from4));
			route->is_multicast =
				IN_MULTICAST(ntohl(route->from4.ipi_addr.s_addr)) ||
				route->from4.ipi_addr.s_addr == htonl(INADDR_BROADCAST);
			if (route->is_multicast)
				route->from4.ipi_spec_dst.s_addr = 0;
			else
				route->from4.ipi_spec_dst = route->from4.ipi_addr;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&route->from6, CMSG_DATA(c), sizeof(route->from6));
			route->is_multicast = IN6_IS_ADDR_MULTICAST(&route->from6.ipi6_addr);
			if (route->is_multicast)
				route->from6.ipi6_addr = in6addr_any;
		}
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct responder *r = userdata;

	(void)source;
	(void)events;
	for (unsigned int i = 0; i < TURN_MAX; i++) {
		union {
			struct cmsghdr align;
			uint8_t data[256];
		} control;
		uint8_t in[MESSAGE_MAX + 1]; /* one more shows what is too long */
		struct route route = {.fd = fd};
		struct iovec iov = {in, sizeof(in)};
		struct msghdr m = {.msg_name = &route.peer,
				   .msg_namelen = sizeof(route.peer),
				   .msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control.data,
				   .msg_controllen = sizeof(control.data)};
		ssize_t len = recvmsg(fd, &m, MSG_DONTWAIT);

		if (len < 0)
			return 0;
		route.peer_len = m.msg_namelen;
		read_destination(&m, &route);
		take(r, &route, in, (size_t)len);
	}
	return 0;
}

/* ---- life ---- */

static int add(sd_event *event, struct responder *r, int fd, sd_event_source **ret)
{
	int e = sd_event_add_io(event, ret, fd, EPOLLIN, on_io, r);

	/* Whatever strangers send, the agent's own work comes first. */
	return e < 0 ? e : sd_event_source_set_priority(*ret, SD_EVENT_PRIORITY_IDLE);
}

int responder_new(sd_event *event, const struct responder_config *config, struct responder **ret)
{
	_cleanup_(responder_freep) struct responder *r = calloc(1, sizeof(*r));
	int e = 0;

	if (!r)
		return -ENOMEM;
	r->port = config->port;
	r->fd6 = -1;
	r->fd4 = open_4(r->port);
	if (r->fd4 < 0 && r->fd4 != -EAFNOSUPPORT)
		return r->fd4;
	if (r->fd4 >= 0)
		e = read_port(r->fd4, &r->port);
	if (e < 0)
		return e;
	r->fd6 = open_6(r->port);
	if (r->fd6 < 0 && (r->fd6 != -EAFNOSUPPORT || r->fd4 < 0))
		return r->fd6;
	if (r->fd4 < 0)
		e = read_port(r->fd6, &r->port);
	if (e == 0 && r->fd4 >= 0)
		e = add(event, r, r->fd4, &r->io4);
	if (e >= 0 && r->fd6 >= 0)
		e = add(event, r, r->fd6, &r->io6);
	if (e >= 0)
		e = sd_event_add_time(event, &r->timer, CLOCK_BOOTTIME, 0, 0, on_timer, r);
	if (e >= 0)
		e = sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
	if (e < 0)
		return e;
	r->answer.record = &r->record;
	random_fill(r->answer.key, sizeof(r->answer.key));
	random_fill(&r->answer.mid, sizeof(r->answer.mid));
	responder_join(r);
	*ret = TAKE_PTR(r);
	return 0;
}

struct responder *responder_free(struct responder *r)
{
	if (!r)
		return NULL;
	sd_event_source_disable_unref(r->io4);
	sd_event_source_disable_unref(r->io6);
	sd_event_source_disable_unref(r->timer);
	closep(&r->fd4);
	closep(&r->fd6);
	free(r->token);
	secret_wipe(r->answer.key, sizeof(r->answer.key));
	free(r);
	return NULL;
}

uint16_t responder_port(const struct responder *r)
{
	return r->port;
}

int responder_set(struct responder *r, const struct record *record, const char *token)
{
	char *copy = token ? strdup(token) : NULL;

	if (token && !copy)
		return -ENOMEM;
	free(r->token);
	r->token = copy;
	r->answer.token = copy;
	r->record = *record;
	return 0;
}
