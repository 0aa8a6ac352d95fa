/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Hostile variants of a message. Each is handed over in memory of exactly its size, so that the
 * sanitizer sees a read past its end. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

typedef void (*mutate_fn)(const uint8_t *data, size_t len);

static inline void mutate_once(const uint8_t *data, size_t len, mutate_fn try)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (len > 0)
		memcpy(copy, data, len);
	try(copy, len);
	free(copy);
}

/* Every length from nothing to one byte short. */
static inline void mutate_truncate(const uint8_t *data, size_t len, mutate_fn try)
{
	for (size_t i = 0; i < len; i++)
		mutate_once(data, i, try);
}

/* Every byte in turn as each of the 255 values it does not have. */
static inline void mutate_corrupt(const uint8_t *data, size_t len, mutate_fn try)
{
	uint8_t *copy = malloc(len);

	memcpy(copy, data, len);
	for (size_t i = 0; i < len; i++) {
		for (unsigned int delta = 1; delta < 256; delta++) {
			copy[i] = (uint8_t)(data[i] ^ delta);
			mutate_once(copy, len, try);
		}
		copy[i] = data[i];
	}
	free(copy);
}

/* One more byte behind, as each of its values. */
static inline void mutate_append(const uint8_t *data, size_t len, mutate_fn try)
{
	uint8_t *copy = malloc(len + 1);

	memcpy(copy, data, len);
	for (unsigned int v = 0; v < 256; v++) {
		copy[len] = (uint8_t)v;
		mutate_once(copy, len + 1, try);
	}
	free(copy);
}

/* Bytes of a hex literal; the caller frees. */
static inline uint8_t *mutate_unhex(const char *hex, size_t *ret_len)
{
	const size_t len = strlen(hex) / 2;
	uint8_t *data = malloc(len > 0 ? len : 1);

	if (hex_decode(hex, strlen(hex), data, len) < 0)
		abort();
	*ret_len = len;
	return data;
}
