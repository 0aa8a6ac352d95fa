/* Targets: attest_parse(), attest_message(), attest_format(), cose_sign1_parse(), cose_tbs(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/attest.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cose_sign1 c;
	struct attest a, b;
	char text[CLAIM_TEXT_MAX + 1];
	uint8_t bytes[COSE_PAYLOAD_MAX + X5CHAIN_MAX + 256];
	size_t bytes_len;

	if (cose_sign1_parse(data, len, &c) == 0) {
		FUZZ_ASSERT(cose_sign1_encode(&c, bytes, sizeof(bytes), &bytes_len) == 0);
		FUZZ_ASSERT(bytes_len == len && memcmp(bytes, data, len) == 0);
	}
	if (attest_parse((const char *)data, len, &a) != 0)
		return 0;
	b = a;
	FUZZ_ASSERT(attest_message(&b) == 0 && b.message_len == a.message_len);
	FUZZ_ASSERT(memcmp(b.message, a.message, a.message_len) == 0);
	FUZZ_ASSERT(attest_format(&b, text, sizeof(text)) == 0);
	FUZZ_ASSERT(strlen(text) == len && memcmp(text, data, len) == 0);
	FUZZ_ASSERT(cose_tbs(COSE_FORM_RFC9052, a.message, a.message_len, bytes, sizeof(bytes),
			     &bytes_len) == 0);
	return 0;
}
