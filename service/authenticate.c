/* SPDX-License-Identifier: Apache-2.0 */

/* Who a device is: JSON web tokens, verified against the key that is registered for the device they
 * name and with nothing else (docs/protocol.md §2.2, §8.1). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "proto/jwt.h"
#include "service/core_private.h"
#include "service/crypto.h"
#include "service/rules.h"

/* Devices make tokens for five minutes (provisioning) up to seven days (cloud). */
#define LIFETIME_MAX_S 604800
/* How stale "last seen" may be: an idle poll should not cost a write. */
#define SEEN_PRECISION_S 60

static bool times_are_valid(const struct core *c, const struct jwt *jwt, const char **ret_why)
{
	int64_t now = clock_wall_s(), skew = c->clock_skew_s;

	*ret_why = "expired";
	if (!jwt->has_exp || jwt->exp < now - skew)
		return false;
	*ret_why = "lifetime";
	if (jwt->exp > now + skew + LIFETIME_MAX_S)
		return false;
	if (!jwt->has_iat)
		return true;
	/* exp is bounded by now; the differences cannot overflow. */
	if (jwt->iat >= jwt->exp || jwt->iat < jwt->exp - LIFETIME_MAX_S)
		return false;
	*ret_why = "from the future";
	return jwt->iat <= now + skew;
}

static enum core_verdict refuse(const char *device, const char *what, const char *why)
{
	log_debug("device=%s %s=refused why=\"%s\"", device, what, why);
	return CORE_REJECTED;
}

static bool is_signed_by(const struct jwt *jwt, const uint8_t spki[static CRYPTO_SPKI_LEN])
{
	return crypto_verify(spki, jwt->signed_data, jwt->signed_len, jwt->signature) == 0;
}

/* Who holds the key may know that it is the clock, and nobody else. */
static const char *clock_word(const struct core *c, const struct jwt *jwt)
{
	int64_t now = clock_wall_s();

	if (!jwt->has_exp || (jwt->has_iat && jwt->iat >= jwt->exp))
		return NULL; /* no clock makes such a token */
	if (jwt->exp < now - c->clock_skew_s)
		return "clock: the token has expired";
	return jwt->has_iat && jwt->iat > now + c->clock_skew_s
		       ? "clock: the token is from the future"
		       : NULL;
}

/* CORE_OK or CORE_REJECTED; CORE_FAILED. */
static enum core_verdict verify(const struct core *c, const struct jwt *jwt,
				struct core_caller *who, const char *what,
				const uint8_t spki[static CRYPTO_SPKI_LEN])
{
	const char *device = who->device, *why;
	int r;

	r = crypto_verify(spki, jwt->signed_data, jwt->signed_len, jwt->signature);
	if (r < 0)
		return core_fail(r, "cannot verify a token", device);
	if (r > 0)
		return refuse(device, what, "signature");
	if (!times_are_valid(c, jwt, &why)) {
		who->clock = clock_word(c, jwt);
		return refuse(device, what, why);
	}
	return CORE_OK;
}

static enum core_verdict token_read(const char *text, size_t len, struct jwt *ret)
{
	int r;

	r = jwt_parse(text, len, ret);
	if (r < 0)
		return core_fail(r, "cannot read a token", "?");
	return r == 0 ? CORE_OK : refuse("?", "token", "syntax");
}

enum seen {
	SEEN_PROVISIONING,
	SEEN_CLOUD,
	SEEN_CLOUD_BEFORE, /* with the key before the current one */
};

/* A token that names itself is good until it ends, for the address that showed it first: stock
 * devices show one token for all of a run, after a new handshake too, and a request may come twice.
 * What is remembered is no more than a digest, and for which device. */
static int token_is_fresh(struct core *c, const struct core_caller *who, const struct jwt *jwt,
			  bool *ret)
{
	char text[CORE_UUID_TEXT + sizeof(jwt->jti)], first[STORE_ADDRESS_TEXT];
	uint8_t digest[32];
	int n, r;

	*ret = true;
	if (!jwt->jti[0])
		return 0;
	n = snprintf(text, sizeof(text), "%s %s", who->device, jwt->jti);
	crypto_sha256(text, (size_t)n, digest);
	r = c->store->ops->token_note(c->store, digest, jwt->exp + c->clock_skew_s, who->address,
				      first);
	if (r == STORE_E_EXISTS) {
		*ret = strcmp(first, who->address) == 0;
		return 0;
	}
	return r;
}

