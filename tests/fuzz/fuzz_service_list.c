/* Targets: rows_parse(), core_claim_rows(), core_onboard_rows(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/owners.h"

#define ROWS_MAX 1000

static bool is_device(const char *id, enum service_device device)
{
	return strcmp(id, service_get()->devices[device].uuid) == 0;
}

/* What became of the rows: each of them is in one of the two lists at most. */
static void check_rows(const json_t *done, const json_t *failed, const char *text, size_t len)
{
	size_t lines = 1, i;
	const json_t *item;

	for (size_t at = 0; at < len; at++)
		lines += text[at] == '\n' || text[at] == '\r';
	FUZZ_ASSERT(json_is_array(done) && json_is_array(failed));
	FUZZ_ASSERT(json_array_size(done) + json_array_size(failed) <= MIN(lines, ROWS_MAX));
	json_array_foreach(failed, i, item)
	{
		json_int_t row = json_integer_value(json_object_get(item, "row"));
		json_int_t status = json_integer_value(json_object_get(item, "status"));

		FUZZ_ASSERT(row >= 1 && (size_t)row <= lines);
		FUZZ_ASSERT(status >= 400 && status < 500);
		FUZZ_ASSERT(json_string_length(json_object_get(item, "detail")) > 0);
	}
}

/* It is ours now, and was nobody's or ours before. */
static void check_done(const json_t *done, bool is_claim)
{
	size_t i;
	const json_t *item;

	json_array_foreach(done, i, item)
	{
		const char *id = json_string_value(item);
		struct owner_request get = {.owner = SERVICE_VIEWER, .method = "GET", .body = ""};
		struct owner_reply reply;
		char path[96];

		FUZZ_ASSERT(id && !is_device(id, SERVICE_THEIRS));
		FUZZ_ASSERT(is_claim ? is_device(id, SERVICE_CLAIMED) ||
					       is_device(id, SERVICE_UNCLAIMED)
				     : !is_device(id, SERVICE_CLAIMED) &&
					       !is_device(id, SERVICE_UNCLAIMED));
		snprintf(path, sizeof(path), "/v1/claimed-devices/%s", id);
		get.path = path;
		owners_ask(&get, &reply);
		FUZZ_ASSERT(reply.status == 200);
		owner_reply_done(&reply);
	}
}

/* data: 'c' for claims, anything else for devices that are onboarded, and the list, in which
 * owners_expand() puts what no mutation finds. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char text[OWNERS_TEXT_MAX], path[64];
	struct service *s = service_begin();
	bool is_claim = len > 0 && data[0] == 'c';
	struct owner_request q = {.owner = SERVICE_ADMIN,
				  .method = "POST",
				  .path = path,
				  .type = "text/csv",
				  .body = text};
	const char *key = is_claim ? "claimedIds" : "onboardedIds";
	uint64_t theirs = service_digest(SERVICE_THEIRS);
	struct owner_reply first, again;

	owners_begin(s);
	strcpy(path, is_claim ? "/v1/claimed-devices" : "/v1/devices");
	q.len = len > 0 ? owners_expand((const char *)data + 1, len - 1, text) : 0;
	owners_ask(&q, &first);
	FUZZ_ASSERT(first.status == (is_claim ? 200 : 202) || first.status / 100 == 4);
	if (first.status < 300) {
		const json_t *done = json_object_get(first.json, key);

		check_rows(done, json_object_get(first.json, "failed"), text, q.len);
		check_done(done, is_claim);
		owners_ask(&q, &again);
		FUZZ_ASSERT(json_equal(done, json_object_get(again.json, key)));
		owner_reply_done(&again);
	}
	owner_reply_done(&first);
	FUZZ_ASSERT(theirs == service_digest(SERVICE_THEIRS));
	service_end();
	return 0;
}
