/* SPDX-License-Identifier: Apache-2.0 */
#include "service/http_loop.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"

/* ---- the socket ---- */

int http_loop_refuse(char **ret_detail, const char *on, const char *why)
{
	if (asprintf(ret_detail, "%s: %s", on, why) < 0)
		*ret_detail = NULL;
	return HTTP_LOOP_E_REFUSED;
}

int http_loop_listen(const char *on, const char *why_loopback, union address *ret_address,
		     int *ret_fd, char **ret_detail)
{
	_cleanup_(closep) int fd = -1;
	union address address;
	socklen_t len;
	int one = 1;

	if (address_parse(on, &address, &len) < 0)
		return http_loop_refuse(ret_detail, on, "not ADDRESS:PORT or [ADDRESS]:PORT");
	if (why_loopback && !address_is_loopback(&address))
		return http_loop_refuse(ret_detail, on, why_loopback);
	fd = socket(address.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -errno;
	if (bind(fd, &address.sa, len) < 0 || listen(fd, SOMAXCONN) < 0)
		return http_loop_refuse(ret_detail, on, strerror(errno));
	len = sizeof(address);
	if (getsockname(fd, &address.sa, &len) < 0)
		return -errno;
	*ret_address = address;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* ---- the loop ---- */

static int turn(struct http_loop *l)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;
	int r;

	if (MHD_run(l->daemon) != MHD_YES)
		log_warning("%s: libmicrohttpd cannot go on with a connection, ignoring", l->name);
	if (MHD_get_timeout(l->daemon, &timeout_ms) != MHD_YES)
		return sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
	r = sd_event_source_set_time_relative(l->timer, timeout_ms * 1000);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	return turn(userdata);
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *userdata)
{
	(void)source;
	(void)at_us;
	return turn(userdata);
}

int http_loop_join(struct http_loop *l, sd_event *event)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!info || info->epoll_fd < 0)
		return -ENOTSUP;
	r = sd_event_add_io(event, &l->io, info->epoll_fd, EPOLLIN, on_io, l);
	if (r >= 0)
		r = sd_event_add_time(event, &l->timer, CLOCK_MONOTONIC, 0, 1, on_timer, l);
	return r < 0 ? r : 0;
}

void http_loop_soon(struct http_loop *l)
{
	int r;

	r = sd_event_source_set_time(l->timer, 0);
	if (r >= 0)
		r = sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
	if (r < 0)
		log_error("%s: cannot take up a request: %s", l->name, strerror(-r));
}

void http_loop_done(struct http_loop *l)
{
	sd_event_source_disable_unref(l->io);
	sd_event_source_disable_unref(l->timer);
	if (l->daemon)
		MHD_stop_daemon(l->daemon);
}

void http_loop_log(void *cls, const char *format, va_list ap)
{
	char line[256];

	(void)cls;
	if (vsnprintf(line, sizeof(line), format, ap) > 0)
		log_debug("libmicrohttpd: %.*s", (int)strcspn(line, "\n"), line);
}
