/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What serve is told, for it and for check, which looks whether it would work. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "service/forwarded.h"
#include "service/portal_hosts.h"

#define SERVE_MAKERS_MAX 64

struct serve_options {
	const char *state, *coap, *rest, *cert, *key, *root_ca, *rest_cert, *rest_key, *store;
	const char *makers[SERVE_MAKERS_MAX];
	size_t n_makers;
	const char *public_urls[PORTAL_HOSTS_MAX];
	size_t n_public_urls;
	struct forwarded_proxies proxies;
	const char *ops, *crl_url;
	bool ops_remote;
	uint64_t session_timeout_s, cloud_tag, device_rate, audit_keep_days;
};

/* argv[0] is the verb. Says what is wrong; 0 or an exit code. */
int serve_options_parse(int argc, char **argv, struct serve_options *o) _must_check_;
