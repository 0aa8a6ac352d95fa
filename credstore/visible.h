/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A peer's text inside an answer of ours. Inside credstore/ only. */

#include <stddef.h>

/* Copies what fits, with everything but printable ASCII replaced: an answer must be valid text. */
static inline void visible_copy(const char *text, char *ret, size_t size)
{
	size_t n = 0;

	for (; text[n] && n + 1 < size; n++)
		ret[n] = (char)(text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?');
	ret[n] = '\0';
}
