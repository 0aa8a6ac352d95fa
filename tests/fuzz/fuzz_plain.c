/* Targets: plain_text(), duration_parse(), duration_format(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "agent/duration.h"
#include "agent/plain.h"
#include "base/macros.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static void check_plain(const char *text, size_t size)
{
	char plain[64], again[64];
	size_t len, step;
	uint32_t point;

	FUZZ_ASSERT(plain_text(text, plain, size) == plain);
	len = strnlen(plain, size);
	FUZZ_ASSERT(len < size);
	for (size_t i = 0; i < len; i += step) {
		step = utf8_char(plain + i, len - i, &point);
		FUZZ_ASSERT(step > 0 && point >= 0x20 && (point < 0x7f || point > 0x9f));
	}
	FUZZ_ASSERT(strcmp(plain_text(plain, again, size), plain) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(freep) char *text = strndup((const char *)data, len);
	char formatted[DURATION_TEXT_MAX];
	uint64_t ms, again;

	for (size_t size = 1; size <= 64; size *= 2)
		check_plain(text, size);
	if (duration_parse(text, &ms) != 0)
		return 0;
	FUZZ_ASSERT(ms <= DURATION_MAX_MS);
	duration_format(ms, formatted);
	FUZZ_ASSERT(duration_parse(formatted, &again) == 0 && again == ms);
	duration_describe(ms / 1000, formatted);
	return 0;
}
