/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the fronts on libmicrohttpd share: a socket that listens, and the library in the caller's
 * loop. */

#include <stdarg.h>
#include <systemd/sd-event.h>

#include "service/address.h"

struct MHD_Daemon;

struct http_loop {
	const char *name;          /* for log lines; borrowed */
	struct MHD_Daemon *daemon; /* owned, started with MHD_USE_EPOLL */
	sd_event_source *io, *timer;
};

enum { HTTP_LOOP_E_REFUSED = 1 };

/* HTTP_LOOP_E_REFUSED, with "on: why" in *ret_detail (owned; NULL when there is no memory). */
int http_loop_refuse(char **ret_detail, const char *on, const char *why);
/* Listens at on, "ADDRESS:PORT"; *ret_address has the port that it became. why_loopback: why
 * addresses that others reach are refused, or NULL when they are not. 0, -errno, or
 * HTTP_LOOP_E_REFUSED with *ret_detail. */
int http_loop_listen(const char *on, const char *why_loopback, union address *ret_address,
		     int *ret_fd, char **ret_detail) _must_check_;
/* Runs l->daemon from event. */
int http_loop_join(struct http_loop *l, sd_event *event) _must_check_;
/* The library has work that no socket tells of. */
void http_loop_soon(struct http_loop *l);
/* Stops the daemon, too. */
void http_loop_done(struct http_loop *l);

/* For MHD_OPTION_EXTERNAL_LOGGER. */
void http_loop_log(void *cls, const char *format, va_list ap) _printf_(2, 0);
