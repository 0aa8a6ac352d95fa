/* SPDX-License-Identifier: Apache-2.0 */

/* p/rsp: what became of the commands (docs/protocol.md §4.2). A report is applied whole or not at
 * all, and once: answers to commands that are closed or unknown change nothing. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "proto/at.h"
#include "proto/response.h"
#include "service/certificates.h"
#include "service/cloud_key.h"
#include "service/crypto.h"
#include "service/proof.h"
#include "service/queue.h"

/* Beside STORE_E_*. */
enum { REPORT_E_BLOCKED = 100 };

struct report {
	struct core *core;
	const struct core_caller *who;
	struct store_device device;
	struct store_identity identity;
	struct queue queue;
	char failed[CORRELATION_MAX + 1]; /* the command after which the rest is dropped, or "" */
	bool is_news;                     /* something changed */
	int64_t now_ms;                   /* since 1970 */
};

static void report_done(struct report *rep)
{
	store_device_done(&rep->device);
	queue_done(&rep->queue);
}

static bool is_open(const struct queue_item *item)
{
	return item->row.status == STORE_PENDING || item->row.status == STORE_IN_PROGRESS;
}

/* The open command and step that an answer is about; NULL when it is about none. */
static struct queue_item *answer_find(struct report *rep, const struct response *response,
				      const struct command **ret_step)
{
	for (size_t i = 0; i < rep->queue.n; i++) {
		struct queue_item *item = &rep->queue.items[i];

		for (size_t k = 0; is_open(item) && k < item->steps.n; k++)
			if (strcmp(item->steps.items[k].correlation, response->correlation) == 0) {
				*ret_step = &item->steps.items[k];
				return item;
			}
	}
	return NULL;
}

/* What the timeline shows of a command that is done. */
static int close_event(struct report *rep, const struct queue_item *item, const char *type)
{
	const struct store_command *row = &item->row;
	bool ok = row->status == STORE_SUCCEEDED;
	json_t *detail = json_pack("{s:s, s:s}", "id", row->id, "type", type);

	metrics_add(rep->core->metrics, ok ? METRICS_COMMANDS_SUCCEEDED : METRICS_COMMANDS_FAILED);
	if (detail && !ok && row->error)
		(void)json_object_set_new(detail, "error", core_json_text(row->error));
	if (detail && row->handed_at)
		(void)json_object_set_new(detail, "durationMs",
					  json_integer(MAX(rep->now_ms - row->handed_at, 0)));
	return core_event(rep->core, rep->device.team, rep->device.uuid,
			  ok ? "command-succeeded" : "command-failed", rep->who->trace, detail);
}

static const char *item_type(const struct queue_item *item)
{
	const char *name = expand_stored_name(item->row.request);

	return name ? name : "unknown";
}

static int item_close(struct report *rep, struct queue_item *item, enum store_status status,
		      char *error, json_t *response)
{
	const char *name = item_type(item);
	json_auto_t *whole = NULL;
	char *text;
	int r;

	log_info("device=%s trace=%s command=%s status=%s%s%s", rep->device.uuid,
		 TRACE_OR_NONE(rep->who->trace), item->row.id,
		 status == STORE_SUCCEEDED ? "SUCCEEDED" : "FAILED", error ? " why=" : "",
		 error ? error : "");
	/* The answer under the name of its request: response.<type>. */
	whole = json_pack("{s:o}", name, response ? response : json_object());
	text = whole ? json_dumps(whole, JSON_COMPACT) : NULL;
	r = queue_close(rep->core, item, status, error, text);
	if (r < 0)
		return r;
	if (!text)
		return -ENOMEM;
	return close_event(rep, item, name);
}

static json_t *message_json(const char *message)
{
	return json_pack("{s:o}", "message", core_json_text(message));
}

/* The device said no, or something that is no answer to what it was asked: the rest is dropped. */
static int answer_failed(struct report *rep, struct queue_item *item, char *error, json_t *response)
{
	if (!rep->failed[0])
		memcpy(rep->failed, item->row.id, sizeof(rep->failed));
	return item_close(rep, item, STORE_FAILED, error, response);
}

static int answer_error(struct report *rep, struct queue_item *item,
			const struct response *response)
{
	char *error;

	/* A number above 65535 is a local errno of the device that went through an unsigned. */
	if (response->cme_error > 0 && response->cme_error <= UINT16_MAX)
		core_detail(&error, "the device answered with error %llu",
			    (unsigned long long)response->cme_error);
	else
		core_detail(&error, "the device could not execute the command");
	return answer_failed(rep, item, error,
			     json_pack("{s:I, s:o}", "cmeError",
				       (json_int_t)MIN(response->cme_error, (uint64_t)INT64_MAX),
				       "message", core_json_text(response->message)));
}

