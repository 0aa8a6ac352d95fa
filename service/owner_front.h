/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* HTTP for owners, and for devices that cannot use UDP (service/device_http.h), on libmicrohttpd,
 * in the caller's loop. docs/rest-api.md. Default deny: a request runs only if the table of
 * (method × path × role) allows it. Translates; core decides.
 *
 * owner_front.c has the transport, owner_front_judge.c what the headers are enough to refuse,
 * owner_front_exchange.c the course of a request, owner_front_answer.c what goes back. */

#include <systemd/sd-event.h>

#include "service/core.h"
#include "service/http_loop.h"
#include "service/router.h"

struct owner_front;

/* Pages and files beside the API: GET of everything below a prefix, for whoever asks. */
struct owner_front_tree {
	const char *prefix; /* "/portal/" */
	/* path: what follows the prefix, as it was sent. */
	unsigned int (*run)(void *userdata, struct exchange *x, const char *path,
			    struct answer *ret);
	void *userdata; /* borrowed */
};

#define OWNER_FRONT_TREES_MAX 8

struct owner_front_config {
	const char *listen;    /* "ADDRESS:PORT"; port 0 picks one */
	const char *cert_file; /* TLS when given, with key_file; else plain HTTP, allowed on
				  loopback addresses only */
	const char *key_file;
	const struct forwarded_proxies
		*proxies;            /* borrowed; whose X-Forwarded-For is believed; or NULL */
	size_t max_body;             /* of JSON: 1 MiB */
	uint32_t session_max_age_s;  /* of a device's login, unless its token ends before */
	unsigned int body_time_ms;   /* for all of a body to come; 0: a minute */
	const struct router *router; /* borrowed, for good: what there is */
	struct metrics *metrics;     /* borrowed; or NULL */
	const struct admission *admission; /* of devices, borrowed; or NULL (device_http.h) */

	/* Browsers: borrowed, may be NULL; handed to both hooks and to every call. */
	struct portal *portal;
	/* Before anything else, for every request: whether it is for us at all (Host, Origin). 0,
	 * or the status of the problem in ret. NULL: all are. */
	unsigned int (*admit)(struct portal *portal, struct exchange *x, struct answer *ret);
	/* Who asks, for requests without an Authorization header: by cookie. 0, or the status of
	 * the problem in ret. NULL: nobody. The address in ret_owner is filled in already. */
	unsigned int (*identify)(struct portal *portal, struct exchange *x,
				 struct core_owner *ret_owner, struct answer *ret);

	struct owner_front_tree trees[OWNER_FRONT_TREES_MAX]; /* up to the first without prefix */
};

enum { OWNER_FRONT_E_REFUSED = HTTP_LOOP_E_REFUSED };

/* 0, -errno, or OWNER_FRONT_E_REFUSED with *ret_detail (owned) that names the file or address. */

int owner_front_new(sd_event *event, struct core *core, const struct owner_front_config *config,
		    struct owner_front **ret, char **ret_detail) _must_check_;
struct owner_front *owner_front_free(struct owner_front *f);
DEFINE_CLEANUP(struct owner_front *, owner_front_free);
uint16_t owner_front_port(const struct owner_front *f);
