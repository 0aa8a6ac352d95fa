/* SPDX-License-Identifier: Apache-2.0 */
#include "session/follow.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"

/* Where datagrams of this socket come from. */
static int own_address(int fd, struct resolve_address *ret)
{
	ret->v6 = (struct sockaddr_in6){.sin6_family = AF_UNSPEC};
	ret->len = sizeof(ret->v6);
	return getsockname(fd, &ret->any, &ret->len) < 0 ? -errno : 0;
}

/* The port is of no interest. */
static bool is_same(const struct resolve_address *a, const struct resolve_address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0 &&
	       a->v6.sin6_scope_id == b->v6.sin6_scope_id;
}

/* A socket to the same server as a program would get that begins now. -errno: there is no way to it
 * at the moment. */
static int open_beside(int fd, int *ret_fd)
{
	struct resolve_address peer = {.len = sizeof(peer.v6)};

	if (getpeername(fd, &peer.any, &peer.len) < 0)
		return -errno;
	return udp_open(&peer, ret_fd);
}

/* True: *ret_fd leaves from another address than the line's socket. */
static bool is_elsewhere(const struct udp_line *u, int *ret_fd)
{
	_cleanup_(closep) int fd = -1;
	struct resolve_address before, now;

	if (own_address(u->fd, &before) < 0 || open_beside(u->fd, &fd) < 0 ||
	    own_address(fd, &now) < 0 || is_same(&before, &now))
		return false;
	*ret_fd = TAKE_FD(fd);
	return true;
}

void follow_path(struct udp_line *u)
{
	_cleanup_(closep) int fd = -1;
	int r;

	if (!dtls_has_cid(u->dtls) || !is_elsewhere(u, &fd))
		return;
	r = udp_watch(u, fd);
	if (r < 0) {
		log_debug("session %s: stays at its old address: %s", u->line.config->name,
			  session_strerror(r));
		return;
	}
	dtls_set_fd(u->dtls, fd);
	closep(&u->fd);
	u->fd = TAKE_FD(fd);
	/* Times and sizes were those of another path. */
	*exchange_rto(u->exchange) = (struct rto){.srtt_ms = 0};
	udp_measure(u, true);
	u->moves++;
	log_debug("session %s: goes on from another address", u->line.config->name);
}
