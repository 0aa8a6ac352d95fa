/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the portal share. */

#include "service/password_job.h"
#include "service/portal.h"
#include "service/portal_gate.h"
#include "service/portal_limit.h"
#include "service/portal_session.h"

struct portal_hub;

struct portal {
	struct portal_config config;
	char **public_urls;         /* owned, as all below */
	struct portal_hosts *hosts; /* NULL until portal_listens() */
	struct portal_limit *limit;
	struct password_jobs *jobs;
	struct portal_hub *hub;
};

/* portal.c. 0; 404 where the front has no portal. */
unsigned int portal_is_there(const struct router_call *call, struct answer *ret);
/* Who came with the cookie of x: CORE_REJECTED when nobody is signed in by it. */
enum core_verdict portal_who(struct portal *p, struct exchange *x,
			     char ret_cookie[static PORTAL_COOKIE_TEXT],
			     struct portal_session *ret);
void portal_owner_of(const struct portal_session *s, struct core_owner *ret);
/* What a request with our cookie has to be like; *ret_is_https: as of portal_hosts_has_host(). */
unsigned int portal_check(struct portal *p, struct exchange *x, bool *ret_is_https,
			  struct answer *ret);
/* X-CSRF-Token, for all that may change something: 0, or 403. */
unsigned int portal_check_token(struct exchange *x, const char *cookie, struct answer *ret);

/* portal_events.c */
int portal_hub_new(sd_event *event, struct core *core, struct service_store *store,
		   struct portal_hub **ret) _must_check_;
/* Streams that still are stay, and say nothing more. */
struct portal_hub *portal_hub_free(struct portal_hub *hub);
/* Ends the streams of a session, which was ended. */
void portal_hub_end_session(struct portal_hub *hub, const uint8_t hash[static 32]);
