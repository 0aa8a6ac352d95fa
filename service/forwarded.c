/* SPDX-License-Identifier: Apache-2.0 */
#include "service/forwarded.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"

static const uint8_t *bytes_of(const union address *a, unsigned int *ret_bits)
{
	*ret_bits = a->sa.sa_family == AF_INET6 ? 128 : 32;
	return a->sa.sa_family == AF_INET6 ? a->in6.sin6_addr.s6_addr
					   : (const uint8_t *)&a->in.sin_addr;
}

/* An IPv4 address inside an IPv6 one, as a listener for both sees it, as what it is. */
static union address unmapped(const union address *a)
{
	union address plain = {.in.sin_family = AF_INET};

	if (a->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return *a;
	memcpy(&plain.in.sin_addr, a->in6.sin6_addr.s6_addr + 12, sizeof(plain.in.sin_addr));
	return plain;
}

/* Not NUL-terminated. */
static int parse_host(const char *text, size_t len, union address *ret)
{
	char host[INET6_ADDRSTRLEN];
	union address a = {0};

	if (len == 0 || len >= sizeof(host) || memchr(text, '\0', len))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	a.sa.sa_family = strchr(host, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(a.sa.sa_family, host,
		      a.sa.sa_family == AF_INET6 ? (void *)&a.in6.sin6_addr
						 : (void *)&a.in.sin_addr) != 1)
		return -EINVAL;
	*ret = unmapped(&a);
	return 0;
}

int forwarded_add(struct forwarded_proxies *p, const char *text)
{
	size_t len = strcspn(text, "/");
	struct forwarded_proxy proxy;
	unsigned int whole;
	uint64_t bits;

	if (p->n == FORWARDED_PROXIES_MAX)
		return -E2BIG;
	if (parse_host(text, len, &proxy.network) < 0)
		return -EINVAL;
	(void)bytes_of(&proxy.network, &whole);
	bits = whole;
	if (text[len] == '/' &&
	    decimal_parse(text + len + 1, strlen(text + len + 1), whole, &bits) < 0)
		return -EINVAL;
	proxy.bits = (unsigned int)bits;
	p->items[p->n++] = proxy;
	return 0;
}

static bool is_within(const struct forwarded_proxy *proxy, const union address *a)
{
	unsigned int whole, theirs;
	const uint8_t *network = bytes_of(&proxy->network, &whole), *address = bytes_of(a, &theirs);
	unsigned int n = proxy->bits / 8, rest = proxy->bits % 8;

	if (whole != theirs || memcmp(network, address, n) != 0)
		return false;
	return rest == 0 || (network[n] ^ address[n]) >> (8 - rest) == 0;
}

bool forwarded_is_ours(const struct forwarded_proxies *p, const union address *a)
{
	union address plain = unmapped(a);

	for (size_t i = 0; i < p->n; i++)
		if (is_within(&p->items[i], &plain))
			return true;
	return false;
}

/* The last entry of the list, without the blanks around it; *len is what is before it then. */
static const char *last_entry(const char *list, size_t *len, size_t *ret_len)
{
	size_t end = *len, begin;

	while (end > 0 && (list[end - 1] == ' ' || list[end - 1] == '\t'))
		end--;
	for (begin = end; begin > 0 && list[begin - 1] != ',';)
		begin--;
	*len = begin > 0 ? begin - 1 : 0;
	while (begin < end && (list[begin] == ' ' || list[begin] == '\t'))
		begin++;
	*ret_len = end - begin;
	return list + begin;
}

void forwarded_client(const struct forwarded_proxies *p, const union address *peer,
		      const char *list, char ret[static FORWARDED_ADDRESS_TEXT])
{
	union address client = *peer, next;
	size_t left = list ? strlen(list) : 0, len;

	while (left > 0 && forwarded_is_ours(p, &client)) {
		const char *entry = last_entry(list, &left, &len);

		if (parse_host(entry, len, &next) < 0)
			break;
		client = next;
	}
	address_host(&client, ret, FORWARDED_ADDRESS_TEXT);
}
