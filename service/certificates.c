/* SPDX-License-Identifier: Apache-2.0 */
#include "service/certificates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"

/* How old a revocation list may be that is handed out: other processes revoke, too. */
#define CRL_CACHE_S 60
/* RFC 5280 §3.3: an entry stays until one list came out behind the certificate's end. */
#define CRL_KEEP_S (2 * CA_CRL_S)

_Static_assert(CRYPTO_SERIAL_TEXT == STORE_SERIAL_TEXT, "one text for one number");

void crl_cache_done(struct crl_cache *cache)
{
	free(cache->der);
	*cache = (struct crl_cache){0};
}

int certificates_issue(struct core *c, const struct store_device *device, uint32_t sec_tag,
		       const uint8_t spki[static CRYPTO_SPKI_LEN], const char *trace,
		       char **ret_pem)
{
	struct store_certificate row = {.sec_tag = sec_tag};
	_cleanup_(freep) char *pem = NULL;
	struct crypto_issued issued;
	struct ca *ca;
	int r;

	r = core_ca(c, &ca);
	if (r < 0)
		return r;
	r = ca_issue(ca, spki, device->uuid, c->crl_url, &issued);
	if (r < 0)
		return r;
	pem = issued.pem;
	memcpy(row.serial, issued.serial, sizeof(row.serial));
	memcpy(row.device, device->uuid, sizeof(row.device));
	memcpy(row.team, device->team, sizeof(row.team));
	row.not_before = issued.not_before;
	row.not_after = issued.not_after;
	r = c->store->ops->certificate_add(c->store, &row);
	if (r != 0)
		return r < 0 ? r : -EEXIST;
	metrics_add(c->metrics, METRICS_CERTIFICATES_ISSUED);
	log_info("device=%s trace=%s certificate=%s issued", device->uuid, TRACE_OR_NONE(trace),
		 row.serial);
	r = core_event(c, device->team, device->uuid, "certificate-issued", trace,
		       json_pack("{s:s}", "serial", row.serial));
	if (r < 0)
		return r;
	*ret_pem = TAKE_PTR(pem);
	return 0;
}

/* --- rows, taken out of a walk during which the store may not be called */

struct rows {
	struct store_certificate *items; /* owned */
	size_t n, size;
};

static void rows_done(struct rows *rows)
{
	free(rows->items);
}

static int rows_push(void *userdata, const struct store_certificate *row)
{
	struct rows *rows = userdata;

	if (rows->n == rows->size) {
		size_t size = rows->size ? rows->size * 2 : 8;
		struct store_certificate *items = reallocarray(rows->items, size, sizeof(*items));

		if (!items)
			return -ENOMEM;
		rows->items = items;
		rows->size = size;
	}
	rows->items[rows->n++] = *row;
	return 0;
}

static int row_revoke(struct core *c, struct store_certificate *row, enum certificate_reason reason)
{
	int r;

	row->revoked_at = clock_wall_s();
	row->reason = reason;
	r = c->store->ops->certificate_update(c->store, row);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	log_notice("device=%s certificate=%s revoked reason=%d", row->device, row->serial,
		   (int)reason);
	crl_cache_done(&c->crl);
	return core_event(c, row->team, row->device, "certificate-revoked", "",
			  json_pack("{s:s}", "serial", row->serial));
}

int certificates_revoke_all(struct core *c, const struct store_device *device,
			    enum certificate_reason reason)
{
	_cleanup_(rows_done) struct rows rows = {NULL, 0, 0};
	int r;

	r = c->store->ops->certificate_each(c->store, device->uuid, rows_push, &rows);
	for (size_t i = 0; r == 0 && i < rows.n; i++)
		if (!rows.items[i].revoked_at)
			r = row_revoke(c, &rows.items[i], reason);
	return r;
}

/* --- owners */

