/* Targets: answer_to(), link_matches(), record_take(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "discovery/answer.h"
#include "tests/fuzz/fuzz.h"

/* Never more than three times what came, nothing to a group but a NON, and what the requests do not
 * ask for stays untold: the token, which fits no such answer. */
static void ask(struct answer *a, bool is_multicast, const uint8_t *data, size_t len)
{
	const struct answer_asker asker = {
		.address = "somebody", .len = 8, .is_multicast = is_multicast};
	uint8_t out[MESSAGE_MAX];
	struct message m;
	size_t n = answer_to(a, &asker, 5000, data, len, out);

	if (n == 0)
		return;
	FUZZ_ASSERT(n <= ANSWER_FACTOR * len);
	FUZZ_ASSERT(message_decode(out, n, &m) == 0);
	FUZZ_ASSERT(!is_multicast || (m.type == MESSAGE_NON && m.payload_len > 0));
	FUZZ_ASSERT(!is_multicast || !memmem(out, n, "token", 5));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct record mine, theirs = {.seen = 0};
	struct answer a = {.record = &mine, .token = "the-token.of-this-device", .key = {7}};
	char text[RECORD_STRING_MAX + 1];

	FUZZ_ASSERT(record_make("50363154-3931-44f0-8022-121b6401627d", "unclaimed", "1", &mine) ==
		    0);
	ask(&a, false, data, len);
	ask(&a, true, data, len);
	record_take(&theirs, data, len);
	for (size_t i = 0; i < RECORD_N; i++)
		record_string(&theirs, i, text);
	return 0;
}
