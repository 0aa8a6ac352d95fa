/* SPDX-License-Identifier: Apache-2.0 */
#include "service/portal_session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "service/crypto.h"

#define COOKIE_BYTES 32
#define CSRF_PURPOSE "onboard-service portal csrf 1"

void portal_session_done(struct portal_session *s)
{
	store_user_done(&s->user);
}

enum core_verdict portal_cookie_find(const char *header, char ret[static PORTAL_COOKIE_TEXT])
{
	static const char name[] = PORTAL_COOKIE_NAME "=";
	const char *found = NULL;

	/* RFC 6265 §4.2.1: pairs, each behind "; ". */
	for (const char *p = header; *p;) {
		p += strspn(p, " \t;");
		if (strncmp(p, name, strlen(name)) == 0) {
			if (found)
				return CORE_REJECTED;
			found = p + strlen(name);
		}
		p += strcspn(p, ";");
	}
	if (!found || strcspn(found, "; \t") != PORTAL_COOKIE_TEXT - 1)
		return CORE_REJECTED;
	memcpy(ret, found, PORTAL_COOKIE_TEXT - 1);
	ret[PORTAL_COOKIE_TEXT - 1] = '\0';
	return CORE_OK;
}

static int cookie_read(const char *cookie, uint8_t ret[static COOKIE_BYTES])
{
	uint8_t bytes[PORTAL_COOKIE_TEXT];
	size_t len;

	if (strlen(cookie) != PORTAL_COOKIE_TEXT - 1 ||
	    base64url_decode(cookie, PORTAL_COOKIE_TEXT - 1, bytes, &len) < 0 ||
	    len != COOKIE_BYTES)
		return -EINVAL;
	memcpy(ret, bytes, COOKIE_BYTES);
	secret_wipe(bytes, sizeof(bytes));
	return 0;
}

static int cookie_hash(const char *cookie, uint8_t ret[static 32])
{
	uint8_t bytes[COOKIE_BYTES];
	int r;

	r = cookie_read(cookie, bytes);
	if (r < 0)
		return r;
	crypto_sha256(bytes, sizeof(bytes), ret);
	secret_wipe(bytes, sizeof(bytes));
	return 0;
}

static int64_t session_end(const struct store_session *row)
{
	return MIN(row->created_at + PORTAL_SESSION_LIFE_S, row->seen_at + PORTAL_SESSION_IDLE_S);
}

int portal_session_start(struct service_store *store, const char *user, int64_t now_s,
			 char ret_cookie[static PORTAL_COOKIE_TEXT])
{
	struct store_session row = {.created_at = now_s, .seen_at = now_s};
	uint8_t bytes[COOKIE_BYTES];
	int r;

	random_fill(bytes, sizeof(bytes));
	crypto_sha256(bytes, sizeof(bytes), row.hash);
	snprintf(row.user, sizeof(row.user), "%s", user);
	row.until = session_end(&row);
	r = store->ops->session_prune(store, now_s, NULL);
	if (r == 0)
		r = store->ops->session_add(store, &row);
	if (r == 0)
		base64url_encode(bytes, sizeof(bytes), ret_cookie);
	secret_wipe(bytes, sizeof(bytes));
	return r > 0 ? -EEXIST : r;
}

static enum core_verdict look_up(struct service_store *store, const uint8_t hash[static 32],
				 int64_t now_s, struct portal_session *ret)
{
	int r;

	/* The index is searched by hash: its timing says nothing that helps to find the cookie. */
	r = store->ops->session_find(store, hash, &ret->row);
	if (r == STORE_E_NOT_FOUND)
		return CORE_REJECTED;
	/* A clock that was set back must not make a session older than it is young. */
	if (r == 0 && (now_s >= session_end(&ret->row) ||
		       now_s < ret->row.created_at - PORTAL_SESSION_LIFE_S))
		return CORE_REJECTED;
	if (r == 0)
		r = store->ops->user_get(store, ret->row.user, &ret->user);
	if (r == STORE_E_NOT_FOUND)
		return CORE_REJECTED;
	if (r < 0)
		log_error("cannot look up a session: %s", strerror(-r));
	return r < 0 ? CORE_FAILED : CORE_OK;
}

enum core_verdict portal_session_of(struct service_store *store, const uint8_t hash[static 32],
				    int64_t now_s, struct portal_session *ret)
{
	struct portal_session s = {.user = {.name = NULL}};
	enum core_verdict verdict = look_up(store, hash, now_s, &s);

	if (verdict != CORE_OK) {
		portal_session_done(&s);
		return verdict;
	}
	*ret = s;
	return CORE_OK;
}

enum core_verdict portal_session_find(struct service_store *store, const char *cookie,
				      int64_t now_s, struct portal_session *ret)
{
	uint8_t hash[32];

	if (cookie_hash(cookie, hash) < 0)
		return CORE_REJECTED;
	return portal_session_of(store, hash, now_s, ret);
}

int portal_session_touch(struct service_store *store, struct portal_session *s, int64_t now_s)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	int r;

	if (now_s - s->row.seen_at < PORTAL_SESSION_TOUCH_S)
		return 0;
	s->row.seen_at = now_s;
	s->row.until = session_end(&s->row);
	r = store_txn_begin(&t, store, STORE_WRITE_RELAXED, s->user.team);
	if (r < 0)
		return r;
	r = store->ops->session_update(store, &s->row);
	if (r != 0)
		return r < 0 ? r : 0; /* ended meanwhile, and stays so */
	return store_txn_commit(&t);
}

int portal_session_end(struct service_store *store, const char *cookie)
{
	uint8_t hash[32];
	int r;

	if (cookie_hash(cookie, hash) < 0)
		return 0;
	r = store->ops->session_delete(store, hash);
	return r < 0 ? r : 0;
}

void portal_csrf_make(const char *cookie, char ret[static PORTAL_CSRF_TEXT])
{
	uint8_t bytes[COOKIE_BYTES] = {0}, mac[32];

	/* A cookie that cannot be read opens no session: what comes out of it guards nothing. */
	if (cookie_read(cookie, bytes) < 0)
		random_fill(bytes, sizeof(bytes));
	crypto_hmac_sha256(bytes, sizeof(bytes), CSRF_PURPOSE, strlen(CSRF_PURPOSE), mac);
	base64url_encode(mac, sizeof(mac), ret);
	secret_wipe(bytes, sizeof(bytes));
}

bool portal_csrf_is_right(const char *cookie, const char *text)
{
	char want[PORTAL_CSRF_TEXT];
	bool is_right;

	portal_csrf_make(cookie, want);
	is_right = text && secret_equal(want, strlen(want), text, strlen(text));
	secret_wipe(want, sizeof(want));
	return is_right;
}
