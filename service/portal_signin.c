/* SPDX-License-Identifier: Apache-2.0 */

/* /v1/session: signing in, who one is, signing out. A password is checked on a thread; what comes
 * out of it counts only if the user still has that password when it is back. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "service/apikey.h"
#include "service/core_private.h"
#include "service/password.h"
#include "service/portal_private.h"

#define BUSY_RETRY_S 5

/* One that is being checked. */
struct signing_in {
	struct portal *portal;
	struct exchange *exchange;
	struct password_job *job; /* NULL once it is back */
	char name[CORE_NAME_MAX + 1], address[CORE_ADDRESS_TEXT];
	/* that it was checked against; empty: no such user */
	char id[STORE_UUID_TEXT], team[STORE_UUID_TEXT], stored[STORE_PASSWORD_TEXT];
	char old_cookie[PORTAL_COOKIE_TEXT]; /* of the session that this one takes over from */
	bool is_https;
};

static void signing_in_free(void *p)
{
	struct signing_in *s = p;

	if (s->job)
		password_job_abandon(s->job);
	secret_wipe(s, sizeof(*s));
	free(s);
}

/* ---- answers ---- */

static unsigned int no_memory(struct answer *ret)
{
	return core_problem(500, &ret->json, "no memory");
}

static bool set_cookie(struct answer *a, const char *cookie, bool is_https)
{
	return answer_header(a, "Set-Cookie",
			     PORTAL_COOKIE_NAME "=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
			     cookie, *cookie ? "" : "; Max-Age=0", is_https ? "; Secure" : "");
}

static unsigned int describe(struct portal *p, const struct store_user *user, const char *cookie,
			     json_t **ret)
{
	_cleanup_(store_team_done) struct store_team team = {.name = NULL};
	char token[PORTAL_CSRF_TEXT];
	int r;

	r = p->config.store->ops->team_get(p->config.store, user->team, &team);
	if (r != 0)
		return core_fail_http(r < 0 ? r : -ENOENT, "cannot read a user's team", ret);
	portal_csrf_make(cookie, token);
	*ret = json_pack("{s:{s:s, s:o, s:s}, s:{s:s, s:o}, s:s}", "user", "id", user->id, "name",
			 core_json_text(user->name), "role", user->role, "team", "tenantId",
			 user->team, "name", core_json_text(team.name), "csrfToken", token);
	secret_wipe(token, sizeof(token));
	return *ret ? 0 : core_fail_http(-ENOMEM, "cannot answer", ret);
}

/* The same words whoever it was. */
static unsigned int refuse(struct answer *ret)
{
	return core_problem(401, &ret->json, "the user or the password is wrong");
}

static unsigned int try_later(struct answer *ret, unsigned int status, unsigned int after_s,
			      const char *why)
{
	if (!answer_header(ret, "Retry-After", "%u", after_s))
		return no_memory(ret);
	return core_problem(status, &ret->json, "%s: try again in %u seconds", why, after_s);
}

/* ---- once the password is known to be right ---- */

static int end_old(struct portal *p, const char *cookie)
{
	struct portal_session old = {.user = {.name = NULL}};
	int r;

	if (!*cookie ||
	    portal_session_find(p->config.store, cookie, clock_wall_s(), &old) != CORE_OK)
		return 0;
	portal_hub_end_session(p->hub, old.row.hash);
	portal_session_done(&old);
	r = portal_session_end(p->config.store, cookie);
	return r;
}

/* 0, -errno, or 1: the user or the password changed meanwhile. */
static int start_session(struct signing_in *s, const char *new_hash, struct store_user *ret_user,
			 char ret_cookie[static PORTAL_COOKIE_TEXT])
{
	struct service_store *store = s->portal->config.store;
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	struct core_owner owner = {.team = ""};
	struct portal_session session = {.user = {.name = NULL}};
	int r;

	/* Whoever changes a user has its team: in here it stays as it is. */
	r = store_txn_begin(&t, store, STORE_WRITE, s->team);
	if (r == 0)
		r = store->ops->user_get(store, s->id, ret_user);
	if (r != 0)
		return r;
	if (strcmp(ret_user->password, s->stored) != 0 || strcmp(ret_user->team, s->team) != 0)
		return 1;
	if (new_hash) {
		snprintf(ret_user->password, sizeof(ret_user->password), "%s", new_hash);
		r = store->ops->user_update(store, ret_user);
	}
	if (r == 0)
		r = end_old(s->portal, s->old_cookie);
	if (r == 0)
		r = portal_session_start(store, ret_user->id, clock_wall_s(), ret_cookie);
	if (r == 0) {
		session.user = *ret_user;
		portal_owner_of(&session, &owner);
		snprintf(owner.address, sizeof(owner.address), "%s", s->address);
		r = core_audit(s->portal->config.core, &owner, "session.create", ret_user->id,
			       NULL);
	}
	return r == 0 ? store_txn_commit(&t) : r;
}

