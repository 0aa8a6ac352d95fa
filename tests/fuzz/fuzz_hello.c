/* Targets: hello_is_answer(), hello_build(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "session/hello.h"
#include "tests/fuzz/fuzz.h"

#define RECORD_HEADER 13 /* RFC 6347 §4.1 */

/* data: an answer; and the size and random bytes of a hello. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t out[HELLO_MAX], random[HELLO_RANDOM_LEN] = {0};
	size_t size;
	int r;

	if (hello_is_answer(data, len)) {
		FUZZ_ASSERT(len > RECORD_HEADER && (data[0] == 21 || data[0] == 22));
		FUZZ_ASSERT(data[1] == 254);
	}
	if (len < 2)
		return 0;
	size = (size_t)(data[0] << 8 | data[1]);
	memcpy(random, data + 2, len - 2 < sizeof(random) ? len - 2 : sizeof(random));
	r = hello_build(size, random, out);
	FUZZ_ASSERT((r == 0) == (size >= HELLO_MIN && size <= HELLO_MAX));
	if (r != 0)
		return 0;
	FUZZ_ASSERT(out[0] == 22 && (size_t)(out[11] << 8 | out[12]) == size - RECORD_HEADER);
	FUZZ_ASSERT(memmem(out, size, random, sizeof(random)));
	/* An echo of it is no answer. */
	FUZZ_ASSERT(!hello_is_answer(out, size));
	return 0;
}
