/* Targets: x5chain_split(), x5chain_add(), x5chain_size(). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/x5chain.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct x5chain c, again = {.n = 0};
	size_t at = 0;

	if (x5chain_split(data, len, &c) != 0)
		return 0;
	FUZZ_ASSERT(c.n >= 1 && c.n <= X5CHAIN_CERTS_MAX && x5chain_size(&c) == len);
	FUZZ_ASSERT(memcmp(c.der, data, len) == 0);
	for (size_t i = 0; i < c.n; i++) {
		FUZZ_ASSERT(x5chain_add(&again, data + at, c.lens[i]) == 0);
		at += c.lens[i];
	}
	FUZZ_ASSERT(again.n == c.n && memcmp(again.der, c.der, len) == 0);
	return 0;
}
