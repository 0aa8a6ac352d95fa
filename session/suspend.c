/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "session/fdstore.h"
#include "session/internal.h"
#include "session/saved.h"

#define SUSPEND_PATH ".dtls/suspend"

static int fill_info(const struct session *s, struct saved_info *ret)
{
	struct saved_info info = {
		.note = s->note,
		.srtt_ms = exchange_srtt_ms(s->exchange),
		.next_mid = exchange_next_mid(s->exchange),
	};
	int r;

	r = boot_id_read(info.boot_id);
	if (r < 0)
		return r;
	dtls_binding(s->dtls, info.binding);
	snprintf(info.suite, sizeof(info.suite), "%s", s->suite);
	*ret = info;
	return 0;
}

/* After this what the session was encrypted with exists in the memfd, and its master secret besides
 * in locked memory for the next handshake. */
static int save(struct session *s)
{
	_cleanup_(secret_done) struct secret context = SECRET_INIT;
	struct saved_info info;
	int r;

	r = fill_info(s, &info);
	if (r < 0)
		return r;
	r = dtls_save(s->dtls, &context);
	if (r != 0)
		return r;
	return saved_store(&info, &context, &s->saved_fd);
}

static int put_away(struct session *s, uint64_t note, bool tell)
{
	int r;

	if (s->state != SESSION_OPEN)
		return -ENOTCONN;
	if (!exchange_idle(s->exchange))
		return SESSION_E_NOT_SUSPENDABLE;
	r = session_drain(s);
	if (r != 0) {
		session_down(s, SESSION_E_LOST);
		return -ENOTCONN;
	}
	if (!dtls_is_savable(s->dtls))
		return SESSION_E_NOT_SUSPENDABLE;
	if (tell)
		r = exchange_post_non(s->exchange, SUSPEND_PATH);
	if (r == 0)
		r = session_flush(s);
	s->note = note;
	if (r == 0)
		r = save(s);
	if (r != 0) {
		session_down(s, SESSION_E_LOST);
		return r < 0 ? r : -ENOTCONN;
	}
	s->io = sd_event_source_disable_unref(s->io);
	s->state = SESSION_SUSPENDED;
	session_arm(s);
	/* Without the store the session survives in this process all the same. */
	if (fdstore_keep(s->name, "socket", s->fd) < 0 ||
	    fdstore_keep(s->name, "saved", s->saved_fd) < 0)
		log_debug("session %s: not taken by the fd store, ignoring", s->name);
	return 0;
}

int session_suspend(struct session *s, uint64_t note)
{
	return put_away(s, note, true);
}

int session_park(struct session *s, uint64_t note)
{
	return put_away(s, note, false);
}

/* SUSPENDED to CLOSED, without a word to the server. */
static void discard(struct session *s)
{
	closep(&s->saved_fd);
	s->saved_fd = -1;
	session_down(s, SESSION_E_LOST);
}

static int load(struct session *s)
{
	_cleanup_(secret_done) struct secret context = SECRET_INIT;
	uint8_t boot_id[SAVED_BOOT_LEN], binding[SAVED_BINDING_LEN];
	struct saved_info info;
	int r;

	r = boot_id_read(boot_id);
	if (r < 0)
		return r;
	dtls_binding(s->dtls, binding);
	r = saved_take(s->saved_fd, boot_id, binding, &info, &context);
	if (r != 0)
		return r < 0 ? r : SESSION_E_NOT_RESUMABLE;
	r = dtls_load(s->dtls, s->fd, &context);
	return r == 0 ? 0 : SESSION_E_NOT_RESUMABLE;
}

int session_resume(struct session *s)
{
	int r;

	if (s->state != SESSION_SUSPENDED)
		return -EINVAL;
	r = load(s);
	fdstore_remove(s->name, "socket");
	fdstore_remove(s->name, "saved");
	/* What the server sent meanwhile waits in the socket, and tells without any waiting when it
	 * said goodbye or is gone. Its close_notify is encrypted: only the loaded context can read
	 * it. */
	if (r == 0) {
		r = session_drain(s);
		if (r != 0 || dtls_take_refused(s->dtls))
			r = SESSION_E_NOT_RESUMABLE;
	}
	if (r == 0)
		r = session_watch(s, s->fd);
	if (r != 0) {
		discard(s);
		return r;
	}
	closep(&s->saved_fd);
	s->saved_fd = -1;
	s->state = SESSION_OPEN;
	s->resumes++;
	exchange_probe(s->exchange);
	session_kick(s);
	return 0;
}

/* A UDP socket that is connected to the port of our server. */
static bool is_our_socket(const struct session *s, int fd)
{
	struct resolve_address peer;
	socklen_t len = sizeof(int);
	int type;

	peer.len = sizeof(peer.v6);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_DGRAM ||
	    getpeername(fd, &peer.any, &peer.len) < 0)
		return false;
	if (peer.any.sa_family == AF_INET)
		return ntohs(peer.v4.sin_port) == s->config.port;
	return peer.any.sa_family == AF_INET6 && ntohs(peer.v6.sin6_port) == s->config.port;
}

/* Whether it could be resumed; nothing is taken yet. */
static bool is_ours(const struct session *s, int socket_fd, int saved_fd, struct saved_info *ret)
{
	struct saved_info own;

	if (socket_fd < 0 || saved_fd < 0 || !is_our_socket(s, socket_fd) ||
	    saved_peek(saved_fd, ret) != 0 || fill_info(s, &own) < 0)
		return false;
	return memcmp(ret->boot_id, own.boot_id, sizeof(own.boot_id)) == 0 &&
	       memcmp(ret->binding, own.binding, sizeof(own.binding)) == 0;
}

int session_adopt(struct session *s)
{
	_cleanup_(closep) int socket_fd = -1, saved_fd = -1;
	struct saved_info info;
	int found;

	if (s->state != SESSION_CLOSED)
		return -EBUSY;
	found = fdstore_take(s->name, "socket", &socket_fd) == 0;
	found |= fdstore_take(s->name, "saved", &saved_fd) == 0;
	if (!is_ours(s, socket_fd, saved_fd, &info)) {
		if (found) {
			fdstore_remove(s->name, "socket");
			fdstore_remove(s->name, "saved");
		}
		return SESSION_E_NOT_RESUMABLE;
	}
	s->fd = TAKE_FD(socket_fd);
	s->saved_fd = TAKE_FD(saved_fd);
	s->note = info.note;
	snprintf(s->suite, sizeof(s->suite), "%s", info.suite);
	exchange_set_next_mid(s->exchange, info.next_mid);
	exchange_set_srtt_ms(s->exchange, info.srtt_ms);
	s->state = SESSION_SUSPENDED;
	return 0;
}
