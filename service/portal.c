/* SPDX-License-Identifier: Apache-2.0 */
#include "service/portal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "service/password.h"
#include "service/portal_assets.h"
#include "service/portal_private.h"

/* Nothing but files of ours, no inline script or style, no frames. A scanned picture is a blob. */
#define PAGE_POLICY                                                                                \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "    \
	"connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "               \
	"frame-ancestors 'none'; media-src 'self' blob:; manifest-src 'self'"
#define PAGE_PERMISSIONS                                                                           \
	"camera=(self), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=()"

/* ---- set-up ---- */

static int keep_urls(struct portal *p, const struct portal_config *config)
{
	p->public_urls = calloc(config->n_public_urls + 1, sizeof(*p->public_urls));
	if (!p->public_urls)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_public_urls; i++) {
		p->public_urls[i] = strdup(config->public_urls[i]);
		if (!p->public_urls[i])
			return -ENOMEM;
	}
	p->config.public_urls = (const char *const *)p->public_urls;
	return 0;
}

/* Told at the start and not when the first page is asked for. */
static int check_urls(const struct portal *p, char **ret_detail)
{
	_cleanup_(portal_hosts_freep) struct portal_hosts *hosts = NULL;
	int r;

	r = portal_hosts_new(p->config.public_urls, p->config.n_public_urls, "127.0.0.1:1", false,
			     &hosts, ret_detail);
	return r > 0 ? PORTAL_E_URL : r;
}

int portal_new(const struct portal_config *config, struct portal **ret, char **ret_detail)
{
	_cleanup_(portal_freep) struct portal *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->config = *config;
	if (p->config.password_log2_n == 0)
		p->config.password_log2_n = PASSWORD_LOG2_N;
	r = keep_urls(p, config);
	if (r == 0)
		r = check_urls(p, ret_detail);
	if (r == 0)
		r = portal_limit_new(&p->limit);
	if (r == 0)
		r = password_jobs_new(config->event, p->config.password_log2_n, &p->jobs);
	if (r == 0)
		r = portal_hub_new(config->event, config->core, config->store, &p->hub);
	if (r == 0)
		*ret = TAKE_PTR(p);
	return r;
}

struct portal *portal_free(struct portal *p)
{
	if (!p)
		return NULL;
	portal_hub_free(p->hub);
	password_jobs_free(p->jobs);
	portal_limit_free(p->limit);
	portal_hosts_free(p->hosts);
	for (char **url = p->public_urls; url && *url; url++)
		free(*url);
	free(p->public_urls);
	free(p);
	return NULL;
}

int portal_listens(struct portal *p, const char *listen, bool has_tls)
{
	_cleanup_(freep) char *detail = NULL;
	struct portal_hosts *hosts = NULL;
	int r;

	r = portal_hosts_new(p->config.public_urls, p->config.n_public_urls, listen, has_tls,
			     &hosts, &detail);
	if (r != 0)
		return r < 0 ? r : -EINVAL;
	portal_hosts_free(p->hosts);
	p->hosts = hosts;
	return 0;
}

const char *portal_public_url(const struct portal *p)
{
	return p->config.n_public_urls > 0 ? p->config.public_urls[0] : NULL;
}

/* ---- whom we let in ---- */

unsigned int portal_is_there(const struct router_call *call, struct answer *ret)
{
	return call->portal ? 0 : core_problem(404, &ret->json, "there is no portal here");
}

unsigned int portal_check(struct portal *p, struct exchange *x, bool *ret_is_https,
			  struct answer *ret)
{
	const struct portal_headers headers = {
		.method = exchange_method(x),
		.host = exchange_header(x, "Host"),
		.origin = exchange_header(x, "Origin"),
		.fetch_site = exchange_header(x, "Sec-Fetch-Site"),
	};
	const char *detail = "the portal is starting";
	unsigned int status = 503;

	if (p->hosts)
		status = portal_gate(p->hosts, &headers, ret_is_https, &detail);
	if (!status)
		return 0;
	return core_problem(status, &ret->json, "%s", detail);
}

static bool is_page(const char *path)
{
	return strcmp(path, "/") == 0 || strncmp(path, "/portal", strlen("/portal")) == 0;
}

/* A page may be reached by a link on another site. */
static unsigned int check_host(struct portal *p, struct exchange *x, struct answer *ret)
{
	const char *detail = "the portal is starting";
	unsigned int status = 503;
	bool is_https;

	if (p->hosts)
		status = portal_gate_host(p->hosts, exchange_header(x, "Host"), &is_https, &detail);
	return status ? core_problem(status, &ret->json, "%s", detail) : 0;
}