static const struct {
	const char *name;
	enum certificate_reason reason;
} reasons[] = {
	{"unspecified", CERTIFICATE_UNSPECIFIED},
	{"keyCompromise", CERTIFICATE_KEY_COMPROMISE},
	{"affiliationChanged", CERTIFICATE_AFFILIATION_CHANGED},
	{"superseded", CERTIFICATE_SUPERSEDED},
	{"cessationOfOperation", CERTIFICATE_CESSATION_OF_OPERATION},
	{"privilegeWithdrawn", CERTIFICATE_PRIVILEGE_WITHDRAWN},
};

static const char *reason_name(unsigned int reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if ((unsigned int)reasons[i].reason == reason)
			return reasons[i].name;
	return "unspecified";
}

static json_t *certificate_json(const struct store_certificate *row)
{
	json_t *json = json_pack(
		"{s:s, s:I, s:o, s:o, s:s}", "serial", row->serial, "secTag",
		(json_int_t)row->sec_tag, "notBefore", core_json_time(row->not_before), "notAfter",
		core_json_time(row->not_after), "status", row->revoked_at ? "revoked" : "valid");

	if (json && row->revoked_at) {
		(void)json_object_set_new(json, "revokedAt", core_json_time(row->revoked_at));
		(void)json_object_set_new(json, "reason", json_string(reason_name(row->reason)));
	}
	return json;
}

/* Those of the device that it got as one of o's team. */
static unsigned int rows_of(struct core *c, const struct core_owner *o, const char *device,
			    struct rows *rows, json_t **ret)
{
	_cleanup_(store_device_done) struct store_device row = {.tags = NULL};
	unsigned int status;
	size_t n = 0;
	int r;

	status = core_owned_device(c, o, device, &row, ret);
	if (status)
		return status;
	r = c->store->ops->certificate_each(c->store, row.uuid, rows_push, rows);
	if (r < 0)
		return core_fail_http(r, "cannot read certificates", ret);
	for (size_t i = 0; i < rows->n; i++)
		if (strcmp(rows->items[i].team, o->team) == 0)
			rows->items[n++] = rows->items[i];
	rows->n = n;
	return 0;
}

unsigned int core_certificate_list(struct core *c, const struct core_owner *o, const char *device,
				   json_t **ret)
{
	_cleanup_(rows_done) struct rows rows = {NULL, 0, 0};
	json_auto_t *items = json_array();
	unsigned int status;

	status = core_need_read(o, ret);
	if (status == 0)
		status = rows_of(c, o, device, &rows, ret);
	if (status)
		return status;
	for (size_t i = 0; i < rows.n; i++)
		if (json_array_append_new(items, certificate_json(&rows.items[i])) < 0)
			return core_fail_http(-ENOMEM, "cannot list certificates", ret);
	*ret = json_pack("{s:O}", "items", items);
	return 200;
}

static unsigned int reason_read(const json_t *body, enum certificate_reason *ret_reason,
				json_t **ret)
{
	const json_t *value = json_object_get(body, "reason");
	const char *text = json_string_value(value);

	*ret_reason = CERTIFICATE_UNSPECIFIED;
	if (!value)
		return 0;
	for (size_t i = 0; text && i < ARRAY_SIZE(reasons); i++)
		if (strcmp(reasons[i].name, text) == 0) {
			*ret_reason = reasons[i].reason;
			return 0;
		}
	return core_problem(422, ret,
			    "reason must be one of unspecified, keyCompromise, affiliationChanged, "
			    "superseded, cessationOfOperation, privilegeWithdrawn");
}

static struct store_certificate *rows_find(struct rows *rows, const char *serial)
{
	for (size_t i = 0; i < rows->n; i++)
		if (strcasecmp(rows->items[i].serial, serial) == 0)
			return &rows->items[i];
	return NULL;
}

