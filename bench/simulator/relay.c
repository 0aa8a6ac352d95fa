/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/simulator/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bench/simulator/decide.h"
#include "bench/simulator/probe.h"

#define DATAGRAM_MAX 2048
#define BUCKETS 16384
#define READS_PER_WAKE 64
#define RECEIVE_BUFFER (16 << 20)
/* A datagram that is overtaken by what comes in this time. */
#define REORDER_MIN_US 5000
#define REORDER_US 40000
/* How long a balancer keeps away from a node that refused it. */
#define DEAD_US 2000000

/* One UDP conversation: a port of a device with one node, for its whole life. */
struct flow {
	struct relay *relay;
	size_t device;
	struct sockaddr_in client; /* where answers go to */
	int fd;                    /* connected to the node */
	size_t node;
	sd_event_source *io;
	struct flow *next; /* of the same bucket */
};

/* What is under way. */
struct late {
	struct flow *flow;
	bool up;
	size_t len;
	sd_event_source *timer;
	struct late *next, **to_this;
	uint8_t data[];
};

struct node {
	struct sockaddr_in address;
	uint64_t dead_until_us;
};

struct relay {
	struct fleet *fleet; /* borrowed */
	int fd;
	uint16_t port;
	sd_event_source *io;
	struct node nodes[NODES_MAX];
	struct flow *buckets[BUCKETS];
	struct late *late;
	uint64_t *counted; /* datagrams so far, [device][up] */
	uint32_t *n_flows; /* [device] */
	struct relay_stats stats;
};

void relay_address(size_t n, char ret[static 48])
{
	snprintf(ret, 48, "127.%zu.%zu.%zu", 64 + (n >> 16), n >> 8 & 255, n & 255);
}

/* The device that an address in network order belongs to; SIZE_MAX: none. */
static size_t device_of(const struct relay *r, struct in_addr address)
{
	const uint32_t a = ntohl(address.s_addr);

	if (a >> 22 != (127U << 2 | 1) || (a & 0x3fffff) >= r->fleet->options->devices)
		return SIZE_MAX;
	return a & 0x3fffff;
}

static struct in_addr address_of(size_t device)
{
	return (struct in_addr){htonl(127U << 24 | 1U << 22 | (uint32_t)device)};
}

/* ---- sending ---- */

/* As behind every balancer: the device is not told. */
static void note_dead(struct flow *f)
{
	f->relay->nodes[f->node].dead_until_us = now_us() + DEAD_US;
	f->relay->stats.to_dead_node++;
}

