/* SPDX-License-Identifier: Apache-2.0 */
#include "service/portal_hosts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "service/address.h"

#define NAME_MAX_LEN 253 /* of a DNS name */
#define OWN_MAX 4        /* besides --public-url */

/* Where a page comes from (RFC 6454 §4). */
struct origin {
	bool is_https;
	char name[NAME_MAX_LEN + 3]; /* lower case; IPv6 in brackets */
	uint16_t port;               /* 0: not said */
};

struct portal_hosts {
	struct origin origins[PORTAL_HOSTS_MAX + OWN_MAX];
	size_t n;
	/* listening on all addresses: each of them is a name, since no page of somebody else has
	 * one of our addresses for its name */
	bool has_any_address;
	struct origin any; /* scheme and port of it */
};

static uint16_t default_port(bool is_https)
{
	return is_https ? 443 : 80;
}

static bool is_name(const char *text, size_t len)
{
	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isascii(text[i]) ||
		    (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '.'))
			return false;
	return true;
}

/* "[::1]" in the one form that inet_ntop() writes. */
static bool take_ipv6(const char *text, size_t len, char ret[static NAME_MAX_LEN + 3])
{
	char inner[INET6_ADDRSTRLEN];
	struct in6_addr a;

	if (len < 4 || len - 2 >= sizeof(inner))
		return false;
	memcpy(inner, text + 1, len - 2);
	inner[len - 2] = '\0';
	if (inet_pton(AF_INET6, inner, &a) != 1 || !inet_ntop(AF_INET6, &a, inner, sizeof(inner)))
		return false;
	snprintf(ret, NAME_MAX_LEN + 3, "[%s]", inner);
	return true;
}

static bool take_name(const char *text, size_t len, char ret[static NAME_MAX_LEN + 3])
{
	if (!is_name(text, len))
		return false;
	for (size_t i = 0; i < len; i++)
		ret[i] = (char)tolower((unsigned char)text[i]);
	ret[len] = '\0';
	return true;
}

/* name, name:port, [ipv6], [ipv6]:port, and nothing behind. */
static bool parse_authority(const char *text, struct origin *ret)
{
	size_t len;
	uint64_t port;

	if (text[0] == '[') {
		len = strcspn(text, "]");
		if (text[len] != ']' || !take_ipv6(text, ++len, ret->name))
			return false;
	} else {
		len = strcspn(text, ":");
		if (!take_name(text, len, ret->name))
			return false;
	}
	ret->port = 0;
	text += len;
	if (!*text)
		return true;
	if (*text != ':' || decimal_parse(text + 1, strlen(text + 1), UINT16_MAX, &port) < 0 ||
	    port == 0)
		return false;
	ret->port = (uint16_t)port;
	return true;
}

/* scheme://authority; the port is always filled in. */
static bool parse_origin(const char *text, struct origin *ret)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (strncasecmp(text, schemes[i], strlen(schemes[i])) != 0)
			continue;
		ret->is_https = i == 1;
		if (!parse_authority(text + strlen(schemes[i]), ret))
			return false;
		if (ret->port == 0)
			ret->port = default_port(ret->is_https);
		return true;
	}
	return false;
}

static bool is_address(const char *name)
{
	struct in_addr a;

	return name[0] == '[' || inet_pton(AF_INET, name, &a) == 1;
}

/* Names that lead to this machine without asking DNS, as browsers have it. */
static bool is_localhost(const char *name)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int refuse(char **ret_detail, const char *url, const char *why)
{
	if (asprintf(ret_detail, "%s: %s", url, why) < 0)
		return -ENOMEM;
	return PORTAL_HOSTS_E_URL;
}

static int add_url(struct portal_hosts *h, const char *url, char **ret_detail)
{
	struct origin *o = &h->origins[h->n];
	char text[NAME_MAX_LEN + 32] = "";
	size_t len = strlen(url);

	if (h->n == PORTAL_HOSTS_MAX)
		return refuse(ret_detail, url, "there are too many");
	if (len > 0 && url[len - 1] == '/')
		len--;
	if (len >= sizeof(text))
		return refuse(ret_detail, url, "too long");
	memcpy(text, url, len);
	text[len] = '\0';
	if (!parse_origin(text, o))
		return refuse(ret_detail, url,
			      "not https://NAME or https://NAME:PORT; a path is not possible");
	if (!o->is_https && !is_localhost(o->name))
		return refuse(ret_detail, url,
			      "passwords would travel in clear: https is needed beyond localhost");
	h->n++;
	return 0;
}

static void add_own(struct portal_hosts *h, bool is_https, const char *name, uint16_t port)
{
	struct origin *o = &h->origins[h->n++];

	*o = (struct origin){.is_https = is_https, .port = port};
	snprintf(o->name, sizeof(o->name), "%s", name);
}

static bool is_wildcard(const union address *a)
{
	return a->sa.sa_family == AF_INET ? a->in.sin_addr.s_addr == htonl(INADDR_ANY)
					  : IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

static int add_listen(struct portal_hosts *h, const char *listen, bool is_https)
{
	struct origin self;
	char text[ADDRESS_TEXT] = "";
	union address a;
	socklen_t len;
	int r;

	r = address_parse(listen, &a, &len);
	if (r < 0)
		return r;
	address_format(&a, text);
	if (!parse_authority(text, &self))
		return -EINVAL;
	self.is_https = is_https;
	h->any = self;
	h->has_any_address = is_wildcard(&a);
	if (!h->has_any_address)
		add_own(h, is_https, self.name, self.port);
	if (h->has_any_address || address_is_loopback(&a)) {
		add_own(h, is_https, "localhost", self.port);
		add_own(h, is_https, "127.0.0.1", self.port);
		add_own(h, is_https, "[::1]", self.port);
	}
	return 0;
}

int portal_hosts_new(const char *const *public_urls, size_t n, const char *listen, bool has_tls,
		     struct portal_hosts **ret, char **ret_detail)
{
	_cleanup_(portal_hosts_freep) struct portal_hosts *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		r = add_url(h, public_urls[i], ret_detail);
		if (r != 0)
			return r;
	}
	r = add_listen(h, listen, has_tls);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(h);
	return 0;
}

struct portal_hosts *portal_hosts_free(struct portal_hosts *h)
{
	free(h);
	return NULL;
}

static bool is_same(const struct origin *o, const char *name, uint16_t port)
{
	return o->port == (port ? port : default_port(o->is_https)) && strcmp(o->name, name) == 0;
}

bool portal_hosts_has_host(const struct portal_hosts *h, const char *host, bool *ret_is_https)
{
	struct origin asked = {.port = 0};

	if (!parse_authority(host, &asked))
		return false;
	for (size_t i = 0; i < h->n; i++)
		if (is_same(&h->origins[i], asked.name, asked.port)) {
			*ret_is_https = h->origins[i].is_https;
			return true;
		}
	if (asked.port == 0)
		asked.port = default_port(h->any.is_https);
	if (!h->has_any_address || !is_address(asked.name) || asked.port != h->any.port)
		return false;
	*ret_is_https = h->any.is_https;
	return true;
}

bool portal_hosts_has_origin(const struct portal_hosts *h, const char *origin)
{
	struct origin asked;

	if (!parse_origin(origin, &asked))
		return false;
	for (size_t i = 0; i < h->n; i++)
		if (h->origins[i].is_https == asked.is_https &&
		    is_same(&h->origins[i], asked.name, asked.port))
			return true;
	return h->has_any_address && is_address(asked.name) && asked.is_https == h->any.is_https &&
	       asked.port == h->any.port;
}
