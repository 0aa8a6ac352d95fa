/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether a request that a browser sends with our cookie, or to sign in, comes from a page of ours.
 * Cookies travel by themselves, so that the page that asks has to be known: Host says by which name
 * we were reached (DNS rebinding), Origin and Sec-Fetch-Site say which page asks. Pure. Requests
 * with an API key never come here. */

#include "service/portal_hosts.h"

/* What the headers say; NULL: absent. Borrowed. */
struct portal_headers {
	const char *method, *host, *origin, *fetch_site;
};

/* 0, or 421 with *ret_detail (borrowed, for good). *ret_is_https as of portal_hosts_has_host(). */
unsigned int portal_gate_host(const struct portal_hosts *hosts, const char *host,
			      bool *ret_is_https, const char **ret_detail);
/* The same, and 403 for a page that is not ours. GET and HEAD need no Origin: browsers send none
 * with them. */
unsigned int portal_gate(const struct portal_hosts *hosts, const struct portal_headers *h,
			 bool *ret_is_https, const char **ret_detail);
/* GET and HEAD change nothing. */
bool portal_gate_is_safe(const char *method);