unsigned int portal_admit(struct portal *p, struct exchange *x, struct answer *ret)
{
	const char *path = exchange_path(x), *cookies = exchange_header(x, "Cookie");
	bool is_https;

	if (is_page(path))
		return check_host(p, x, ret);
	/* A key does not travel by itself, and where there is one no cookie is looked at. */
	if (exchange_header(x, "Authorization"))
		return 0;
	if (strcmp(path, "/v1/session") == 0 || (cookies && strstr(cookies, PORTAL_COOKIE_NAME)))
		return portal_check(p, x, &is_https, ret);
	return 0;
}

/* ---- who it is ---- */

enum core_verdict portal_who(struct portal *p, struct exchange *x,
			     char ret_cookie[static PORTAL_COOKIE_TEXT], struct portal_session *ret)
{
	const char *header = exchange_header(x, "Cookie");

	if (!header || portal_cookie_find(header, ret_cookie) != CORE_OK)
		return CORE_REJECTED;
	return portal_session_find(p->config.store, ret_cookie, clock_wall_s(), ret);
}

void portal_owner_of(const struct portal_session *s, struct core_owner *ret)
{
	snprintf(ret->team, sizeof(ret->team), "%s", s->user.team);
	snprintf(ret->role, sizeof(ret->role), "%s", s->user.role);
	snprintf(ret->actor, sizeof(ret->actor), "user:%s", s->user.id);
	snprintf(ret->name, sizeof(ret->name), "%s", s->user.name);
}

unsigned int portal_check_token(struct exchange *x, const char *cookie, struct answer *ret)
{
	if (portal_gate_is_safe(exchange_method(x)) ||
	    portal_csrf_is_right(cookie, exchange_header(x, "X-CSRF-Token")))
		return 0;
	return core_problem(403, &ret->json,
			    "X-CSRF-Token is missing or not of this session: read it with GET "
			    "/v1/session");
}

unsigned int portal_identify(struct portal *p, struct exchange *x, struct core_owner *ret_owner,
			     struct answer *ret)
{
	_cleanup_(portal_session_done) struct portal_session s = {.user = {.name = NULL}};
	char cookie[PORTAL_COOKIE_TEXT] = "";
	enum core_verdict verdict;
	unsigned int status;
	int r;

	verdict = portal_who(p, x, cookie, &s);
	if (verdict == CORE_FAILED)
		return core_problem(500, &ret->json, "the session cannot be checked now");
	if (verdict != CORE_OK)
		return core_problem(401, &ret->json,
				    "sign in, or send \"Authorization: Bearer\" with a valid API "
				    "key");
	status = portal_check_token(x, cookie, ret);
	secret_wipe(cookie, sizeof(cookie));
	if (status)
		return status;
	r = portal_session_touch(p->config.store, &s, clock_wall_s());
	if (r < 0)
		log_warning("cannot put off the end of a session: %s, ignoring", strerror(-r));
	portal_owner_of(&s, ret_owner);
	return 0;
}

/* ---- pages ---- */

static bool add_page_headers(struct answer *a, const struct portal_asset *asset)
{
	/* Asked for again each time, and sent only when it changed: an upgrade is seen at once. */
	return answer_header(a, "ETag", "%s", asset->etag) &&
	       answer_header(a, "Cache-Control", "no-cache") &&
	       answer_header(a, "Content-Security-Policy", PAGE_POLICY) &&
	       answer_header(a, "Permissions-Policy", PAGE_PERMISSIONS) &&
	       answer_header(a, "Cross-Origin-Opener-Policy", "same-origin") &&
	       answer_header(a, "Cross-Origin-Resource-Policy", "same-origin");
}

unsigned int portal_file(void *userdata, struct exchange *x, const char *path, struct answer *ret)
{
	const struct portal_asset *asset =
		portal_asset_find(portal_embedded, portal_embedded_len, path);
	const char *known = exchange_header(x, "If-None-Match");

	(void)userdata;
	if (!asset)
		return core_problem(404, &ret->json, "the portal has no such file");
	if (!add_page_headers(ret, asset))
		return core_problem(500, &ret->json, "no memory");
	if (known && portal_etag_matches(known, asset->etag))
		return 304;
	ret->bytes = asset->data;
	ret->len = asset->len;
	ret->type = asset->type;
	return 200;
}

unsigned int portal_redirect(const struct router_call *call, struct answer *ret)
{
	(void)call;
	if (!answer_header(ret, "Location", "/portal/"))
		return core_problem(500, &ret->json, "no memory");
	return 302;
}
