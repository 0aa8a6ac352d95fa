/* SPDX-License-Identifier: Apache-2.0 */
#include "service/device_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "proto/jwt.h"
#include "proto/twin.h"
#include "service/metrics.h"

#define NO_FORMAT (-1)
/* So long a device that is not let in waits, and up to as long again: they came together. */
#define BUSY_S 5
#define OTHER_FORMAT 65535 /* reserved (RFC 7252 §12.3): nothing is in it */

/* ---- what is asked ---- */

static const enum router_query queries[] = {
	QUERY_AFTER, QUERY_RX_MAX, QUERY_TX_MAX, QUERY_LIMIT, QUERY_DELTA,
};

struct query_texts {
	char text[ARRAY_SIZE(queries)][ROUTER_QUERY_TEXT_MAX + 32];
};

static void take_query(const struct router_call *call, struct query_texts *texts,
		       struct device_request *request)
{
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		const char *value = call->query[queries[i]];
		char *text = texts->text[request->n_query];
		int len;

		if (!value)
			continue;
		len = snprintf(text, sizeof(texts->text[0]), "%s=%s", router_query_name(queries[i]),
			       value);
		request->query[request->n_query++] = (struct device_query_item){text, (size_t)len};
	}
}

static int accepted_format(const struct exchange *x)
{
	const char *value = exchange_header(x, "Accept");
	int format;

	if (!value || strstr(value, "*/*"))
		return NO_FORMAT;
	format = twin_format(value);
	return format == NO_FORMAT ? OTHER_FORMAT : format;
}

static int body_format(enum router_body kind)
{
	switch (kind) {
	case BODY_CBOR:
		return DEVICE_FORMAT_CBOR;
	case BODY_JSON:
		return DEVICE_FORMAT_JSON;
	case BODY_NONE:
	case BODY_CSV:
	case BODY_OCTETS:
	case BODY_OPTIONAL:
	case BODY_ANY_JSON:
		break;
	}
	return NO_FORMAT;
}

/* ---- what is answered ---- */

/* No token is shown longer than it is good for. */
static uint32_t login_max_age(uint32_t max_age_s, const char *token)
{
	int64_t left = 1;
	struct jwt jwt;

	if (jwt_parse(token, strlen(token), &jwt) == 0 && jwt.has_exp)
		left = MAX(jwt.exp - clock_wall_s(), left);
	return (uint32_t)MIN((int64_t)max_age_s, left);
}

static bool add_max_age(const struct twin *twin, const struct device_answer *a, const char *token,
			struct answer *ret)
{
	if (!a->has_max_age)
		return true;
	if (a->code >> 5 != 2)
		return answer_header(ret, "Retry-After", "%u", a->max_age);
	return !twin->is_login || answer_header(ret, "Cache-Control", "no-store, max-age=%u",
						login_max_age(a->max_age, token));
}

static unsigned int write_answer(const struct twin *twin, const struct device_answer *a,
				 const char *token, struct answer *ret)
{
	unsigned int status = twin_status(a->code, a->len > 0);

	if (!add_max_age(twin, a, token, ret))
		return core_problem(500, &ret->json, "no memory");
	if (status >= 400)
		return core_problem(status, &ret->json, "%s", a->reason ? a->reason : "refused");
	if (a->len == 0)
		return status;
	ret->text = malloc(a->len);
	if (!ret->text)
		return core_problem(500, &ret->json, "no memory");
	memcpy(ret->text, a->payload, a->len);
	ret->len = a->len;
	ret->type = a->has_format ? twin_media_type(a->format) : NULL;
	return status;
}

/* ---- the request ---- */

static void log_in(const struct device_dispatch *d, struct device_session *s,
		   const struct twin *twin, const char *token, uint64_t now_ms,
		   struct device_answer *ret)
{
	const struct twin *login = twin_login(twin->is_cloud);
	const struct device_request request = {
		.method = login->method,
		.path = login->path,
		.is_confirmable = true,
		.format = NO_FORMAT,
		.accept = NO_FORMAT,
		.payload = (const uint8_t *)token,
		.len = strlen(token),
	};

	device_dispatch(d, s, &request, now_ms, ret);
}

static bool is_full(const struct device_http *devices)
{
	return devices->admission && devices->admission->state != GATE_OPEN;
}

static void refuse_for_now(struct device_answer *ret)
{
	uint32_t chance;

	random_fill(&chance, sizeof(chance));
	ret->code = DEVICE_CODE(5, 3);
	ret->reason = "too many devices at the same time";
	ret->has_max_age = true;
	ret->max_age = BUSY_S + chance % (BUSY_S + 1);
}

static void ask(const struct router_call *call, const struct twin *twin, const char *token,
		struct device_session *s, struct device_request *request, uint64_t now_ms,
		struct device_answer *ret)
{
	const struct device_dispatch d = {call->core, call->devices->max_age_s};

	if (strlen(token) > JWT_MAX) {
		ret->code = DEVICE_CODE(4, 3);
		ret->reason = "token too long";
		return;
	}
	/* Whoever has begun may end it. */
	if (twin->is_login && is_full(call->devices)) {
		refuse_for_now(ret);
		return;
	}
	log_in(&d, s, twin, token, now_ms, ret);
	if (!twin->is_login && ret->code >> 5 == 2)
		device_dispatch(&d, s, request, now_ms, ret);
}

unsigned int device_http(const struct router_call *call, struct answer *ret)
{
	const struct twin *twin =
		twin_find_http(exchange_method(call->exchange), exchange_path(call->exchange));
	const char *token = exchange_bearer(call->exchange);
	uint64_t now_ms = clock_ms(), since_us = metrics_now_us();
	struct device_session s = {.provisioning = {.proof = DEVICE_PROOF_NONE}};
	struct device_answer answer = {.resource = "none"};
	struct query_texts texts;
	unsigned int status;

	if (!twin || !token)
		return core_problem(500, &ret->json, "no device asks this");
	struct device_request request = {
		.method = twin->method,
		.path = twin->path,
		.is_confirmable = true,
		.format = body_format(call->kind),
		.accept = accepted_format(call->exchange),
		.payload = (const uint8_t *)call->bytes,
		.len = call->len,
	};
	take_query(call, &texts, &request);
	memcpy(s.address, call->owner->address, sizeof(s.address));
	/* All lines about a request are written together, and before it is answered. */
	log_hold();
	ask(call, twin, token, &s, &request, now_ms, &answer);
	metrics_take(call->devices->metrics, METRICS_DEVICE_REQUEST, metrics_now_us() - since_us);
	metrics_device_request(call->devices->metrics, answer.resource, answer.code);
	status = write_answer(twin, &answer, token, ret);
	if (answer.reason)
		refusals_log(&call->devices->refusals, &request, &answer, s.address, now_ms);
	log_release();
	device_session_done(&s);
	return status;
}
