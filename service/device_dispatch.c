/* SPDX-License-Identifier: Apache-2.0 */
#include "service/device_dispatch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "service/device_handlers.h"

enum need {
	NEED_NOTHING,
	NEED_PROVISIONING, /* p/auth-jwt on this session, not run out */
	NEED_CLOUD,        /* auth/jwt on this session, not run out */
};

struct device_route {
	uint8_t method;
	const char *path;
	enum need need;
	size_t body_max;
	device_handler_fn *handle;
};

/* All that devices may do. */
static const struct device_route routes[] = {
	{DEVICE_POST, "p/auth-jwt", NEED_NOTHING, JWT_MAX, device_handle_auth},
	{DEVICE_POST, "p/auth", NEED_NOTHING, JWT_MAX, device_handle_auth},
	{DEVICE_GET, "p/cmd", NEED_PROVISIONING, 0, device_handle_cmd},
	{DEVICE_POST, "p/rsp", NEED_PROVISIONING, BODY_MAX, device_handle_rsp},
	{DEVICE_POST, ".dtls/suspend", NEED_NOTHING, 0, device_handle_suspend},
	{DEVICE_POST, "auth/jwt", NEED_NOTHING, JWT_MAX, device_handle_cloud_auth},
	{DEVICE_GET, "state", NEED_CLOUD, 0, device_handle_state_get},
	{DEVICE_PATCH, "state/reported", NEED_CLOUD, BODY_MAX, device_handle_state_reported},
	{DEVICE_PATCH, "state/desired", NEED_CLOUD, BODY_MAX, device_handle_state_desired},
};

static const struct device_route *route_find(const struct device_request *request,
					     uint8_t *ret_code)
{
	*ret_code = DEVICE_CODE(4, 4);
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (strcmp(routes[i].path, request->path) != 0)
			continue;
		if (routes[i].method == request->method)
			return &routes[i];
		*ret_code = DEVICE_CODE(4, 5);
	}
	return NULL;
}

/* What the route asks of the session; NULL when it asks nothing. */
static struct device_access *route_access(const struct device_route *route,
					  struct device_session *s)
{
	switch (route->need) {
	case NEED_NOTHING:
		return NULL;
	case NEED_PROVISIONING:
		return &s->provisioning;
	case NEED_CLOUD:
		return &s->cloud;
	}
	abort();
}

static bool access_holds(struct device_access *access, uint64_t now_ms)
{
	if (access->proof == DEVICE_PROOF_GIVEN && now_ms >= access->until_ms)
		access->proof = DEVICE_PROOF_NONE;
	return access->proof == DEVICE_PROOF_GIVEN;
}

static void body_drop(struct device_session *s)
{
	free(s->body);
	free(s->body_query);
	s->body = NULL;
	s->body_query = NULL;
	s->body_len = 0;
	s->body_is_kept = false;
	s->body_route = NULL;
}

void device_session_done(struct device_session *s)
{
	body_drop(s);
	assembly_done(&s->upload);
	*s = (struct device_session){0};
}

void device_answer_sent(struct device_session *s)
{
	if (!s->body_is_kept)
		body_drop(s);
}

/* What, besides the route, decides a GET's body: every query item and Accept, as one text that two
 * different requests cannot share. */
static char *body_key(const struct device_request *request)
{
	size_t size = 2, at = 0;
	char *key;

	for (size_t i = 0; i < request->n_query; i++)
		size += 2 * request->query[i].len + 1;
	key = malloc(size);
	if (!key)
		return NULL;
	for (size_t i = 0; i < request->n_query; i++) {
		for (size_t j = 0; j < request->query[i].len; j++) {
			unsigned char c = (unsigned char)request->query[i].text[j];

			key[at++] = (char)('a' + (c >> 4));
			key[at++] = (char)('a' + (c & 15));
		}
		key[at++] = '&';
	}
	key[at++] = request->accept == DEVICE_FORMAT_JSON ? 'J' : 'C';
	key[at] = '\0';
	return key;
}

/* FNV-1a: tells bodies apart for an honest client, no more is asked of an ETag. */
static uint32_t body_etag(const uint8_t *data, size_t len)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ data[i]) * 16777619U;
	return hash;
}

static void answer_slice(struct device_session *s, const struct device_request *request,
			 struct device_answer *answer)
{
	struct slice slice;

	if (slice_body(s->body_len, request->block2, &slice) < 0) {
		answer->code = DEVICE_CODE(4, 0);
		answer->reason = "block behind the end of the body";
		return;
	}
	answer->code = DEVICE_CODE(2, 5);
	answer->has_format = true;
	answer->format = s->body_format;
	answer->payload = s->body + slice.offset;
	answer->len = slice.len;
	if (!slice.is_whole) {
		answer->has_block2 = true;
		answer->block2 = slice.block;
		answer->has_etag = true;
		answer->etag = body_etag(s->body, s->body_len);
		s->body_is_kept = true;
	}
}

