/* SPDX-License-Identifier: Apache-2.0 */
#include "service/device_handlers.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proto/cborjson.h"
#include "proto/limits.h"
#include "service/device_query.h"

/* After what time a device may find the store free again. */
#define AWAY_S 5

static void fail(struct device_answer *answer, uint8_t code, const char *reason)
{
	answer->code = code;
	answer->reason = reason;
}

/* RFC 8516 §3: Max-Age says when to come again; a 5.03 says it the same way (RFC 7252 §5.9.3.4). */
static void fail_for_now(struct device_answer *answer, uint8_t code, const char *reason,
			 uint32_t wait_s)
{
	fail(answer, code, reason);
	answer->has_max_age = true;
	answer->max_age = wait_s;
}

/* Who asks core: what the session proved, and where it is. */
static struct core_caller caller_of(const struct device_call *call,
				    const struct device_access *access)
{
	struct core_caller who = {.now_ms = call->now_ms};

	memcpy(who.address, call->session->address, sizeof(who.address));
	memcpy(who.device, access->device, sizeof(who.device));
	memcpy(who.trace, access->trace, sizeof(who.trace));
	return who;
}

/* Everything but CORE_OK. What core says of the device while it answers ends what the session had
 * proved: it must authenticate again. */
static void refuse(struct device_access *access, enum core_verdict verdict,
		   const struct core_caller *who, struct device_answer *answer)
{
	switch (verdict) {
	case CORE_OK:
		break;
	case CORE_UNCLAIMED:
		access->proof = DEVICE_PROOF_UNCLAIMED;
		fail(answer, DEVICE_CODE(4, 1), "unclaimed");
		break;
	case CORE_REJECTED:
		access->proof = DEVICE_PROOF_NONE;
		fail(answer, DEVICE_CODE(4, 3), who->clock ? who->clock : "rejected");
		/* A diagnostic payload: RFC 7252 §5.5.2. */
		answer->payload = (const uint8_t *)who->clock;
		answer->len = who->clock ? strlen(who->clock) : 0;
		break;
	case CORE_INVALID:
		fail(answer, DEVICE_CODE(4, 0), "body refused");
		break;
	case CORE_FAILED:
		fail(answer, DEVICE_CODE(5, 0), "internal failure");
		break;
	case CORE_BUSY:
		fail_for_now(answer, DEVICE_CODE(4, 29), "too many requests", who->wait_s);
		break;
	case CORE_AWAY:
		fail_for_now(answer, DEVICE_CODE(5, 3), "store busy", AWAY_S);
		break;
	}
}

typedef enum core_verdict authenticate_fn(struct core *c, struct core_caller *who, const char *jwt,
					  size_t len);

static void authenticate(const struct device_call *call, struct device_access *access,
			 authenticate_fn *check, struct device_answer *answer)
{
	uint32_t max_age = call->dispatch->session_max_age_s;
	struct core_caller who = caller_of(call, access);
	enum core_verdict verdict;

	if (call->len == 0) {
		fail(answer, DEVICE_CODE(4, 0), "no token in the body");
		return;
	}
	verdict = check(call->dispatch->core, &who, (const char *)call->body, call->len);
	if (verdict == CORE_OK || verdict == CORE_UNCLAIMED) {
		memcpy(answer->device, who.device, sizeof(who.device));
		memcpy(answer->trace, who.trace, sizeof(who.trace));
		memcpy(access->device, who.device, sizeof(who.device));
		memcpy(access->trace, who.trace, sizeof(who.trace));
	}
	if (verdict != CORE_OK) {
		/* The latest word counts: a session does not stay authenticated by an older one. */
		if (verdict != CORE_FAILED && verdict != CORE_BUSY && verdict != CORE_AWAY)
			access->proof = DEVICE_PROOF_NONE;
		refuse(access, verdict, &who, answer);
		return;
	}
	access->proof = DEVICE_PROOF_GIVEN;
	access->until_ms = call->now_ms + (uint64_t)max_age * 1000;
	answer->code = DEVICE_CODE(2, 1);
	answer->has_max_age = true;
	answer->max_age = max_age;
}

void device_handle_auth(const struct device_call *call, struct device_answer *answer,
			struct device_result *result)
{
	(void)result;
	authenticate(call, &call->session->provisioning, core_authenticate, answer);
}

void device_handle_cloud_auth(const struct device_call *call, struct device_answer *answer,
			      struct device_result *result)
{
	(void)result;
	authenticate(call, &call->session->cloud, core_authenticate_cloud, answer);
}

void device_handle_cmd(const struct device_call *call, struct device_answer *answer,
		       struct device_result *result)
{
	struct device_access *access = &call->session->provisioning;
	struct core_caller who = caller_of(call, access);
	_cleanup_(freep) uint8_t *body = NULL;
	struct fetch_query query;
	enum core_verdict verdict;
	size_t len = 0;

	if (call->request->accept >= 0 && call->request->accept != DEVICE_FORMAT_CBOR) {
		fail(answer, DEVICE_CODE(4, 6), "commands are CBOR");
		return;
	}
	if (fetch_query_parse(call->request, &query) < 0) {
		fail(answer, DEVICE_CODE(4, 0), "malformed query");
		return;
	}
	body = malloc(query.rx_max);
	if (!body) {
		fail(answer, DEVICE_CODE(5, 0), "out of memory");
		return;
	}
	verdict = core_fetch(call->dispatch->core, &who,
			     &(struct core_fetch){.after = query.after,
						  .rx_max = query.rx_max,
						  .tx_max = query.tx_max,
						  .limit = query.limit},
			     body, query.rx_max, &len);
	if (verdict != CORE_OK) {
		refuse(access, verdict, &who, answer);
		return;
	}
	answer->code = DEVICE_CODE(2, 5);
	if (len > 0)
		*result = (struct device_result){TAKE_PTR(body), len, DEVICE_FORMAT_CBOR};
}