static unsigned int let_in(struct signing_in *s, const char *new_hash, struct answer *ret)
{
	_cleanup_(store_user_done) struct store_user user = {.name = NULL};
	char cookie[PORTAL_COOKIE_TEXT];
	unsigned int status;
	int r;

	r = start_session(s, new_hash, &user, cookie);
	if (r > 0)
		return refuse(ret);
	if (r < 0)
		return core_fail_http(r, "cannot sign a user in", &ret->json);
	portal_limit_return(s->portal->limit, s->name, s->address, clock_ms());
	log_info("sign-in=accepted user=%s address=%s", s->id, s->address);
	status = describe(s->portal, &user, cookie, &ret->json);
	if (!status && !set_cookie(ret, cookie, s->is_https))
		status = no_memory(ret);
	secret_wipe(cookie, sizeof(cookie));
	return status ? status : 201;
}

static void on_checked(void *userdata, const struct password_result *result)
{
	struct signing_in *s = userdata;
	struct answer a = {.json = NULL};
	unsigned int status;

	s->job = NULL;
	if (result->error == -ENOMEM || result->error == -EAGAIN) {
		status = try_later(&a, 503, BUSY_RETRY_S, "too busy to check a password");
	} else if (result->error < 0) {
		status = core_fail_http(result->error, "cannot check a password", &a.json);
	} else if (!result->is_right) {
		log_warning("sign-in=refused user=%s address=%s", *s->id ? s->id : "-", s->address);
		status = refuse(&a);
	} else {
		status = let_in(s, result->hash, &a);
	}
	exchange_answer(s->exchange, status, &a);
}

/* ---- POST ---- */

/* 0, or the status of the problem in ret. */
static unsigned int read_body(const json_t *body, const char **ret_name, const char **ret_password,
			      size_t *ret_len, struct answer *ret)
{
	const json_t *name = json_object_get(body, "user");
	const json_t *password = json_object_get(body, "password");

	if (!json_is_string(name) || !json_is_string(password) || json_object_size(body) != 2)
		return core_problem(422, &ret->json, "the body has \"user\" and \"password\"");
	*ret_name = json_string_value(name);
	*ret_password = json_string_value(password);
	*ret_len = json_string_length(password);
	/* Neither can be anybody's, and needs no work to be refused. */
	if (!apikey_name_is_valid(*ret_name) || strlen(*ret_name) != json_string_length(name) ||
	    *ret_len == 0 || *ret_len > PASSWORD_MAX)
		return refuse(ret);
	return 0;
}

static int find_stored(struct portal *p, struct signing_in *s)
{
	_cleanup_(store_user_done) struct store_user user = {.name = NULL};
	int r;

	r = p->config.store->ops->user_find(p->config.store, s->name, &user);
	if (r == 0) {
		memcpy(s->id, user.id, sizeof(s->id));
		memcpy(s->team, user.team, sizeof(s->team));
		memcpy(s->stored, user.password, sizeof(s->stored));
	}
	return r < 0 ? r : 0;
}

static unsigned int start_check(struct signing_in *s, const char *password, size_t len,
				struct answer *ret)
{
	int r;

	r = find_stored(s->portal, s);
	if (r == 0)
		r = password_jobs_verify(s->portal->jobs, *s->stored ? s->stored : NULL, password,
					 len, on_checked, s, &s->job);
	if (r == -EAGAIN)
		return try_later(ret, 503, BUSY_RETRY_S, "too many sign in at the same time");
	if (r < 0)
		return core_fail_http(r, "cannot check a password", &ret->json);
	exchange_later(s->exchange, &(struct exchange_job){.data = s, .free = signing_in_free});
	return EXCHANGE_LATER;
}

