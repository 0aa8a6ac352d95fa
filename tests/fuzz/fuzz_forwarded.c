/* Targets: forwarded_add(), forwarded_client(): lines of proxies, peer, list. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "service/forwarded.h"
#include "tests/fuzz/fuzz.h"

static bool read_address(const char *text, union address *ret)
{
	*ret = (union address){0};
	ret->sa.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(ret->sa.sa_family, text,
			 ret->sa.sa_family == AF_INET6 ? (void *)&ret->in6.sin6_addr
						       : (void *)&ret->in.sin_addr) == 1;
}

/* Who was told is not ours, or is of ours and nobody readable is left of it; all that is right of
 * it is ours. Goes through the list from its left, as forwarded.c does not. */
static void check(const struct forwarded_proxies *p, const union address *peer, char *list,
		  const char *told)
{
	char host[FORWARDED_ADDRESS_TEXT], expected[FORWARDED_ADDRESS_TEXT];
	union address a;

	address_host(peer, expected, sizeof(expected));
	if (forwarded_is_ours(p, peer) && list[0]) {
		bool goes_on = false;

		for (char *entry = list, *comma = NULL; entry; entry = comma ? comma + 1 : NULL) {
			comma = strchr(entry, ',');
			if (comma)
				*comma = '\0';
			entry += strspn(entry, " \t");
			for (size_t n = strlen(entry); n > 0 && strchr(" \t", entry[n - 1]);)
				entry[--n] = '\0';
			if (!read_address(entry, &a)) {
				goes_on = false; /* so far nobody is known */
				continue;
			}
			address_host(&a, host, sizeof(host));
			if (!goes_on || !forwarded_is_ours(p, &a))
				memcpy(expected, host, sizeof(host));
			goes_on = true;
		}
		if (!goes_on)
			address_host(peer, expected, sizeof(expected));
	}
	FUZZ_ASSERT(strcmp(told, expected) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(freep) char *text = strndup((const char *)data, len);
	char *rest = text, *proxies = strsep(&rest, "\n"),
	     *peer = rest ? strsep(&rest, "\n") : NULL;
	struct forwarded_proxies p = {0};
	char told[FORWARDED_ADDRESS_TEXT];
	union address a;

	for (char *one = proxies ? strsep(&proxies, " ") : NULL; one; one = strsep(&proxies, " ")) {
		size_t n = p.n;
		int r = forwarded_add(&p, one);

		FUZZ_ASSERT(p.n == n + (r == 0) && p.n <= FORWARDED_PROXIES_MAX);
	}
	if (!rest || !read_address(peer, &a))
		return 0;
	forwarded_client(&p, &a, rest, told);
	check(&p, &a, rest, told);
	return 0;
}
