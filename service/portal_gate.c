/* SPDX-License-Identifier: Apache-2.0 */
#include "service/portal_gate.h"

#include <string.h>

bool portal_gate_is_safe(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

unsigned int portal_gate_host(const struct portal_hosts *hosts, const char *host,
			      bool *ret_is_https, const char **ret_detail)
{
	if (host && portal_hosts_has_host(hosts, host, ret_is_https))
		return 0;
	*ret_detail = "the portal does not answer under this name: whoever runs the service names "
		      "it with --public-url";
	return 421;
}

/* W3C Fetch Metadata: "none" is a person who typed an address. */
static bool is_fetched_by_us(const struct portal_headers *h)
{
	return !h->fetch_site || strcmp(h->fetch_site, "same-origin") == 0 ||
	       (strcmp(h->fetch_site, "none") == 0 && portal_gate_is_safe(h->method));
}

unsigned int portal_gate(const struct portal_hosts *hosts, const struct portal_headers *h,
			 bool *ret_is_https, const char **ret_detail)
{
	unsigned int status;

	status = portal_gate_host(hosts, h->host, ret_is_https, ret_detail);
	if (status)
		return status;
	if (!is_fetched_by_us(h)) {
		*ret_detail = "another site's page sent this request (Sec-Fetch-Site)";
		return 403;
	}
	if (h->origin && !portal_hosts_has_origin(hosts, h->origin)) {
		*ret_detail = "another site's page sent this request (Origin)";
		return 403;
	}
	if (!h->origin && !portal_gate_is_safe(h->method)) {
		*ret_detail = "a request with the portal's cookie has to say in Origin which page "
			      "sends it; scripts use an API key";
		return 403;
	}
	return 0;
}
