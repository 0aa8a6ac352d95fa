/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a fuzz target is: one function that libFuzzer or replay.c calls with bytes. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* An oracle that broke. */
#define FUZZ_ASSERT(fact)                                                                          \
	do {                                                                                       \
		if (!(fact))                                                                       \
			abort();                                                                   \
	} while (0)
