/* Targets: owner_judge(), owner_exchange_run(), router_find(), and all of core behind them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/owners.h"

#define REQUESTS_MAX 12

static void check_form(const struct owner_reply *r)
{
	static const unsigned int documented[] = {200, 201, 202, 204, 400, 401, 403,
						  404, 405, 409, 413, 415, 422, 429};
	_cleanup_(freep) char *text = r->json ? json_dumps(r->json, 0) : NULL;
	json_auto_t *again = text ? json_loads(text, 0, NULL) : NULL;
	bool is_documented = false;

	for (size_t i = 0; i < ARRAY_SIZE(documented); i++)
		is_documented = is_documented || r->status == documented[i];
	FUZZ_ASSERT(is_documented);
	FUZZ_ASSERT(!r->json || json_equal(r->json, again));
	FUZZ_ASSERT(r->status != 204 || (!r->json && !r->text));
	if (r->status < 400)
		return;
	FUZZ_ASSERT(json_is_string(json_object_get(r->json, "type")));
	FUZZ_ASSERT(json_string_length(json_object_get(r->json, "title")) > 0);
	FUZZ_ASSERT(json_string_length(json_object_get(r->json, "detail")) > 0);
	FUZZ_ASSERT(json_integer_value(json_object_get(r->json, "status")) == r->status);
}

/* Who may not, does not. */
static void check_rights(const struct owner_request *q, const struct owner_reply *r,
			 const uint64_t before[static 2])
{
	bool is_open = strncmp(q->path, "/v1/ca/", 7) == 0 || strstr(q->path, "openapi") ||
		       strstr(q->path, "health") || strcmp(q->path, "/v1/session") == 0;

	FUZZ_ASSERT(q->owner == SERVICE_NOBODY || r->status != 401);
	if (q->owner == SERVICE_NOBODY && !is_open)
		FUZZ_ASSERT(r->status >= 400);
	if (q->owner == SERVICE_VIEWER && strcmp(q->method, "GET") != 0 && !is_open)
		FUZZ_ASSERT(r->status >= 400);
	if (r->status >= 400 || strcmp(q->method, "GET") == 0 || q->owner == SERVICE_OTHER)
		FUZZ_ASSERT(before[0] == service_digest(SERVICE_CLAIMED));
	if (r->status >= 400 || strcmp(q->method, "GET") == 0 || q->owner != SERVICE_OTHER)
		FUZZ_ASSERT(before[1] == service_digest(SERVICE_THEIRS));
}

/* What a POST made is there, and says the same. */
static void check_made(const struct owner_request *q, const struct owner_reply *r)
{
	const char *id = json_string_value(json_object_get(r->json, "id")), *key;
	char path[512];
	struct owner_request get = {.owner = q->owner, .method = "GET", .path = path};
	struct owner_reply got;
	json_t *value;

	if (r->status != 201 || !id)
		return;
	snprintf(path, sizeof(path), "%s/%s", q->path, id);
	owners_ask(&get, &got);
	FUZZ_ASSERT(got.status == 200 || !got.is_known || got.status == 405);
	if (got.status == 200)
		json_object_foreach(r->json, key, value)
			FUZZ_ASSERT(json_equal(json_object_get(got.json, key), value));
	owner_reply_done(&got);
}

static void ask(char *text, size_t len)
{
	uint64_t before[2] = {service_digest(SERVICE_CLAIMED), service_digest(SERVICE_THEIRS)};
	struct owner_request q;
	struct owner_reply r;

	if (!owners_parse(text, len, &q))
		return;
	owners_ask(&q, &r);
	check_form(&r);
	check_rights(&q, &r, before);
	check_made(&q, &r);
	owner_reply_done(&r);
}

/* data: requests with the byte 0xff between them, as owners_parse() takes them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char text[OWNERS_TEXT_MAX];
	const char *at = (const char *)data, *end = at + len;

	owners_begin(service_begin());
	for (size_t n = 0; n < REQUESTS_MAX && at < end; n++) {
		const char *stop = memchr(at, 0xff, (size_t)(end - at));

		if (!stop)
			stop = end;
		ask(text, owners_expand(at, (size_t)(stop - at), text));
		at = stop + 1;
	}
	service_end();
	return 0;
}
