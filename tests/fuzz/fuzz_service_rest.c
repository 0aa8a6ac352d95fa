/* Targets: owner_judge(), owner_exchange_run(), router_find(), and all of core behind them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/owners.h"

#define REQUESTS_MAX 12

/* Devices as they were before a request. */
struct before {
	uint64_t digest[SERVICE_DEVICES];
	enum service_team team[SERVICE_DEVICES];
};

/* Who may not, does not. */
static void check_rights(const struct owner_request *q, const struct owner_reply *r,
			 const struct before *before)
{
	bool is_open = strcmp(q->path, "/") == 0 || strcmp(q->path, "/portal") == 0 ||
		       strncmp(q->path, "/v1/ca/", 7) == 0 || strstr(q->path, "openapi") ||
		       strstr(q->path, "health") || strstr(q->path, "/errors/") ||
		       strcmp(q->path, "/v1/session") == 0;
	bool is_read = strcmp(q->method, "GET") == 0;
	enum service_team team =
		q->owner == SERVICE_OTHER ? SERVICE_TEAM_THEIRS : SERVICE_TEAM_OURS;

	FUZZ_ASSERT(q->owner == SERVICE_NOBODY || r->status != 401);
	if (q->owner == SERVICE_NOBODY && !is_open)
		FUZZ_ASSERT(r->status >= 400);
	if (q->owner == SERVICE_VIEWER && !is_read && !is_open)
		FUZZ_ASSERT(r->status >= 400);
	for (size_t i = 0; i < SERVICE_DEVICES; i++)
		if (r->status >= 400 || is_read ||
		    (before->team[i] != SERVICE_TEAM_NOBODY && before->team[i] != team))
			FUZZ_ASSERT(before->digest[i] == service_digest((enum service_device)i));
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
	struct before before;
	struct owner_request q;
	struct owner_reply r;

	if (!owners_parse(text, len, &q))
		return;
	for (size_t i = 0; i < SERVICE_DEVICES; i++) {
		before.digest[i] = service_digest((enum service_device)i);
		before.team[i] = service_team((enum service_device)i);
	}
	owners_ask(&q, &r);
	owner_reply_check(&r);
	check_rights(&q, &r, &before);
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
