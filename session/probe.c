/* SPDX-License-Identifier: Apache-2.0 */
#include "session/probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "session/dtls.h"
#include "session/hello.h"
#include "session/session.h"

#define ROUNDS 3
#define HANDSHAKE_FIRST_MS 500

/* ---- the path ---- */

struct size_probe {
	size_t size;
	int fd; /* -1: closed, no more is to be learned */
	bool is_answered;
	int error;
	uint8_t hello[HELLO_MAX];
};

static int open_socket(const struct resolve_address *address, int *ret_fd)
{
	_cleanup_(closep) int fd = -1;
	const int one = 1;
	const bool is_v4 = address->any.sa_family == AF_INET;

	fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* What routers say of our datagrams comes back as errors of the socket. */
	if (setsockopt(fd, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_RECVERR : IPV6_RECVERR,
		       &one, sizeof(one)) < 0)
		return -errno;
	if (connect(fd, &address->any, address->len) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static void probe_over(struct size_probe *p)
{
	closep(&p->fd);
	p->fd = -1;
}

/* Too large for the route is no end: the kernel sends the next one in fragments. */
static void note_error(struct size_probe *p, int error)
{
	if (error == EAGAIN || error == EINTR || error == EMSGSIZE || error == ENOBUFS)
		return;
	p->error = error;
	if (error == ECONNREFUSED || error == EPERM || error == EACCES)
		probe_over(p);
}

static void size_probe_send(struct size_probe *p)
{
	if (p->fd >= 0 && send(p->fd, p->hello, p->size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		note_error(p, errno);
}

static void size_probe_receive(struct size_probe *p)
{
	uint8_t buf[2048];
	ssize_t n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT);
	char drained[512];
	struct msghdr m = {.msg_control = drained, .msg_controllen = sizeof(drained)};

	if (n < 0) {
		note_error(p, errno);
		/* The text of it, which would keep the socket readable. */
		if (p->fd >= 0)
			(void)!recvmsg(p->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
	} else if (hello_is_answer(buf, (size_t)n)) {
		p->is_answered = true;
		probe_over(p);
	}
}

static bool wait_for_answers(struct size_probe *probes, size_t n, uint64_t until_ms)
{
	for (;;) {
		struct pollfd fds[PROBE_SIZES_MAX];
		const uint64_t now = clock_ms();
		bool is_over = true;

		for (size_t i = 0; i < n; i++) {
			/* poll() leaves negative ones alone. */
			fds[i] = (struct pollfd){.fd = probes[i].fd, .events = POLLIN};
			is_over = is_over && probes[i].fd < 0;
		}
		if (is_over || now >= until_ms)
			return is_over;
		if (poll(fds, n, (int)(until_ms - now)) <= 0)
			continue;
		for (size_t i = 0; i < n; i++)
			if (fds[i].revents != 0)
				size_probe_receive(&probes[i]);
	}
}

static unsigned int route_mtu(const struct resolve_address *address)
{
	_cleanup_(closep) int fd = -1;
	const bool is_v4 = address->any.sa_family == AF_INET;
	int mtu = 0;
	socklen_t len = sizeof(mtu);

	if (open_socket(address, &fd) < 0 || getsockopt(fd, is_v4 ? IPPROTO_IP : IPPROTO_IPV6,
							is_v4 ? IP_MTU : IPV6_MTU, &mtu, &len) < 0)
		return 0;
	return mtu > 0 ? (unsigned int)mtu : 0;
}

static int size_probe_open(struct size_probe *p, const struct resolve_address *address, size_t size)
{
	uint8_t random[HELLO_RANDOM_LEN];
	int r;

	random_fill(random, sizeof(random));
	p->size = size;
	r = hello_build(size, random, p->hello);
	if (r < 0)
		return r;
	/* No route is an answer to the question. */
	r = open_socket(address, &p->fd);
	p->error = r < 0 ? -r : 0;
	return 0;
}

int probe_path(const struct resolve_address *address, const size_t *sizes, size_t n,
	       unsigned int timeout_ms, struct probe_path *ret)
{
	struct size_probe probes[PROBE_SIZES_MAX];
	const uint64_t begin_ms = clock_ms();
	struct probe_path result = {0};
	int r = n > PROBE_SIZES_MAX ? -EINVAL : 0;

	for (size_t i = 0; i < PROBE_SIZES_MAX; i++)
		probes[i] = (struct size_probe){.fd = -1};
	for (size_t i = 0; i < n && r == 0; i++)
		r = size_probe_open(&probes[i], address, sizes[i]);
	for (unsigned int round = 1; round <= ROUNDS && r == 0; round++) {
		for (size_t i = 0; i < n; i++)
			size_probe_send(&probes[i]);
		/* A third of a round for each datagram that may have been lost. */
		if (wait_for_answers(probes, n, begin_ms + (uint64_t)timeout_ms * round / ROUNDS))
			break;
	}
	for (size_t i = 0; i < n; i++) {
		if (probes[i].is_answered)
			result.largest = probes[i].size;
		else if (result.error == 0)
			result.error = probes[i].error;
		probe_over(&probes[i]);
	}
	if (result.largest > 0)
		result.error = 0;
	if (r == 0)
		result.mtu = route_mtu(address);
	if (r == 0)
		*ret = result;
	return r;
}

/* ---- the server ---- */

static int result_of(int r, const struct dtls *d)
{
	if (r == 0)
		return 0;
	if (r == DTLS_E_CERTIFICATE)
		return SESSION_E_CERTIFICATE;
	if (r == DTLS_E_REFUSED)
		return SESSION_E_HANDSHAKE;
	return dtls_counters(d)->datagrams_rx > 0 ? SESSION_E_TIMEOUT : SESSION_E_UNREACHABLE;
}

static int handshake(struct dtls *d, int fd, uint64_t until_ms)
{
	for (;;) {
		const uint64_t now = clock_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		const uint64_t next = MIN(dtls_deadline(d), until_ms);
		int r = dtls_handshake(d);

		if (r != -EAGAIN)
			return r;
		if (now >= until_ms)
			return -ETIMEDOUT;
		(void)poll(&p, 1, next > now ? (int)(next - now) : 0);
	}
}

int probe_server(const struct resolve_address *address, const char *server, uint16_t port,
		 const char *ca_pem, unsigned int timeout_ms, struct probe_server *ret)
{
	const struct dtls_config config = {.server = server, .port = port, .ca_pem = ca_pem};
	_cleanup_(dtls_freep) struct dtls *d = NULL;
	_cleanup_(closep) int fd = -1;
	int r;

	r = open_socket(address, &fd);
	if (r < 0)
		return r;
	r = dtls_new(&config, &d);
	if (r < 0)
		return r;
	r = dtls_start(d, fd, false, HANDSHAKE_FIRST_MS);
	if (r < 0)
		return r;
	r = handshake(d, fd, clock_ms() + timeout_ms);
	if (r == -ENOMEM)
		return r;
	*ret = (struct probe_server){.result = result_of(r, d),
				     .faults = dtls_certificate_faults(d)};
	snprintf(ret->detail, sizeof(ret->detail), "%s",
		 r == 0                    ? dtls_suite(d)
		 : *dtls_detail(d) != '\0' ? dtls_detail(d)
					   : session_strerror(ret->result));
	dtls_close_notify(d);
	return 0;
}
