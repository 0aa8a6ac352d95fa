/* Targets: base64url_decode(), base64_decode(), hex_decode(), uuid_parse(), decimal_parse(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "tests/fuzz/fuzz.h"

#define LEN_MAX 1024

/* Text that a decoder takes is the text that the encoder writes. */
static void read_text(const char *text, size_t len)
{
	uint8_t bytes[LEN_MAX];
	char again[BASE64_LEN(LEN_MAX) + 1], number[24];
	uint64_t value;
	size_t n;

	if (base64url_decode(text, len, bytes, &n) == 0) {
		base64url_encode(bytes, n, again);
		FUZZ_ASSERT(strlen(again) == len && memcmp(again, text, len) == 0);
	}
	if (base64_decode(text, len, bytes, &n) == 0) {
		base64_encode(bytes, n, again);
		FUZZ_ASSERT(strlen(again) == len && memcmp(again, text, len) == 0);
	}
	if (hex_decode(text, len, bytes, len / 2) == 0) {
		hex_encode(bytes, len / 2, again);
		FUZZ_ASSERT(strlen(again) == len && strncasecmp(again, text, len) == 0);
	}
	if (uuid_parse(text, len, bytes) == 0) {
		uuid_format(bytes, again);
		FUZZ_ASSERT(len == UUID_TEXT_LEN && strncasecmp(again, text, len) == 0);
	}
	if (decimal_parse(text, len, UINT64_MAX, &value) == 0) {
		snprintf(number, sizeof(number), "%" PRIu64, value);
		FUZZ_ASSERT(strlen(number) == len && memcmp(number, text, len) == 0);
	}
}

/* And the other way round, for any bytes. */
static void write_text(const uint8_t *data, size_t len)
{
	char text[2 * LEN_MAX + 1];
	uint8_t bytes[LEN_MAX];
	size_t n;

	base64url_encode(data, len, text);
	FUZZ_ASSERT(strlen(text) == BASE64URL_LEN(len));
	FUZZ_ASSERT(base64url_decode(text, strlen(text), bytes, &n) == 0);
	FUZZ_ASSERT(n == len && memcmp(bytes, data, len) == 0);
	base64_encode(data, len, text);
	FUZZ_ASSERT(strlen(text) == BASE64_LEN(len));
	FUZZ_ASSERT(base64_decode(text, strlen(text), bytes, &n) == 0);
	FUZZ_ASSERT(n == len && memcmp(bytes, data, len) == 0);
	hex_encode(data, len, text);
	FUZZ_ASSERT(hex_decode(text, 2 * len, bytes, len) == 0);
	FUZZ_ASSERT(memcmp(bytes, data, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t nothing[1];
	uint32_t point;
	size_t n;

	if (len > LEN_MAX)
		return 0;
	data = len > 0 ? data : nothing;
	read_text((const char *)data, len);
	write_text(data, len);
	n = utf8_char(data, len, &point);
	FUZZ_ASSERT(n <= 4 && n <= len);
	FUZZ_ASSERT(n == 0 || (point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)));
	FUZZ_ASSERT(n == 0 || (n == 1) == (point < 0x80));
	return 0;
}
