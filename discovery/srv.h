/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The server that DNS names for provisioning: SRV records (RFC 2782) of _onboardd-prov._udp in the
 * domains that this machine searches. Whoever answers DNS says so, and nobody else. */

#include <stdint.h>

#include "base/macros.h"
#include "discovery/hostname.h"

#define SRV_SERVICE "_onboardd-prov._udp"

struct srv {
	char host[HOSTNAME_MAX + 1];
	uint16_t port;
};

enum { SRV_E_NONE = 1 };

/* One of the records in an answer whose target is in domain: of the lowest priority, and by its
 * weight as `random`, any 32 bits, wants it. Pure. SRV_E_NONE also for what is no answer. */
int srv_parse(const uint8_t *answer, size_t len, const char *domain, uint32_t random,
	      struct srv *ret) _must_check_;
/* Blocks for seconds: for a thread. SRV_E_NONE. */
int srv_lookup(const char *domain, uint32_t random, struct srv *ret) _must_check_;
