/* Targets: record_take(), record_make(), record_string(), link_matches(), link_append(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/cursor.h"
#include "discovery/links.h"
#include "discovery/record.h"
#include "tests/fuzz/fuzz.h"

static void check_record(const struct record *r)
{
	char text[RECORD_STRING_MAX + 1];
	struct record made, taken = {.seen = 0};

	if (!record_is_complete(r))
		return;
	if (r->version[0] == '\0')
		return;
	FUZZ_ASSERT(record_make(r->uuid, r->state, r->version, &made) == 0);
	for (size_t i = 0; i < RECORD_N; i++) {
		record_string(&made, i, text);
		record_take(&taken, text, strlen(text));
	}
	FUZZ_ASSERT(record_is_complete(&taken) && strcmp(taken.uuid, r->uuid) == 0);
	FUZZ_ASSERT(strcmp(taken.state, r->state) == 0 && strcmp(taken.version, r->version) == 0);
}

/* RFC 6690 §4.1, said once more. */
static void check_link(const char *query, size_t len)
{
	static const struct link link = {"/.well-known/onboardd", "onboardd.device"};
	const char *value = NULL, *is = NULL;
	size_t n = 0, list_len = 0;
	char list[128];

	if (len >= 3 && memcmp(query, "rt=", 3) == 0)
		value = query + 3, is = link.type, n = len - 3;
	else if (len >= 5 && memcmp(query, "href=", 5) == 0)
		value = query + 5, is = link.target, n = len - 5;
	if (n >= 2 && value[0] == '"' && value[n - 1] == '"')
		value++, n -= 2;
	if (!value)
		FUZZ_ASSERT(!link_matches(&link, query, len));
	else if (n > 0 && value[n - 1] == '*')
		FUZZ_ASSERT(link_matches(&link, query, len) ==
			    (n - 1 <= strlen(is) && memcmp(value, is, n - 1) == 0));
	else
		FUZZ_ASSERT(link_matches(&link, query, len) ==
			    (n == strlen(is) && memcmp(value, is, n) == 0));
	while (link_append(&link, list, len < sizeof(list) ? len + 1 : sizeof(list), &list_len) ==
	       0)
		FUZZ_ASSERT(list_len < sizeof(list));
}

/* data: strings with their length before them, as a TXT record has them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct record r = {.seen = 0};
	struct reader input;

	reader_init(&input, data, len);
	while (reader_left(&input) > 0) {
		size_t n = reader_u8(&input);
		const uint8_t *string;

		n = n < reader_left(&input) ? n : reader_left(&input);
		string = reader_bytes(&input, n);
		record_take(&r, string, n);
		check_link((const char *)string, n);
	}
	check_record(&r);
	return 0;
}
