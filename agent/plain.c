/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* Bytes of the well-formed character at p (RFC 3629 §4: no overlong form, no surrogate, at most
 * U+10FFFF), 0 when there is none. */
static size_t character(const uint8_t *p)
{
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return is_continuation(p[1]) ? 2 : 0;
	if (p[0] >= 0xe0 && p[0] <= 0xef) {
		if (!is_continuation(p[1]) || !is_continuation(p[2]))
			return 0;
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		if (!is_continuation(p[1]) || !is_continuation(p[2]) || !is_continuation(p[3]))
			return 0;
		if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

/* C0, DEL, and C1 (U+0080 … U+009F), which steers terminals as well. */
static bool is_control(const uint8_t *p)
{
	return p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0);
}

const char *plain_text(const char *text, char *ret, size_t size)
{
	const uint8_t *p = (const uint8_t *)(text ? text : "");
	size_t len = 0;

	while (*p) {
		size_t n = character(p);
		bool bad = n == 0 || is_control(p);

		if (n == 0)
			n = 1;
		if (len + (bad ? 1 : n) >= size)
			break;
		if (bad)
			ret[len++] = '?';
		else
			memcpy(ret + len, p, n);
		len += bad ? 0 : n;
		p += n;
	}
	ret[len] = '\0';
	return ret;
}
