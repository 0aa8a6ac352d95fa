/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who asks, when owners come through proxies of ours: --trusted-proxy, and the X-Forwarded-For that
 * they write. Each proxy adds the address that it saw to the right end of that list, and what is
 * left of the first one that is not ours may be anybody's invention. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "service/address.h"

#define FORWARDED_PROXIES_MAX 16
#define FORWARDED_LIST_MAX 1024 /* characters of all such headers of a request */
#define FORWARDED_ADDRESS_TEXT 48

/* One address, or all that begin with the same bits. */
struct forwarded_proxy {
	union address network; /* without a port */
	unsigned int bits;
};

struct forwarded_proxies {
	struct forwarded_proxy items[FORWARDED_PROXIES_MAX];
	size_t n;
};

/* "ADDRESS" or "ADDRESS/BITS", numeric. -EINVAL; -E2BIG: there are as many as there may be. */
int forwarded_add(struct forwarded_proxies *p, const char *text) _must_check_;
bool forwarded_is_ours(const struct forwarded_proxies *p, const union address *a);
/* peer: who has connected. list: the values of all X-Forwarded-For of the request in their order,
 * joined by commas (RFC 9110 §5.3); NULL: none, or too long. The nearest address that is not a
 * proxy of ours, as address_host() writes it. An entry that is no address ends the search: then it
 * is the proxy that passed it on. */
void forwarded_client(const struct forwarded_proxies *p, const union address *peer,
		      const char *list, char ret[static FORWARDED_ADDRESS_TEXT]);