void device_handle_rsp(const struct device_call *call, struct device_answer *answer,
		       struct device_result *result)
{
	struct device_access *access = &call->session->provisioning;
	struct core_caller who = caller_of(call, access);
	enum core_verdict verdict;

	(void)result;
	verdict = core_report(call->dispatch->core, &who, call->body, call->len);
	if (verdict != CORE_OK)
		refuse(access, verdict, &who, answer);
	else
		answer->code = DEVICE_CODE(2, 4);
}

/* Nothing to do: the session is kept until it has been idle for the configured time, and the next
 * record on it simply goes on. */
void device_handle_suspend(const struct device_call *call, struct device_answer *answer,
			   struct device_result *result)
{
	(void)result;
	if (call->request->is_confirmable)
		fail(answer, DEVICE_CODE(4, 0), "suspend must be non-confirmable");
	else
		answer->code = DEVICE_CODE(2, 5);
}

/* Stock devices' generated decoder wants config, then command, then the rest. New reference. */
static json_t *in_device_order(const json_t *section)
{
	static const char *const first[] = {"config", "command"};
	_cleanup_(json_decrefp) json_t *ordered = json_object();
	json_t *value;
	const char *key;

	if (!ordered)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		value = json_object_get(section, first[i]);
		if (value && json_object_set(ordered, first[i], value) < 0)
			return NULL;
	}
	json_object_foreach((json_t *)section, key,
			    value) if (!json_object_get(ordered, key) &&
				       json_object_set(ordered, key, value) < 0) return NULL;
	return TAKE_PTR(ordered);
}

static int encode_section(const json_t *section, uint16_t format, struct device_result *result)
{
	_cleanup_(json_decrefp) json_t *ordered = in_device_order(section);
	_cleanup_(freep) uint8_t *body = malloc(BODY_MAX);
	size_t len;
	int r;

	if (!ordered || !body)
		return -ENOMEM;
	if (format == DEVICE_FORMAT_JSON) {
		len = json_dumpb(ordered, (char *)body, BODY_MAX, JSON_COMPACT);
		if (len == 0)
			return -EINVAL;
		if (len > BODY_MAX)
			return -ENOBUFS;
	} else {
		r = cborjson_encode(ordered, body, BODY_MAX, &len);
		if (r < 0)
			return r;
	}
	*result = (struct device_result){TAKE_PTR(body), len, format};
	return 0;
}

void device_handle_state_get(const struct device_call *call, struct device_answer *answer,
			     struct device_result *result)
{
	struct device_access *access = &call->session->cloud;
	struct core_caller who = caller_of(call, access);
	_cleanup_(json_decrefp) json_t *section = NULL;
	enum core_verdict verdict;
	uint16_t format;
	bool delta;

	if (call->request->accept >= 0 && call->request->accept != DEVICE_FORMAT_CBOR &&
	    call->request->accept != DEVICE_FORMAT_JSON) {
		fail(answer, DEVICE_CODE(4, 6), "state is CBOR or JSON");
		return;
	}
	format = call->request->accept == DEVICE_FORMAT_JSON ? DEVICE_FORMAT_JSON
							     : DEVICE_FORMAT_CBOR;
	if (state_query_parse(call->request, &delta) < 0) {
		fail(answer, DEVICE_CODE(4, 0), "malformed query");
		return;
	}
	verdict = core_state_get(call->dispatch->core, &who, delta, &section);
	if (verdict != CORE_OK) {
		refuse(access, verdict, &who, answer);
		return;
	}
	answer->code = DEVICE_CODE(2, 5);
	if (section && json_object_size(section) > 0 && encode_section(section, format, result) < 0)
		fail(answer, DEVICE_CODE(5, 0), "state cannot be encoded");
}

/* NULL when the body is not an object in the format it claims; *ret_code says why. */
static json_t *decode_patch(const struct device_call *call, uint8_t *ret_code)
{
	json_t *patch = NULL;

	*ret_code = DEVICE_CODE(4, 0);
	if (call->request->format == DEVICE_FORMAT_JSON) {
		patch = json_loadb((const char *)call->body, call->len, JSON_REJECT_DUPLICATES,
				   NULL);
	} else if (call->request->format == DEVICE_FORMAT_CBOR) {
		if (cborjson_decode(call->body, call->len, &patch) != 0)
			return NULL;
	} else {
		*ret_code = DEVICE_CODE(4, 15);
	}
	if (patch && !json_is_object(patch)) {
		json_decref(patch);
		return NULL;
	}
	return patch;
}

static void patch_state(const struct device_call *call, const char *section,
			struct device_answer *answer)
{
	struct device_access *access = &call->session->cloud;
	struct core_caller who = caller_of(call, access);
	_cleanup_(json_decrefp) json_t *patch = NULL;
	enum core_verdict verdict;
	uint8_t code;

	patch = decode_patch(call, &code);
	if (!patch) {
		fail(answer, code, "body is not an object in CBOR or JSON");
		return;
	}
	verdict = core_state_patch(call->dispatch->core, &who, section, patch);
	if (verdict != CORE_OK)
		refuse(access, verdict, &who, answer);
	else
		answer->code = DEVICE_CODE(2, 4);
}

void device_handle_state_reported(const struct device_call *call, struct device_answer *answer,
				  struct device_result *result)
{
	(void)result;
	patch_state(call, "reported", answer);
}

void device_handle_state_desired(const struct device_call *call, struct device_answer *answer,
				 struct device_result *result)
{
	(void)result;
	patch_state(call, "desired", answer);
}