static void send_up(struct flow *f, const void *data, size_t len)
{
	if (send(f->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != ECONNREFUSED)
		return;
	note_dead(f);
}

static void send_down(struct flow *f, const void *data, size_t len)
{
	union {
		struct cmsghdr header;
		uint8_t buf[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = {.buf = {0}};
	struct iovec iov = {(void *)data, len};
	struct msghdr m = {
		.msg_name = &f->client,
		.msg_namelen = sizeof(f->client),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const struct in_pktinfo from = {.ipi_spec_dst = address_of(f->device)};

	control.header.cmsg_level = IPPROTO_IP;
	control.header.cmsg_type = IP_PKTINFO;
	control.header.cmsg_len = CMSG_LEN(sizeof(from));
	memcpy(CMSG_DATA(&control.header), &from, sizeof(from));
	(void)sendmsg(f->relay->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void deliver(struct flow *f, bool up, const void *data, size_t len)
{
	f->relay->stats.passed++;
	if (up)
		send_up(f, data, len);
	else
		send_down(f, data, len);
}

static void late_free(struct late *l)
{
	*l->to_this = l->next;
	if (l->next)
		l->next->to_this = l->to_this;
	sd_event_source_disable_unref(l->timer);
	free(l);
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct late *l = userdata;

	(void)source;
	(void)usec;
	deliver(l->flow, l->up, l->data, l->len);
	late_free(l);
	return 0;
}

static void deliver_in(struct flow *f, bool up, const void *data, size_t len, uint64_t delay_us)
{
	struct relay *r = f->relay;
	struct late *l;

	if (delay_us == 0) {
		deliver(f, up, data, len);
		return;
	}
	l = calloc(1, sizeof(*l) + len);
	if (!l)
		abort();
	*l = (struct late){.flow = f, .up = up, .len = len, .next = r->late, .to_this = &r->late};
	memcpy(l->data, data, len);
	if (l->next)
		l->next->to_this = &l->next;
	r->late = l;
	if (sd_event_add_time_relative(r->fleet->event, &l->timer, CLOCK_MONOTONIC, delay_us, 1,
				       on_late, l) < 0)
		abort();
}

/* What becomes of the n-th datagram of a device, each way. */
static void pass(struct flow *f, bool up, const void *data, size_t len)
{
	struct relay *r = f->relay;
	const struct options *o = r->fleet->options;
	const uint64_t device = o->first + f->device;
	const uint64_t n = 2 * r->counted[2 * f->device + up]++ + up;
	uint64_t delay = (uint64_t)o->faults.delay_ms * 1000;

	if (decide_is(o->faults.loss, o->seed, DECIDE_LOSS, device, n)) {
		r->stats.lost++;
		return;
	}
	if (decide_is(o->faults.duplicate, o->seed, DECIDE_DUPLICATE, device, n)) {
		r->stats.duplicated++;
		deliver_in(f, up, data, len, delay);
	}
	if (decide_is(o->faults.reorder, o->seed, DECIDE_REORDER, device, n)) {
		r->stats.reordered++;
		delay += REORDER_MIN_US +
			 decide(o->seed, DECIDE_REORDER_DELAY, device, n) % REORDER_US;
	}
	deliver_in(f, up, data, len, delay);
}

/* ---- flows ---- */

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct flow *f = userdata;
	uint8_t data[DATAGRAM_MAX];

	(void)source;
	(void)events;
	for (unsigned int i = 0; i < READS_PER_WAKE; i++) {
		ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

		if (n < 0 && errno == ECONNREFUSED)
			note_dead(f);
		if (n < 0)
			break;
		pass(f, false, data, (size_t)n);
	}
	return 0;
}

static struct flow *flow_free(struct flow *f)
{
	struct flow *next = f->next;

	sd_event_source_disable_unref(f->io);
	closep(&f->fd);
	free(f);
	return next;
}

/* By chance, past those that seem dead. */
static size_t choose_node(struct relay *r, size_t device)
{
	const struct options *o = r->fleet->options;
	const size_t first =
		decide(o->seed, DECIDE_NODE, o->first + device, r->n_flows[device]++) % o->n_nodes;

	for (size_t i = 0; i < o->n_nodes; i++) {
		size_t node = (first + i) % o->n_nodes;

		if (r->nodes[node].dead_until_us <= now_us())
			return node;
	}
	return first;
}

static int flow_new(struct relay *r, size_t device, const struct sockaddr_in *client,
		    struct flow **ret)
{
	struct flow *f = calloc(1, sizeof(*f));
	int e = 0;

	if (!f)
		return -ENOMEM;
	f->relay = r;
	f->device = device;
	f->client = *client;
	f->node = choose_node(r, device);
	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->fd < 0 || connect(f->fd, (const struct sockaddr *)&r->nodes[f->node].address,
				 sizeof(r->nodes[f->node].address)) < 0)
		e = -errno;
	if (e == 0)
		e = sd_event_add_io(r->fleet->event, &f->io, f->fd, EPOLLIN, on_answer, f);
	if (e < 0) {
		flow_free(f);
		return e;
	}
	*ret = f;
	return 0;
}

static struct flow *flow_of(struct relay *r, size_t device, const struct sockaddr_in *client)
{
	const size_t bucket = (device * 31 + ntohs(client->sin_port)) % BUCKETS;
	struct flow *f;

	for (f = r->buckets[bucket]; f; f = f->next)
		if (f->device == device && f->client.sin_port == client->sin_port)
			return f;
	if (flow_new(r, device, client, &f) != 0)
		return NULL;
	f->next = r->buckets[bucket];
	r->buckets[bucket] = f;
	return f;
}

/* ---- receiving ---- */

static bool destination_of(struct msghdr *m, struct in_addr *ret)
{
	struct in_pktinfo info;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			*ret = info.ipi_addr;
			return true;
		}
	return false;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct relay *r = userdata;
	uint8_t data[DATAGRAM_MAX], control[256];

	(void)source;
	(void)events;
	for (unsigned int i = 0; i < READS_PER_WAKE; i++) {
		struct sockaddr_in client;
		struct iovec iov = {data, sizeof(data)};
		struct msghdr m = {
			.msg_name = &client,
			.msg_namelen = sizeof(client),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
		struct in_addr to = {0};
		struct flow *f;
		size_t device;

		if (n < 0)
			break;
		device = destination_of(&m, &to) ? device_of(r, to) : SIZE_MAX;
		f = device == SIZE_MAX ? NULL : flow_of(r, device, &client);
		if (f)
			pass(f, true, data, (size_t)n);
	}
	return 0;
}

/* ---- life ---- */

static int set_nodes(struct relay *r, uint16_t port)
{
	const struct options *o = r->fleet->options;

	for (size_t i = 0; i < o->n_nodes; i++) {
		r->nodes[i].address =
			(struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
		if (inet_pton(AF_INET, o->nodes[i], &r->nodes[i].address.sin_addr) != 1)
			return -EINVAL;
	}
	return 0;
}

static int listen_anywhere(struct relay *r)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	socklen_t len = sizeof(any);
	const int on = 1, buffer = RECEIVE_BUFFER;

	r->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->fd < 0 || setsockopt(r->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 ||
	    bind(r->fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    getsockname(r->fd, (struct sockaddr *)&any, &len) < 0)
		return -errno;
	/* Losses are to be the seed's. */
	(void)setsockopt(r->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	r->port = ntohs(any.sin_port);
	return sd_event_add_io(r->fleet->event, &r->io, r->fd, EPOLLIN, on_readable, r);
}

int relay_new(struct fleet *f, uint16_t port, struct relay **ret)
{
	_cleanup_(relay_freep) struct relay *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->fleet = f;
	r->fd = -1;
	r->counted = calloc(f->options->devices, 2 * sizeof(*r->counted));
	r->n_flows = calloc(f->options->devices, sizeof(*r->n_flows));
	if (!r->counted || !r->n_flows)
		return -ENOMEM;
	e = set_nodes(r, port);
	if (e == 0)
		e = listen_anywhere(r);
	if (e < 0)
		return e;
	*ret = TAKE_PTR(r);
	return 0;
}

struct relay *relay_free(struct relay *r)
{
	if (!r)
		return NULL;
	while (r->late)
		late_free(r->late);
	for (size_t i = 0; i < BUCKETS; i++)
		while (r->buckets[i])
			r->buckets[i] = flow_free(r->buckets[i]);
	sd_event_source_disable_unref(r->io);
	closep(&r->fd);
	free(r->counted);
	free(r->n_flows);
	free(r);
	return NULL;
}

uint16_t relay_port(const struct relay *r)
{
	return r->port;
}

void relay_get_stats(const struct relay *r, struct relay_stats *ret)
{
	*ret = r->stats;
}
