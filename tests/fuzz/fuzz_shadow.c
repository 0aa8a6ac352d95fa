/* Targets: shadow_read(), shadow_report(), cborjson_decode(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/shadow.h"
#include "proto/cborjson.h"
#include "tests/fuzz/fuzz.h"

/* data: a delta as CBOR, or else as JSON. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(json_decrefp) json_t *delta = NULL, *report = NULL;
	struct shadow_wish wish, again;

	if (cborjson_decode(data, len, &delta) != 0)
		delta = json_loadb((const char *)data, len, JSON_DECODE_ANY, NULL);
	shadow_read(delta, &wish);
	FUZZ_ASSERT(!(wish.sets_poll && wish.has_bad_poll));
	FUZZ_ASSERT(!wish.has_bad_poll || wish.refused);
	FUZZ_ASSERT(wish.poll_s == 0 ||
		    (wish.poll_s >= SHADOW_POLL_MIN_S && wish.poll_s <= SHADOW_POLL_MAX_S));
	report = shadow_report(wish.sets_poll ? (int64_t)wish.poll_s : -1, wish.command);
	FUZZ_ASSERT(!report == !(wish.sets_poll || wish.command));
	if (!report)
		return 0;
	/* What is reported asks for the same. */
	shadow_read(report, &again);
	FUZZ_ASSERT(!again.refused && again.command == wish.command);
	FUZZ_ASSERT(again.sets_poll == wish.sets_poll && again.poll_s == wish.poll_s);
	return 0;
}
