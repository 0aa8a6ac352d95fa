/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Numeric "ADDRESS:PORT" and "[ADDRESS]:PORT", as the fronts' listening addresses are written. No
 * names: a service that listens somewhere else after a DNS change would be a surprise. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/macros.h"

#define ADDRESS_TEXT 64 /* "[" IPv6 "]:" port, with NUL */

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* -EINVAL: not an address, no port, or a port above 65535. */
int address_parse(const char *text, union address *ret, socklen_t *ret_len) _must_check_;
void address_format(const union address *a, char ret[static ADDRESS_TEXT]);
/* Without the port and without brackets; an IPv4 address inside an IPv6 one (RFC 4291 §2.5.5.2) as
 * the IPv4 address that it is. */
void address_host(const union address *a, char *ret, size_t size);
bool address_is_loopback(const union address *a);
uint16_t address_port(const union address *a);
void address_set_port(union address *a, uint16_t port);
