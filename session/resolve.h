/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A name's addresses, without blocking the loop: getaddrinfo() in one short-lived thread, so that
 * hosts file, mDNS and systemd-resolved answer as they do for every other program. A literal
 * address needs no thread. */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "base/macros.h"

#define RESOLVE_MAX 16

struct resolve_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
};

struct resolve;

/* n = 0: none; detail then says why. The resolve may be freed inside. */
typedef void (*resolve_fn)(const struct resolve_address *addresses, size_t n, const char *detail,
			   void *userdata);

/* 0, or -EINVAL when text is no literal IPv4 or IPv6 address. */
int resolve_literal(const char *text, uint16_t port, struct resolve_address *ret) _must_check_;
int resolve_new(sd_event *event, const char *name, uint16_t port, uint64_t timeout_ms,
		resolve_fn fn, void *userdata, struct resolve **ret) _must_check_;
/* Before its callback: that will not run. */
struct resolve *resolve_free(struct resolve *r);

#define RESOLVE_TEXT_MAX 64
/* "192.0.2.1" or "2001:db8::1". */
void resolve_format(const struct resolve_address *address, char ret[static RESOLVE_TEXT_MAX]);
