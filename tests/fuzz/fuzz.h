/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a fuzz target is: one function that libFuzzer or replay.c calls with bytes. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* An array of bytes that libFuzzer takes for coverage besides the edges of the code: where a table
 * is walked, it is its rows that are to be seen. */
#define FUZZ_COUNTERS __attribute__((section("__libfuzzer_extra_counters")))

/* An oracle that broke. */
#define FUZZ_ASSERT(fact)                                                                          \
	do {                                                                                       \
		if (!(fact))                                                                       \
			abort();                                                                   \
	} while (0)