static unsigned int check_limit(struct portal *p, const char *name, const char *address,
				struct answer *ret)
{
	unsigned int after_s = portal_limit_take(p->limit, name, address, clock_ms());

	if (!after_s)
		return 0;
	return try_later(ret, 429, after_s, "too many wrong passwords for this user or from here");
}

unsigned int portal_session_create(const struct router_call *call, struct answer *ret)
{
	struct portal *p = call->portal;
	const char *name = NULL, *password = NULL,
		   *cookies = exchange_header(call->exchange, "Cookie");
	struct signing_in *s;
	unsigned int status;
	size_t len = 0;
	bool is_https;

	/* An Authorization header gets by the check of all requests, but not by this one. */
	status = portal_is_there(call, ret);
	if (!status)
		status = portal_check(p, call->exchange, &is_https, ret);
	if (!status)
		status = read_body(call->body, &name, &password, &len, ret);
	if (!status)
		status = check_limit(p, name, call->owner->address, ret);
	if (status)
		return status;
	s = calloc(1, sizeof(*s));
	if (!s)
		return no_memory(ret);
	*s = (struct signing_in){.portal = p, .exchange = call->exchange, .is_https = is_https};
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->address, sizeof(s->address), "%s", call->owner->address);
	if (cookies)
		(void)portal_cookie_find(cookies, s->old_cookie); /* empty when there is none */
	status = start_check(s, password, len, ret);
	if (status != EXCHANGE_LATER)
		signing_in_free(s);
	return status;
}

/* ---- GET, DELETE ---- */

unsigned int portal_session_get(const struct router_call *call, struct answer *ret)
{
	_cleanup_(portal_session_done) struct portal_session s = {.user = {.name = NULL}};
	char cookie[PORTAL_COOKIE_TEXT] = "";
	enum core_verdict verdict;
	unsigned int status;
	bool is_https;

	status = portal_is_there(call, ret);
	if (!status)
		status = portal_check(call->portal, call->exchange, &is_https, ret);
	if (status)
		return status;
	verdict = portal_who(call->portal, call->exchange, cookie, &s);
	if (verdict == CORE_FAILED)
		return core_problem(500, &ret->json, "the session cannot be checked now");
	if (verdict != CORE_OK)
		return core_problem(401, &ret->json, "nobody is signed in");
	status = describe(call->portal, &s.user, cookie, &ret->json);
	secret_wipe(cookie, sizeof(cookie));
	return status ? status : 200;
}

static int end_session(struct portal *p, const struct portal_session *s, const char *cookie,
		       const char *address)
{
	struct service_store *store = p->config.store;
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	struct core_owner owner = {.team = ""};
	int r;

	portal_owner_of(s, &owner);
	snprintf(owner.address, sizeof(owner.address), "%s", address);
	r = store_txn_begin(&t, store, STORE_WRITE, s->user.team);
	if (r == 0)
		r = portal_session_end(store, cookie);
	if (r == 0)
		r = core_audit(p->config.core, &owner, "session.delete", s->user.id, NULL);
	if (r == 0)
		r = store_txn_commit(&t);
	if (r == 0)
		portal_hub_end_session(p->hub, s->row.hash);
	return r;
}

unsigned int portal_session_delete(const struct router_call *call, struct answer *ret)
{
	_cleanup_(portal_session_done) struct portal_session s = {.user = {.name = NULL}};
	char cookie[PORTAL_COOKIE_TEXT] = "";
	enum core_verdict verdict;
	unsigned int status;
	bool is_https;
	int r = 0;

	status = portal_is_there(call, ret);
	if (!status)
		status = portal_check(call->portal, call->exchange, &is_https, ret);
	if (status)
		return status;
	verdict = portal_who(call->portal, call->exchange, cookie, &s);
	if (verdict == CORE_FAILED)
		return core_problem(500, &ret->json, "the session cannot be checked now");
	if (verdict == CORE_OK) {
		status = portal_check_token(call->exchange, cookie, ret);
		if (status)
			return status;
		r = end_session(call->portal, &s, cookie, call->owner->address);
	}
	secret_wipe(cookie, sizeof(cookie));
	if (r < 0)
		return core_fail_http(r, "cannot sign a user out", &ret->json);
	/* Nobody is signed in: that is what was asked for. */
	return set_cookie(ret, "", is_https) ? 204 : no_memory(ret);
}
