/* SPDX-License-Identifier: Apache-2.0 */
#include "service/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int address_parse(const char *text, union address *ret, socklen_t *ret_len)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 1];
	union address a = {0};
	bool is_bracketed;
	uint64_t port;
	size_t len;

	if (!colon || decimal_parse(colon + 1, strlen(colon + 1), UINT16_MAX, &port) < 0)
		return -EINVAL;
	len = (size_t)(colon - text);
	is_bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	if (is_bracketed) {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';

	/* An IPv6 address without brackets could not be told from its port. */
	a.sa.sa_family = is_bracketed ? AF_INET6 : AF_INET;
	if (inet_pton(a.sa.sa_family, host,
		      is_bracketed ? (void *)&a.in6.sin6_addr : (void *)&a.in.sin_addr) != 1)
		return -EINVAL;
	address_set_port(&a, (uint16_t)port);
	*ret_len = is_bracketed ? sizeof(a.in6) : sizeof(a.in);
	*ret = a;
	return 0;
}

void address_format(const union address *a, char ret[static ADDRESS_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
		snprintf(ret, ADDRESS_TEXT, "[%s]:%u", host, address_port(a));
	} else {
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
		snprintf(ret, ADDRESS_TEXT, "%s:%u", host, address_port(a));
	}
}

void address_host(const union address *a, char *ret, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->sa.sa_family != AF_INET6)
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
	else if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		inet_ntop(AF_INET, &a->in6.sin6_addr.s6_addr[12], host, sizeof(host));
	else
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
	snprintf(ret, size, "%s", host);
}

bool address_is_loopback(const union address *a)
{
	if (a->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
	return a->sa.sa_family == AF_INET && ntohl(a->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

uint16_t address_port(const union address *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

void address_set_port(union address *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}
