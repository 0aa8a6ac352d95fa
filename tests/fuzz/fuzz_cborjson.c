/* Targets: cborjson_decode(), cborjson_encode(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cborjson.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(json_decrefp) json_t *value = NULL, *again = NULL;
	_cleanup_(freep) uint8_t *out = NULL;
	/* A double takes nine bytes, and may have come in three. */
	const size_t size = 3 * len + 16;
	size_t out_len;

	if (cborjson_decode(data, len, &value) != 0)
		return 0;
	out = malloc(size);
	FUZZ_ASSERT(out);
	FUZZ_ASSERT(cborjson_encode(value, out, size, &out_len) == 0);
	FUZZ_ASSERT(cborjson_decode(out, out_len, &again) == 0);
	FUZZ_ASSERT(json_equal(value, again));
	return 0;
}
