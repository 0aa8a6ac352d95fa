/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What can be learned of a server without being anybody: whether datagrams of a size arrive and are
 * answered, and whether its certificate is good. Blocks, for onboardctl: the agent's own way to a
 * server is session/session.h. */

#include <stdint.h>

#include "base/macros.h"
#include "session/resolve.h"

#define PROBE_SIZES_MAX 4

struct probe_path {
	int error;        /* errno that the network or the kernel gave, and nobody answered */
	size_t largest;   /* of the sizes, that was answered; 0: none */
	unsigned int mtu; /* of the route, 0: not known */
};

/* Sends a ClientHello of each of the sizes (HELLO_MIN … HELLO_MAX, ascending, at most
 * PROBE_SIZES_MAX), thrice within timeout_ms, and returns as soon as all are answered or refused.
 * -EINVAL, -errno when no socket can be had. */
int probe_path(const struct resolve_address *address, const size_t *sizes, size_t n,
	       unsigned int timeout_ms, struct probe_path *ret) _must_check_;

struct probe_server {
	/* 0, SESSION_E_UNREACHABLE (no answer), SESSION_E_TIMEOUT (answers, and no end),
	 * SESSION_E_CERTIFICATE, SESSION_E_HANDSHAKE. */
	int result;
	unsigned int faults; /* enum certificate_fault */
	char detail[512];    /* for people: the cipher suite, or what went wrong */
};

/* One full handshake that is closed at once. -EINVAL: ca_pem is not certificates; -ENOMEM, -errno.
 */
int probe_server(const struct resolve_address *address, const char *server, uint16_t port,
		 const char *ca_pem, unsigned int timeout_ms,
		 struct probe_server *ret) _must_check_;
