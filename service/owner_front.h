/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* REST for owners, on libmicrohttpd, in the caller's loop. docs/rest-api.md. Default deny: a
 * request runs only if the table of (method × path × role) allows it. Translates; core decides. */

#include <systemd/sd-event.h>

#include "service/core.h"

struct owner_front;

struct owner_front_config {
	const char *listen;    /* "ADDRESS:PORT"; port 0 picks one */
	const char *cert_file; /* TLS when given, with key_file; else plain HTTP, allowed on
				  loopback addresses only */
	const char *key_file;
	size_t max_body; /* 1 MiB */
};

enum { OWNER_FRONT_E_REFUSED = 1 };

/* 0, -errno, or OWNER_FRONT_E_REFUSED with *ret_detail (owned) that names the file or address. */

int owner_front_new(sd_event *event, struct core *core, const struct owner_front_config *config,
		    struct owner_front **ret, char **ret_detail) _must_check_;
struct owner_front *owner_front_free(struct owner_front *f);
DEFINE_CLEANUP(struct owner_front *, owner_front_free);
uint16_t owner_front_port(const struct owner_front *f);
