/* SPDX-License-Identifier: Apache-2.0 */

/* Who a device is: JSON web tokens, verified against the key that is registered for the device they
 * name and with nothing else (docs/protocol.md §2.2, §8.1). */

#include <errno.h>
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

/* CORE_OK or CORE_REJECTED; CORE_FAILED. */
static enum core_verdict verify(const struct core *c, const struct jwt *jwt, const char *device,
				const char *what, const uint8_t spki[static CRYPTO_SPKI_LEN])
{
	const char *why;
	int r;

	r = crypto_verify(spki, jwt->signed_data, jwt->signed_len, jwt->signature);
	if (r < 0)
		return core_fail(r, "cannot verify a token", device);
	if (r > 0)
		return refuse(device, what, "signature");
	if (!times_are_valid(c, jwt, &why))
		return refuse(device, what, why);
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

/* Nothing but the claimed device's row is written, and only when there is news. */
static int device_seen(struct core *c, const char *uuid, enum seen as, bool *ret_claimed)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	struct service_store *s = c->store;
	int64_t now = clock_wall_s();
	bool pending = false;
	int r;

	*ret_claimed = false;
	r = s->ops->device_get(s, uuid, &row);
	if (r != 0)
		return r < 0 ? r : 0;
	*ret_claimed = true;
	if (as == SEEN_PROVISIONING) {
		r = rules_pending(c, &row, &pending);
		if (r < 0)
			return r;
	}
	if (!pending && now - row.seen_at < SEEN_PRECISION_S &&
	    (as != SEEN_CLOUD ||
	     (now - row.cloud_seen_at < SEEN_PRECISION_S && !row.has_cloud_key_before)))
		return 0;

	store_device_done(&row);
	r = store_txn_begin(&t, s, STORE_WRITE, uuid);
	if (r < 0)
		return r;
	r = s->ops->device_get(s, uuid, &row);
	if (r != 0) {
		*ret_claimed = false;
		return r < 0 ? r : 0;
	}
	if (as == SEEN_PROVISIONING) {
		r = rules_apply(c, &row);
		if (r < 0)
			return r;
	}
	row.seen_at = now;
	if (as == SEEN_CLOUD) {
		row.cloud_seen_at = now;
		row.has_cloud_key_before = false;
	}
	r = s->ops->device_update(s, &row);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	return store_txn_commit(&t);
}

/* Where makers vouch for devices, the first to hear of one is its owner, who claims it: until then
 * it is as good as genuine, so that it shows its claim token and asks again. It gets nothing for
 * that. */
static enum core_verdict unknown_device(const struct core *c, const struct jwt *jwt,
					const char *device)
{
	const char *why;

	if (!c->makers)
		return refuse(device, "auth", "unknown device");
	if (!times_are_valid(c, jwt, &why))
		return refuse(device, "auth", why);
	log_debug("device=%s auth=unknown", device);
	return CORE_UNCLAIMED;
}

enum core_verdict core_authenticate(struct core *c, const char *text, size_t len,
				    char device[static CORE_UUID_TEXT])
{
	struct store_identity identity;
	enum core_verdict verdict;
	uint8_t uuid[UUID_LEN];
	struct jwt jwt;
	bool claimed;
	int r;

	verdict = token_read(text, len, &jwt);
	if (verdict != CORE_OK)
		return verdict;
	if (jwt_iss_uuid(jwt.iss, uuid) < 0)
		return refuse("?", "auth", "iss is not <hardware>.<uuid>");
	uuid_format(uuid, device);
	r = c->store->ops->identity_get(c->store, device, &identity);
	if (r < 0)
		return core_fail(r, "cannot read an identity", device);
	if (r == STORE_E_NOT_FOUND)
		return unknown_device(c, &jwt, device);
	verdict = verify(c, &jwt, device, "auth", identity.spki);
	if (verdict != CORE_OK)
		return verdict;
	r = device_seen(c, device, SEEN_PROVISIONING, &claimed);
	if (r < 0)
		return core_fail(r, "cannot note an authentication", device);
	log_debug("device=%s auth=%s", device, claimed ? "accepted" : "unclaimed");
	return claimed ? CORE_OK : CORE_UNCLAIMED;
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

enum core_verdict core_authenticate_cloud(struct core *c, const char *text, size_t len,
					  char device[static CORE_UUID_TEXT])
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	enum seen as = SEEN_CLOUD;
	enum core_verdict verdict;
	struct jwt jwt;
	bool claimed;
	int r;

	verdict = token_read(text, len, &jwt);
	if (verdict != CORE_OK)
		return verdict;
	if (cloud_device(&jwt, device) < 0)
		return refuse("?", "cloud_auth", "neither sub nor iss names a device");
	r = c->store->ops->device_get(c->store, device, &row);
	if (r < 0)
		return core_fail(r, "cannot read a device", device);
	if (r == STORE_E_NOT_FOUND)
		return refuse(device, "cloud_auth", "not claimed");
	if (!row.has_cloud_key && !row.has_cloud_key_before)
		return refuse(device, "cloud_auth", "no key is registered");
	if (row.has_cloud_key_before && is_signed_by(&jwt, row.cloud_key_before))
		as = SEEN_CLOUD_BEFORE;
	verdict = verify(c, &jwt, device, "cloud_auth",
			 as == SEEN_CLOUD_BEFORE || !row.has_cloud_key ? row.cloud_key_before
								       : row.cloud_key);
	if (verdict != CORE_OK)
		return verdict;
	r = device_seen(c, device, as, &claimed);
	if (r < 0)
		return core_fail(r, "cannot note an authentication", device);
	if (!claimed)
		return refuse(device, "cloud_auth", "not claimed");
	log_info("device=%s cloud_auth=accepted key=%s", device,
		 as == SEEN_CLOUD_BEFORE ? "before" : "current");
	return CORE_OK;
}