static unsigned int revoke_run(struct core *c, const struct core_owner *o, const char *device,
			       const char *serial, enum certificate_reason reason, json_t **ret)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	_cleanup_(rows_done) struct rows rows = {NULL, 0, 0};
	struct store_certificate *row;
	unsigned int status;
	int r;

	r = store_txn_begin(&t, c->store, STORE_WRITE, device);
	if (r < 0)
		return core_fail_http(r, "cannot revoke a certificate", ret);
	status = rows_of(c, o, device, &rows, ret);
	if (status)
		return status;
	row = rows_find(&rows, serial);
	if (!row)
		return core_problem(404, ret, "device %s has no certificate %.40s", device, serial);
	if (!row->revoked_at) {
		r = row_revoke(c, row, reason);
		if (r == 0)
			r = core_audit(c, o, "certificate.revoke", device,
				       json_pack("{s:s, s:s}", "serial", row->serial, "reason",
						 reason_name(reason)));
		if (r == 0)
			r = store_txn_commit(&t);
		if (r < 0)
			return core_fail_http(r, "cannot revoke a certificate", ret);
	}
	*ret = certificate_json(row);
	return 200;
}

unsigned int core_certificate_revoke(struct core *c, const struct core_owner *o, const char *device,
				     const char *serial, const json_t *body, json_t **ret)
{
	enum certificate_reason reason;
	char uuid[CORE_UUID_TEXT];
	unsigned int status;

	status = core_need_admin(o, ret);
	if (status == 0)
		status = reason_read(body, &reason, ret);
	if (status)
		return status;
	if (core_uuid_normal(device, uuid) < 0)
		return core_problem(404, ret, "a device id is a UUID");
	return revoke_run(c, o, uuid, serial, reason, ret);
}

/* --- everybody */

int core_ca_certificate(struct core *c, const char **ret_pem)
{
	struct ca *ca;
	int r;

	r = core_ca(c, &ca);
	if (r < 0)
		return r;
	*ret_pem = ca_certificate(ca);
	return 0;
}

struct revocations {
	struct crypto_revoked *items; /* owned */
	size_t n, size;
	int64_t now;
};

static void revocations_done(struct revocations *list)
{
	free(list->items);
}

static int revocations_push(void *userdata, const struct store_certificate *row)
{
	struct revocations *list = userdata;
	struct crypto_revoked *item;

	if (!row->revoked_at || row->not_after + CRL_KEEP_S < list->now)
		return 0;
	if (list->n == list->size) {
		size_t size = list->size ? list->size * 2 : 64;
		struct crypto_revoked *items = reallocarray(list->items, size, sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->size = size;
	}
	item = &list->items[list->n++];
	memcpy(item->serial, row->serial, sizeof(item->serial));
	item->at = row->revoked_at;
	item->reason = row->reason;
	return 0;
}

static int crl_make(struct core *c, int64_t now)
{
	_cleanup_(revocations_done) struct revocations list = {NULL, 0, 0, now};
	struct ca *ca;
	size_t len;
	uint8_t *der;
	int r;

	r = core_ca(c, &ca);
	if (r < 0)
		return r;
	r = c->store->ops->certificate_each(c->store, NULL, revocations_push, &list);
	if (r != 0)
		return r;
	r = ca_crl(ca, list.items, list.n, &der, &len);
	if (r < 0)
		return r;
	crl_cache_done(&c->crl);
	c->crl = (struct crl_cache){der, len, now};
	return 0;
}

int core_ca_crl(struct core *c, const uint8_t **ret, size_t *ret_len)
{
	int64_t now = clock_wall_s();
	int r;

	/* Made anew when the clock was set back, too. */
	if (!c->crl.der || now < c->crl.made_at || now - c->crl.made_at >= CRL_CACHE_S) {
		r = crl_make(c, now);
		if (r < 0) {
			log_error("cannot make the revocation list: %s", strerror(-r));
			return r;
		}
	}
	*ret = c->crl.der;
	*ret_len = c->crl.len;
	return 0;
}
