/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which characters the terminal shows, as LC_ALL, LC_CTYPE and LANG tell: block elements and check
 * marks are noise on a console that is not UTF-8. The names decide, not the C library: small
 * systems have no locale data for the name that a person's ssh brought along. */

#include <stdbool.h>

bool charset_is_utf8(void);
