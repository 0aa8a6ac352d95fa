/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define TIMEOUT_MS 1000 /* the kernel answers at once */
#define HARDWARE_LEN 6

struct gateway {
	bool is_found;
	int family;
	int interface;
	uint32_t metric;
	uint8_t address[16];
	size_t len; /* of address; 0: none */
	uint8_t hardware[HARDWARE_LEN];
	bool has_hardware;
};

typedef void (*take_fn)(const struct nlmsghdr *h, struct gateway *g);

static size_t address_len(int family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

/* The default route that is used: of the lowest metric. */
static void take_route(const struct nlmsghdr *h, struct gateway *g)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	int64_t left = (int64_t)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));
	struct gateway found = {.is_found = true, .family = m->rtm_family};

	if (m->rtm_dst_len != 0 || m->rtm_type != RTN_UNICAST || m->rtm_table != RT_TABLE_MAIN)
		return;
	for (const struct rtattr *a = RTM_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		const size_t len = RTA_PAYLOAD(a);

		if (a->rta_type == RTA_OIF && len == sizeof(found.interface))
			memcpy(&found.interface, RTA_DATA(a), len);
		else if (a->rta_type == RTA_PRIORITY && len == sizeof(found.metric))
			memcpy(&found.metric, RTA_DATA(a), len);
		else if (a->rta_type == RTA_GATEWAY && len == address_len(m->rtm_family)) {
			memcpy(found.address, RTA_DATA(a), len);
			found.len = len;
		}
	}
	if (found.interface != 0 && (!g->is_found || found.metric < g->metric))
		*g = found;
}

static void take_neighbour(const struct nlmsghdr *h, struct gateway *g)
{
	const struct ndmsg *m = NLMSG_DATA(h);
	int64_t left = (int64_t)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));
	const void *hardware = NULL;
	bool is_it = false;

	if (m->ndm_ifindex != g->interface || m->ndm_family != g->family)
		return;
	for (const struct rtattr *a = (const void *)((const char *)m + NLMSG_ALIGN(sizeof(*m)));
	     RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		const size_t len = RTA_PAYLOAD(a);

		if (a->rta_type == NDA_DST && len == g->len)
			is_it = memcmp(RTA_DATA(a), g->address, len) == 0;
		else if (a->rta_type == NDA_LLADDR && len == HARDWARE_LEN)
			hardware = RTA_DATA(a);
	}
	if (!is_it || !hardware)
		return;
	memcpy(g->hardware, hardware, HARDWARE_LEN);
	g->has_hardware = true;
}

/* True when the dump is over. */
static bool scan(const void *data, size_t len, uint16_t type, size_t body, take_fn take,
		 struct gateway *g)
{
	const struct nlmsghdr *h = data;
	/* Signed, as in the walks above: padding that is not there makes it negative. */
	int64_t left = (int64_t)len;

	for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return true;
		if (h->nlmsg_type == type && h->nlmsg_len >= NLMSG_LENGTH(body))
			take(h, g);
	}
	return false;
}

static int dump(int fd, uint16_t request, uint16_t answer, size_t body, take_fn take,
		struct gateway *g)
{
	_Alignas(struct nlmsghdr) char buffer[32768];
	const uint64_t limit = clock_ms() + TIMEOUT_MS;
	struct {
		struct nlmsghdr header;
		char body[MAX(sizeof(struct rtmsg), sizeof(struct ndmsg))];
	} message = {.header = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(body),
				.nlmsg_type = request,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};

	if (send(fd, &message, message.header.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		const uint64_t now = clock_ms();
		ssize_t n;

		if (now >= limit || poll(&p, 1, (int)(limit - now)) <= 0)
			return -ETIMEDOUT;
		n = recv(fd, buffer, sizeof(buffer), 0);
		if (n < 0)
			return -errno;
		if (scan(buffer, (size_t)n, answer, body, take, g))
			return 0;
	}
}

void network_now(struct network *ret)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct gateway g = {.is_found = false};
	_cleanup_(closep) int fd = -1;

	*ret = (struct network){.interface = ""};
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	/* Connected, it hears the kernel only. */
	if (fd < 0 || connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return;
	if (dump(fd, RTM_GETROUTE, RTM_NEWROUTE, sizeof(struct rtmsg), take_route, &g) < 0 ||
	    !g.is_found || !if_indextoname((unsigned int)g.interface, ret->interface))
		return;
	if (g.len == 0)
		return;
	if (!inet_ntop(g.family, g.address, ret->gateway, sizeof(ret->gateway)) ||
	    dump(fd, RTM_GETNEIGH, RTM_NEWNEIGH, sizeof(struct ndmsg), take_neighbour, &g) < 0 ||
	    !g.has_hardware)
		return;
	snprintf(ret->hardware, sizeof(ret->hardware), "%02x:%02x:%02x:%02x:%02x:%02x",
		 g.hardware[0], g.hardware[1], g.hardware[2], g.hardware[3], g.hardware[4],
		 g.hardware[5]);
}