/* Our own verification failed: the device did its part, so what follows stays queued. */
static int answer_unproven(struct report *rep, struct queue_item *item, const char *why,
			   const struct response *response)
{
	char *error;

	core_detail(&error, "%s", why);
	log_warning("device=%s trace=%s command=%s proof=refused why=\"%s\"", rep->device.uuid,
		    TRACE_OR_NONE(rep->who->trace), item->row.id, why);
	return item_close(rep, item, STORE_FAILED, error, message_json(response->message));
}

static int certificate_issue(struct report *rep, const struct proof_key *key, uint32_t sec_tag,
			     json_t *response)
{
	_cleanup_(freep) char *pem = NULL;
	int r;

	r = certificates_issue(rep->core, &rep->device, sec_tag, key->spki, rep->who->trace, &pem);
	if (r < 0)
		return r;
	return json_object_set_new(response, "certificate", json_string(pem)) < 0 ? -ENOMEM : 0;
}

/* What is told of a proven key. */
static int key_json(struct report *rep, const struct proof_key *key, uint32_t sec_tag,
		    const char *text, size_t len, json_t **ret)
{
	_cleanup_(freep) char *pem = NULL;
	json_auto_t *response = NULL;
	int r;

	r = crypto_key_pem(key->spki, &pem);
	if (r != 0)
		return r < 0 ? r : -EINVAL;
	response = json_pack("{s:s%, s:s}", "message", text, len, "publicKey", pem);
	if (!response)
		return -ENOMEM;
	if (key->is_request) {
		if (json_object_set_new(response, "csr", json_stringn(text, len)) < 0)
			return -ENOMEM;
		r = certificate_issue(rep, key, sec_tag, response);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(response);
	return 0;
}

static int answer_key(struct report *rep, struct queue_item *item, const struct command *step,
		      const struct response *response)
{
	const char *type = item_type(item), *text, *why;
	bool is_cloud = strcmp(type, "cloudAccessKeyGeneration") == 0;
	bool is_csr = strcmp(type, "certificateSigningRequest") == 0;
	struct proof_key key;
	struct at_fields f;
	json_t *json = NULL;
	size_t len;
	int r;

	r = at_parse(step->parameters, &f);
	if (r < 0)
		return r;
	if (r > 0 || f.n < 2 || f.items[0].kind != AT_NUMBER || f.items[1].kind != AT_NUMBER)
		return answer_unproven(rep, item, "the command names no secTag", response);
	if (keygen_find(response->message, &text, &len) < 0) {
		/* Devices may answer with an empty text. Fine when nobody needs the key. */
		if (is_cloud || is_csr)
			return answer_unproven(rep, item, "the answer holds no key", response);
		return item_close(rep, item, STORE_SUCCEEDED, NULL,
				  message_json(response->message));
	}
	r = proof_keygen(text, len, rep->device.uuid, f.items[0].number, rep->identity.spki, &key,
			 &why);
	if (r < 0)
		return r;
	if (r > 0)
		return answer_unproven(rep, item, why, response);
	if (is_csr && !key.is_request)
		return answer_unproven(rep, item, "the answer is a key and no request", response);
	if (f.items[1].number == 2)
		(void)cloud_key_generated(rep->core, &rep->device, f.items[0].number, is_cloud,
					  key.spki);
	r = key_json(rep, &key, f.items[0].number, text, len, &json);
	if (r < 0)
		return r;
	return item_close(rep, item, STORE_SUCCEEDED, NULL, json);
}

static int answer_at(struct report *rep, struct queue_item *item, const struct command *step,
		     const struct response *response)
{
	bool is_main = step == &item->steps.items[item->steps.n - 1];
	char *error;
	int r;

	/* A bare ERROR comes as a success from stock devices. A step that may fail may fail so. */
	if (!response_at_ok(response->message) && step->n_ignore_cme == 0) {
		core_detail(&error, "the device answered with ERROR");
		return answer_failed(rep, item, error, message_json(response->message));
	}
	if (strcmp(step->verb, "%KEYGEN") == 0)
		return answer_key(rep, item, step, response);
	if (strcmp(step->verb, "%CMNG") == 0) {
		r = cloud_key_credential(rep->core, &rep->device, step, response->message, is_main);
		if (r < 0)
			return r;
	}
	if (!is_main) {
		/* The answer to the main step comes in the same report, mostly. */
		item->row.prepared = item->is_changed = true;
		return 0;
	}
	return item_close(rep, item, STORE_SUCCEEDED, NULL, message_json(response->message));
}

static enum response_code code_expected(const struct command *step)
{
	switch (step->type) {
	case COMMAND_AT:
		return RESPONSE_AT;
	case COMMAND_CONFIG:
		return RESPONSE_CONFIG;
	case COMMAND_FINISHED:
		return RESPONSE_FINISHED;
	case COMMAND_INVALID:
		break;
	}
	return RESPONSE_ERROR;
}

/* A device that gave a command two answers shows up as two digests, the ignored answers included.
 */
static void answer_log(const struct report *rep, const struct response *response)
{
	_cleanup_(freep) char *text = NULL;
	uint8_t digest[32];
	char hex[2 * sizeof(digest) + 1];
	int n;

	n = asprintf(&text, "%d %llu %s", (int)response->code,
		     (unsigned long long)response->cme_error,
		     response->message ? response->message : "");
	if (n < 0) {
		text = NULL;
		return;
	}
	crypto_sha256(text, (size_t)n, digest);
	hex_encode(digest, sizeof(digest), hex);
	log_info("device=%s trace=%s answer=%s digest=%s", rep->device.uuid,
		 TRACE_OR_NONE(rep->who->trace), response->correlation, hex);
}

static int answer_apply(struct report *rep, const struct response *response)
{
	const struct command *step;
	struct queue_item *item;
	char *error;

	answer_log(rep, response);
	item = answer_find(rep, response, &step);
	if (!item)
		return 0;
	if (item->row.prepared && step != &item->steps.items[item->steps.n - 1])
		return 0;
	rep->is_news = true;
	if (response->code == RESPONSE_ERROR)
		return answer_error(rep, item, response);
	if (response->code != code_expected(step)) {
		core_detail(&error,
			    "the device gave answer code %d, which is of another kind of "
			    "command",
			    (int)response->code);
		return answer_failed(rep, item, error, NULL);
	}
	if (step->type == COMMAND_AT)
		return answer_at(rep, item, step, response);
	return item_close(rep, item, STORE_SUCCEEDED, NULL, NULL);
}

static int rest_drop(struct report *rep)
{
	int r;

	for (size_t i = 0; i < rep->queue.n; i++) {
		struct queue_item *item = &rep->queue.items[i];
		char *error;

		if (!is_open(item))
			continue;
		core_detail(&error, "dropped because %s failed", rep->failed);
		r = item_close(rep, item, STORE_FAILED, error, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

static int key_event(struct report *rep, const struct store_device *before)
{
	const struct store_device *now = &rep->device;

	if (!now->has_cloud_key ||
	    (before->has_cloud_key && before->cloud_key_tag == now->cloud_key_tag &&
	     memcmp(before->cloud_key, now->cloud_key, sizeof(now->cloud_key)) == 0))
		return 0;
	return core_event(rep->core, now->team, now->uuid, "key-registered", rep->who->trace,
			  json_pack("{s:I}", "secTag", (json_int_t)now->cloud_key_tag));
}

/* Every answer, and what follows from them together. */
static int answers_apply(struct report *rep, const struct response_list *list)
{
	struct store_device before = rep->device; /* looked at only */
	int r;

	for (size_t i = 0; i < list->n; i++) {
		r = answer_apply(rep, &list->items[i]);
		if (r < 0)
			return r;
	}
	/* An error ends the batch at the device, but a bare ERROR does not: what it did after that
	 * one was applied above. */
	if (rep->failed[0]) {
		r = rest_drop(rep);
		if (r < 0)
			return r;
	}
	r = queue_save(rep->core, &rep->queue);
	if (r < 0)
		return r;
	return key_event(rep, &before);
}

static int report_apply(struct report *rep, const char *uuid, const struct response_list *list)
{
	_cleanup_(store_txn_rollback) struct store_txn t = {NULL};
	struct service_store *s = rep->core->store;
	int r;

	r = store_txn_begin(&t, s, STORE_WRITE, uuid);
	if (r < 0)
		return r;
	r = s->ops->device_get(s, uuid, &rep->device);
	if (r != 0)
		return r;
	if (rep->device.blocked_at)
		return REPORT_E_BLOCKED;
	r = s->ops->identity_get(s, uuid, &rep->identity);
	if (r != 0)
		return r;
	r = queue_load(rep->core, uuid, &rep->queue);
	if (r < 0)
		return r;
	r = answers_apply(rep, list);
	if (r < 0)
		return r;
	/* The rest of a body is still being fetched, maybe, while an old copy of a report comes. */
	if (!rep->is_news)
		return 0;
	rep->device.batch_query[0] = '\0';
	r = s->ops->device_update(s, &rep->device);
	if (r != 0)
		return r;
	return store_txn_commit(&t);
}

enum core_verdict core_report(struct core *c, struct core_caller *who, const uint8_t *body,
			      size_t len)
{
	_cleanup_(response_list_done) struct response_list list = RESPONSE_LIST_INIT;
	_cleanup_(report_done) struct report rep = {
		.core = c, .who = who, .now_ms = clock_wall_ms()};
	enum core_verdict verdict;
	int r;

	r = response_list_decode(body, len, &list);
	if (r > 0)
		return CORE_INVALID;
	verdict = limits_request(c->limits, who);
	if (verdict != CORE_OK)
		return verdict;
	if (r == 0)
		r = report_apply(&rep, who->device, &list);
	if (r == STORE_E_NOT_FOUND)
		return CORE_UNCLAIMED;
	if (r == REPORT_E_BLOCKED)
		return CORE_REJECTED;
	return r < 0 ? core_fail(r, "cannot apply a report", who->device) : CORE_OK;
}
