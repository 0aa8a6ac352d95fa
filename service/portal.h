/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The portal's half that runs here: who is signed in, the files of its pages, and events as they
 * happen. Plugged into owner_front, which knows no more of it than the hooks below; whatever a page
 * does else it does by the routes that API keys have, with the rights of its user. */

#include <systemd/sd-event.h>

#include "service/core.h"
#include "service/exchange.h"
#include "service/router.h"
#include "service/store.h"

struct portal;

struct portal_config {
	sd_event *event;
	struct core *core; /* borrowed, as the store */
	struct service_store *store;
	const char *const *public_urls; /* under which names browsers reach us */
	size_t n_public_urls;
	unsigned int password_log2_n; /* 0: PASSWORD_LOG2_N */
};

enum { PORTAL_E_URL = 1 };

/* 0, -errno, or PORTAL_E_URL with *ret_detail (owned). */
int portal_new(const struct portal_config *config, struct portal **ret,
	       char **ret_detail) _must_check_;
/* After the front that it is plugged into. */
struct portal *portal_free(struct portal *p);
DEFINE_CLEANUP(struct portal *, portal_free);
/* "ADDRESS:PORT" that owners are served at, once it is known. Before, nobody is let in. */
int portal_listens(struct portal *p, const char *listen, bool has_tls) _must_check_;
/* The first of public_urls, borrowed; NULL: none was given. */
const char *portal_public_url(const struct portal *p);

/* ---- hooks of owner_front ---- */

/* Pages of other sites and other names for us are turned away, unless an API key speaks. */
unsigned int portal_admit(struct portal *p, struct exchange *x, struct answer *ret);
/* By cookie, with the token against forged requests for all that may change something. */
unsigned int portal_identify(struct portal *p, struct exchange *x, struct core_owner *ret_owner,
			     struct answer *ret);
/* What lies below /portal/. userdata: the portal. */
unsigned int portal_file(void *userdata, struct exchange *x, const char *path, struct answer *ret);

/* ---- routes ---- */

/* "/" */
unsigned int portal_redirect(const struct router_call *call, struct answer *ret);
/* /v1/session */
unsigned int portal_session_create(const struct router_call *call, struct answer *ret);
unsigned int portal_session_get(const struct router_call *call, struct answer *ret);
unsigned int portal_session_delete(const struct router_call *call, struct answer *ret);
/* POST /v1/users, PATCH /v1/users/{userId} */
unsigned int portal_user_add(const struct router_call *call, struct answer *ret);
unsigned int portal_user_change(const struct router_call *call, struct answer *ret);
/* GET /v1/events */
unsigned int portal_events(const struct router_call *call, struct answer *ret);
