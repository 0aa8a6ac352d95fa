/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "session/fdstore.h"
#include "session/saved.h"
#include "session/udp.h"

#define SUSPEND_PATH ".dtls/suspend"

_Static_assert(SESSION_LABEL_LEN == SAVED_LABEL_LEN, "a label is kept whole");

static int fill_info(const struct udp_line *u, struct saved_info *ret)
{
	struct saved_info info = {
		.note = u->line.note,
		.srtt_ms = exchange_rto(u->exchange)->srtt_ms,
		.next_mid = exchange_next_mid(u->exchange),
	};
	int r;

	r = boot_id_read(info.boot_id);
	if (r < 0)
		return r;
	dtls_binding(u->dtls, info.binding);
	snprintf(info.suite, sizeof(info.suite), "%s", u->suite);
	snprintf(info.label, sizeof(info.label), "%s", u->line.label);
	*ret = info;
	return 0;
}

/* After this what the session was encrypted with exists in the memfd, and its master secret besides
 * in locked memory for the next handshake. */
static int save(struct udp_line *u)
{
	_cleanup_(secret_done) struct secret context = SECRET_INIT;
	struct saved_info info;
	int r;

	r = fill_info(u, &info);
	if (r < 0)
		return r;
	r = dtls_save(u->dtls, &context);
	if (r != 0)
		return r;
	return saved_store(&info, &context, &u->saved_fd);
}

int udp_put_away(struct line *l, bool tell)
{
	struct udp_line *u = (struct udp_line *)l;
	int r;

	if (!exchange_idle(u->exchange))
		return SESSION_E_NOT_SUSPENDABLE;
	r = udp_drain(u);
	if (r != 0) {
		udp_down(u, SESSION_E_LOST);
		return -ENOTCONN;
	}
	if (!dtls_is_savable(u->dtls))
		return SESSION_E_NOT_SUSPENDABLE;
	if (tell)
		r = exchange_post_non(u->exchange, SUSPEND_PATH);
	if (r == 0)
		r = udp_flush(u);
	if (r == 0)
		r = save(u);
	if (r != 0) {
		udp_down(u, SESSION_E_LOST);
		return r < 0 ? r : -ENOTCONN;
	}
	u->io = sd_event_source_disable_unref(u->io);
	u->line.state = SESSION_SUSPENDED;
	udp_arm(u);
	/* Without the store the session survives in this process all the same. */
	if (fdstore_keep(u->line.config->name, "socket", u->fd) < 0 ||
	    fdstore_keep(u->line.config->name, "saved", u->saved_fd) < 0)
		log_debug("session %s: not taken by the fd store, ignoring", u->line.config->name);
	return 0;
}

/* SUSPENDED to CLOSED, without a word to the server. */
static void discard(struct udp_line *u)
{
	closep(&u->saved_fd);
	u->saved_fd = -1;
	udp_down(u, SESSION_E_LOST);
}

static int load(struct udp_line *u)
{
	_cleanup_(secret_done) struct secret context = SECRET_INIT;
	uint8_t boot_id[SAVED_BOOT_LEN], binding[SAVED_BINDING_LEN];
	struct saved_info info;
	int r;

	r = boot_id_read(boot_id);
	if (r < 0)
		return r;
	dtls_binding(u->dtls, binding);
	r = saved_take(u->saved_fd, boot_id, binding, &info, &context);
	if (r != 0)
		return r < 0 ? r : SESSION_E_NOT_RESUMABLE;
	r = dtls_load(u->dtls, u->fd, &context);
	return r == 0 ? 0 : SESSION_E_NOT_RESUMABLE;
}

int udp_resume(struct line *l)
{
	struct udp_line *u = (struct udp_line *)l;
	int r;

	r = load(u);
	fdstore_remove(u->line.config->name, "socket");
	fdstore_remove(u->line.config->name, "saved");
	/* What the server sent meanwhile waits in the socket, and tells without any waiting when it
	 * said goodbye or is gone. Its close_notify is encrypted: only the loaded context can read
	 * it. */
	if (r == 0) {
		r = udp_drain(u);
		if (r != 0 || dtls_take_refused(u->dtls))
			r = SESSION_E_NOT_RESUMABLE;
	}
	if (r == 0)
		r = udp_watch(u, u->fd);
	if (r != 0) {
		discard(u);
		return r;
	}
	closep(&u->saved_fd);
	u->saved_fd = -1;
	u->line.state = SESSION_OPEN;
	u->resumes++;
	exchange_probe(u->exchange);
	udp_kick(u);
	return 0;
}

/* A UDP socket that is connected to the port of our server. */
static bool is_our_socket(const struct udp_line *u, int fd)
{
	struct resolve_address peer;
	socklen_t len = sizeof(int);
	int type;

	peer.len = sizeof(peer.v6);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_DGRAM ||
	    getpeername(fd, &peer.any, &peer.len) < 0)
		return false;
	if (peer.any.sa_family == AF_INET)
		return ntohs(peer.v4.sin_port) == u->line.config->port;
	return peer.any.sa_family == AF_INET6 && ntohs(peer.v6.sin6_port) == u->line.config->port;
}

/* Whether it could be resumed; nothing is taken yet. */
static bool is_ours(const struct udp_line *u, int socket_fd, int saved_fd, struct saved_info *ret)
{
	struct saved_info own;

	if (socket_fd < 0 || saved_fd < 0 || !is_our_socket(u, socket_fd) ||
	    saved_peek(saved_fd, ret) != 0 || fill_info(u, &own) < 0)
		return false;
	return memcmp(ret->boot_id, own.boot_id, sizeof(own.boot_id)) == 0 &&
	       memcmp(ret->binding, own.binding, sizeof(own.binding)) == 0;
}

int udp_adopt(struct line *l)
{
	struct udp_line *u = (struct udp_line *)l;
	_cleanup_(closep) int socket_fd = -1, saved_fd = -1;
	struct saved_info info;
	int found;

	found = fdstore_take(u->line.config->name, "socket", &socket_fd) == 0;
	found |= fdstore_take(u->line.config->name, "saved", &saved_fd) == 0;
	if (!is_ours(u, socket_fd, saved_fd, &info)) {
		saved_discard(saved_fd);
		if (found) {
			fdstore_remove(u->line.config->name, "socket");
			fdstore_remove(u->line.config->name, "saved");
		}
		return SESSION_E_NOT_RESUMABLE;
	}
	u->fd = TAKE_FD(socket_fd);
	u->saved_fd = TAKE_FD(saved_fd);
	u->line.note = info.note;
	snprintf(u->line.label, sizeof(u->line.label), "%s", info.label);
	snprintf(u->suite, sizeof(u->suite), "%s", info.suite);
	exchange_set_next_mid(u->exchange, info.next_mid);
	*exchange_rto(u->exchange) = rto_restored(info.srtt_ms);
	u->line.state = SESSION_SUSPENDED;
	return 0;
}