/* Later blocks come from the body that the first one came from, whatever happened since. */
static bool answer_from_kept(struct device_session *s, const struct device_route *route,
			     const struct device_request *request, const char *key,
			     struct device_answer *answer)
{
	if (!request->block2 || request->block2->num == 0 || !s->body || !s->body_query || !key ||
	    s->body_route != route || strcmp(s->body_query, key) != 0)
		return false;
	answer_slice(s, request, answer);
	return true;
}

/* Takes the request's payload, or the block of it that this is. True when *ret is the whole. */
static bool take_body(const struct device_route *route, struct device_session *s,
		      const struct device_request *request, const uint8_t **ret, size_t *ret_len,
		      struct device_answer *answer)
{
	struct assembly_key key = {
		.resource = route, .tag_len = request->tag_len, .has_tag = request->has_tag};

	if (!request->block1) {
		assembly_done(&s->upload);
		if (request->len > route->body_max) {
			answer->code = DEVICE_CODE(4, 13);
			answer->has_size1 = true;
			answer->size1 = (uint32_t)route->body_max;
			answer->reason = "body too large";
			return false;
		}
		*ret = request->payload;
		*ret_len = request->len;
		return true;
	}

	memcpy(key.tag, request->tag, request->tag_len);
	answer->has_block1 = true;
	answer->block1 = *request->block1;
	switch (assembly_add(&s->upload, &key, request->block1, request->size1, request->payload,
			     request->len, route->body_max)) {
	case ASSEMBLY_COMPLETE:
		*ret = s->upload.data;
		*ret_len = s->upload.len;
		return true;
	case ASSEMBLY_CONTINUE:
		answer->code = DEVICE_CODE(2, 31);
		break;
	case ASSEMBLY_INVALID:
		answer->code = DEVICE_CODE(4, 0);
		answer->reason = "block of the wrong length";
		break;
	case ASSEMBLY_INCOMPLETE:
		answer->code = DEVICE_CODE(4, 8);
		answer->reason = "earlier block missing";
		break;
	case ASSEMBLY_TOO_LARGE:
		answer->code = DEVICE_CODE(4, 13);
		answer->has_size1 = true;
		answer->size1 = (uint32_t)route->body_max;
		answer->reason = "body too large";
		break;
	case ASSEMBLY_NO_MEMORY:
		answer->code = DEVICE_CODE(5, 0);
		answer->reason = "out of memory";
		break;
	}
	return false;
}

static void run(const struct device_dispatch *d, const struct device_route *route,
		struct device_session *s, const struct device_request *request, uint64_t now_ms,
		struct device_answer *answer)
{
	struct device_call call = {
		.dispatch = d, .session = s, .request = request, .now_ms = now_ms};
	struct device_result result = {0};
	_cleanup_(freep) char *key = NULL;

	if (request->method == DEVICE_GET) {
		key = body_key(request);
		if (answer_from_kept(s, route, request, key, answer))
			return;
	} else if (route->body_max > 0 &&
		   !take_body(route, s, request, &call.body, &call.len, answer)) {
		return;
	}
	body_drop(s);

	route->handle(&call, answer, &result);
	if (!result.body)
		return;
	s->body = result.body;
	s->body_len = result.len;
	s->body_format = result.format;
	s->body_query = TAKE_PTR(key);
	s->body_route = route;
	if (answer->reason)
		return;
	answer_slice(s, request, answer);
}

void device_dispatch(const struct device_dispatch *d, struct device_session *s,
		     const struct device_request *request, uint64_t now_ms,
		     struct device_answer *ret)
{
	const struct device_route *route;
	struct device_access *access;

	assert(s); /* route_access()'s NULL means "needs nothing" */
	*ret = (struct device_answer){.resource = "none"};
	route = route_find(request, &ret->code);
	if (!route) {
		ret->reason =
			ret->code == DEVICE_CODE(4, 5) ? "method not allowed" : "no such resource";
		return;
	}
	ret->resource = route->path;
	access = route_access(route, s);
	if (access) {
		memcpy(ret->device, access->device, sizeof(ret->device));
		memcpy(ret->trace, access->trace, sizeof(ret->trace));
		if (!access_holds(access, now_ms)) {
			ret->code = DEVICE_CODE(4, 1);
			ret->reason = "not authenticated";
			return;
		}
	}
	run(d, route, s, request, now_ms, ret);
}
