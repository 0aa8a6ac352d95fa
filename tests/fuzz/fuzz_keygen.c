/* Targets: keygen_find(), keygen_parse(), keygen_format(), keygen_proof(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/keygen.h"
#include "tests/fuzz/fuzz.h"

/* data is a modem's whole answer, or the bare output. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(freep) char *answer = strndup((const char *)data, len);
	const char *output = answer;
	size_t output_len = strlen(answer);
	char text[TOKEN_TEXT_MAX + 1];
	struct keygen k, canonical;

	(void)!keygen_find(answer, &output, &output_len);
	FUZZ_ASSERT(output >= answer && output + output_len <= answer + strlen(answer));
	if (keygen_parse(output, output_len, &k) != 0)
		return 0;
	FUZZ_ASSERT(keygen_format(&k, text, sizeof(text)) == 0);
	FUZZ_ASSERT(strlen(text) == output_len && memcmp(text, output, output_len) == 0);
	canonical = k;
	FUZZ_ASSERT(keygen_proof(&canonical) == 0 && canonical.proof_len > 0);
	FUZZ_ASSERT(keygen_format(&canonical, text, sizeof(text)) == 0);
	FUZZ_ASSERT(keygen_parse(text, strlen(text), &canonical) == 0);
	FUZZ_ASSERT(canonical.sec_tag == k.sec_tag && canonical.message_type == k.message_type);
	return 0;
}
