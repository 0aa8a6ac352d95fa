/* SPDX-License-Identifier: Apache-2.0 */
#include "service/coap_deaf.h"

#include <coap3/coap.h>
#include <ifaddrs.h>
#include <string.h>

#if LIBCOAP_VERSION > 4003001U
#define IS_BROADCAST(a) coap_is_bcast(a)
#else
#define IS_BROADCAST(a) ((void)(a), 0)
#endif

static bool is_broadcast(const union address *a)
{
	coap_address_t address;

	coap_address_init(&address);
	address.size = sizeof(a->in);
	memcpy(&address.addr, &a->in, sizeof(a->in));
	return IS_BROADCAST(&address);
}

static bool is_any(const union address *a)
{
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

bool coap_deaf_at(const union address *listen, char ret[static ADDRESS_TEXT])
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		union address own = {.sa.sa_family = AF_UNSPEC};

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(&own.in, i->ifa_addr, sizeof(own.in));
		if (!is_any(listen) && (listen->sa.sa_family != AF_INET ||
					listen->in.sin_addr.s_addr != own.in.sin_addr.s_addr))
			continue;
		found = is_broadcast(&own);
		if (found)
			address_host(&own, ret, ADDRESS_TEXT);
	}
	freeifaddrs(all);
	return found;
}
