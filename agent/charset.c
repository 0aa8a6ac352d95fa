/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/charset.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

bool charset_is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"}; /* the first one set */

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}
