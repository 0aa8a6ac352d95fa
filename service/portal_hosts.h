/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Under which names browsers may reach us: --public-url, the address that we listen on, localhost
 * on loopback. A page under any other name is somebody else's, also when its DNS leads here (DNS
 * rebinding). Pure. What a proxy says in X-Forwarded-Host or -Proto has no part in it. */

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

#define PORTAL_HOSTS_MAX 32 /* --public-url */

struct portal_hosts;

enum { PORTAL_HOSTS_E_URL = 1 };

/* listen: "ADDRESS:PORT" with the port that the kernel picked. 0, -ENOMEM, -EINVAL for listen,
 * PORTAL_HOSTS_E_URL with *ret_detail (owned) about a URL. */
int portal_hosts_new(const char *const *public_urls, size_t n, const char *listen, bool has_tls,
		     struct portal_hosts **ret, char **ret_detail) _must_check_;
struct portal_hosts *portal_hosts_free(struct portal_hosts *h);
DEFINE_CLEANUP(struct portal_hosts *, portal_hosts_free);

/* A Host header; *ret_is_https: whoever came by that name has TLS up to us or to the proxy. */
bool portal_hosts_has_host(const struct portal_hosts *h, const char *host, bool *ret_is_https);
/* An Origin header: scheme, name and port are those of one of our names. */
bool portal_hosts_has_origin(const struct portal_hosts *h, const char *origin);
