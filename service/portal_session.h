/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who is signed in. A session is 32 random bytes in a cookie; the store has their SHA-256, so that
 * a copy of it opens nothing. It ends IDLE seconds after its last request, at the latest LIFE
 * seconds after the sign-in, with its user, and with the user's password. The token against forged
 * requests (CSRF) is an HMAC under the same bytes: one that belongs to another session is worth
 * nothing, and none is stored. The caller brings the time. */

#include "service/core.h"
#include "service/store.h"

#define PORTAL_SESSION_IDLE_S 3600
#define PORTAL_SESSION_LIFE_S 43200
#define PORTAL_SESSION_TOUCH_S 60 /* so exact is the time of the last request */

#define PORTAL_COOKIE_NAME "onboard_session"
#define PORTAL_COOKIE_TEXT 44 /* base64url of 32 bytes, with NUL */
#define PORTAL_CSRF_TEXT 44

struct portal_session {
	struct store_user user; /* as it is now; portal_session_done() */
	struct store_session row;
};

void portal_session_done(struct portal_session *s);

/* The one cookie of that name in a Cookie header: CORE_REJECTED when there is none or more than one
 * (somebody put one beside ours), or when it cannot be ours. */
enum core_verdict portal_cookie_find(const char *header, char ret[static PORTAL_COOKIE_TEXT]);

/* For a user whose password was found right; inside of a write transaction. */
int portal_session_start(struct service_store *store, const char *user, int64_t now_s,
			 char ret_cookie[static PORTAL_COOKIE_TEXT]) _must_check_;
/* CORE_OK, CORE_REJECTED, CORE_FAILED (logged). */
enum core_verdict portal_session_find(struct service_store *store, const char *cookie,
				      int64_t now_s, struct portal_session *ret);
/* The same by what the store keeps of a cookie. */
enum core_verdict portal_session_of(struct service_store *store, const uint8_t hash[static 32],
				    int64_t now_s, struct portal_session *ret);
/* Somebody is there: puts the end off. */
int portal_session_touch(struct service_store *store, struct portal_session *s,
			 int64_t now_s) _must_check_;
/* One that is not there is as good as ended. */
int portal_session_end(struct service_store *store, const char *cookie) _must_check_;

void portal_csrf_make(const char *cookie, char ret[static PORTAL_CSRF_TEXT]);
/* Constant time. text NULL is no token. */
bool portal_csrf_is_right(const char *cookie, const char *text);