static int events_add(struct core *c, const struct core_caller *who, const struct store_device *row,
		      enum seen as, bool is_news)
{
	int r = 0;

	if (is_news)
		r = core_event(c, row->team, row->uuid, "authenticated", who->trace, NULL);
	if (r == 0 && as == SEEN_CLOUD && row->cloud_seen_at == 0) {
		metrics_add(c->metrics, METRICS_VALIDATED);
		r = core_event(c, row->team, row->uuid, "validated", who->trace, NULL);
	}
	return r;
}

/* The row of a claimed device, as it is after it proved itself. */
static int row_update(struct core *c, const struct core_caller *who, struct store_device *row,
		      enum seen as)
{
	int64_t now = clock_wall_s();
	bool is_news = now - row->seen_at >= SEEN_PRECISION_S;
	int r;

	memcpy(row->trace, who->trace, sizeof(row->trace));
	if (as == SEEN_PROVISIONING) {
		r = rules_apply(c, row);
		if (r < 0)
			return r;
	}
	r = events_add(c, who, row, as, is_news);
	if (r < 0)
		return r;
	if (is_news)
		row->seen_at = now;
	if (as == SEEN_CLOUD) {
		if (now - row->cloud_seen_at >= SEEN_PRECISION_S)
			row->cloud_seen_at = now;
		row->has_cloud_key_before = false;
	}
	r = c->store->ops->device_update(c->store, row);
	return r > 0 ? -ENOENT : r;
}

static int seen_run(struct core *c, const struct core_caller *who, const struct jwt *jwt,
		    enum seen as, enum core_verdict *ret)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	bool is_fresh;
	int r;

	r = store_txn_begin(&t, c->store, STORE_WRITE_RELAXED, who->device);
	if (r < 0)
		return r;
	r = token_is_fresh(c, who, jwt, &is_fresh);
	if (r != 0)
		return r;
	if (!is_fresh) {
		log_notice("device=%s trace=%s token=replayed address=%s", who->device,
			   TRACE_OR_NONE(who->trace), who->address);
		metrics_add(c->metrics, METRICS_REPLAYED);
		*ret = CORE_REJECTED;
		return 0;
	}
	r = c->store->ops->device_get(c->store, who->device, &row);
	if (r < 0)
		return r;
	if (r > 0) {
		*ret = CORE_UNCLAIMED;
	} else if (row.blocked_at) {
		*ret = CORE_REJECTED;
	} else {
		*ret = CORE_OK;
		r = row_update(c, who, &row, as);
		if (r < 0)
			return r;
	}
	return store_txn_commit(&t);
}

/* What the store has to say of a device whose token verified. */
static enum core_verdict seen(struct core *c, struct core_caller *who, const struct jwt *jwt,
			      enum seen as)
{
	enum core_verdict verdict;
	int r;

	verdict = limits_request(c->limits, who);
	if (verdict != CORE_OK)
		return verdict;
	(void)jwt_trace(jwt->jti, who->trace);
	r = seen_run(c, who, jwt, as, &verdict);
	return r < 0 ? core_fail(r, "cannot note an authentication", who->device) : verdict;
}

/* Only a proof puts a name to a session, and a failed one counts against its address. */
static enum core_verdict settle(struct core *c, struct core_caller *who, enum core_verdict verdict)
{
	if (verdict == CORE_REJECTED)
		limits_failed(c->limits, who);
	if (verdict != CORE_OK && verdict != CORE_UNCLAIMED)
		who->device[0] = who->trace[0] = '\0';
	return verdict;
}

/* Where makers vouch for devices, the first to hear of one is its owner, who claims it: until then
 * it is as good as genuine, so that it shows its claim token and asks again. It gets nothing for
 * that. */
static enum core_verdict unknown_device(const struct core *c, const struct jwt *jwt,
					struct core_caller *who)
{
	const char *why;

	if (!c->makers)
		return refuse(who->device, "auth", "unknown device");
	if (!times_are_valid(c, jwt, &why))
		return refuse(who->device, "auth", why);
	log_debug("device=%s auth=unknown", who->device);
	(void)jwt_trace(jwt->jti, who->trace);
	return CORE_UNCLAIMED;
}

static enum core_verdict authenticate(struct core *c, struct core_caller *who, const char *text,
				      size_t len)
{
	struct store_identity identity;
	enum core_verdict verdict;
	uint8_t uuid[UUID_LEN];
	struct jwt jwt;
	int r;

	verdict = token_read(text, len, &jwt);
	if (verdict != CORE_OK)
		return verdict;
	if (jwt_iss_uuid(jwt.iss, uuid) < 0)
		return refuse("?", "auth", "iss is not <hardware>.<uuid>");
	uuid_format(uuid, who->device);
	verdict = limits_attempt(c->limits, who);
	if (verdict != CORE_OK)
		return verdict;
	r = c->store->ops->identity_get(c->store, who->device, &identity);
	if (r < 0)
		return core_fail(r, "cannot read an identity", who->device);
	if (r == STORE_E_NOT_FOUND)
		return unknown_device(c, &jwt, who);
	verdict = verify(c, &jwt, who, "auth", identity.spki);
	if (verdict != CORE_OK)
		return verdict;
	verdict = seen(c, who, &jwt, SEEN_PROVISIONING);
	log_debug("device=%s trace=%s auth=%d", who->device, TRACE_OR_NONE(who->trace),
		  (int)verdict);
	return verdict;
}

enum core_verdict core_authenticate(struct core *c, struct core_caller *who, const char *jwt,
				    size_t len)
{
	who->device[0] = who->trace[0] = '\0';
	return settle(c, who, authenticate(c, who, jwt, len));
}

/* sub names the device; without it iss does. */
static int cloud_device(const struct jwt *jwt, char ret[static CORE_UUID_TEXT])
{
	uint8_t uuid[UUID_LEN];
	int r;

	if (jwt->sub[0])
		return core_uuid_normal(jwt->sub, ret);
	r = jwt_iss_uuid(jwt->iss, uuid);
	if (r < 0)
		return r;
	uuid_format(uuid, ret);
	return 0;
}

/* Which of the device's keys signed. */
static enum core_verdict cloud_verify(const struct core *c, const struct store_device *row,
				      const struct jwt *jwt, struct core_caller *who,
				      enum seen *ret)
{
	if (!row->has_cloud_key && !row->has_cloud_key_before)
		return refuse(row->uuid, "cloud_auth", "no key is registered");
	*ret = row->has_cloud_key_before && is_signed_by(jwt, row->cloud_key_before)
		       ? SEEN_CLOUD_BEFORE
		       : SEEN_CLOUD;
	return verify(c, jwt, who, "cloud_auth",
		      *ret == SEEN_CLOUD_BEFORE || !row->has_cloud_key ? row->cloud_key_before
								       : row->cloud_key);
}

static enum core_verdict authenticate_cloud(struct core *c, struct core_caller *who,
					    const char *text, size_t len)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	enum core_verdict verdict;
	enum seen as = SEEN_CLOUD;
	struct jwt jwt;
	int r;

	verdict = token_read(text, len, &jwt);
	if (verdict != CORE_OK)
		return verdict;
	if (cloud_device(&jwt, who->device) < 0)
		return refuse("?", "cloud_auth", "neither sub nor iss names a device");
	verdict = limits_attempt(c->limits, who);
	if (verdict != CORE_OK)
		return verdict;
	r = c->store->ops->device_get(c->store, who->device, &row);
	if (r < 0)
		return core_fail(r, "cannot read a device", who->device);
	if (r == STORE_E_NOT_FOUND)
		return refuse(who->device, "cloud_auth", "not claimed");
	verdict = cloud_verify(c, &row, &jwt, who, &as);
	if (verdict != CORE_OK)
		return verdict;
	verdict = seen(c, who, &jwt, as);
	if (verdict == CORE_UNCLAIMED)
		return refuse(who->device, "cloud_auth", "not claimed");
	if (verdict == CORE_OK)
		log_info("device=%s trace=%s cloud_auth=accepted key=%s", who->device,
			 TRACE_OR_NONE(who->trace), as == SEEN_CLOUD_BEFORE ? "before" : "current");
	return verdict;
}

enum core_verdict core_authenticate_cloud(struct core *c, struct core_caller *who, const char *jwt,
					  size_t len)
{
	who->device[0] = who->trace[0] = '\0';
	return settle(c, who, authenticate_cloud(c, who, jwt, len));
}
